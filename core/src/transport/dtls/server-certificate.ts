/** What the server proves itself with. */
import type { KeyObject } from "node:crypto";

/** An EC certificate (P-256 or P-384) with its chain. */
export interface ServerCertificate {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly privateKey: KeyObject;
  /** Of the leaf, DER: what is sent where a client asks for a raw public key (RFC 7250). */
  readonly subjectPublicKeyInfo: Uint8Array;
}
