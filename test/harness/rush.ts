/**
 * Many devices that register within a moment, as after a power failure. They behave: a Register that is not answered is
 * retransmitted (RFC 7252 section 4.2), 5.03 is tried again after its Max-Age, Observe requests are answered.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { generate, type Packet, type ParsedPacket, parse } from "coap-packet";
import { loopbackAddress } from "./loopback-address.ts";
import { optionNumber, optionValues, uintBytes, uriOptions } from "./raw-socket.ts";

export interface RushPlan {
  readonly port: number;
  /** Endpoint names are `<prefix><number>`. */
  readonly prefix: string;
  readonly from: number;
  readonly count: number;
  /** The first Registers leave within this time, evenly. */
  readonly spreadMs: number;
  /** Payload of Register. */
  readonly links: string;
  /** Observe requests that each device is to get; 0: none is waited for. */
  readonly observations: number;
  /** What is not registered and observed by then is counted as missing. */
  readonly withinMs: number;
  /** Milliseconds since the epoch at which it begins; default now. */
  readonly startAtMs?: number;
}

export interface RushResult {
  readonly registered: number;
  /** Location of each registered device. */
  readonly locations: readonly string[];
  readonly observed: number;
  /** Seconds from the beginning until all first Registers had left, until the median and the last device were registered, and observed. */
  readonly offeredSeconds: number;
  readonly medianSeconds: number;
  readonly lastSeconds: number;
  readonly observedSeconds: number;
  /** Answers 5.03, other refusals, and retransmissions. */
  readonly postponed: number;
  readonly refused: number;
  readonly retransmissions: number;
}

const ACK_TIMEOUT_MS = 2000;
const ACK_RANDOM_FACTOR = 1.5;
const MAX_RETRANSMIT = 4;
/** A device that gave up, or was refused, begins anew after this. */
const AGAIN_MS = 10_000;
const DEFAULT_MAX_AGE_SECONDS = 60;
const OPENED_AT_ONCE = 500;

interface Tally {
  postponed: number;
  refused: number;
  retransmissions: number;
  observed: number;
  readonly registeredAtMs: number[];
  readonly locations: string[];
  observedAtMs: number;
}

interface RushingDevice {
  readonly socket: Socket;
  register(): void;
  close(): void;
}

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: (host, _options, found) => found(null, host, 4) });
  const listening = once(socket, "listening");
  socket.bind(0, address);
  await listening;
  return socket;
}

async function openDevice(plan: RushPlan, at: number, tally: Tally): Promise<RushingDevice> {
  const socket = await openSocket(loopbackAddress(at));
  const send = (bytes: Uint8Array): void => socket.send(bytes, plan.port, "127.0.0.1");
  let messageId = Math.floor(Math.random() * 0x10000);
  let timer: NodeJS.Timeout | undefined;
  let isRegistered = false;
  let observed = 0;
  let sequence = 1;

  const wait = (ms: number, then: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };

  function register(): void {
    messageId = (messageId + 1) & 0xffff;
    const bytes = generate({
      code: "0.02",
      confirmable: true,
      messageId,
      token: uintBytes(0x10000 + messageId),
      options: [
        ...uriOptions(`/rd?ep=${plan.prefix}${at}&lt=86400&lwm2m=1.0&b=U`),
        { name: "Content-Format", value: Buffer.from([40]) },
      ],
      payload: Buffer.from(plan.links),
    });
    transmit(bytes, 0, ACK_TIMEOUT_MS * (1 + Math.random() * (ACK_RANDOM_FACTOR - 1)));
  }

  function transmit(bytes: Buffer, retransmissions: number, timeoutMs: number): void {
    send(bytes);
    wait(timeoutMs, () => {
      if (retransmissions === MAX_RETRANSMIT) return wait(AGAIN_MS, register);
      tally.retransmissions++;
      transmit(bytes, retransmissions + 1, timeoutMs * 2);
    });
  }

  function onAnswer(packet: ParsedPacket): void {
    if (packet.confirmable) send(generate({ code: "0.00", ack: true, messageId: packet.messageId }));
    if (isRegistered) return;
    clearTimeout(timer);
    if (packet.code === "2.01") {
      isRegistered = true;
      tally.registeredAtMs.push(performance.now());
      tally.locations.push(optionValues(packet, "Location-Path").join("/"));
    } else if (packet.code === "5.03") {
      tally.postponed++;
      wait((optionNumber(packet, "Max-Age") ?? DEFAULT_MAX_AGE_SECONDS) * 1000 + Math.random() * 1000, register);
    } else {
      tally.refused++;
      wait(AGAIN_MS, register);
    }
  }

  function onRequest(packet: ParsedPacket): void {
    const isObserve = optionNumber(packet, "Observe") === 0;
    const reply: Packet = { code: "2.04", ack: true, messageId: packet.messageId, token: packet.token };
    if (packet.code === "0.01") {
      reply.code = "2.05";
      reply.options = [{ name: "Content-Format", value: Buffer.alloc(0) }];
      if (isObserve) reply.options.push({ name: "Observe", value: uintBytes(sequence++) });
      reply.payload = Buffer.from("1");
    }
    send(generate(reply));
    if (!isObserve || ++observed !== plan.observations) return;
    tally.observed++;
    tally.observedAtMs = performance.now();
  }

  socket.on("message", bytes => {
    const codeClass = bytes[1]! >> 5;
    // An empty acknowledgement: the answer comes by itself.
    if (bytes[1] === 0) clearTimeout(timer);
    else if (codeClass === 0) onRequest(parse(bytes));
    else onAnswer(parse(bytes));
  });
  return {
    socket,
    register,
    close() {
      clearTimeout(timer);
      socket.close();
    },
  };
}

async function openAll(plan: RushPlan, tally: Tally): Promise<RushingDevice[]> {
  const devices: RushingDevice[] = [];
  for (let at = plan.from; at < plan.from + plan.count; at += OPENED_AT_ONCE) {
    const count = Math.min(OPENED_AT_ONCE, plan.from + plan.count - at);
    devices.push(...(await Promise.all(Array.from({ length: count }, (_, i) => openDevice(plan, at + i, tally)))));
  }
  return devices;
}

/** @returns ms until the last first Register had left */
async function offer(devices: readonly RushingDevice[], spreadMs: number): Promise<number> {
  const beganMs = performance.now();
  for (let next = 0; next < devices.length; ) {
    const due = Math.ceil(((performance.now() - beganMs) / spreadMs) * devices.length);
    for (; next < Math.min(due, devices.length); next++) devices[next]!.register();
    if (next < devices.length) await pause(1);
  }
  return performance.now() - beganMs;
}

/** @throws Error where sockets cannot be opened */
export async function rush(plan: RushPlan): Promise<RushResult> {
  const tally: Tally = {
    postponed: 0,
    refused: 0,
    retransmissions: 0,
    observed: 0,
    registeredAtMs: [],
    locations: [],
    observedAtMs: Number.NaN,
  };
  const devices = await openAll(plan, tally);
  try {
    await pause(Math.max(0, (plan.startAtMs ?? 0) - Date.now()));
    const beganMs = performance.now();
    const offeredMs = await offer(devices, plan.spreadMs);
    const isDone = (): boolean =>
      tally.locations.length === plan.count && (plan.observations === 0 || tally.observed === plan.count);
    while (!isDone() && performance.now() - beganMs < plan.withinMs) await pause(20);
    const secondsTo = (atMs: number | undefined): number => ((atMs ?? Number.NaN) - beganMs) / 1000;
    return {
      registered: tally.locations.length,
      locations: tally.locations,
      observed: tally.observed,
      offeredSeconds: offeredMs / 1000,
      medianSeconds: secondsTo(tally.registeredAtMs[Math.floor(plan.count / 2)]),
      lastSeconds: secondsTo(tally.registeredAtMs.at(-1)),
      observedSeconds: secondsTo(tally.observedAtMs),
      postponed: tally.postponed,
      refused: tally.refused,
      retransmissions: tally.retransmissions,
    };
  } finally {
    for (const device of devices) device.close();
  }
}
