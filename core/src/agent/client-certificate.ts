/** Certificates and private keys that bootstrap writes to a device, as people give them (agent specification 3.3, 4.2). */
import { isFailure, MooringError } from "../base/errors.ts";
import { isKeyOf, readCertificates, readPrivateKey } from "../x509/pem.ts";

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** The reason why something cannot be read, under the name of its field. */
function named<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isFailure(error, "CERTIFICATE_INVALID")) throw refuse(field, String(error.details["rule"]));
    throw error;
  }
}

/**
 * @param text PEM or the Base64 of it, which fits on one line of a file
 * @returns the text, as it is kept
 * @throws  MooringError VALIDATION: it cannot be read, or its key is not on an elliptic curve
 */
export function readClientCertificate(field: string, text: string): string {
  const [leaf] = named(field, () => readCertificates(text));
  if (leaf!.publicKey.asymmetricKeyType !== "ec") throw refuse(field, "must have an EC key");
  return text.trim();
}

/** As {@link readClientCertificate}; nothing of the key is told. @throws MooringError VALIDATION */
export function readClientPrivateKey(field: string, text: string): string {
  const key = named(field, () => readPrivateKey(text));
  if (key.asymmetricKeyType !== "ec") throw refuse(field, "must be an EC key");
  return text.trim();
}

/**
 * @param field  of the private key, for the error
 * @param certificate, privateKey as they were read before
 * @throws MooringError VALIDATION: a key without a certificate, or of another one
 */
export function checkKeyPair(field: string, certificate: string | undefined, privateKey: string | undefined): void {
  if (privateKey === undefined) return;
  if (certificate === undefined) throw refuse(field, "needs the certificate that belongs to it");
  if (!isKeyOf(readCertificates(certificate)[0]!, readPrivateKey(privateKey))) {
    throw refuse(field, "does not belong to the certificate");
  }
}
