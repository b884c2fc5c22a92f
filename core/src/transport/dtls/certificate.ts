/** Certificate: a chain (RFC 5246 section 7.4.2) or one raw public key (RFC 7250 section 3). Pure. */
import { createReader, vector24 } from "./wire.ts";

/** CertificateType (RFC 6091 section 5, RFC 7250 section 7). */
export const CERTIFICATE_TYPE = { x509: 0, rawPublicKey: 2 } as const;

/**
 * @returns certificates in DER, leaf first, views on `body`; none: the client has no suitable one
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readCertificateChain(body: Uint8Array): Uint8Array[] {
  const reader = createReader(body, "Certificate");
  const list = createReader(reader.vector(3, "certificate_list"), "Certificate");
  reader.end();
  const chain: Uint8Array[] = [];
  while (list.left > 0) chain.push(list.vector(3, "certificate", 1));
  return chain;
}

export const writeCertificateChain = (chain: readonly Uint8Array[]): Uint8Array =>
  vector24(...chain.map(certificate => vector24(certificate)));

/**
 * @returns SubjectPublicKeyInfo in DER, a view on `body`; empty: the client has none. RFC 7250 has no form for that, so either length
 *          that says nothing is taken for it
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readRawPublicKey(body: Uint8Array): Uint8Array {
  const reader = createReader(body, "Certificate");
  const key = reader.vector(3, "subjectPublicKeyInfo");
  reader.end();
  return key;
}

export const writeRawPublicKey = (subjectPublicKeyInfo: Uint8Array): Uint8Array => vector24(subjectPublicKeyInfo);
