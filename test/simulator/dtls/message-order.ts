/** Handshake messages of the server, put together from fragments and handed out in order (RFC 6347 section 4.2.3). */
import type { HandshakeFragment, HandshakeMessage } from "@mooring/core/internal/transport/dtls/handshake-message.ts";

export interface MessageOrder {
  /** message_seq that comes next. */
  readonly next: number;
  /** From here on, such as after a HelloVerifyRequest. */
  startAt(sequence: number): void;
  /** @returns messages that are whole now, in order */
  add(fragment: HandshakeFragment): HandshakeMessage[];
}

interface Partial {
  readonly type: number;
  readonly body: Uint8Array;
  /** Bit by byte of what is there. */
  readonly filled: Uint8Array;
  left: number;
}

/** Messages ahead of the next one that are kept. */
const AHEAD = 8;

export function createMessageOrder(): MessageOrder {
  const partials = new Map<number, Partial>();
  let next = 0;
  return {
    get next() {
      return next;
    },
    startAt(sequence) {
      partials.clear();
      next = sequence;
    },
    add({ type, sequence, length, offset, body }) {
      if (sequence < next || sequence >= next + AHEAD) return [];
      let partial = partials.get(sequence);
      if (!partial) {
        partial = { type, body: new Uint8Array(length), filled: new Uint8Array(length), left: length };
        partials.set(sequence, partial);
      }
      if (partial.type !== type || partial.body.length !== length) return [];
      partial.body.set(body, offset);
      for (let at = offset; at < offset + body.length; at++) {
        if (partial.filled[at] === 0) partial.left--;
        partial.filled[at] = 1;
      }
      const whole: HandshakeMessage[] = [];
      for (let first = partials.get(next); first?.left === 0; first = partials.get(next)) {
        partials.delete(next);
        whole.push({ type: first.type, sequence: next++, body: first.body });
      }
      return whole;
    },
  };
}
