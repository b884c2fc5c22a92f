import type { ClientEstablished } from "../../../../../test/simulator/dtls/client-handshake.ts";
import type { DtlsClientOptions } from "../../../../../test/simulator/dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "../../../../../test/simulator/dtls/dtls-client.ts";
import { decodeUtf8, encodeUtf8 } from "../../../../src/base/bytes.ts";
import { createManualClock, type ManualClock } from "../../../../src/base/clock.ts";
import { createRecordingLog, type LogLine } from "../../../../src/base/log.ts";
import { createSeededRandom } from "../../../../src/base/random.ts";
import {
  type Credentials,
  type DtlsOptions,
  type DtlsTransport,
  openDtlsTransport,
} from "../../../../src/transport/dtls/dtls.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../../src/transport/memory/memory-transport.ts";
import type { DatagramHandler, Peer, Transport } from "../../../../src/transport/transport.ts";
import type { KeptSessions } from "./kept-sessions.ts";

export const SERVER = { address: "192.0.2.1", port: 5684 };

export const OPTIONS: DtlsOptions = {
  cbc: false,
  cidLength: 3,
  retransmissionTimeoutMs: 1000,
  maxRetransmissionTimeoutMs: 60_000,
  maxRetransmissions: 4,
  maxRecordBytes: 4096,
  maxHandshakeDatagramBytes: 1280,
  maxHandshakeMessageBytes: 16_384,
  maxHandshakes: 1000,
  handshakeRate: { perSecond: 1000, burst: 1000 },
  handshakeRatePerAddress: { perSecond: 1000, burst: 1000 },
  maxSessions: 1000,
  maxLiveSessions: 1000,
  sleepAfterMs: 600_000,
  sessionLifetimeMs: 30 * 86_400_000,
  muteAfter: { perSecond: 1, burst: 10 },
  muteMs: 30_000,
};

/** Good for every identity. */
export const KEY = encodeUtf8("0123456789abcdef");

/** A datagram, and whether the server sent it. */
export interface Seen {
  readonly outgoing: boolean;
  readonly bytes: Uint8Array;
}

export interface Device {
  readonly client: DtlsClient;
  readonly established: ClientEstablished;
  /** What the server sent it, as text. */
  readonly got: string[];
  /** Why its session ended. */
  readonly ends: string[];
  say(text: string): void;
  /** A datagram from where it is, whatever it is. */
  sendRaw(bytes: Uint8Array): void;
  /** Goes on from another address. */
  moveTo(address: string, port: number): void;
  /** Datagrams of the server do not reach it. */
  isDeaf: boolean;
}

export interface DeviceOptions extends Partial<DtlsClientOptions> {
  /** Default 198.51.100.1:40000. */
  readonly address?: string;
  readonly port?: number;
  readonly identity?: string;
}

export interface DtlsWorld {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly dtls: DtlsTransport;
  /** What was delivered, with whom from. */
  readonly got: { readonly text: string; readonly peer: Peer }[];
  readonly superseded: (readonly [from: string, to: string])[];
  /** All that passed the server's socket. */
  readonly wire: Seen[];
  readonly lines: readonly LogLine[];
  /** A handshake that was asked for and not waited for. */
  device(options?: DeviceOptions): Device & { readonly connecting: Promise<ClientEstablished> };
  connect(options?: DeviceOptions): Promise<Device>;
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>;
  /** Another process over what was kept; the one before is dropped as `kill -9` drops it, unless it was disposed of. */
  restart(options?: Partial<DtlsOptions>): Promise<void>;
  /** Datagrams from any address. */
  from(address: string, port: number): { send(bytes: Uint8Array): void };
  /** The same for very many addresses: at once, and beside the network. */
  forge(bytes: Uint8Array, address: string, port: number): void;
}

export async function openWorld(
  options: Partial<DtlsOptions> = {},
  kept?: Pick<KeptSessions, "asSeenWhile">,
  clock: ManualClock = createManualClock(),
  credentials: Partial<Credentials> = {},
): Promise<DtlsWorld> {
  const network = createMemoryNetwork({ clock, random: createSeededRandom(1) });
  const log = createRecordingLog();
  const wire: Seen[] = [];
  const got: DtlsWorld["got"] = [];
  const superseded: (readonly [string, string])[] = [];
  const ports = new Map<string, Transport>();
  const deliverTo = new Map<Transport, (bytes: Uint8Array) => void>();
  let seed = 100;
  let processes = 0;
  let dtls: DtlsTransport;
  let socket: Transport;
  let onForged: DatagramHandler = () => {};

  function openBelow(): Transport {
    const opened = network.open(SERVER.address, SERVER.port);
    const own = ++processes;
    socket = opened;
    return {
      ...opened,
      start(onDatagram) {
        onForged = onDatagram;
        opened.start((bytes, peer) => {
          if (own !== processes) return;
          wire.push({ outgoing: false, bytes: Uint8Array.from(bytes) });
          onDatagram(bytes, peer);
        });
      },
      send(bytes, peer) {
        if (own !== processes) return;
        wire.push({ outgoing: true, bytes: Uint8Array.from(bytes) });
        opened.send(bytes, peer);
      },
    };
  }

  async function open(changed: Partial<DtlsOptions>): Promise<void> {
    const below = openBelow();
    const own = processes;
    dtls = await openDtlsTransport({
      below,
      clock,
      random: createSeededRandom(seed++),
      log,
      credentials: {
        pskKey: async identity => (identity.startsWith("unknown") ? undefined : KEY),
        serverCertificate: () => undefined,
        clientCertificate: async () => undefined,
        ...credentials,
      },
      options: { ...OPTIONS, ...options, ...changed },
      ...(kept && { kept: kept.asSeenWhile(() => own === processes) }),
    });
    dtls.start((bytes, peer) => void got.push({ text: decodeUtf8(bytes) ?? "", peer }), {
      superseded: (from, to) => void superseded.push([from.key, to.key]),
    });
  }

  function portAt(address: string, port: number): Transport {
    const key = `${address} ${port}`;
    let transport = ports.get(key);
    if (!transport) {
      const opened = network.open(address, port);
      opened.start(bytes => deliverTo.get(opened)?.(bytes));
      ports.set(key, opened);
      transport = opened;
    }
    return transport;
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) await clock.advance(0);
  }

  function device(asked: DeviceOptions = {}): Device & { readonly connecting: Promise<ClientEstablished> } {
    const { address = "198.51.100.1", port = 40_000, identity = "device", ...rest } = asked;
    const texts: string[] = [];
    const ends: string[] = [];
    let at = portAt(address, port);
    const sendRaw = (bytes: Uint8Array): void => at.send(bytes, at.peerAt(SERVER.address, SERVER.port)!);
    const client = createDtlsClient({
      clock,
      random: createSeededRandom(seed++),
      psk: { identity, key: KEY },
      ...rest,
      send: sendRaw,
      onData: bytes => void texts.push(decodeUtf8(bytes) ?? ""),
      onEnd: why => void ends.push(why),
    });
    const self = {
      client,
      got: texts,
      ends,
      isDeaf: false,
      established: undefined as unknown as ClientEstablished,
      connecting: undefined as unknown as Promise<ClientEstablished>,
      say: (text: string) => client.send(encodeUtf8(text)),
      sendRaw,
      moveTo(toAddress: string, toPort: number) {
        at = portAt(toAddress, toPort);
        listen();
      },
    };
    const listen = (): void =>
      void deliverTo.set(at, bytes => {
        if (!self.isDeaf) client.receive(bytes);
      });
    listen();
    self.connecting = client.connect().then(established => (self.established = established));
    return self;
  }

  await open({});
  return {
    clock,
    network,
    get dtls() {
      return dtls;
    },
    got,
    superseded,
    wire,
    lines: log.lines,
    device,
    async connect(asked) {
      const made = device(asked);
      await made.connecting;
      await settle();
      return made;
    },
    settle,
    async restart(changed = {}) {
      // The old socket is gone; what the old process still has to say reaches nobody.
      processes++;
      await socket[Symbol.asyncDispose]();
      await open(changed);
    },
    forge: (bytes, address, port) => onForged(bytes, { key: `memory:${address}:${port}`, address, port }),
    from: (address, port) => ({
      send(bytes) {
        const transport = portAt(address, port);
        transport.send(bytes, transport.peerAt(SERVER.address, SERVER.port)!);
      },
    }),
  };
}
