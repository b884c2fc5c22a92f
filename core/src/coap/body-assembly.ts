/** A body that arrives in pieces. Pieces may overtake each other: there are devices that fire all blocks without waiting. */

export interface BodyAssembly {
  /** Bytes of memory it takes. */
  readonly capacity: number;
  /** Memory that {@link add} would add for a piece that ends at `end`. */
  growthFor(end: number): number;
  /** Takes a piece; `last` says that the body ends with it. @returns false when the piece contradicts the end, or leaves too many holes */
  add(start: number, piece: Uint8Array, last: boolean): boolean;
  /** The body when nothing is missing, otherwise undefined. */
  whole(): Uint8Array | undefined;
  /** First byte that is missing. */
  readonly contiguous: number;
}

interface Span {
  start: number;
  end: number;
}

const FIRST_CAPACITY = 1_024;
const MAX_HOLES = 64;

export function createBodyAssembly(maxBytes: number): BodyAssembly {
  let bytes = new Uint8Array(0);
  let total: number | undefined;
  /** What is there, in order, neither touching nor overlapping. */
  let spans: Span[] = [];

  const capacityFor = (end: number): number => {
    let capacity = Math.max(bytes.length, FIRST_CAPACITY);
    while (capacity < end) capacity *= 2;
    return Math.min(capacity, Math.max(maxBytes, end));
  };

  const join = (start: number, end: number): void => {
    const joined = { start, end };
    const apart: Span[] = [];
    for (const span of spans) {
      if (span.end < joined.start || span.start > joined.end) apart.push(span);
      else {
        joined.start = Math.min(joined.start, span.start);
        joined.end = Math.max(joined.end, span.end);
      }
    }
    spans = [...apart, joined].sort((a, b) => a.start - b.start);
  };

  return {
    get capacity() {
      return bytes.length;
    },
    get contiguous() {
      return spans[0]?.start === 0 ? spans[0].end : 0;
    },
    growthFor: end => Math.max(0, capacityFor(end) - bytes.length),
    add(start, piece, last) {
      const end = start + piece.length;
      const reached = Math.max(end, spans.at(-1)?.end ?? 0);
      if (total !== undefined ? end > total || (last && end !== total) : last && reached > end) return false;
      if (spans.length > MAX_HOLES) return false;
      if (end > bytes.length) {
        const grown = new Uint8Array(capacityFor(end));
        grown.set(bytes);
        bytes = grown;
      }
      bytes.set(piece, start);
      if (last) total = end;
      join(start, end);
      return true;
    },
    whole() {
      const first = spans[0];
      const complete = total !== undefined && first?.start === 0 && first.end === total;
      return complete ? bytes.subarray(0, total) : undefined;
    },
  };
}
