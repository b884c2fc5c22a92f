/**
 * Payloads straight into the decoders that come with the host: their vectors, changed, put together, and noise; devices say this and that about
 * them. Must hold: nothing is thrown, the host takes each result, the same payload gives the same again, nothing stalls and nothing grows.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { messageOf } from "@mooring/core/internal/base/errors.ts";
import { createSeededRandom, type Random } from "@mooring/core/internal/base/random.ts";
import { checkDecoderResult, type Decoder, type DecoderInput, type DecoderResult } from "@mooring/sdk";
import { readVectors, type Vector } from "@mooring/sdk/harness";
import { boundsBroken, createRunMeter, createStallMeter } from "./measure.ts";
import { mutate } from "./mutate.ts";
import type { FuzzOptions, FuzzResult } from "./run.ts";

const FOLDER = join(import.meta.dirname, "../../decoders");
const LONGEST_NOISE = 400;
/** What the host takes of a result (`OUTPUT_CHARACTERS` of the sandbox). */
const MAX_CHARACTERS = 64 * 1024;

interface Target {
  readonly name: string;
  readonly decoder: Decoder;
  readonly vectors: readonly Vector[];
  readonly readable: readonly Vector[];
  /** Texts and numbers, wherever a decoder reads the device. */
  readonly fragments: readonly string[];
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;

async function targets(): Promise<Target[]> {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return Promise.all(
    folders.map(async ({ name }) => {
      const { default: decoder } = (await import(join(FOLDER, name, "src/decoder.ts"))) as { default: Decoder };
      const manifest = (await import(join(FOLDER, name, "manifest.json"), { with: { type: "json" } })) as {
        default: { deviceFragments?: readonly string[] };
      };
      const vectors = readVectors(join(FOLDER, name, "vectors"));
      const readable = vectors.filter(({ result }) => result.success);
      return { name, decoder, vectors, readable, fragments: manifest.default.deviceFragments ?? [] };
    }),
  );
}

/** Something of everything that a fragment may hold, right and wrong. */
const SETTINGS: readonly unknown[] = [
  { type: "x", names: { t: "T", "1": "one" }, units: { T: "°C", "a.*": "V" }, time: "t", prefix: "urn:" },
  { type: "", names: [1], units: null, time: 7, prefix: {} },
  { names: { t: "", a: "__proto__" }, time: "a" },
  "text",
  null,
  [],
];

/** Mostly of payloads that can be read: others are refused early. */
function payload(random: Random, { vectors, readable }: Target): Uint8Array {
  const { value } = pick(random, random.int(4) === 0 ? vectors : readable);
  const kind = random.int(10);
  if (kind === 0) return value.slice();
  if (kind === 1) return random.bytes(random.int(LONGEST_NOISE));
  if (kind === 2) return Uint8Array.from([...value, ...pick(random, vectors).value]);
  return mutate(random, value);
}

export async function fuzzDecoders({ count, seed }: FuzzOptions): Promise<FuzzResult> {
  const random = createSeededRandom(seed);
  const stalls = createStallMeter();
  const failures = new Set<string>();
  const tally = { read: 0, refused: 0 };
  const all = await targets();

  const fail = (target: Target, value: Uint8Array, why: string): void => {
    if (failures.size < 10) failures.add(`${target.name}: ${why}: ${Buffer.from(value).toString("hex")}`);
  };
  const decode = (target: Target, input: DecoderInput): DecoderResult | undefined => {
    let result: DecoderResult | undefined;
    stalls.measure(() => {
      try {
        result = target.decoder.decode({ ...input, value: input.value.slice() });
      } catch (error) {
        fail(target, input.value, `thrown: ${messageOf(error)}`);
      }
    });
    return result;
  };
  const check = (target: Target, input: DecoderInput): void => {
    const result = decode(target, input);
    if (!result) return;
    tally[result.success ? "read" : "refused"]++;
    const text = JSON.stringify(result);
    if (text.length > MAX_CHARACTERS) fail(target, input.value, `a result of ${text.length} characters`);
    try {
      checkDecoderResult(JSON.parse(text));
    } catch (error) {
      fail(target, input.value, messageOf(error));
    }
    if (!isDeepStrictEqual(decode(target, input), result)) fail(target, input.value, "another result the second time");
  };

  const run = createRunMeter(count);
  for (let done = 0; done < count; done++) {
    const target = pick(random, all);
    const value = payload(random, target);
    const device =
      random.int(3) > 0 ? {} : Object.fromEntries(target.fragments.map(name => [name, pick(random, SETTINGS)]));
    const { resourcePath, resourceType, receivedAt, sourceDeviceId } = target.vectors[0]!;
    const valueHex = Buffer.from(value).toString("hex");
    check(target, { value, valueHex, resourcePath, resourceType, receivedAt, sourceDeviceId, device });
    run.after(done);
  }
  const { seconds, growth } = run.end();

  const summary = [
    `${count} payloads in ${seconds.toFixed(1)} s to ${all.map(({ name }) => name).join(", ")}`,
    `read ${tally.read}`,
    `refused ${tally.refused}`,
    `longest ${stalls.maxMs.toFixed(1)} ms`,
  ].join(", ");
  return { summary, failures: [...failures, ...boundsBroken("payload", stalls.maxMs, growth)] };
}
