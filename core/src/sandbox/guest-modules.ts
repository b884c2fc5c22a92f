/** The modules that stand around a decoder in every engine: `guest`, which walls it in, and `bridge`, which joins the two. */
import { guestModuleSource } from "./guest.ts";
import { CONSOLE_CHARACTERS, CONSOLE_LINES, MESSAGE_CHARACTERS, OUTPUT_CHARACTERS, OUTPUT_DEPTH } from "./limits.ts";

export const GUEST_SOURCE = guestModuleSource({
  outputCharacters: OUTPUT_CHARACTERS,
  outputDepth: OUTPUT_DEPTH,
  messageCharacters: MESSAGE_CHARACTERS,
  consoleLines: CONSOLE_LINES,
  consoleCharacters: CONSOLE_CHARACTERS,
});

/** The guest first, so that the decoder finds the world as the guest leaves it. */
export const BRIDGE_SOURCE =
  'import { accept } from "guest"; import * as decoder from "decoder"; export const { run, runPrinting, printed } = accept(decoder);';

export const foreignImport = (specifier: string): SyntaxError =>
  new SyntaxError(`a decoder imports nothing at run time, but this one imports "${specifier.slice(0, 100)}"`);
