/** Runs a decoder over its vectors: as mocha tests, or plainly. */
import { deepStrictEqual } from "node:assert/strict";
import { join } from "node:path";
import { checkDecoderResult, type DecoderInput, type DecoderResult, MooringError, messageOf } from "@mooring/core";
import { toHex } from "@mooring/core/internal/base/bytes.ts";
import { openSandboxedDecoder, type SandboxedDecoder } from "./sandbox.ts";
import { readVectors, type Vector } from "./vector.ts";

/** A decoder as it is, or one behind something that answers later, such as the sandbox. */
export interface RunnableDecoder {
  decode(input: DecoderInput): DecoderResult | Promise<DecoderResult>;
}

export interface VectorOutcome {
  readonly vector: Vector;
  /** Absent: the result is the expected one. Else what is different, or what was thrown. */
  readonly failure?: string;
}

/** A fresh input each time: a decoder that writes into its input must not change the vector. */
export const inputOf = ({ name: _, source: __, result: ___, value, ...rest }: Vector): DecoderInput => ({
  ...rest,
  value: value.slice(),
  valueHex: toHex(value),
});

/** As the host sees a result: after JSON, checked, without nulls. @throws MooringError VALIDATION with `details {field, rule}` */
export const seen = (result: unknown): DecoderResult => checkDecoderResult(JSON.parse(JSON.stringify(result)));

export const KEEPS_SOMETHING =
  "decoded a second time, the same payload gives another result: a decoder must not keep anything";

/**
 * @throws AssertionError with the difference; MooringError VALIDATION when the result breaks the contract; whatever the
 *         decoder throws
 */
export async function checkVector(decoder: RunnableDecoder, vector: Vector): Promise<void> {
  const expected = seen(vector.result);
  deepStrictEqual(seen(await decoder.decode(inputOf(vector))), expected);
  deepStrictEqual(seen(await decoder.decode(inputOf(vector))), expected, KEEPS_SOMETHING);
}

/** Runs all vectors of a folder, one after the other. @throws MooringError as `readVectors` */
export async function checkVectors(decoder: RunnableDecoder, folder: string): Promise<VectorOutcome[]> {
  const outcomes: VectorOutcome[] = [];
  for (const vector of readVectors(folder)) {
    try {
      await checkVector(decoder, vector);
      outcomes.push({ vector });
    } catch (error) {
      outcomes.push({ vector, failure: messageOf(error) });
    }
  }
  return outcomes;
}

/**
 * One mocha test per vector; to be called inside `describe`.
 * @param decoder the decoder, or a function that gives it when the tests run (a sandbox that `before` opens)
 * @throws MooringError UNSUPPORTED outside of mocha (use {@link checkVectors}), and as `readVectors`
 */
export function runVectors(decoder: RunnableDecoder | (() => RunnableDecoder), folder: string): void {
  if (typeof globalThis.it !== "function") {
    throw new MooringError("UNSUPPORTED", "runVectors makes mocha tests; without mocha use checkVectors");
  }
  for (const vector of readVectors(folder)) {
    const title = vector.source === undefined ? vector.name : `${vector.source}: ${vector.name}`;
    globalThis.it(title, () => checkVector(typeof decoder === "function" ? decoder() : decoder, vector));
  }
}

/**
 * {@link runVectors} of a decoder's folder in the host's own sandbox, which is there for the tests of this `describe`.
 * @throws MooringError as {@link runVectors}
 */
export function runVectorsInSandbox(folder: string): void {
  let sandboxed: SandboxedDecoder;
  runVectors(() => sandboxed, join(folder, "vectors"));
  globalThis.before(async () => {
    sandboxed = await openSandboxedDecoder(folder);
  });
  globalThis.after(() => sandboxed?.[Symbol.asyncDispose]());
}
