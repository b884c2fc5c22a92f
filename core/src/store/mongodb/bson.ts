/**
 * Documents as MongoDB keeps them. Keys and arrays that a server refuses or reads another way (some of MongoDB, more of those that
 * speak its protocol) are written otherwise, so that every document comes back as it was.
 */
import { Binary, type Document as BsonDocument, Long } from "mongodb";
import type { Document, FieldType } from "../collection.ts";
import type { Shape } from "../shape.ts";
import { MAX_DOCUMENT_LENGTH, tooLarge } from "../value-rules.ts";

/** Stands before an empty key, and before digits, which a path would take for a place in an array. */
const MARK = "~3";
/** The one key of an object that stands for an array directly within an array. */
const ARRAY_KEY = "~4";

/** `~` is `~0`, `.` is `~1`, a leading `$` is `~2`, and `~3` stands before nothing or digits. */
export function escapeKey(key: string): string {
  if (/^[0-9]*$/.test(key)) return MARK + key;
  const escaped = /[~.]/.test(key) ? key.replaceAll("~", "~0").replaceAll(".", "~1") : key;
  return escaped.startsWith("$") ? `~2${escaped.slice(1)}` : escaped;
}

export function unescapeKey(key: string): string {
  if (!key.includes("~")) return key;
  if (key.startsWith(MARK)) return key.slice(MARK.length);
  const leading = key.startsWith("~2") ? `$${key.slice(2)}` : key;
  return leading.replaceAll("~1", ".").replaceAll("~0", "~");
}

type Members = Record<string, unknown>;

const encodeElement = (value: unknown): unknown =>
  Array.isArray(value) ? { [ARRAY_KEY]: value.map(encodeElement) } : encodeValue(value);

/** @param value JSON */
export function encodeValue(value: unknown): unknown {
  if (typeof value === "number") return value === 0 ? 0 : value; // -0 becomes 0, as in JSON
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(encodeElement);
  const encoded: Members = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) encoded[escapeKey(key)] = encodeValue(member);
  }
  return encoded;
}

export function decodeValue(value: unknown): unknown {
  if (value instanceof Long) return value.toNumber();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(decodeValue);
  const wrapped = (value as Members)[ARRAY_KEY];
  if (wrapped !== undefined) return decodeValue(wrapped);
  const decoded: Members = {};
  for (const [key, member] of Object.entries(value)) decoded[unescapeKey(key)] = decodeValue(member);
  return decoded;
}

/** @param type of the declared field, or undefined for any other member */
export function encodeMember(type: FieldType | undefined, value: unknown): unknown {
  if (type === "time") return new Date(value as number);
  if (type === "bytes") return new Binary(value as Uint8Array);
  return type === "string" ? value : encodeValue(value);
}

function decodeMember(type: FieldType | undefined, value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (value instanceof Binary) return Uint8Array.from(value.buffer.subarray(0, value.position));
  return type === "string" ? value : decodeValue(value);
}

/** As {@link MAX_DOCUMENT_LENGTH} counts: the document's JSON, without its bytes. @throws MooringError TOO_LARGE */
export function checkSize(document: Document): void {
  const text = JSON.stringify(document, (_, value: unknown) => (value instanceof Uint8Array ? undefined : value));
  if (text.length > MAX_DOCUMENT_LENGTH) throw tooLarge("the document", MAX_DOCUMENT_LENGTH);
}

export function encodeDocument(shape: Shape, document: Document): BsonDocument & { _id: string } {
  const encoded: BsonDocument & { _id: string } = { _id: document._id };
  for (const [name, value] of Object.entries(document)) {
    if (value !== undefined) encoded[name] = encodeMember(shape.typeOf(name), value);
  }
  return encoded;
}

export function decodeDocument(shape: Shape, encoded: BsonDocument): Document {
  const document: Members = {};
  for (const [name, value] of Object.entries(encoded)) document[name] = decodeMember(shape.typeOf(name), value);
  return document as unknown as Document;
}
