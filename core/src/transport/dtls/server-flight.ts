/** What a server says in its first flight of a full handshake (RFC 5246 section 7.3, RFC 4279 section 2, RFC 8422 section 5). Pure but for signing. */
import { concatBytes, EMPTY_BYTES } from "../../base/bytes.ts";
import { CERTIFICATE_TYPE, writeCertificateChain, writeRawPublicKey } from "./certificate.ts";
import { ECDSA_SIGN, writeCertificateRequest } from "./certificate-request.ts";
import type { ClientHello } from "./client-hello.ts";
import { type ServerExtensions, UNCOMPRESSED } from "./extensions.ts";
import { HANDSHAKE } from "./handshake-message.ts";
import { type EcdhShare, writeServerKeyExchange, writeShare } from "./key-exchange.ts";
import { type Agreement, type Proof, signalsRenegotiation } from "./negotiation.ts";
import { SIGNATURE_ALGORITHMS, signBytes } from "./signing.ts";

/** Type and body; the owner numbers them. */
export type Said = readonly [type: number, body: Uint8Array];

export interface Answers extends Pick<Agreement, "encryptThenMac"> {
  /** Where the suite has a Diffie-Hellman exchange. */
  readonly withGroup: boolean;
  readonly proof?: Proof | undefined;
  /** That the client shall put into its records; undefined: none. */
  readonly serverCid: Uint8Array | undefined;
  readonly maxRecordBytes: number;
}

/** Members that have a value. */
type Defined<T> = { [K in keyof T]: T[K] | undefined };

const certificateTypes = ({ extensions }: ClientHello, proof: Proof | undefined): Defined<ServerExtensions> => ({
  // RFC 6066 section 3: the answer says that the name mattered. Said without need it ends handshakes: pion takes none that is empty.
  serverName: proof?.isNamed || undefined,
  clientCertificateType: extensions.clientCertificateTypes && proof?.clientType,
  serverCertificateType: extensions.serverCertificateTypes && proof?.serverType,
});

/** Answers to what the client said, and to nothing else (RFC 5246 section 7.4.1.4). */
export function answerExtensions(hello: ClientHello, answers: Answers): ServerExtensions {
  const { extensions } = hello;
  const limited = extensions.recordSizeLimit !== undefined;
  const answered: Defined<ServerExtensions> = {
    ...certificateTypes(hello, answers.proof),
    // RFC 8449 section 5: with record_size_limit, max_fragment_length is as if it were not there.
    recordSizeLimit: limited ? answers.maxRecordBytes : undefined,
    maxFragmentLength: limited ? undefined : extensions.maxFragmentLength,
    pointFormats: answers.withGroup && extensions.pointFormats ? [UNCOMPRESSED] : undefined,
    encryptThenMac: answers.encryptThenMac || undefined,
    extendedMasterSecret: extensions.extendedMasterSecret,
    connectionId: answers.serverCid,
    renegotiationInfo: signalsRenegotiation(hello) ? EMPTY_BYTES : undefined,
  };
  return answered as ServerExtensions;
}

const certificateOf = ({ certificate, serverType }: Proof): Said => [
  HANDSHAKE.certificate,
  serverType === CERTIFICATE_TYPE.rawPublicKey
    ? writeRawPublicKey(certificate.subjectPublicKeyInfo)
    : writeCertificateChain(certificate.chain),
];

/** Every authority is named by none: a device has one certificate, and names would make the flight longer. */
const CERTIFICATE_REQUEST: Said = [
  HANDSHAKE.certificateRequest,
  writeCertificateRequest({
    certificateTypes: [ECDSA_SIGN],
    signatureAlgorithms: SIGNATURE_ALGORITHMS,
    authorities: [],
  }),
];

const signedShare = (share: EcdhShare, proof: Proof, randoms: Uint8Array): Said => [
  HANDSHAKE.serverKeyExchange,
  writeServerKeyExchange({
    share,
    signature: signBytes(
      proof.signatureAlgorithm,
      proof.certificate.privateKey,
      concatBytes([randoms, writeShare(share)]),
    ),
  }),
];

/**
 * Everything behind ServerHello.
 * @param randoms of client and server, joined
 */
export function restOfFlight({ proof }: Agreement, share: EcdhShare | undefined, randoms: Uint8Array): Said[] {
  const done: Said = [HANDSHAKE.serverHelloDone, EMPTY_BYTES];
  // RFC 4279 section 2: without a hint there is no ServerKeyExchange; with a share the hint is empty (RFC 5489 section 2).
  if (!share) return [done];
  if (!proof)
    return [[HANDSHAKE.serverKeyExchange, writeServerKeyExchange({ identityHint: EMPTY_BYTES, share })], done];
  return [certificateOf(proof), signedShare(share, proof, randoms), CERTIFICATE_REQUEST, done];
}
