/**
 * Payloads of values straight into the codecs: typed trees as every format writes them, changed; payloads of one format under the
 * number of another; noise. Must hold: nothing but errors of ours comes out, a tree that was not changed comes back whole, nothing
 * stalls and nothing grows.
 */

import { isDeepStrictEqual } from "node:util";
import { isFailure } from "@mooring/core/internal/base/errors.ts";
import { createSeededRandom, type Random } from "@mooring/core/internal/base/random.ts";
import { CONTENT_FORMAT, contentFormatName } from "@mooring/core/internal/lwm2m/codecs/codec.ts";
import { codecFor } from "@mooring/core/internal/lwm2m/codecs/codec-table.ts";
import { decodeDiscoverLinks } from "@mooring/core/internal/lwm2m/codecs/link-format.ts";
import { formatPath, type Lwm2mPath } from "@mooring/core/internal/lwm2m/path.ts";
import { RESOURCE_TYPES, type ResourceValue } from "@mooring/core/internal/lwm2m/resource-value.ts";
import { contextOf } from "../../core/test/lwm2m/codecs/models.ts";
import { randomInstance, randomObject, randomResource, randomValue } from "../../core/test/lwm2m/codecs/trees.ts";
import { boundsBroken, createRunMeter, createStallMeter, heapFigure } from "./measure.ts";
import { mutate } from "./mutate.ts";
import type { FuzzOptions, FuzzResult } from "./run.ts";

const { TEXT, OPAQUE, CBOR, LINK } = CONTENT_FORMAT;
/** Of several values; OLD_TLV and OLD_JSON are the same codecs by other numbers. */
const STRUCTURED = [
  CONTENT_FORMAT.TLV,
  CONTENT_FORMAT.JSON,
  CONTENT_FORMAT.SENML_JSON,
  CONTENT_FORMAT.SENML_CBOR,
  CONTENT_FORMAT.LWM2M_CBOR,
];
const ALL = [...STRUCTURED, TEXT, OPAQUE, CBOR];
const PATHS: readonly Lwm2mPath[] = [
  [],
  [3442],
  [3442, 0],
  [3442, 0, 120],
  [3442, 0, 1120],
  [3442, 0, 1120, 1],
  [9999],
];
const LONGEST_NOISE = 400;

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;

interface Sample {
  readonly format: number;
  readonly path: Lwm2mPath;
  readonly values: readonly ResourceValue[];
  readonly payload: Uint8Array;
}

function randomTree(random: Random): { readonly path: Lwm2mPath; readonly values: readonly ResourceValue[] } {
  const type = pick(random, RESOURCE_TYPES);
  switch (random.int(4)) {
    case 0:
      return { path: [3442], values: randomObject(random) };
    case 1:
      return { path: [3442, 0], values: randomInstance(0, random) };
    case 2: {
      const value = randomValue(type, 0, random);
      return { path: value.path, values: [value] };
    }
    default: {
      const values = randomResource(type, 0, random);
      return { path: values[0]!.path.slice(0, 3), values };
    }
  }
}

/** A tree that can be written: empty ones are another matter. */
function randomSample(random: Random): Sample {
  for (;;) {
    const { path, values } = randomTree(random);
    if (values.length === 0) continue;
    const single = values.length === 1 && values[0]!.path.length === path.length;
    const format = pick(random, single ? [...STRUCTURED, TEXT, CBOR] : STRUCTURED);
    return { format, path, values, payload: codecFor(format).encode(values, contextOf(path)) };
  }
}

const { models } = contextOf([]);
/** A time tag of CBOR makes a time of a number that no model knows; it is written without, and is a number then. */
const typeOf = ({ path, type }: ResourceValue): ResourceValue["type"] =>
  type === "TIME" && !models.resource(path[0]!, path[2]!) ? "INTEGER" : type;

/**
 * Without times, which not every format has, and by path, since TLV gathers an instance; bytes may be a Buffer on one side, and
 * JSON has no negative zero.
 */
const plain = (values: readonly ResourceValue[]) =>
  values
    .toSorted((a, b) => formatPath(a.path).localeCompare(formatPath(b.path)))
    .map(one => ({
      path: one.path,
      type: typeOf(one),
      value: one.value instanceof Uint8Array ? Uint8Array.from(one.value) : one.value === 0 ? 0 : one.value,
    }));
const sameValues = (a: readonly ResourceValue[] | undefined, b: readonly ResourceValue[]): boolean =>
  a !== undefined && isDeepStrictEqual(plain(a), plain(b));

export async function fuzzCodecs({ count, seed }: FuzzOptions): Promise<FuzzResult> {
  const random = createSeededRandom(seed);
  const stalls = createStallMeter();
  const failures = new Set<string>();
  const tally = { whole: 0, read: 0, refused: 0 };

  const fail = (what: string, format: number, payload: Uint8Array): void => {
    if (failures.size < 10)
      failures.add(`${what}: ${contentFormatName(format)} ${Buffer.from(payload).toString("hex")}`);
  };

  function decode(format: number, payload: Uint8Array, path: Lwm2mPath): ResourceValue[] | undefined {
    let values: ResourceValue[] | undefined;
    stalls.measure(() => {
      try {
        if (format === LINK) decodeDiscoverLinks(payload, "/");
        else values = codecFor(format).decode(payload, contextOf(path));
        tally.read++;
      } catch (error) {
        tally.refused++;
        if (!isFailure(error)) fail(String(error), format, payload);
      }
    });
    return values;
  }

  /** What was read of a changed payload can be written again and reads the same. */
  function checkAgain(format: number, values: readonly ResourceValue[], path: Lwm2mPath, payload: Uint8Array): void {
    try {
      const again = codecFor(format).encode(values, contextOf(path));
      if (!sameValues(codecFor(format).decode(again, contextOf(path)), values))
        fail("reads otherwise", format, payload);
    } catch (error) {
      if (!isFailure(error)) fail(`written again: ${error}`, format, payload);
    }
  }

  const run = createRunMeter(count);
  for (let done = 0; done < count; done++) {
    const sample = randomSample(random);
    const kind = random.int(10);
    if (kind === 0) {
      const values = decode(sample.format, sample.payload, sample.path);
      if (sameValues(values, sample.values)) tally.whole++;
      else fail("did not come back", sample.format, sample.payload);
    } else if (kind === 1) {
      decode(pick(random, [...ALL, LINK]), random.bytes(random.int(LONGEST_NOISE)), pick(random, PATHS));
    } else if (kind === 2) {
      decode(pick(random, [...ALL, LINK]), sample.payload, pick(random, PATHS));
    } else {
      const payload = mutate(random, sample.payload);
      const path = random.int(4) === 0 ? pick(random, PATHS) : sample.path;
      const values = decode(sample.format, payload, path);
      if (values) checkAgain(sample.format, values, path, payload);
    }
    run.after(done);
  }
  const { seconds, growth } = run.end();

  const summary = [
    `${count} payloads in ${seconds.toFixed(1)} s`,
    `read ${tally.read}, of them ${tally.whole} unchanged and whole`,
    `refused ${tally.refused}`,
    `longest ${stalls.maxMs.toFixed(1)} ms`,
    heapFigure(growth),
  ].join(", ");
  return { summary, failures: [...failures, ...boundsBroken("payload", stalls.maxMs, growth)] };
}
