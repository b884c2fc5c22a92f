/** ServerHello (RFC 5246 section 7.4.1.3). Pure. */
import { MAX_SESSION_ID_BYTES, RANDOM_BYTES } from "./client-hello.ts";
import { readServerExtensions, type ServerExtensions, writeServerExtensions } from "./extensions.ts";
import { createReader, joinBytes, uint8, uint16, vector8, vector16 } from "./wire.ts";

export interface ServerHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** 0..32 bytes; that of the client: its session goes on. */
  readonly sessionId: Uint8Array;
  readonly suite: number;
  readonly compressionMethod: number;
  readonly extensions: ServerExtensions;
}

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readServerHello(body: Uint8Array): ServerHello {
  const reader = createReader(body, "ServerHello");
  const hello = {
    version: reader.uint16("server_version"),
    random: reader.bytes(RANDOM_BYTES, "random"),
    sessionId: reader.vector(1, "session_id", 0, MAX_SESSION_ID_BYTES),
    suite: reader.uint16("cipher_suite"),
    compressionMethod: reader.uint8("compression_method"),
    extensions: reader.left > 0 ? readServerExtensions(reader.vector(2, "extensions")) : {},
  };
  reader.end();
  return hello;
}

export function writeServerHello(hello: ServerHello): Uint8Array {
  const extensions = writeServerExtensions(hello.extensions);
  return joinBytes([
    uint16(hello.version),
    hello.random,
    vector8(hello.sessionId),
    uint16(hello.suite),
    uint8(hello.compressionMethod),
    // To a client that offered none nothing may be said, not even an empty list (RFC 5246 section 7.4.1.4).
    ...(extensions.length > 0 ? [vector16(extensions)] : []),
  ]);
}
