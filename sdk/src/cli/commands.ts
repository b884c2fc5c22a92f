/** The commands of `mooring`, in the order in which help lists them. */
import type { CliCommand } from "./command.ts";
import { decoderCreateCommand } from "./decoder/create.ts";
import { decoderKeygenCommand } from "./decoder/keygen.ts";
import { decoderPackCommand } from "./decoder/pack.ts";
import { decoderTestCommand } from "./decoder/test.ts";
import { explainCommand } from "./explain.ts";
import { firmwareCommand } from "./firmware.ts";
import { recordCommand } from "./record.ts";
import { replayCommand } from "./replay.ts";
import { shellCommand } from "./shell.ts";

export const COMMANDS: readonly CliCommand[] = [
  shellCommand,
  explainCommand,
  firmwareCommand,
  recordCommand,
  replayCommand,
  decoderCreateCommand,
  decoderTestCommand,
  decoderPackCommand,
  decoderKeygenCommand,
];
