/** What a client offers, from its options. */
import { CERTIFICATE_TYPE } from "@mooring/core/internal/transport/dtls/certificate.ts";
import {
  type ClientHello,
  DTLS_1_2,
  EMPTY_RENEGOTIATION_INFO_SCSV,
} from "@mooring/core/internal/transport/dtls/client-hello.ts";
import {
  type ClientExtensions,
  GROUP,
  SIGNATURE_ALGORITHM,
  UNCOMPRESSED,
} from "@mooring/core/internal/transport/dtls/extensions.ts";
import { findSuite } from "@mooring/core/internal/transport/dtls/suites.ts";
import { type DtlsClientOptions, ECDSA_SUITES, PSK_SUITES } from "./client-options.ts";

export function offeredSuites({ suites, psk, certificate, rawKey }: DtlsClientOptions): readonly number[] {
  return suites ?? [...(psk ? PSK_SUITES : []), ...(certificate || rawKey ? ECDSA_SUITES : [])];
}

function ellipticExtensions({ groups, rawKey }: DtlsClientOptions): ClientExtensions {
  const rawTypes = [CERTIFICATE_TYPE.rawPublicKey];
  return {
    supportedGroups: groups ?? [GROUP.secp256r1, GROUP.secp384r1],
    pointFormats: [UNCOMPRESSED],
    signatureAlgorithms: Object.values(SIGNATURE_ALGORITHM),
    ...(rawKey ? { clientCertificateTypes: rawTypes, serverCertificateTypes: rawTypes } : {}),
  };
}

function offeredExtensions(options: DtlsClientOptions): ClientExtensions {
  const { serverName, cid, recordSizeLimit, extendedMasterSecret = true, encryptThenMac = true } = options;
  const suites = offeredSuites(options).map(findSuite);
  return {
    ...(serverName === undefined ? {} : { serverName }),
    ...(suites.some(suite => suite && suite.keyExchange !== "psk") ? ellipticExtensions(options) : {}),
    ...(encryptThenMac && suites.some(suite => suite?.isCbc) ? { encryptThenMac } : {}),
    ...(extendedMasterSecret ? { extendedMasterSecret } : {}),
    ...(recordSizeLimit === undefined ? {} : { recordSizeLimit }),
    ...(cid === undefined ? {} : { connectionId: cid }),
  };
}

/** @param random 32 bytes, the same in both hellos (RFC 6347 section 4.2.1) */
export const offer = (options: DtlsClientOptions, random: Uint8Array, cookie: Uint8Array): ClientHello => ({
  version: DTLS_1_2,
  random,
  sessionId: options.session?.id ?? new Uint8Array(0),
  cookie,
  suites: [...offeredSuites(options), EMPTY_RENEGOTIATION_INFO_SCSV],
  compressionMethods: [0],
  extensions: offeredExtensions(options),
});
