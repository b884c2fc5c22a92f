/** The records of a pack, in JSON (RFC 8428 section 5) or CBOR (section 6), in one form. */
import { CborTag, type CborValue, cborFraction, decodeUtf8, PayloadError, readCbor } from "@mooring/sdk/bytes";

/** Table 4 of RFC 8428: what a label is in CBOR. */
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
} as const;

export type Field = keyof typeof KEYS;

/** By label; numbers are numbers, `vd` holds bytes. Labels that nobody knows are in it, too. */
export type SenmlRecord = ReadonlyMap<string, unknown>;

const LABELS: ReadonlyMap<CborValue, string> = new Map(Object.entries(KEYS).map(([label, key]) => [key, label]));

const NO_ARRAY = "a SenML pack is an array";

const refuse = (at: number, why: string): never => {
  throw new PayloadError(`SenML record ${at}: ${why}`);
};

/** Arrays of CBOR begin with 80 to 9f; JSON begins with a character of ASCII, or with a byte order mark. */
export const isCbor = ([first = 0]: Uint8Array): boolean => first >= 0x80 && first !== 0xef;

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Of URLs, without padding, as section 5 has it; the other alphabet and padding are taken, too. */
function base64Bytes(text: string, at: number): Uint8Array {
  const digits = text.replace(/=*$/, "").replaceAll("+", "-").replaceAll("/", "_");
  if (/[^\w-]/.test(digits) || digits.length % 4 === 1) refuse(at, "vd is no base64");
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const digit of digits) {
    held = ((held << 6) | DIGITS.indexOf(digit)) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return Uint8Array.from(bytes);
}

function jsonRecord(value: unknown, at: number): SenmlRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(at, "is no object");
  const record = new Map(Object.entries(value as Record<string, unknown>));
  const data = record.get("vd");
  if (typeof data === "string") record.set("vd", base64Bytes(data, at));
  return record;
}

/** @throws PayloadError */
export function readJsonRecords(bytes: Uint8Array): SenmlRecord[] {
  const text = decodeUtf8(bytes).replace(/^\ufeff/, "");
  let pack: unknown;
  try {
    pack = JSON.parse(text);
  } catch {
    throw new PayloadError("neither JSON nor CBOR");
  }
  if (!Array.isArray(pack)) throw new PayloadError(NO_ARRAY);
  return pack.map(jsonRecord);
}

/** Numbers in all the forms that section 6 names: whole, floating, decimal fractions; also with the tag of times. */
function plainValue(value: CborValue): unknown {
  if (typeof value === "bigint") return Number(value);
  if (!(value instanceof CborTag)) return value;
  return value.tag === 1 ? plainValue(value.value) : (cborFraction(value) ?? value);
}

function cborRecord(value: CborValue, at: number): SenmlRecord {
  if (!(value instanceof Map)) return refuse(at, "is no map");
  const record = new Map<string, unknown>();
  for (const [key, item] of value as ReadonlyMap<CborValue, CborValue>) {
    const label = typeof key === "string" ? key : LABELS.get(key);
    // Numbers that nobody knows are passed over (section 6).
    if (label === undefined) continue;
    if (record.has(label)) refuse(at, `${label.slice(0, 40)} stands twice`);
    record.set(label, plainValue(item));
  }
  return record;
}

/** @throws PayloadError */
export function readCborRecords(bytes: Uint8Array): SenmlRecord[] {
  const pack = readCbor(bytes);
  if (!Array.isArray(pack)) throw new PayloadError(NO_ARRAY);
  return (pack as readonly CborValue[]).map(cborRecord);
}
