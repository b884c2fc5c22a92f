/** Endpoints in a memory network, and a bare peer that speaks in single messages for lockstep dialogs. */
import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { createManualClock, type ManualClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import {
  type CoapEndpoint,
  createCoapEndpoint,
  type EndpointLimits,
  type EndpointParts,
} from "../../../src/coap/endpoint.ts";
import { ACK, CON, type CoapMessage, decodeMessage, encodeMessage, NON, RST } from "../../../src/coap/message.ts";
import { OPTIONS } from "../../../src/coap/options.ts";
import type { CoapRequest, CoapResponse, Method } from "../../../src/coap/request.ts";
import { DEFAULT_TRANSMISSION } from "../../../src/coap/transmission.ts";
import { encodeUint } from "../../../src/coap/write-message.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory/memory-transport.ts";
import type { Peer, Transport } from "../../../src/transport/transport.ts";

export const LIMITS: EndpointLimits = {
  maxBodyBytes: 2 * 1024 * 1024,
  maxTransfersPerPeer: 4,
  maxTransfers: 100,
  maxTransferBytes: 16 * 1024 * 1024,
  maxPeers: 1000,
  maxRequestsInFlight: 100,
  blockSzx: 6,
};

export const HOST = { address: "192.0.2.1", port: 5783 };
export const DEVICE = { address: "192.0.2.99", port: 56_830 };

export const text = (payload: string): Uint8Array => encodeUtf8(payload);
export const content = (payload: string, more: Partial<CoapResponse> = {}): CoapResponse => ({
  code: 69,
  payload: text(payload),
  ...more,
});
export const request = (method: Method, path: string, more: Partial<CoapRequest> = {}): CoapRequest => ({
  method,
  path: path.split("/").filter(Boolean),
  query: [],
  payload: new Uint8Array(0),
  ...more,
});

/** Bytes that differ from block to block. */
export const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + (i >> 16)) & 0xff);

export interface World {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  open(at: { address: string; port: number }, parts?: WorldParts): CoapEndpoint;
}

export type WorldParts = Partial<Omit<EndpointParts, "limits" | "transmission">> & {
  readonly limits?: Partial<EndpointLimits>;
  readonly transmission?: Partial<EndpointParts["transmission"]>;
};

const noHandler = (): CoapResponse => ({ code: 132, payload: new Uint8Array(0) });

export function createWorld(seed = 1): World {
  const clock = createManualClock();
  const random = createSeededRandom(seed);
  const network = createMemoryNetwork({ clock, random });
  return {
    clock,
    network,
    open({ address, port }, { limits = {}, transmission = {}, ...parts } = {}) {
      return createCoapEndpoint({
        transport: network.open(address, port),
        clock,
        random,
        log: silentLog,
        onRequest: noHandler,
        ...parts,
        transmission: { ...DEFAULT_TRANSMISSION, ackRandomFactor: 1, ...transmission },
        limits: { ...LIMITS, ...limits },
      });
    },
  };
}

/** A peer that sends and sees single messages; nothing is answered by itself. */
export interface BarePeer {
  readonly transport: Transport;
  readonly inbox: CoapMessage[];
  sendBytes(bytes: Uint8Array): Promise<void>;
  send(message: Partial<CoapMessage>): Promise<void>;
  /** The oldest message that was not taken yet. Fails where there is none. */
  take(): CoapMessage;
  /** Fails where something came. */
  silent(): void;
}

export function createBarePeer(world: World, at = DEVICE, to = HOST): BarePeer {
  const transport = world.network.open(at.address, at.port);
  const inbox: CoapMessage[] = [];
  transport.start(bytes => void inbox.push(decodeMessage(bytes)));
  const other = transport.peerAt(to.address, to.port)!;
  const sendBytes = async (bytes: Uint8Array): Promise<void> => {
    transport.send(bytes, other);
    await world.clock.advance(0);
  };
  return {
    transport,
    inbox,
    sendBytes,
    send: message => sendBytes(encodeMessage(messageOf(message))),
    take() {
      const message = inbox.shift();
      if (!message) assert.fail("nothing came");
      return message!;
    },
    silent: () => assert.deepEqual(inbox.map(show), []),
  };
}

export const messageOf = (message: Partial<CoapMessage>): CoapMessage => ({
  type: CON,
  code: 1,
  messageId: 1,
  token: new Uint8Array(0),
  options: [],
  payload: new Uint8Array(0),
  ...message,
});

export const peerOf = (endpoint: CoapEndpoint, at: { address: string; port: number }): Peer =>
  endpoint.transport.peerAt(at.address, at.port)!;

export const uint = (number: number, value: number) => ({ number, value: encodeUint(value) });
export const pathOptions = (path: string) =>
  path
    .split("/")
    .filter(Boolean)
    .map(segment => ({ number: OPTIONS.URI_PATH, value: text(segment) }));
export const block = (num: number, more: boolean, szx: number): number => num * 16 + (more ? 8 : 0) + szx;

export const optionOf = (message: CoapMessage, number: number): Uint8Array | undefined =>
  message.options.find(option => option.number === number)?.value;

/** Value of an unsigned option; undefined where it is absent. */
export function uintOf(message: CoapMessage, number: number): number | undefined {
  const value = optionOf(message, number);
  return value?.reduce((sum, byte) => sum * 256 + byte, 0);
}

const TYPE_NAMES = { [CON]: "CON", [NON]: "NON", [ACK]: "ACK", [RST]: "RST" } as const;

/** `ACK 2.05`, for short comparisons. */
export const show = (message: CoapMessage): string => `${TYPE_NAMES[message.type]} ${formatCode(message.code)}`;
