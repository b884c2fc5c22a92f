/**
 * Handshake messages of one peer from their fragments (RFC 6347 sections 4.2.2 and 4.2.3): in order of message_seq, whatever was cut,
 * repeated, overlapping or overtaken on the way.
 */
import { handshakeError } from "./handshake-error.ts";
import type { HandshakeFragment, HandshakeMessage } from "./handshake-message.ts";

/** Messages ahead of the next one that are kept; no flight of a peer has more. */
const MAX_AHEAD = 8;
/** Gaps in one message; a fragment that would make more is dropped, and comes again with its flight. */
const MAX_PIECES = 64;

export interface MessageAssembly {
  /**
   * @param fragment copied where it is kept
   * @returns `old`: of a message that was taken already, so the peer repeats itself; `dropped`: too far ahead, or not fitting to what
   *          came before
   * @throws MooringError HANDSHAKE_INVALID, reason too-large: the messages of the handshake are longer than allowed
   */
  add(fragment: HandshakeFragment): "kept" | "old" | "dropped";
  /** The next message, once it is whole; the caller owns the body. */
  take(): HandshakeMessage | undefined;
}

/** Bytes `from` to `to` have come. */
interface Piece {
  readonly from: number;
  readonly to: number;
}

interface Partial {
  readonly type: number;
  readonly body: Uint8Array;
  /** In order, none touching the next. */
  pieces: readonly Piece[];
  /** Also for an empty body, which is whole with its only fragment. */
  whole: boolean;
}

/** The pieces with one more, joined where they touch. */
function withPiece(pieces: readonly Piece[], { from, to }: Piece): readonly Piece[] {
  const touching = pieces.filter(piece => piece.to >= from && piece.from <= to);
  const joined = {
    from: Math.min(from, ...touching.map(piece => piece.from)),
    to: Math.max(to, ...touching.map(piece => piece.to)),
  };
  return [...pieces.filter(piece => piece.to < from), joined, ...pieces.filter(piece => piece.from > to)];
}

/**
 * @param firstSequence message_seq of the first message
 * @param maxBytes of all bodies of the handshake together; counted before room is made for one
 */
export function createMessageAssembly(firstSequence: number, maxBytes: number): MessageAssembly {
  const partials = new Map<number, Partial>();
  let next = firstSequence;
  let bytesLeft = maxBytes;

  function begin({ type, length, sequence }: HandshakeFragment): Partial {
    if (length > bytesLeft) {
      throw handshakeError("handshakeFailure", "too-large", `handshake messages of more than ${maxBytes} bytes`, {
        length,
      });
    }
    bytesLeft -= length;
    const partial = { type, body: new Uint8Array(length), pieces: [], whole: false };
    partials.set(sequence, partial);
    return partial;
  }

  return {
    add(fragment) {
      const { sequence, type, length, offset, body } = fragment;
      if (sequence < next) return "old";
      if (sequence >= next + MAX_AHEAD) return "dropped";
      const partial = partials.get(sequence) ?? begin(fragment);
      if (partial.type !== type || partial.body.length !== length) return "dropped";
      if (partial.whole) return "kept";
      const pieces = withPiece(partial.pieces, { from: offset, to: offset + body.length });
      if (pieces.length > MAX_PIECES) return "dropped";
      partial.body.set(body, offset);
      partial.pieces = pieces;
      partial.whole = pieces[0]!.from === 0 && pieces[0]!.to === length;
      return "kept";
    },
    take() {
      const partial = partials.get(next);
      if (!partial?.whole) return undefined;
      partials.delete(next);
      return { type: partial.type, sequence: next++, body: partial.body };
    },
  };
}
