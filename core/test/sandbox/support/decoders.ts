/** Decoders of one expression, what they are given, and how their calls ended. */
import { assert } from "chai";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";
import type {
  DecodeOutcome,
  DecoderRuntime,
  DecoderSource,
  RuntimeInput,
} from "../../../src/sandbox/decoder-runtime.ts";

export const input = (value: readonly number[] = [1, 2, 255]): RuntimeInput => ({
  value: Uint8Array.from(value),
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "4711",
  device: { c8y_Hardware: { model: "M-100" } },
});

export const decoder = (key: string, source: string, more: object = {}): DecoderSource => ({
  manifest: { key, name: key, version: "1.0.0", ...more },
  source,
  language: "javascript",
});
export const returning = (key: string, expression: string): DecoderSource =>
  decoder(key, `export default { decode(input) { return ${expression}; } };`);

/** What stood under its key goes. */
export async function install(runtime: DecoderRuntime, source: DecoderSource): Promise<void> {
  runtime.unload(source.manifest.key);
  await runtime.load(source.manifest.key, source);
}

export async function loadFailure(runtime: DecoderRuntime, source: DecoderSource): Promise<MooringError> {
  try {
    await install(runtime, source);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  return assert.fail("loaded");
}

export const reasonOf = (outcome: DecodeOutcome): string => (outcome.ok ? "ok" : outcome.reason);
