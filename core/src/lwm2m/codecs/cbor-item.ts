/** CBOR items (RFC 8949) for the codecs built on them: the one home of cborg, made safe for bytes from outside. */
import { type DecodeOptions, decode, encode, Token, Tokenizer, Type } from "cborg";
import { concatBytes, decodeUtf8 } from "../../base/bytes.ts";
import { type FailureCode, MooringError, messageOf } from "../../base/errors.ts";
import { type EpochTime, parseDateTime } from "./scalar.ts";

/** A number that is written as a float even where it is whole; reading gives plain numbers. */
export interface CborFloat {
  readonly float: number;
}

export type CborScalar = string | number | bigint | boolean | Uint8Array | EpochTime;
export type CborItem =
  | CborScalar
  | CborFloat
  | null
  | undefined
  | readonly CborItem[]
  | ReadonlyMap<CborItem, CborItem>;

type DecodeTokenizer = NonNullable<DecodeOptions["tokenizer"]>;

/** Deepest nesting of arrays, maps and tags: SenML needs three. */
const DEEPEST = 8;
const INDEFINITE = 31;
/** Bytes before a text's content, by the length's form (RFC 8949 section 3). */
const HEADER_BYTES: Readonly<Record<number, number>> = { 24: 2, 25: 3, 26: 5, 27: 9 };

const malformed = (message: string): MooringError => new MooringError("MALFORMED", message);

/** cborg replaces what is not UTF-8; RFC 8949 section 5.3.1 calls such text invalid. */
function assertUtf8(token: Token, bytes: Uint8Array): void {
  if (!Type.equals(token.type, Type.string) || !String(token.value).includes("\ufffd")) return;
  const header = HEADER_BYTES[bytes[0]! & 0x1f] ?? 1;
  if (decodeUtf8(bytes.subarray(header)) === undefined) throw malformed("text is not UTF-8");
}

/** Items that a token still needs after it. */
function itemsAfter({ type, value }: Token): number {
  if (Type.equals(type, Type.array)) return value;
  if (Type.equals(type, Type.map)) return 2 * value;
  return Type.equals(type, Type.tag) ? 1 : 0;
}

/** A tokenizer that bounds nesting and reads text and bytes in chunks of indefinite length, which cborg does not. */
function createGuardedTokenizer(bytes: Uint8Array, options: DecodeOptions): DecodeTokenizer {
  const plain = new Tokenizer(bytes, options);
  const open: number[] = [];

  function readPlain(): Token {
    const start = plain.pos();
    const token = plain.next();
    assertUtf8(token, bytes.subarray(start, plain.pos()));
    return token;
  }

  function readChunks(major: number): Token {
    plain._pos += 1;
    const parts: Token[] = [];
    for (;;) {
      if (plain.done()) throw malformed("text or bytes of indefinite length do not end");
      if (bytes[plain.pos()] !== 0xff && bytes[plain.pos()]! >> 5 !== major) throw malformed("a chunk of another type");
      const token = readPlain();
      if (Type.equals(token.type, Type.break)) break;
      parts.push(token);
    }
    const values = parts.map(part => part.value);
    return major === 3 ? new Token(Type.string, values.join("")) : new Token(Type.bytes, concatBytes(values));
  }

  function track(token: Token): void {
    if (Type.equals(token.type, Type.break)) open.pop();
    else if (open.length > 0) open[open.length - 1]! -= 1;
    const needed = itemsAfter(token);
    if (needed > 0) open.push(needed);
    if (open.length > DEEPEST) throw malformed(`nested deeper than ${DEEPEST}`);
    while (open.at(-1) === 0) open.pop();
  }

  return {
    pos: () => plain.pos(),
    done: () => plain.done(),
    next() {
      const first = bytes[plain.pos()]!;
      const major = first >> 5;
      const chunked = (major === 2 || major === 3) && (first & 0x1f) === INDEFINITE;
      const token = chunked ? readChunks(major) : readPlain();
      track(token);
      return token;
    },
  };
}

/** Tag 1, tolerated round any time; tag 0, as Zephyr sends times (RFC 8949 section 3.4.1, 3.4.2). */
function epochTime(content: unknown): EpochTime {
  if (typeof content === "number") return { epochSeconds: content };
  const parsed = typeof content === "string" ? parseDateTime(content) : undefined;
  if (!parsed) throw malformed("a time tag round what is no time");
  return parsed;
}

/** Tag 4, decimal fraction: `[exponent, mantissa]` (RFC 8949 section 3.4.4), which RFC 8428 section 6 allows for numbers. */
function decimalFraction(content: unknown): number {
  const [exponent, mantissa, ...more] = Array.isArray(content) ? content : [];
  const whole = typeof mantissa === "number" ? Number.isInteger(mantissa) : typeof mantissa === "bigint";
  if (!Number.isInteger(exponent) || !whole || more.length > 0) throw malformed("tag 4 needs two integers");
  return Number(`${mantissa}e${exponent}`);
}

const OPTIONS: DecodeOptions = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowBigInt: true,
  tags: {
    0: read => epochTime(read()),
    1: read => epochTime(read()),
    4: read => decimalFraction(read()),
  },
};

/**
 * Reads one item that fills `bytes` whole. Maps become `Map`, integers past 2^53 bigint; floats come as numbers.
 * @throws MooringError `code` for malformed or truncated input, trailing bytes, a key twice, unknown tags, nesting past 8
 */
export function decodeCborItem(bytes: Uint8Array, code: FailureCode): CborItem {
  try {
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return decode(plain, { ...OPTIONS, tokenizer: createGuardedTokenizer(plain, OPTIONS) });
  } catch (error) {
    const reason = messageOf(error).replace(/^CBOR decode error:\s*/, "");
    throw new MooringError(code, `not a CBOR payload: ${reason}`, { length: bytes.length }, { cause: error });
  }
}

const writeFloat = (item: unknown): Token[] | null =>
  typeof item === "object" && item !== null && "float" in item ? [new Token(Type.float, item.float)] : null;

/**
 * Writes one item: shortest integers (RFC 8949 section 4.1), map keys in the order given, floats always of 64 bits, since
 * half floats are beyond some clients' libraries.
 */
export function encodeCborItem(item: CborItem): Uint8Array {
  return encode(item, { float64: true, mapSorter: () => 0, typeEncoders: { Object: writeFloat } });
}
