/** Handshake messages and the fragments they travel in (RFC 6347 section 4.2.2). Pure. */
import { malformed } from "./handshake-error.ts";
import { allocate, createReader, writeUint24 } from "./wire.ts";

/** HandshakeType (RFC 5246 section 7.4, RFC 6347 section 4.3.2). */
export const HANDSHAKE = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** type, length, message_seq, fragment_offset, fragment_length. */
export const HANDSHAKE_HEADER_BYTES = 12;

export interface HandshakeMessage {
  readonly type: number;
  /** message_seq, 0..65535. */
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** A piece of a message, or the whole: `offset` 0 and `body.length` equal to `length`. */
export interface HandshakeFragment extends HandshakeMessage {
  /** Bytes of the whole message's body. */
  readonly length: number;
  /** Where `body` stands in it. */
  readonly offset: number;
}

/**
 * The fragments of one record: one or more, whole. Nothing is allocated from a length in them.
 * @returns views on `content`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readFragments(content: Uint8Array): HandshakeFragment[] {
  const reader = createReader(content, "handshake record");
  const fragments: HandshakeFragment[] = [];
  do {
    const type = reader.uint8("msg_type");
    const length = reader.uint24("length");
    const sequence = reader.uint16("message_seq");
    const offset = reader.uint24("fragment_offset");
    const fragmentLength = reader.uint24("fragment_length");
    if (offset + fragmentLength > length) {
      throw malformed("handshake record", "fragment_length", `${offset} + ${fragmentLength} is past ${length}`);
    }
    fragments.push({ type, length, sequence, offset, body: reader.bytes(fragmentLength, "fragment") });
  } while (reader.left > 0);
  return fragments;
}

/** See {@link allocate} for how long it may be kept. */
export function writeFragment({ type, length, sequence, offset, body }: HandshakeFragment): Uint8Array {
  const bytes = allocate(HANDSHAKE_HEADER_BYTES + body.length);
  bytes[0] = type;
  writeUint24(bytes, 1, length);
  bytes[4] = sequence >>> 8;
  bytes[5] = sequence;
  writeUint24(bytes, 6, offset);
  writeUint24(bytes, 9, body.length);
  bytes.set(body, HANDSHAKE_HEADER_BYTES);
  return bytes;
}

/** The message as if it had never been cut: what goes into the hash of the handshake (RFC 6347 section 4.2.6). */
export const writeMessage = ({ type, sequence, body }: HandshakeMessage): Uint8Array =>
  writeFragment({ type, sequence, body, length: body.length, offset: 0 });

/**
 * Cuts a message into fragments, in order.
 * @param maxBytes of each fragment with its header, more than {@link HANDSHAKE_HEADER_BYTES}
 * @returns views on the message's body; an empty body gives one empty fragment
 */
export function cutMessage({ type, sequence, body }: HandshakeMessage, maxBytes: number): HandshakeFragment[] {
  const size = maxBytes - HANDSHAKE_HEADER_BYTES;
  if (body.length <= size) return [{ type, sequence, length: body.length, offset: 0, body }];
  const count = Math.ceil(body.length / size);
  return Array.from({ length: count }, (_, i) => ({
    type,
    sequence,
    length: body.length,
    offset: i * size,
    body: body.subarray(i * size, (i + 1) * size),
  }));
}
