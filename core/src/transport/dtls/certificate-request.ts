/** CertificateRequest (RFC 5246 section 7.4.4). Pure. */
import { createReader, joinBytes, uint16, vector8, vector16 } from "./wire.ts";

/** ClientCertificateType ecdsa_sign (RFC 8422 section 5.5). */
export const ECDSA_SIGN = 64;

export interface CertificateRequest {
  readonly certificateTypes: readonly number[];
  /** Values of SIGNATURE_ALGORITHM in extensions.ts. */
  readonly signatureAlgorithms: readonly number[];
  /** Distinguished names in DER; none: any authority. */
  readonly authorities: readonly Uint8Array[];
}

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readCertificateRequest(body: Uint8Array): CertificateRequest {
  const reader = createReader(body, "CertificateRequest");
  const certificateTypes = reader.uint8s("certificate_types");
  const signatureAlgorithms = reader.uint16s("supported_signature_algorithms");
  const names = createReader(reader.vector(2, "certificate_authorities"), "CertificateRequest");
  reader.end();
  const authorities: Uint8Array[] = [];
  while (names.left > 0) authorities.push(names.vector(2, "DistinguishedName", 1));
  return { certificateTypes, signatureAlgorithms, authorities };
}

export const writeCertificateRequest = (request: CertificateRequest): Uint8Array =>
  joinBytes([
    vector8(Uint8Array.from(request.certificateTypes)),
    vector16(...request.signatureAlgorithms.map(uint16)),
    vector16(...request.authorities.map(name => vector16(name))),
  ]);
