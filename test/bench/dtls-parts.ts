/** What both sides of the DTLS benchmark agree on: keys, certificates, limits that nothing here reaches. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { encodeUtf8 } from "@mooring/core/internal/base/bytes.ts";
import type { Credentials, DtlsOptions } from "@mooring/core/internal/transport/dtls/dtls.ts";
import { findSuite } from "@mooring/core/internal/transport/dtls/suites.ts";
import { certificate, certificateCredentials, privateKeyFile } from "../simulator/dtls/certificates.ts";
import type { DtlsClientOptions } from "../simulator/dtls/client-options.ts";

/** Good for every identity. */
const PSK = encodeUtf8("0123456789abcdef");
const ENOUGH = 10_000_000;
const A_DAY_MS = 86_400_000;

export const SLEEP_AFTER_MS = 600_000;

export const benchOptions: DtlsOptions = {
  cbc: true,
  cidLength: 3,
  retransmissionTimeoutMs: 2000,
  maxRetransmissionTimeoutMs: 60_000,
  maxRetransmissions: 4,
  maxRecordBytes: 4096,
  maxHandshakeDatagramBytes: 1152,
  maxHandshakeMessageBytes: 32 * 1024,
  maxHandshakes: 100_000,
  handshakeRate: { perSecond: ENOUGH, burst: ENOUGH },
  handshakeRatePerAddress: { perSecond: ENOUGH, burst: ENOUGH },
  maxSessions: 1_000_000,
  maxLiveSessions: 1_000_000,
  sleepAfterMs: SLEEP_AFTER_MS,
  sessionLifetimeMs: 30 * A_DAY_MS,
  muteAfter: { perSecond: 10, burst: 100 },
  muteMs: 30_000,
};

/** Whoever has a certificate of the CA is another device each time, as in a fleet. */
export function createBenchCredentials(): Credentials {
  const leaf = certificate("server");
  const authority = certificate("ca").publicKey;
  const server = {
    chain: [leaf.raw],
    privateKey: createPrivateKey(readFileSync(privateKeyFile("server"))),
    subjectPublicKeyInfo: leaf.publicKey.export({ type: "spki", format: "der" }),
  };
  let devices = 0;
  return {
    pskKey: async () => PSK,
    serverCertificate: () => server,
    clientCertificate: async ([device]) =>
      device!.verify(authority) ? { kind: "x509", commonName: `device-${devices++}`, subjectAltNames: [] } : undefined,
  };
}

const device = certificateCredentials("device-1");

/** A device that offers this suite alone, and proves itself as the suite wants it. */
export const clientOptions = (identity: string, suite: number): DtlsClientOptions => ({
  suites: [suite],
  ...(findSuite(suite)?.keyExchange === "ecdhe_ecdsa" ? { certificate: device } : { psk: { identity, key: PSK } }),
});
