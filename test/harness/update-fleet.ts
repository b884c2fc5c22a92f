/** Devices that are registered and well: each updates its registration once a period, and the time to each answer is kept. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { generate, type ParsedPacket, parse } from "coap-packet";
import { loopbackAddress } from "./loopback-address.ts";
import { optionValues, uintBytes, uriOptions } from "./raw-socket.ts";

export interface FleetPlan {
  readonly port: number;
  /** Endpoint names are `<prefix><number>`, each with the address of that number. */
  readonly prefix: string;
  readonly from: number;
  readonly count: number;
  readonly periodMs: number;
}

/** One Update. */
export interface UpdateSample {
  /** Milliseconds since the epoch. */
  readonly sentAtMs: number;
  /** To its answer, retransmissions included; infinite where none came. */
  readonly tookMs: number;
  /** `2.04` */
  readonly code: string;
}

export interface UpdateFleet {
  /** Begins to update; call once. */
  start(): void;
  /** Ends it, waits for what is open, and gives all samples. */
  stop(): Promise<readonly UpdateSample[]>;
}

const RETRANSMIT_MS = 2000;
const MAX_RETRANSMIT = 4;

interface Member {
  readonly socket: Socket;
  readonly location: string;
}

/** Sends until an answer to this message comes. @throws Error where none comes */
async function exchange(socket: Socket, port: number, bytes: Buffer): Promise<ParsedPacket> {
  const messageId = bytes.readUInt16BE(2);
  let settle: (packet: ParsedPacket) => void = () => {};
  const answered = new Promise<ParsedPacket>(resolve => {
    settle = resolve;
  });
  const onMessage = (came: Buffer): void => {
    if (came.readUInt16BE(2) === messageId) settle(parse(came));
  };
  socket.on("message", onMessage);
  const waiting = new AbortController();
  try {
    for (let attempt = 0; attempt <= MAX_RETRANSMIT; attempt++) {
      socket.send(bytes, port, "127.0.0.1");
      const late = pause(RETRANSMIT_MS * 2 ** attempt, undefined, { signal: waiting.signal });
      const came = await Promise.race([answered, late.catch(() => undefined)]);
      if (came) return came;
    }
    throw new Error("no answer");
  } finally {
    waiting.abort();
    socket.off("message", onMessage);
  }
}

const request = (uri: string, messageId: number, payload = ""): Buffer =>
  generate({
    code: "0.02",
    confirmable: true,
    messageId,
    token: uintBytes(0x10000 + messageId),
    options: [...uriOptions(uri), ...(payload ? [{ name: "Content-Format", value: Buffer.from([40]) } as const] : [])],
    payload: Buffer.from(payload),
  });

async function register(plan: FleetPlan, at: number): Promise<Member> {
  const socket = createSocket({ type: "udp4", lookup: (host, _options, found) => found(null, host, 4) });
  const listening = once(socket, "listening");
  socket.bind(0, loopbackAddress(at));
  await listening;
  const messageId = Math.floor(Math.random() * 0x10000);
  const uri = `/rd?ep=${plan.prefix}${at}&lt=86400&lwm2m=1.0&b=U`;
  const answer = await exchange(socket, plan.port, request(uri, messageId, "</1/0>"));
  if (answer.code !== "2.01") throw new Error(`Register of ${plan.prefix}${at}: ${answer.code} ${answer.payload}`);
  return { socket, location: `/${optionValues(answer, "Location-Path").join("/")}` };
}

/** Registers all, one after the other. */
export async function openUpdateFleet(plan: FleetPlan): Promise<UpdateFleet> {
  const members: Member[] = [];
  for (let i = 0; i < plan.count; i++) members.push(await register(plan, plan.from + i));
  const samples: UpdateSample[] = [];
  const stopped = new AbortController();
  let working: Promise<void>[] = [];

  async function update({ socket, location }: Member, messageId: number): Promise<void> {
    const [sentAtMs, beganMs] = [Date.now(), performance.now()];
    try {
      const { code } = await exchange(socket, plan.port, request(location, messageId & 0xffff));
      samples.push({ sentAtMs, tookMs: performance.now() - beganMs, code });
    } catch {
      samples.push({ sentAtMs, tookMs: Number.POSITIVE_INFINITY, code: "" });
    }
  }

  async function live(member: Member): Promise<void> {
    const sleep = (ms: number): Promise<void> => pause(ms, undefined, { signal: stopped.signal }).catch(() => {});
    await sleep(Math.random() * plan.periodMs);
    for (let messageId = 0; !stopped.signal.aborted; messageId++) {
      const beganMs = performance.now();
      await update(member, messageId);
      await sleep(Math.max(0, plan.periodMs - (performance.now() - beganMs)));
    }
  }

  return {
    start() {
      working = members.map(live);
    },
    async stop() {
      stopped.abort();
      await Promise.all(working);
      for (const { socket } of members) socket.close();
      return samples;
    },
  };
}
