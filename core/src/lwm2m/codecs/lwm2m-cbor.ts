/**
 * LwM2M CBOR (Content-Format 11544; LwM2M Core 1.2.2 section 7.5.4): maps in maps, whose keys from the outside in make the path
 * of each value. A key is one id or an array of several, so that `{3: {0: {9: 100}}}` and `{[3, 0, 9]: 100}` say the same.
 * Paths begin with the object, whatever the request's path. The format has no times.
 */
import { MooringError } from "../../base/errors.ts";
import { formatPath, isBelow, LARGEST_ID, type Lwm2mPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { cborItemOf, isCborScalar } from "./cbor.ts";
import { type CborItem, decodeCborItem, encodeCborItem } from "./cbor-item.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { assertEncodable, describeValue, fitScalar, naturalType } from "./scalar.ts";

const DEEPEST_PATH = 4;

const invalid = (message: string, details: Record<string, unknown> = {}): MooringError =>
  new MooringError("LWM2M_CBOR_INVALID", message, details);

const isId = (item: CborItem): item is number =>
  typeof item === "number" && Number.isInteger(item) && item >= 0 && item <= LARGEST_ID;

/** `prefix` and the id or ids that a key adds to it. */
function pathBelow(prefix: Lwm2mPath, key: CborItem): Lwm2mPath {
  const ids: readonly CborItem[] = Array.isArray(key) ? key : [key];
  if (ids.length === 0 || !ids.every(isId)) {
    throw invalid(`a key below ${formatPath(prefix)} is neither an id of 0 to ${LARGEST_ID} nor an array of them`, {
      path: formatPath(prefix),
    });
  }
  const path = [...prefix, ...ids];
  if (path.length <= DEEPEST_PATH) return path;
  throw invalid(`${formatPath(path)} is deeper than a resource instance`, { path: formatPath(path) });
}

/** None for null, which stands for a resource that has no value: it is executed (table C-2). */
function toValues(item: CborItem, path: Lwm2mPath, { path: asked, models }: CodecContext): ResourceValue[] {
  const text = formatPath(path);
  if (path.length < 3) throw invalid(`${text} is no resource`, { path: text });
  if (!isBelow(path, asked)) throw invalid(`${text} does not lie below ${formatPath(asked)}`, { path: text });
  const natural = isCborScalar(item) ? item : undefined;
  const declared = models.resource(path[0]!, path[2]!)?.dataType;
  if (item === null && declared === undefined) return [];
  const type = declared ?? (natural === undefined ? "OPAQUE" : naturalType(natural));
  const value = natural === undefined ? undefined : fitScalar(natural, type);
  if (value !== undefined) return [{ path, type, value }];
  throw invalid(`${text}: ${describeValue(item)} is no ${type}`, { path: text, type });
}

/** An empty map, which the grammar does not have, holds nothing: clients answer so for an object without instances. */
function valuesIn(item: CborItem, path: Lwm2mPath, context: CodecContext): ResourceValue[] {
  if (!(item instanceof Map)) return toValues(item, path, context);
  return [...(item as ReadonlyMap<CborItem, CborItem>)].flatMap(([key, inner]) =>
    valuesIn(inner, pathBelow(path, key), context),
  );
}

/** One path can be reached by several ways through maps and arrays. */
function assertEachOnce(values: readonly ResourceValue[], twice: (path: string) => MooringError): void {
  const seen = new Set<string>();
  for (const { path } of values) {
    const text = formatPath(path);
    if (seen.has(text)) throw twice(text);
    seen.add(text);
  }
}

function decode(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const item = decodeCborItem(payload, "LWM2M_CBOR_INVALID");
  if (!(item instanceof Map)) throw invalid("the payload is no CBOR map of paths");
  const values = valuesIn(item, [], context);
  assertEachOnce(values, path => invalid(`${path} stands twice`, { path }));
  return values;
}

const givenTwice = (path: string): MooringError =>
  new MooringError("VALUE_TYPE", `${path} is given more than once`, { path });

type Branch = Map<CborItem, CborItem>;

/** Puts a value where its ids lead, through maps made on the way. */
function graft(root: Branch, { path, type, value }: ResourceValue, ids: Lwm2mPath): void {
  let branch = root;
  for (const id of ids.slice(0, -1)) {
    const found = branch.get(id) ?? new Map();
    if (!(found instanceof Map)) throw givenTwice(formatPath(path));
    branch.set(id, found);
    branch = found;
  }
  if (branch.has(ids.at(-1)!)) throw givenTwice(formatPath(path));
  branch.set(ids.at(-1)!, cborItemOf(value, type));
}

/** Each value under its whole path, in the order given, as composite writes have it. */
const flat = (values: readonly ResourceValue[]): Branch =>
  new Map(values.map(({ path, type, value }) => [path, cborItemOf(value, type)]));

function nested(values: readonly ResourceValue[], asked: Lwm2mPath): Branch {
  const key = asked.length > 1 ? asked : asked[0]!;
  const whole = values.find(({ path }) => path.length === asked.length);
  if (whole && values.length > 1) throw givenTwice(formatPath(asked));
  if (whole) return new Map([[key, cborItemOf(whole.value, whole.type)]]);
  const below: Branch = new Map();
  for (const value of values) graft(below, value, value.path.slice(asked.length));
  return new Map([[key, below]]);
}

/** The request's path is one key, what lies below it maps: `{[3, 0]: {9: 100, 6: {0: 1, 1: 5}}}`, as in the standard's examples. */
function encode(values: readonly ResourceValue[], { path: asked }: CodecContext): Uint8Array {
  for (const value of values) assertEncodable(value, asked);
  if (values.length === 0) {
    throw new MooringError("CONTENT_FORMAT_UNSUPPORTED", `LwM2M CBOR cannot say that ${formatPath(asked)} is empty`, {
      contentFormat: CONTENT_FORMAT.LWM2M_CBOR,
      path: formatPath(asked),
    });
  }
  assertEachOnce(values, givenTwice);
  return encodeCborItem(asked.length === 0 ? flat(values) : nested(values, asked));
}

export const lwm2mCborCodec: Codec = { contentFormat: CONTENT_FORMAT.LWM2M_CBOR, decode, encode };
