/**
 * A device of which thousands fit into one process: it connects, registers with one observable temperature, updates and notifies
 * when told to, over DTLS or plain UDP.
 */
import { type Clock, systemClock } from "@mooring/core/internal/base/clock.ts";
import type { Random } from "@mooring/core/internal/base/random.ts";
import type { NamedOption, ParsedPacket } from "coap-packet";
import { type CoapLane, createCoapLane, type LaneAnswer } from "./coap-lane.ts";
import type { ClientSession, PskCredentials } from "./dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "./dtls/dtls-client.ts";
import { openUdpPipe, type UdpPipe } from "./dtls/udp-pipe.ts";
import type { FleetCounters, Latencies } from "./fleet-counters.ts";

export interface LightDeviceOptions {
  readonly endpoint: string;
  readonly serverPort: number;
  readonly serverHost?: string;
  /** Address of the device's own socket; default `127.0.0.1`. */
  readonly bindAddress?: string;
  /** Absent: plain UDP. */
  readonly psk?: PskCredentials;
  /** Connection ID of its own, may be empty; absent: none is spoken of. */
  readonly cid?: Uint8Array;
  readonly suites?: readonly number[];
  readonly lifetimeSeconds?: number;
  /** Payload of Register; default `</1/0>,</3/0>,</3303/0>`. */
  readonly links?: string;
  /** First retransmission of its messages; default 2000 (RFC 7252 section 4.8). */
  readonly ackTimeoutMs?: number;
  /** Retransmissions of them; default 4. */
  readonly maxRetransmit?: number;
  /** Shared by a fleet. */
  readonly random: Random;
  readonly counters: FleetCounters;
  readonly latencies: Latencies;
  /** Every datagram before it is sent, for a recorder. */
  readonly onSent?: (datagram: Uint8Array) => void;
}

export interface LightDevice extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  readonly isConnected: boolean;
  /** Location of the registration. */
  readonly location: string | undefined;
  readonly isObserved: boolean;
  /** The DTLS client now in use. */
  readonly dtls: DtlsClient | undefined;
  /** A full handshake, or one that resumes the last session. Over plain UDP nothing. @throws HandshakeRefused */
  connect(resumes?: boolean): Promise<void>;
  /** Registers, and again after Max-Age as long as the server answers 5.03. @returns the last code; undefined: no answer */
  register(signal?: AbortSignal): Promise<string | undefined>;
  /** @returns the code; undefined: no answer */
  update(): Promise<string | undefined>;
  /** Resolves when the server observes the temperature. */
  observed(): Promise<void>;
  /** A confirmable notification with this value. */
  notify(value: number): Promise<"acknowledged" | "reset" | "unanswered">;
  /** A non-confirmable notification with this value. */
  tell(value: number): void;
  /** Goes on from another port. */
  rebind(): Promise<void>;
  /** Without a word to the server, as a device that loses its power. */
  close(): Promise<void>;
}

const TEMPERATURE = ["3303", "0", "5700"];
const LINKS = "</1/0>,</3/0>,</3303/0>";
const LINK_FORMAT: NamedOption = { name: "Content-Format", value: Buffer.of(40) };
const DEFAULT_MAX_AGE_S = 60;

const segments = (message: ParsedPacket, name: string): string[] =>
  message.options.filter(option => option.name === name).map(option => option.value.toString());
const path = (...parts: readonly string[]): NamedOption[] =>
  parts.map(part => ({ name: "Uri-Path", value: Buffer.from(part) }));
const query = (...parts: readonly string[]): NamedOption[] =>
  parts.map(part => ({ name: "Uri-Query", value: Buffer.from(part) }));

function uint(message: ParsedPacket, name: string): number | undefined {
  const value = message.options.find(option => option.name === name)?.value;
  return value?.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** Observe has at most 24 bits (RFC 7641 section 2). */
const observeOption = (count: number): NamedOption => ({
  name: "Observe",
  value: Buffer.of((count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff),
});

export async function openLightDevice(options: LightDeviceOptions): Promise<LightDevice> {
  const { endpoint, psk, random, counters, latencies, lifetimeSeconds = 86_400, onSent } = options;
  const clock: Clock = systemClock;
  const pipe: UdpPipe = await openUdpPipe(options);
  const carry = (datagram: Uint8Array): void => {
    onSent?.(datagram);
    pipe.send(datagram);
  };
  let client: DtlsClient | undefined;
  let session: ClientSession | undefined;
  let location: string[] | undefined;
  let token: Uint8Array | undefined;
  let observeCount = 0;
  let value = 0;
  let tellObserved = (): void => {};
  let isObserved = new Promise<void>(resolve => {
    tellObserved = resolve;
  });

  const content = (): LaneAnswer => ({
    code: "2.05",
    options: [{ name: "Content-Format", value: Buffer.alloc(0) }],
    payload: Buffer.from(String(value)),
  });
  const observedContent = (): LaneAnswer => {
    const { options: plain = [], ...rest } = content();
    return { ...rest, options: [observeOption(++observeCount), ...plain] };
  };
  const onRequest = (request: ParsedPacket): LaneAnswer => {
    counters.served++;
    const wanted = segments(request, "Uri-Path");
    if (wanted.some((segment, at) => segment !== TEMPERATURE[at])) return { code: "4.04" };
    if (request.code !== "0.01") return { code: "2.04" };
    const observe = uint(request, "Observe");
    if (observe === 1) token = undefined;
    if (observe !== 0) return content();
    counters.observations++;
    token = Uint8Array.from(request.token);
    // After the answer, which goes out when this returns.
    queueMicrotask(tellObserved);
    return observedContent();
  };
  const lane: CoapLane = createCoapLane({
    clock,
    random,
    ackTimeoutMs: options.ackTimeoutMs,
    maxRetransmit: options.maxRetransmit,
    send: bytes => {
      if (!psk) carry(bytes);
      else if (client?.isConnected) client.send(bytes);
    },
    onRequest,
    onRetransmission: () => counters.retransmissions++,
  });
  pipe.deliverTo(datagram => (psk ? client?.receive(datagram) : lane.receive(datagram)));

  const timed = async <T>(into: number[], run: () => Promise<T>): Promise<T> => {
    const startedAtMs = performance.now();
    const result = await run();
    into.push(performance.now() - startedAtMs);
    return result;
  };
  const registerOnce = async (): Promise<ParsedPacket | undefined> => {
    const answer = await timed(latencies.register, () =>
      lane.request({
        code: "0.02",
        options: [...path("rd"), LINK_FORMAT, ...query(`ep=${endpoint}`, `lt=${lifetimeSeconds}`, "lwm2m=1.0", "b=U")],
        payload: Buffer.from(options.links ?? LINKS),
      }),
    );
    if (answer?.code === "2.01") {
      counters.registered++;
      location = segments(answer, "Location-Path");
    } else if (answer?.code === "5.03") counters.deferred++;
    else counters.registersFailed++;
    return answer;
  };
  const wait = (ms: number): Promise<void> => new Promise(resolve => clock.after(ms, resolve));
  /** @returns token of the observation */
  const toNotify = (next: number): Uint8Array => {
    if (!token) throw new Error(`${endpoint} is not observed`);
    value = next;
    counters.notified++;
    return token;
  };

  return {
    endpoint,
    get port() {
      return pipe.port;
    },
    get isConnected() {
      return !psk || client?.isConnected === true;
    },
    get location() {
      return location && `/${location.join("/")}`;
    },
    get isObserved() {
      return token !== undefined;
    },
    get dtls() {
      return client;
    },
    async connect(resumes = false) {
      if (!psk) return;
      client = createDtlsClient({
        clock,
        random,
        psk,
        cid: options.cid,
        ...(options.suites ? { suites: options.suites } : {}),
        ...(resumes && session ? { session } : {}),
        send: carry,
        onData: lane.receive,
      });
      try {
        const established = await timed(latencies.handshake, client.connect);
        session = established.session;
        if (established.resumed) counters.resumptions++;
        else counters.handshakes++;
      } catch (error) {
        counters.handshakesFailed++;
        throw error;
      }
    },
    async register(signal) {
      token = undefined;
      isObserved = new Promise(resolve => {
        tellObserved = resolve;
      });
      for (;;) {
        const answer = await registerOnce();
        if (answer?.code !== "5.03" || signal?.aborted) return answer?.code;
        await wait(1000 * (uint(answer, "Max-Age") ?? DEFAULT_MAX_AGE_S));
      }
    },
    async update() {
      const answer = await timed(latencies.update, () =>
        lane.request({ code: "0.02", options: path(...(location ?? [])) }),
      );
      if (answer?.code === "2.04") counters.updated++;
      else counters.updatesFailed++;
      return answer?.code;
    },
    observed: () => isObserved,
    async notify(next) {
      const observation = toNotify(next);
      const outcome = await timed(latencies.notification, () => lane.notify(observation, observedContent()));
      if (outcome === "acknowledged") counters.acknowledged++;
      else if (outcome === "reset") counters.resets++;
      else counters.unanswered++;
      return outcome;
    },
    tell: next => lane.tell(toNotify(next), observedContent()),
    rebind: () => pipe.rebind(),
    async close() {
      lane.close();
      await pipe.close();
    },
    async [Symbol.asyncDispose]() {
      lane.close();
      await pipe.close();
    },
  };
}
