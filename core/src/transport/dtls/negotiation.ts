/** What a server agrees to, given a ClientHello (RFC 5246 section 7.4.1). Pure. */
import { equalBytes } from "../../base/bytes.ts";
import { CERTIFICATE_TYPE } from "./certificate.ts";
import { type ClientHello, DTLS_1_2, EMPTY_RENEGOTIATION_INFO_SCSV } from "./client-hello.ts";
import type { DtlsOptions } from "./dtls.ts";
import { GROUPS } from "./ecdhe.ts";
import { MAX_FRAGMENT_LENGTH_BYTES, UNCOMPRESSED } from "./extensions.ts";
import type { SessionParameters } from "./handshake.ts";
import { handshakeError, illegal } from "./handshake-error.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { groupOfKey, signatureAlgorithmFor } from "./signing.ts";
import { findSuite, SUITES, type Suite } from "./suites.ts";

export type Group = (typeof GROUPS)[number];

/** What the server proves itself with, and how; only with certificates. */
export interface Proof {
  readonly certificate: ServerCertificate;
  /** Of the ServerKeyExchange. */
  readonly signatureAlgorithm: number;
  /** Values of CERTIFICATE_TYPE, for the Certificate messages of either side. */
  readonly serverType: number;
  readonly clientType: number;
  /** Whether another certificate would be shown to a client that asks for no name. */
  readonly isNamed: boolean;
}

export interface Agreement {
  readonly suite: Suite;
  /** Of the Diffie-Hellman exchange, where the suite has one. */
  readonly group?: Group;
  readonly proof?: Proof;
  readonly encryptThenMac: boolean;
}

export type NegotiationOptions = Pick<DtlsOptions, "cbc" | "cidLength" | "maxRecordBytes">;

/**
 * Rules that hold for every ClientHello, whatever it asks for.
 * @throws MooringError HANDSHAKE_INVALID
 */
export function checkHello(hello: ClientHello): void {
  // Versions count downwards: DTLS 1.0 is {254, 255} (RFC 6347 section 4.1).
  if (hello.version > DTLS_1_2) {
    throw handshakeError("protocolVersion", "no-common-parameters", "the client speaks no DTLS 1.2");
  }
  if (!hello.compressionMethods.includes(0)) throw illegal("ClientHello", "compression_methods", "null is missing");
  const { renegotiationInfo, pointFormats } = hello.extensions;
  // RFC 5746 section 3.6: not empty means that the client renegotiates, but there is nothing yet.
  if (renegotiationInfo && renegotiationInfo.length > 0) {
    throw handshakeError("handshakeFailure", "malformed", "renegotiation_info of a first handshake is not empty");
  }
  // RFC 8422 section 5.1.2.
  if (pointFormats && !pointFormats.includes(UNCOMPRESSED)) {
    throw illegal("ClientHello", "ec_point_formats", "uncompressed is missing");
  }
}

/** RFC 5746 sections 3.4 and 3.6: either sign is answered with the extension. */
export const signalsRenegotiation = ({ suites, extensions }: ClientHello): boolean =>
  extensions.renegotiationInfo !== undefined || suites.includes(EMPTY_RENEGOTIATION_INFO_SCSV);

/** Most bytes of plaintext in one record to the client: record_size_limit overrules max_fragment_length (RFC 8449 section 5). */
export function maxPlaintextOf(
  { extensions: { recordSizeLimit, maxFragmentLength } }: ClientHello,
  maxRecordBytes: number,
): number {
  const asked = recordSizeLimit ?? MAX_FRAGMENT_LENGTH_BYTES[maxFragmentLength ?? 0] ?? maxRecordBytes;
  return Math.min(asked, maxRecordBytes);
}

/** A client that names no groups takes any (RFC 8422 section 4). */
const takesGroup = ({ extensions: { supportedGroups } }: ClientHello, group: number): boolean =>
  supportedGroups?.includes(group) ?? true;

/** The client's first certificate type that is ours too; X.509 where it says nothing (RFC 7250 section 4.1). */
const commonType = (asked: readonly number[] | undefined, ours: readonly number[]): number | undefined =>
  (asked ?? [CERTIFICATE_TYPE.x509]).find(type => ours.includes(type));

export interface ProofParts {
  /** Asked where the client offers a suite with certificates, by the name that it asks for. The same value for the same certificate. */
  certificate(serverName: string | undefined): ServerCertificate | undefined;
  /** Whether clients may come with a raw public key. */
  readonly rawPublicKeys: boolean;
}

/**
 * How both sides prove themselves; undefined: not with certificates.
 * @throws MooringError HANDSHAKE_INVALID, unsupported_certificate: the forms of certificates are all that is not in common (RFC 7250
 *         section 4.2)
 */
function proofFor(hello: ClientHello, parts: ProofParts): Proof | undefined {
  const { serverName } = hello.extensions;
  const certificate = parts.certificate(serverName || undefined);
  if (!certificate) return undefined;
  const group = groupOfKey(certificate.privateKey);
  // Without the extension a client means SHA-1 (RFC 5246 section 7.4.1.4.1), which nobody should trust.
  const algorithms = hello.extensions.signatureAlgorithms ?? [];
  const signatureAlgorithm = signatureAlgorithmFor(certificate.privateKey, algorithms);
  if (group === undefined || !takesGroup(hello, group) || signatureAlgorithm === undefined) return undefined;
  const ours = parts.rawPublicKeys ? [CERTIFICATE_TYPE.x509, CERTIFICATE_TYPE.rawPublicKey] : [CERTIFICATE_TYPE.x509];
  const { serverCertificateTypes, clientCertificateTypes } = hello.extensions;
  const serverType = commonType(serverCertificateTypes, ours);
  const clientType = commonType(clientCertificateTypes, ours);
  if (serverType === undefined || clientType === undefined) {
    throw handshakeError("unsupportedCertificate", "no-common-parameters", "no certificate type in common");
  }
  const isNamed = Boolean(serverName) && certificate !== parts.certificate(undefined);
  return { certificate, signatureAlgorithm, serverType, clientType, isNamed };
}

/**
 * A suite of ours that the client offers and that everything else in the hello allows, in our order of preference.
 * @throws MooringError HANDSHAKE_INVALID, handshake_failure: there is none
 */
export function negotiate(hello: ClientHello, options: NegotiationOptions, proofParts: ProofParts): Agreement {
  const group = GROUPS.find(({ id }) => takesGroup(hello, id));
  for (const suite of SUITES) {
    if (!hello.suites.includes(suite.id) || (suite.isCbc && !options.cbc)) continue;
    const encryptThenMac = suite.isCbc && hello.extensions.encryptThenMac === true;
    if (suite.keyExchange === "psk") return { suite, encryptThenMac };
    if (!group) continue;
    if (suite.keyExchange === "ecdhe_psk") return { suite, group, encryptThenMac };
    const proof = proofFor(hello, proofParts);
    if (proof) return { suite, group, proof, encryptThenMac };
  }
  throw handshakeError("handshakeFailure", "no-common-parameters", "no cipher suite in common", {
    offered: hello.suites.slice(0, 16),
  });
}

/**
 * Whether the session may go on under this hello. Its suite must be offered still (RFC 5246 section 7.4.1.2), and what was agreed on the
 * MAC must hold (RFC 7366 section 3).
 * @throws MooringError HANDSHAKE_INVALID: the session has an extended master secret, and the hello leaves it out (RFC 7627 section 5.3)
 */
export function mayResume(hello: ClientHello, session: SessionParameters, options: NegotiationOptions): boolean {
  const suite = findSuite(session.suite);
  if (!suite || !hello.suites.includes(suite.id) || (suite.isCbc && !options.cbc)) return false;
  if (!session.extendedMasterSecret || !equalBytes(session.resumptionId, hello.sessionId)) return false;
  if (suite.isCbc && session.encryptThenMac !== (hello.extensions.encryptThenMac === true)) return false;
  if (!hello.extensions.extendedMasterSecret) {
    throw handshakeError("handshakeFailure", "no-common-parameters", "resumption without extended master secret");
  }
  return true;
}
