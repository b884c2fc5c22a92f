/** CBOR (RFC 8949), or several items one after the other (RFC 8742), to measurements by the rules of README.md. */
import type { Decoder } from "@mooring/sdk";
import {
  CborSimple,
  CborTag,
  type CborValue,
  cborFraction,
  cborName,
  orUndecodable,
  PayloadError,
  readCborSequence,
  type Tree,
  timeMsOf,
  toHex,
  treeOptions,
  treeResult,
} from "@mooring/sdk/bytes";

/** Of times (RFC 8949 section 3.4.1 and 3.4.2). Fractions are numbers; of all other tags the value counts. */
const TAG = { text: 0, epoch: 1 } as const;

/** Tags 0 and 1: RFC 3339, or seconds since 1970. */
function timeOf({ tag, value }: CborTag): Date {
  const isText = typeof value === "string";
  const timeMs = tag === TAG.text && isText ? timeMsOf(value) : Number(value) * 1000;
  if (isText === (tag === TAG.text) && timeMs !== undefined && Number.isFinite(timeMs))
    return new Date(Math.round(timeMs));
  throw new PayloadError(`CBOR: tag ${tag} holds no time`);
}

function tagTree(tagged: CborTag): Tree {
  if (tagged.tag === TAG.text || tagged.tag === TAG.epoch) return timeOf(tagged);
  return cborFraction(tagged) ?? treeOf(tagged.value);
}

function mapTree(map: ReadonlyMap<CborValue, CborValue>): Tree {
  const entries = Array.from(map, ([key, value]): [string, Tree] => [cborName(key), treeOf(value)]);
  const names = new Set(entries.map(([name]) => name));
  if (names.size < entries.length) throw new PayloadError("CBOR: two keys of a map have the same name");
  return Object.fromEntries(entries);
}

function treeOf(value: CborValue): Tree {
  if (value instanceof CborTag) return tagTree(value);
  if (value instanceof CborSimple) return null;
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map) return mapTree(value as ReadonlyMap<CborValue, CborValue>);
  return Array.isArray(value) ? (value as readonly CborValue[]).map(treeOf) : (value as Tree);
}

export default {
  decode: orUndecodable(({ value, device }) => {
    const items = readCborSequence(value).map(treeOf);
    if (items.length === 0) throw new PayloadError("no bytes");
    return treeResult(items.length === 1 ? items[0] : items, treeOptions(device["mooring_Cbor"], "cbor"));
  }),
} satisfies Decoder;
