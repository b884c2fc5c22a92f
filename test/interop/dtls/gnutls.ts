/** `gnutls-cli`: GnuTLS's DTLS, one connection a run, or two where it resumes. */
import { certificateFile, privateKeyFile } from "../../simulator/dtls/certificates.ts";
import { ensurePrograms } from "../programs.ts";
import type { CertificateExchange, CertificatePeer } from "./certificate-suite.ts";
import { carryThrough, type DtlsExchange, type DtlsOutcome, type DtlsPeer, registerBytes } from "./dtls-peer.ts";

export const prepareGnutls = (): void => ensurePrograms(["gnutls-cli"], ["gnutls-bin"]);

const READY = /Simple Client Mode/;

function gnutlsRegister(
  { port, endpoint }: Pick<DtlsExchange, "port" | "endpoint">,
  more: readonly string[],
): Promise<DtlsOutcome> {
  return carryThrough(
    {
      name: "gnutls-cli",
      command: "gnutls-cli",
      args: ["--udp", "127.0.0.1", "-p", String(port), ...more],
    },
    registerBytes(endpoint),
    READY,
  );
}

/** It connects twice in one run. */
async function gnutlsResume(
  exchange: Pick<DtlsExchange, "port" | "endpoint">,
  more: readonly string[],
): Promise<DtlsOutcome> {
  const outcome = await gnutlsRegister(exchange, [...more, "--resume"]);
  return { ...outcome, resumed: /This is a resumed session/.test(outcome.output) };
}

const priority = (suite: string, keyExchange: string): string[] => [
  "--priority",
  `NONE:+VERS-DTLS1.2:+${suite}:+${keyExchange}:+SIGN-ALL:+COMP-NULL:+GROUP-ALL:+CTYPE-X509`,
];

const pskArguments = ({ identity, key, suite = "AES-128-CCM-8:+AEAD" }: DtlsExchange): string[] => [
  ...priority(suite, "PSK"),
  ...["--pskusername", identity, "--pskkey", Buffer.from(key).toString("hex")],
];

export const gnutls: DtlsPeer = {
  name: "gnutls-cli",
  retransmits: true,
  suites: { "AES-128-CCM-8:+AEAD": 0xc0a8, "AES-128-CCM:+AEAD": 0xc0a4, "AES-128-GCM:+AEAD": 0x00a8 },
  cbcSuites: { "AES-128-CBC:+SHA256": 0x00ae },
  register: exchange => gnutlsRegister(exchange, pskArguments(exchange)),
  resume: exchange => gnutlsResume(exchange, pskArguments(exchange)),
};

const certificateArguments = ({ certificate, suite = "AES-128-CCM-8:+AEAD", mtu }: CertificateExchange): string[] => [
  ...priority(suite, "ECDHE-ECDSA"),
  ...["--x509certfile", certificateFile(certificate), "--x509keyfile", privateKeyFile(certificate)],
  ...["--x509cafile", certificateFile("ca"), "--verify-hostname", "localhost"],
  ...(mtu === undefined ? [] : ["--mtu", String(mtu)]),
];

export const gnutlsCertificates: CertificatePeer = {
  name: "gnutls-cli",
  cutsDatagrams: true,
  suites: { "AES-128-CCM-8:+AEAD": 0xc0ae, "AES-128-CCM:+AEAD": 0xc0ac, "AES-128-GCM:+AEAD": 0xc02b },
  cbcSuites: { "AES-128-CBC:+SHA256": 0xc023 },
  register: exchange => gnutlsRegister(exchange, certificateArguments(exchange)),
  resume: exchange => gnutlsResume(exchange, certificateArguments(exchange)),
};
