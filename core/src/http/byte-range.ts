/** Which bytes of a file an HTTP request asks for (RFC 9110 section 14), and those bytes piece by piece. */
import { MooringError } from "../base/errors.ts";

/** What can be read by offset. */
export interface ByteSource {
  readonly length: number;
  /** Bytes [offset, offset + length), fewer only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface RangeHeaders {
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
}

/** What is sent: `end` stands behind the last byte. */
export interface RangeAnswer {
  readonly status: 200 | 206;
  readonly start: number;
  readonly end: number;
  /** Content-Length, Content-Range, Accept-Ranges, ETag. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Read and sent in one go. */
const PIECE_BYTES = 65_536;

/** `bytes=0-99`, `bytes=100-`, `bytes=-100`. Undefined: the whole, also for several ranges and for what is no range (RFC 9110 section 14.2). */
function readRange(header: string, length: number): { readonly start: number; readonly end: number } | undefined {
  const [, first, last] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") return { start: Math.max(0, length - Number(last)), end: length };
  const start = Number(first);
  const end = last === "" ? length : Math.min(length, Number(last) + 1);
  // A last byte before the first makes it no range.
  return last !== "" && Number(last) < start ? undefined : { start, end };
}

/**
 * @param etag of the bytes, without quotes
 * @throws MooringError RANGE_INVALID with `details.length` where the range begins past the end
 */
export function answerRange({ range, ifRange }: RangeHeaders, length: number, etag: string): RangeAnswer {
  const quoted = `"${etag}"`;
  const isMeant = range !== undefined && (ifRange === undefined || ifRange === quoted);
  const part = isMeant ? readRange(range, length) : undefined;
  if (part && part.start >= part.end) {
    const message = `the range lies outside of the ${length} bytes that there are`;
    throw new MooringError("RANGE_INVALID", message, { field: "Range", rule: "must lie within the file", length });
  }
  const { start, end } = part ?? { start: 0, end: length };
  return {
    status: part ? 206 : 200,
    start,
    end,
    headers: {
      "Accept-Ranges": "bytes",
      "Content-Length": String(end - start),
      ETag: quoted,
      ...(part && { "Content-Range": `bytes ${start}-${end - 1}/${length}` }),
    },
  };
}

/** Bytes [start, end) of the source, read only as fast as they are taken. */
export async function* piecesOf(
  source: Pick<ByteSource, "read">,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = await source.read(at, Math.min(PIECE_BYTES, end - at));
    at += piece.length;
    yield piece;
  }
}
