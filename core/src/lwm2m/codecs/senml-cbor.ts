/** SenML CBOR (Content-Format 112; RFC 8428 section 6, LwM2M Core 1.1.1 section 7.4.4). */
import { MooringError } from "../../base/errors.ts";
import type { ResourceValue } from "../resource-value.ts";
import { cborItemOf } from "./cbor.ts";
import { type CborItem, decodeCborItem, encodeCborItem } from "./cbor-item.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { formatObjectLinkText } from "./scalar.ts";
import { type OutgoingRecord, recordsOfValues, type SenmlLabel, type SenmlRecord, valuesOfRecords } from "./senml.ts";

/** RFC 8428 table 4; `vlo` keeps its name. */
const KEYS = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
  vlo: "vlo",
} as const satisfies Record<SenmlLabel, number | string>;

const LABELS: ReadonlyMap<CborItem, string> = new Map(Object.entries(KEYS).map(([label, key]) => [key, label]));

const invalid = (message: string, details: Record<string, unknown> = {}): MooringError =>
  new MooringError("SENML_INVALID", message, details);

/** Labels may also be text (section 6); numbers that nobody knows are passed over. */
function labelOf(key: CborItem): string | undefined {
  return typeof key === "string" ? key : LABELS.get(key);
}

function recordOf(record: CborItem, at: number): SenmlRecord {
  if (!(record instanceof Map)) throw invalid(`SenML record ${at}: is no map`, { record: at });
  const fields = new Map<string, unknown>();
  for (const [key, value] of record) {
    const label = labelOf(key);
    if (label === undefined) continue;
    if (fields.has(label)) throw invalid(`SenML record ${at}: label ${label} stands twice`, { record: at, label });
    fields.set(label, value);
  }
  return fields;
}

/** @throws MooringError SENML_INVALID */
export function readCborRecords(payload: Uint8Array): SenmlRecord[] {
  const pack = decodeCborItem(payload, "SENML_INVALID");
  if (!Array.isArray(pack)) throw invalid("the payload is no CBOR array of records");
  return pack.map(recordOf);
}

function valueEntry({ type, value }: ResourceValue): [CborItem, CborItem] {
  if (typeof value === "string") return [KEYS.vs, value];
  if (typeof value === "boolean") return [KEYS.vb, value];
  if (value instanceof Uint8Array) return [KEYS.vd, value];
  if (typeof value === "object") return [KEYS.vlo, formatObjectLinkText(value)];
  return [KEYS.v, cborItemOf(value, type)];
}

function recordMap({ bn, n, t, value }: OutgoingRecord): ReadonlyMap<CborItem, CborItem> {
  const entries: [CborItem, CborItem][] = [];
  if (bn !== undefined) entries.push([KEYS.bn, bn]);
  if (n !== undefined) entries.push([KEYS.n, n]);
  if (t !== undefined) entries.push([KEYS.t, Number.isInteger(t) ? t : { float: t }]);
  if (value !== undefined) entries.push(valueEntry(value));
  return new Map(entries);
}

export const writeCborRecords = (records: readonly OutgoingRecord[]): Uint8Array =>
  encodeCborItem(records.map(recordMap));

export const senmlCborCodec: Codec = {
  contentFormat: CONTENT_FORMAT.SENML_CBOR,
  decode: (payload: Uint8Array, context: CodecContext) => valuesOfRecords(readCborRecords(payload), context),
  encode: (values, context) => writeCborRecords(recordsOfValues(values, context)),
};
