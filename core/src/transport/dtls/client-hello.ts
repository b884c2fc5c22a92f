/** ClientHello (RFC 5246 section 7.4.1.2, with the cookie of RFC 6347 section 4.2.1). Pure. */
import { type ClientExtensions, readClientExtensions, writeClientExtensions } from "./extensions.ts";
import { createReader, joinBytes, uint16, vector8, vector16, type WireReader } from "./wire.ts";

/** DTLS 1.2 on the wire: {254, 253}, ones' complement of 1.2 (RFC 6347 section 4.1). */
export const DTLS_1_2 = 0xfefd;
/** DTLS 1.0, used in HelloVerifyRequest and in the first records of clients (RFC 6347 section 4.2.1). */
export const DTLS_1_0 = 0xfeff;

/** TLS_EMPTY_RENEGOTIATION_INFO_SCSV: stands for an empty renegotiation_info (RFC 5746 section 3.3). */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

export const RANDOM_BYTES = 32;
export const MAX_SESSION_ID_BYTES = 32;

/** What stands before the cookie, and the cookie. */
export interface HelloStart {
  /** client_version: highest version offered. */
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** 0..32 bytes. */
  readonly sessionId: Uint8Array;
  /** 0..255 bytes. */
  readonly cookie: Uint8Array;
}

export interface ClientHello extends HelloStart {
  /** In the client's order of preference, at least one. */
  readonly suites: readonly number[];
  /** At least one; 0 is none. */
  readonly compressionMethods: readonly number[];
  readonly extensions: ClientExtensions;
}

function readStart(reader: WireReader): HelloStart {
  return {
    version: reader.uint16("client_version"),
    random: reader.bytes(RANDOM_BYTES, "random"),
    sessionId: reader.vector(1, "session_id", 0, MAX_SESSION_ID_BYTES),
    cookie: reader.vector(1, "cookie"),
  };
}

/**
 * The start of a ClientHello, for a server that has its first fragment only.
 * @param body first bytes of the message; views on it are returned
 * @throws MooringError HANDSHAKE_INVALID: the cookie is not wholly in it, or it is no ClientHello
 */
export const readHelloStart = (body: Uint8Array): HelloStart => readStart(createReader(body, "ClientHello"));

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readClientHello(body: Uint8Array): ClientHello {
  const reader = createReader(body, "ClientHello");
  const start = readStart(reader);
  const suites = reader.uint16s("cipher_suites");
  const compressionMethods = reader.uint8s("compression_methods");
  // No extensions at all is a hello of before RFC 5246.
  const extensions = reader.left > 0 ? readClientExtensions(reader.vector(2, "extensions")) : {};
  reader.end();
  return { ...start, suites, compressionMethods, extensions };
}

export const writeClientHello = (hello: ClientHello): Uint8Array =>
  joinBytes([
    uint16(hello.version),
    hello.random,
    vector8(hello.sessionId),
    vector8(hello.cookie),
    vector16(...hello.suites.map(uint16)),
    vector8(Uint8Array.from(hello.compressionMethods)),
    vector16(writeClientExtensions(hello.extensions)),
  ]);
