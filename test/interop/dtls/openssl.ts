/** `openssl s_client`: OpenSSL's DTLS, one connection a run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePrograms } from "../programs.ts";
import { carryThrough, type DtlsExchange, type DtlsOutcome, type DtlsPeer, registerBytes } from "./dtls-peer.ts";

export const prepareOpenssl = (): void => ensurePrograms(["openssl"], ["openssl"]);

/** Connected: the session is printed and what follows is the other side's. */
const READY = /^ {4}Extended master secret:/;

/** @param more further arguments, such as `-cert` */
export async function opensslRegister(
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

export const openssl: DtlsPeer = {
  name: "OpenSSL s_client",
  retransmits: true,
  suites: {
    "PSK-AES128-CCM8": 0xc0a8,
    "PSK-AES128-CCM": 0xc0a4,
    "PSK-AES128-GCM-SHA256": 0x00a8,
  },
  register: exchange => opensslRegister(exchange, pskArguments(exchange)),
  async resume(exchange) {
    const folder = await mkdtemp(join(tmpdir(), "mooring-openssl-"));
    const session = join(folder, "session.pem");
    try {
      const first = await opensslRegister(exchange, [...pskArguments(exchange), "-sess_out", session]);
      if (first.code === undefined) return first;
      return await opensslRegister(exchange, [...pskArguments(exchange), "-sess_in", session]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
