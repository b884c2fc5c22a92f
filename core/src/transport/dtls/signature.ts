/** DigitallySigned (RFC 5246 section 4.7) and the one message that is nothing else, CertificateVerify (section 7.4.8). Pure. */
import { createReader, joinBytes, uint16, vector16, type WireReader } from "./wire.ts";

export interface Signature {
  /** A value of SIGNATURE_ALGORITHM in extensions.ts; others can be read. */
  readonly algorithm: number;
  /** ECDSA: Ecdsa-Sig-Value in DER (RFC 8422 section 5.4). */
  readonly bytes: Uint8Array;
}

export const readSignature = (reader: WireReader): Signature => ({
  algorithm: reader.uint16("algorithm"),
  bytes: reader.vector(2, "signature"),
});

export const writeSignature = ({ algorithm, bytes }: Signature): Uint8Array =>
  joinBytes([uint16(algorithm), vector16(bytes)]);

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readCertificateVerify(body: Uint8Array): Signature {
  const reader = createReader(body, "CertificateVerify");
  const signature = readSignature(reader);
  reader.end();
  return signature;
}

export const writeCertificateVerify = writeSignature;
