/**
 * ClientHellos whose senders are not where they say: each has an address of its own, where nothing is done with an answer. As many are
 * under way as a receive buffer holds: what a slow host has not looked at yet must not push out what devices send.
 * As a process of its own, `node hello-flood.ts '<FloodPlan>'`, it prints `flooding` when it begins and ends when the last has left.
 */
import { createSocket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { writeClientHello } from "@mooring/core/internal/transport/dtls/client-hello.ts";
import { HANDSHAKE, writeMessage } from "@mooring/core/internal/transport/dtls/handshake-message.ts";
import { CONTENT, writePlainRecord } from "@mooring/core/internal/transport/dtls/records.ts";
import { offer } from "../simulator/dtls/client-hello-offer.ts";
import { inParallel } from "./in-parallel.ts";
import { loopbackAddress } from "./loopback-address.ts";
import { startProcess, type TestProcess } from "./process.ts";

/** Fits a receive buffer of the usual size, beside what devices send. */
const AT_ONCE = 100;
/** After it a hello counts as lost. */
const LOST_AFTER_MS = 5000;
const COOKIE_BYTES = 16;
const PSK = { identity: "nobody", key: new Uint8Array(16) };

const random = createSystemRandom();

function hello(cookie: Uint8Array): Uint8Array {
  const body = writeClientHello(offer({ psk: PSK, cid: new Uint8Array(0) }, random.bytes(32), cookie));
  return writePlainRecord(
    CONTENT.handshake,
    0,
    writeMessage({ type: HANDSHAKE.clientHello, sequence: cookie.length > 0 ? 1 : 0, body }),
  );
}

/** Resolves when the host has answered. */
async function sendFrom(address: string, bytes: Uint8Array, toPort: number): Promise<void> {
  const socket = createSocket({ type: "udp4", lookup: (host, _options, found) => found(null, host, 4) });
  const answered = new Promise<void>(resolve => {
    const timer = setTimeout(resolve, LOST_AFTER_MS);
    socket.once("message", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, address, () =>
        socket.send(bytes, toPort, "127.0.0.1", error => (error ? reject(error) : resolve())),
      );
    });
    await answered;
  } finally {
    socket.close();
  }
}

export interface FloodPlan {
  readonly serverPort: number;
  readonly count: number;
  /** Number of the first sender's address. */
  readonly from: number;
  readonly perSecond: number;
}

/** Every second one guesses a cookie. */
async function flood({ serverPort, count, from, perSecond }: FloodPlan): Promise<void> {
  const beganMs = performance.now();
  const send = async (at: number): Promise<void> => {
    const dueMs = beganMs + (at * 1000) / perSecond;
    await pause(Math.max(0, dueMs - performance.now()));
    const cookie = at % 2 === 0 ? new Uint8Array(0) : random.bytes(COOKIE_BYTES);
    await sendFrom(loopbackAddress(from + at), hello(cookie), serverPort);
  };
  await inParallel(
    Array.from({ length: count }, (_, at) => at),
    send,
    AT_ONCE,
  );
}

export const startHelloFlood = (plan: FloodPlan): TestProcess =>
  startProcess({
    name: "the flood",
    command: process.execPath,
    args: [import.meta.filename, JSON.stringify(plan)],
  });

if (import.meta.main) {
  console.log("flooding");
  await flood(JSON.parse(process.argv[2]!) as FloodPlan);
}
