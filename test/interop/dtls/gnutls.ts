/** `gnutls-cli`: GnuTLS's DTLS, one connection a run, or two where it resumes. */
import { ensurePrograms } from "../programs.ts";
import { carryThrough, type DtlsExchange, type DtlsOutcome, type DtlsPeer, registerBytes } from "./dtls-peer.ts";

export const prepareGnutls = (): void => ensurePrograms(["gnutls-cli"], ["gnutls-bin"]);

const READY = /Simple Client Mode/;

function gnutlsRegister(exchange: DtlsExchange, more: readonly string[] = []): Promise<DtlsOutcome> {
  const { port, endpoint, identity, key, suite = "AES-128-CCM-8" } = exchange;
  const priority = `NONE:+VERS-DTLS1.2:+${suite}:+PSK:+AEAD:+SIGN-ALL:+COMP-NULL:+GROUP-ALL`;
  return carryThrough(
    {
      name: "gnutls-cli",
      command: "gnutls-cli",
      args: [
        ...["--udp", "127.0.0.1", "-p", String(port), "--priority", priority],
        ...["--pskusername", identity, "--pskkey", Buffer.from(key).toString("hex"), ...more],
      ],
    },
    registerBytes(endpoint),
    READY,
  );
}

export const gnutls: DtlsPeer = {
  name: "gnutls-cli",
  retransmits: true,
  suites: { "AES-128-CCM-8": 0xc0a8, "AES-128-CCM": 0xc0a4, "AES-128-GCM": 0x00a8 },
  register: exchange => gnutlsRegister(exchange),
  async resume(exchange) {
    const outcome = await gnutlsRegister(exchange, ["--resume"]);
    return { ...outcome, resumed: /This is a resumed session/.test(outcome.output) };
  },
};
