/** The DTLS transport alone with a CoAP server that answers every Register and Update, for what the host's accounts have no mode for. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import type { Credentials, DtlsOptions, DtlsTransport } from "@mooring/core/internal/transport/dtls/dtls.ts";
import { openDtlsTransport } from "@mooring/core/internal/transport/dtls/dtls-transport.ts";
import type { PeerIdentity } from "@mooring/core/internal/transport/transport.ts";
import { openUdpTransport } from "@mooring/core/internal/transport/udp/udp-transport.ts";
import { generate, type NamedOption, parse } from "coap-packet";
import { certificate, privateKeyFile } from "../simulator/dtls/certificates.ts";

export interface DtlsResponder extends AsyncDisposable {
  readonly port: number;
  readonly dtls: DtlsTransport["dtls"];
  /** Who has sent something, each once. */
  readonly peers: readonly PeerIdentity[];
}

const OPTIONS: DtlsOptions = {
  cbc: false,
  cidLength: 3,
  retransmissionTimeoutMs: 400,
  maxRetransmissionTimeoutMs: 10_000,
  maxRetransmissions: 4,
  maxRecordBytes: 4096,
  maxHandshakeDatagramBytes: 1280,
  maxHandshakeMessageBytes: 16_384,
  maxHandshakes: 100,
  handshakeRate: { perSecond: 1000, burst: 1000 },
  handshakeRatePerAddress: { perSecond: 1000, burst: 1000 },
  maxSessions: 1000,
  maxLiveSessions: 1000,
  sleepAfterMs: 600_000,
  sessionLifetimeMs: 3_600_000,
  muteAfter: { perSecond: 10, burst: 100 },
  muteMs: 1000,
};
const LOCATION: readonly NamedOption[] = ["rd", "1"].map(part => ({ name: "Location-Path", value: Buffer.from(part) }));

/** With the server certificate of the fixtures. */
function credentialsWith(given: Partial<Credentials>): Credentials {
  const leaf = certificate("server");
  const privateKey: KeyObject = createPrivateKey(readFileSync(privateKeyFile("server")));
  const subjectPublicKeyInfo = leaf.publicKey.export({ format: "der", type: "spki" });
  return {
    pskKey: async () => undefined,
    serverCertificate: () => ({ chain: [leaf.raw], privateKey, subjectPublicKeyInfo }),
    clientCertificate: async () => undefined,
    ...given,
  };
}

/** @param credentials who may come; default: nobody */
export async function openDtlsResponder(credentials: Partial<Credentials>): Promise<DtlsResponder> {
  const below = await openUdpTransport({ host: "127.0.0.1", port: 0, log: silentLog });
  const transport = await openDtlsTransport({
    below,
    clock: systemClock,
    random: createSystemRandom(),
    log: silentLog,
    credentials: credentialsWith(credentials),
    options: OPTIONS,
  });
  const peers = new Map<string, PeerIdentity>();
  transport.start((bytes, peer) => {
    if (peer.identity) peers.set(peer.key, peer.identity);
    const { code, confirmable, messageId, token, options } = parse(Buffer.from(bytes));
    if (code !== "0.02") return;
    const isRegister = options.filter(option => option.name === "Uri-Path").length === 1;
    const answer = isRegister ? { code: "2.01", options: [...LOCATION] } : { code: "2.04" };
    transport.send(generate({ ...answer, ack: confirmable, messageId, token }), peer);
  });
  return {
    port: transport.local.port,
    dtls: transport.dtls,
    get peers() {
      return [...peers.values()];
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
