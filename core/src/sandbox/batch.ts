/** Inputs into one call of a host, and its output back into outcomes: pure. */
import { concatBytes } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";
import { checkDecoderResult } from "../contract/manifest.ts";
import type { DecodeOutcome, RuntimeInput } from "./decoder-runtime.ts";
import type { HostReply } from "./host-process.ts";
import { MESSAGE_CHARACTERS } from "./limits.ts";
import { type GuestItem, splitGuestOutput } from "./protocol.ts";

type GoodReply = Extract<HostReply, { ok: true }>;

const itemOf = (input: RuntimeInput): GuestItem => ({
  bytes: input.value.length,
  resourcePath: input.resourcePath,
  resourceType: input.resourceType,
  receivedAt: input.receivedAt,
  sourceDeviceId: input.sourceDeviceId,
  device: input.device,
});

export const encodeBatch = (inputs: readonly RuntimeInput[]): { items: string; bytes: Uint8Array } => ({
  items: JSON.stringify(inputs.map(itemOf)),
  bytes: inputs.length === 1 ? inputs[0]!.value : concatBytes(inputs.map(input => input.value)),
});

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The guest writes a text for what was thrown, `{refused: text}` for a result that it would not take. */
function failureOf(value: unknown): { reason: "threw" | "invalidResult"; message: string } {
  const shorten = (text: string): string => text.slice(0, MESSAGE_CHARACTERS);
  if (typeof value === "string") return { reason: "threw", message: shorten(value) };
  const refused = typeof value === "object" && value !== null && "refused" in value ? value.refused : undefined;
  if (typeof refused === "string") return { reason: "invalidResult", message: shorten(refused) };
  return { reason: "threw", message: "an exception that cannot be shown" };
}

function outcomeOf({ ok, text }: { ok: boolean; text: string }, version: string, cpuMs: number): DecodeOutcome {
  const value = parsed(text);
  if (!ok) return { ok: false, ...failureOf(value), version, cpuMs };
  try {
    return { ok: true, result: checkDecoderResult(value), version, cpuMs };
  } catch (error) {
    const message = messageOf(error).slice(0, MESSAGE_CHARACTERS);
    return { ok: false, reason: "invalidResult", message, version, cpuMs };
  }
}

/** Each item is given its share of the CPU time. */
export function readBatch(
  { text: output, cpuMs, console }: GoodReply,
  items: number,
  version: string,
): DecodeOutcome[] {
  const texts = splitGuestOutput(output, items);
  if (texts) {
    const outcomes = texts.map(text => outcomeOf(text, version, cpuMs / items));
    return console ? outcomes.map(outcome => ({ ...outcome, console })) : outcomes;
  }
  const message = "what came out of the isolate is no batch of results";
  return Array.from({ length: items }, () => ({ ok: false, reason: "invalidResult", message, version }));
}
