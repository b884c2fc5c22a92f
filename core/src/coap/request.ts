/** Requests and responses as the layers above CoAP see them: whole, without blocks, message ids or tokens. */
import type { CoapOption } from "./message.ts";

/** Method codes (RFC 7252 section 5.8, RFC 8132). */
export type Method = "GET" | "POST" | "PUT" | "DELETE" | "FETCH" | "PATCH" | "IPATCH";

/** A body that is read block by block, so that firmware is never held whole per device. */
export interface BodySource {
  readonly length: number;
  /** Bytes [at, at + length), fewer only at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
}

export interface CoapRequest {
  readonly method: Method;
  /** Uri-Path segments, decoded. */
  readonly path: readonly string[];
  /** Uri-Query options, decoded, each `key=value` or `key`. */
  readonly query: readonly string[];
  /** Absent where the option is. 65535 ("none", seen in the field) counts as absent. */
  readonly contentFormat?: number;
  readonly accept?: number;
  /** Further options (elective ones that upper layers want to see, or to be sent); never those with a field of their own. */
  readonly options?: readonly CoapOption[];
  /** Whole body, blocks already put together. */
  readonly payload: Uint8Array;
  /**
   * Message id of an incoming request, of its last block when it came in several; absent on outgoing ones. A repetition to a host that
   * was started anew in between is known by it.
   */
  readonly messageId?: number;
}

export interface CoapResponse {
  /** `c.dd` as a number: class * 32 + detail; see codes.ts. */
  readonly code: number;
  readonly contentFormat?: number;
  /** Location-Path segments of a 2.01. */
  readonly locationPath?: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly etag?: Uint8Array;
  readonly options?: readonly CoapOption[];
  readonly payload: Uint8Array;
  /**
   * In place of `payload`, which is empty then: read block by block. Nothing of it is held between two blocks, each of which runs the
   * handler again; an `etag` tells the client that they are of one whole.
   */
  readonly body?: BodySource;
  /** Largest size exponent of its blocks, 0..6; default: that of the endpoint. With `body` only. */
  readonly blockSzx?: number;
}
