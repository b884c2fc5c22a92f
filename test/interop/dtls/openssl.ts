/** `openssl s_client`: OpenSSL's DTLS, one connection a run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateFile, privateKeyFile } from "../../simulator/dtls/certificates.ts";
import { ensurePrograms } from "../programs.ts";
import type { CertificateExchange, CertificatePeer } from "./certificate-suite.ts";
import { carryThrough, type DtlsExchange, type DtlsOutcome, type DtlsPeer, registerBytes } from "./dtls-peer.ts";

export const prepareOpenssl = (): void => ensurePrograms(["openssl"], ["openssl"]);

/** Connected: the session is printed and what follows is the other side's. */
const READY = /^ {4}Extended master secret:/;

/** @param more further arguments, such as `-cert` */
async function opensslRegister(
  { port, endpoint }: Pick<DtlsExchange, "port" | "endpoint">,
  more: readonly string[],
): Promise<DtlsOutcome> {
  const outcome = await carryThrough(
    {
      name: "openssl s_client",
      command: "openssl",
      args: ["s_client", "-dtls1_2", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...more],
    },
    registerBytes(endpoint),
    READY,
  );
  return { ...outcome, resumed: /^ *Reused, /m.test(outcome.output) };
}

const pskArguments = ({ identity, key, suite = "PSK-AES128-CCM8" }: DtlsExchange): string[] => [
  ...["-psk_identity", identity, "-psk", Buffer.from(key).toString("hex")],
  // CCM_8 counts as weak: its tag has 64 bits.
  ...["-cipher", `${suite}@SECLEVEL=0`],
];

/** Twice: the second time with the session of the first one. */
async function opensslResume(
  exchange: Pick<DtlsExchange, "port" | "endpoint">,
  more: readonly string[],
): Promise<DtlsOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "mooring-openssl-"));
  const session = join(folder, "session.pem");
  try {
    const first = await opensslRegister(exchange, [...more, "-sess_out", session]);
    if (first.code === undefined) return first;
    return await opensslRegister(exchange, [...more, "-sess_in", session]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const openssl: DtlsPeer = {
  name: "OpenSSL s_client",
  retransmits: true,
  suites: {
    "PSK-AES128-CCM8": 0xc0a8,
    "PSK-AES128-CCM": 0xc0a4,
    "PSK-AES128-GCM-SHA256": 0x00a8,
  },
  cbcSuites: { "PSK-AES128-CBC-SHA256": 0x00ae, "ECDHE-PSK-AES128-CBC-SHA256": 0xc037 },
  register: exchange => opensslRegister(exchange, pskArguments(exchange)),
  resume: exchange => opensslResume(exchange, pskArguments(exchange)),
};

const certificateArguments = ({
  certificate,
  suite = "ECDHE-ECDSA-AES128-CCM8",
  mtu,
}: CertificateExchange): string[] => [
  ...["-cert", certificateFile(certificate), "-key", privateKeyFile(certificate)],
  ...["-CAfile", certificateFile("ca"), "-verify_return_error", "-verify_hostname", "localhost"],
  ...["-cipher", `${suite}@SECLEVEL=0`, ...(mtu === undefined ? [] : ["-mtu", String(mtu)])],
];

export const opensslCertificates: CertificatePeer = {
  name: "OpenSSL s_client",
  cutsDatagrams: true,
  suites: {
    "ECDHE-ECDSA-AES128-CCM8": 0xc0ae,
    "ECDHE-ECDSA-AES128-CCM": 0xc0ac,
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xc02b,
  },
  cbcSuites: { "ECDHE-ECDSA-AES128-SHA256": 0xc023 },
  register: exchange => opensslRegister(exchange, certificateArguments(exchange)),
  resume: exchange => opensslResume(exchange, certificateArguments(exchange)),
};
