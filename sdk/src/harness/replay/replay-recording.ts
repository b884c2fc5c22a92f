/**
 * Plays a recorded device against a host: says what the device said when the host has said what it had said then. What was
 * repeated for loss is said once, and nobody waits for what the day was long.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { MooringError } from "@mooring/core";
import { toHex } from "@mooring/core/internal/base/bytes.ts";
import { type CoapMessage, decodeMessage, encodeMessage } from "@mooring/core/internal/coap/message.ts";
import type { RecordedEntry, RecordedPacket, Recording } from "@mooring/core/internal/recording/recording.ts";
import { describeMessage } from "./describe-message.ts";
import { createRenaming, isRequest } from "./renaming.ts";

export interface ReplayOptions {
  readonly recording: Recording;
  /** Port for devices without security of a host that knows the device's endpoint as such. */
  readonly host: { readonly address: string; readonly port: number };
  /** Told what the host was told to do with the device, so that it is told so again: the fragments of an operation. */
  operate(fragments: Readonly<Record<string, unknown>>): Promise<void>;
  /** Longest wait for one message of the host, ms; default 10,000. */
  readonly withinMs?: number;
}

export interface ReplayResult {
  /** Messages of the device that were said again, and of the host that came again. */
  readonly sent: number;
  readonly matched: number;
  /** Where host and recording part; absent: the host does what it did. */
  readonly difference?: {
    /** Number of the recorded message, from 1. */
    readonly at: number;
    readonly expected: string;
    /** What had come instead and stood in the recording nowhere before. */
    readonly got: readonly string[];
  };
}

/** EXCHANGE_LIFETIME (RFC 7252 section 4.8.2): the same bytes within it are the same message. */
const EXCHANGE_LIFETIME_MS = 247_000;
const DEFAULT_WITHIN_MS = 10_000;
/** Does not collide with what a device of another run said a moment ago. */
const randomId = (): number => Math.floor(Math.random() * 0x10000);

/** Without what was said again for loss. */
function withoutRepeats(entries: readonly RecordedEntry[]): RecordedEntry[] {
  const seen = new Map<string, number>();
  return entries.filter(entry => {
    if (entry.kind === "note") return true;
    const key = `${entry.direction} ${toHex(entry.bytes)}`;
    const before = seen.get(key);
    seen.set(key, entry.atMs);
    return before === undefined || entry.atMs - before > EXCHANGE_LIFETIME_MS;
  });
}

function messageOf({ bytes }: RecordedPacket): CoapMessage | undefined {
  try {
    return decodeMessage(bytes.slice());
  } catch {
    return undefined;
  }
}

interface Inbox {
  /** Takes the first message for which `isWanted`; undefined when none came in time. */
  take(isWanted: (message: CoapMessage) => boolean, withinMs: number): Promise<CoapMessage | undefined>;
  readonly left: readonly CoapMessage[];
}

function createInbox(socket: Socket): Inbox {
  const seen = new Set<string>();
  const waiting: CoapMessage[] = [];
  let wake: () => void = () => {};
  socket.on("message", bytes => {
    const text = toHex(bytes);
    if (seen.has(text)) return;
    seen.add(text);
    waiting.push(decodeMessage(Uint8Array.from(bytes)));
    wake();
  });
  return {
    left: waiting,
    async take(isWanted, withinMs) {
      const late = AbortSignal.timeout(withinMs);
      for (;;) {
        const at = waiting.findIndex(isWanted);
        if (at >= 0) return waiting.splice(at, 1)[0];
        if (late.aborted) return undefined;
        await new Promise<void>(resolve => {
          wake = resolve;
          late.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    },
  };
}

async function openSocket({ address, port }: ReplayOptions["host"]): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.connect(port, address);
  await once(socket, "connect");
  return socket;
}

function assertWhole(entries: readonly RecordedEntry[]): void {
  const first = entries.find(entry => entry.kind === "packet");
  const message = first && messageOf(first);
  if (message && first.direction === "fromDevice" && isRequest(message)) return;
  throw new MooringError(
    "VALIDATION",
    "the recording does not begin with a request of the device, such as its Register",
    {
      field: "recording",
      rule: "must begin with a request of the device",
    },
  );
}

/**
 * @throws MooringError VALIDATION for a recording whose beginning is gone
 * @throws what `operate` throws
 */
export async function replayRecording(options: ReplayOptions): Promise<ReplayResult> {
  const { recording, host, operate, withinMs = DEFAULT_WITHIN_MS } = options;
  const entries = withoutRepeats(recording.entries);
  assertWhole(entries);
  const socket = await openSocket(host);
  const inbox = createInbox(socket);
  const renaming = createRenaming(randomId());
  let [sent, matched, at] = [0, 0, 0];

  const send = (message: CoapMessage): Promise<void> =>
    new Promise((resolve, reject) => {
      const bytes = Uint8Array.from(encodeMessage(renaming.fromDevice(message)));
      socket.send(bytes, error => (error ? reject(error) : resolve()));
    });

  try {
    for (const entry of entries) {
      if (entry.kind === "note") {
        await operate(JSON.parse(entry.text) as Record<string, unknown>);
        continue;
      }
      at++;
      const message = messageOf(entry);
      if (!message) continue;
      if (entry.direction === "fromDevice") {
        await send(message);
        sent++;
        continue;
      }
      const now = await inbox.take(received => renaming.isAlike(message, received), withinMs);
      if (!now)
        return {
          sent,
          matched,
          difference: { at, expected: describeMessage(message), got: inbox.left.map(describeMessage) },
        };
      renaming.learn(message, now);
      matched++;
    }
    return { sent, matched };
  } finally {
    socket.close();
  }
}
