/** How a client proves itself with a certificate or a raw public key (RFC 5246 section 7.4.6, RFC 7250 section 4). */
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import type { PeerIdentity } from "../transport.ts";
import type { AlertName } from "./alert.ts";
import { CERTIFICATE_TYPE, readCertificateChain, readRawPublicKey } from "./certificate.ts";
import type { Credentials } from "./dtls.ts";
import { handshakeError } from "./handshake-error.ts";
import { groupOfKey } from "./signing.ts";

/** Each costs some 50 us to read. */
const MAX_CHAIN = 8;

export interface ClientProof {
  /** EC, on a curve of ours; CertificateVerify is signed with its private part. */
  readonly key: KeyObject;
  /** Asks for the owner of the key; undefined: not to be trusted. */
  identify(credentials: Credentials): Promise<PeerIdentity | undefined>;
}

const refused = (alert: AlertName, message: string): Error => handshakeError(alert, "certificate-refused", message);

/**
 * @param body of the Certificate message
 * @param type a value of CERTIFICATE_TYPE, as agreed on
 * @throws MooringError HANDSHAKE_INVALID: handshake_failure without a certificate, bad_certificate where it cannot be read,
 *         unsupported_certificate for a key that is not ours to check
 */
export function readClientProof(body: Uint8Array, type: number): ClientProof {
  const proof = type === CERTIFICATE_TYPE.rawPublicKey ? readKey(body) : readChain(body);
  if (groupOfKey(proof.key) === undefined) {
    throw refused("unsupportedCertificate", "the client's key is not EC on P-256 or P-384");
  }
  return proof;
}

function readChain(body: Uint8Array): ClientProof {
  const chain = readCertificateChain(body);
  if (chain.length === 0) throw refused("handshakeFailure", "the client has no certificate");
  if (chain.length > MAX_CHAIN) throw refused("badCertificate", `a chain of more than ${MAX_CHAIN} certificates`);
  const certificates = orBad(() => chain.map(der => new X509Certificate(der)));
  return {
    key: orBad(() => certificates[0]!.publicKey),
    identify: credentials => credentials.clientCertificate(certificates),
  };
}

function readKey(body: Uint8Array): ClientProof {
  const publicKey = readRawPublicKey(body);
  if (publicKey.length === 0) throw refused("handshakeFailure", "the client has no raw public key");
  return {
    key: orBad(() => createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" })),
    identify: async credentials => credentials.rawPublicKey?.(publicKey),
  };
}

function orBad<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw refused("badCertificate", "the client's certificate cannot be read");
  }
}
