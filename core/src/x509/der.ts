/** Reads DER (ITU-T X.690 section 10) as certificates use it: low tag numbers, definite and shortest lengths. Views, no copies. */
import { MooringError } from "../base/errors.ts";

/** Identifier octets of what certificates are made of (X.690 section 8.1.2). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` of a structure; `constructed` where it holds further elements. */
export const contextTag = (number: number, constructed = false): number => (constructed ? 0xa0 : 0x80) | number;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

const HIGH_TAG_NUMBER = 0x1f;
const MOST_LENGTH_BYTES = 3;

export const unreadable = (rule: string): MooringError =>
  new MooringError("CERTIFICATE_INVALID", `the certificate cannot be read: ${rule}`, { rule });

interface Length {
  readonly length: number;
  readonly contentAt: number;
}

function readLength(bytes: Uint8Array, at: number): Length {
  const first = bytes[at];
  if (first === undefined) throw unreadable("DER ends within a length");
  if (first < 0x80) return { length: first, contentAt: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > MOST_LENGTH_BYTES) throw unreadable("DER has a length that is indefinite or too long");
  if (at + 1 + count > bytes.length) throw unreadable("DER ends within a length");
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + bytes[at + 1 + i]!;
  if (length < 0x80 || length < 256 ** (count - 1)) throw unreadable("DER has a length that is not the shortest");
  return { length, contentAt: at + 1 + count };
}

function readElement(bytes: Uint8Array, at: number): DerElement {
  const tag = bytes[at]!;
  if ((tag & HIGH_TAG_NUMBER) === HIGH_TAG_NUMBER) throw unreadable("DER has a high tag number");
  const { length, contentAt } = readLength(bytes, at + 1);
  const end = contentAt + length;
  if (end > bytes.length) throw unreadable("DER ends within an element");
  return { tag, content: bytes.subarray(contentAt, end), whole: bytes.subarray(at, end) };
}

/** All elements that stand one after the other. @throws MooringError CERTIFICATE_INVALID */
export function readElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

/** The one element that the bytes are. @throws MooringError CERTIFICATE_INVALID */
export function readOnly(bytes: Uint8Array, tag: number): DerElement {
  const elements = readElements(bytes);
  if (elements.length !== 1) throw unreadable("DER has more or less than one element");
  return expectTag(elements[0], tag);
}

/** @throws MooringError CERTIFICATE_INVALID where there is none or another one */
export function expectTag(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag !== tag) throw unreadable(`DER lacks an element of tag ${tag}`);
  return element;
}

/** Elements within a constructed one. @throws MooringError CERTIFICATE_INVALID */
export const childrenOf = (element: DerElement | undefined, tag: number): DerElement[] =>
  readElements(expectTag(element, tag).content);

/** Dotted decimal (X.690 section 8.19). @throws MooringError CERTIFICATE_INVALID */
export function readObjectId(element: DerElement | undefined): string {
  const { content } = expectTag(element, TAG.objectId);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw unreadable("DER has an object identifier that is too large");
    if (byte & 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [joined, ...others] = arcs;
  if (joined === undefined || (content.at(-1)! & 0x80) !== 0) throw unreadable("DER has a cut object identifier");
  const root = Math.min(2, Math.floor(joined / 40));
  return [root, joined - 40 * root, ...others].join(".");
}

/** @throws MooringError CERTIFICATE_INVALID */
export function readBoolean(element: DerElement): boolean {
  const { content } = expectTag(element, TAG.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw unreadable("DER has a Boolean that is none");
  return content[0] !== 0;
}

/** A whole number of 0..2^31-1. @throws MooringError CERTIFICATE_INVALID */
export function readSmallInteger(element: DerElement): number {
  const { content } = expectTag(element, TAG.integer);
  if (content.length === 0 || content.length > 4 || content[0]! & 0x80) {
    throw unreadable("DER has an integer outside its range");
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** Numbers of the bits that are set, 0 the first (X.690 section 8.6). @throws MooringError CERTIFICATE_INVALID */
export function readBits(element: DerElement): ReadonlySet<number> {
  const [unused, ...bytes] = expectTag(element, TAG.bitString).content;
  if (unused === undefined || unused > 7) throw unreadable("DER has a bit string that is none");
  const bits = bytes.flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter(bit => byte & (0x80 >> bit)).map(bit => 8 * at + bit),
  );
  return new Set(bits);
}
