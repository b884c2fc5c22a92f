/** HelloVerifyRequest (RFC 6347 section 4.2.1). Pure. */
import { createReader, joinBytes, uint16, vector8 } from "./wire.ts";

export interface HelloVerifyRequest {
  readonly version: number;
  /** 0..255 bytes. */
  readonly cookie: Uint8Array;
}

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest {
  const reader = createReader(body, "HelloVerifyRequest");
  const request = { version: reader.uint16("server_version"), cookie: reader.vector(1, "cookie") };
  reader.end();
  return request;
}

export const writeHelloVerifyRequest = ({ version, cookie }: HelloVerifyRequest): Uint8Array =>
  joinBytes([uint16(version), vector8(cookie)]);
