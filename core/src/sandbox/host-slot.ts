/** The place of one decoder host: starts it when there is work, again after it died, and knows which decoders it holds. */
import { messageOf } from "../base/errors.ts";
import { type DecoderHost, type HostParts, type HostReply, startHost } from "./host-process.ts";

/** One version of a decoder, as plain JavaScript. */
export interface LoadableDecoder {
  /** Unique for each load. */
  readonly id: string;
  readonly script: string;
}

export type SlotReply =
  | { readonly ok: true; readonly host: DecoderHost }
  /** `started`: there was a host, but the decoder did not load in it. */
  | { readonly ok: false; readonly started: boolean; readonly message: string };

export interface HostSlot extends AsyncDisposable {
  readonly pid: number | undefined;
  /** Why the last attempt to start a host failed, while none has succeeded since. */
  readonly fault: string | undefined;
  /** A running host, whatever it holds. @throws MooringError DECODER_UNAVAILABLE */
  host(): Promise<DecoderHost>;
  /** A running host that holds the decoder. Never rejects. */
  hostWith(decoder: LoadableDecoder): Promise<SlotReply>;
  /** The decoder's isolate is gone, or shall go. */
  forget(decoderId: string): void;
  /** Ends the host; the next use starts another. */
  rest(): Promise<void>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export function createHostSlot(parts: HostParts): HostSlot {
  const { clock, limits } = parts;
  let starting: Promise<DecoderHost> | undefined;
  let current: DecoderHost | undefined;
  let held = new Map<string, Promise<HostReply>>();
  let failures = 0;
  let fault: { message: string; untilMs: number; error: unknown } | undefined;

  const forgetHost = (): void => {
    starting = current = undefined;
    held = new Map();
  };
  const onDied = (): void => {
    forgetHost();
    parts.onDied();
  };
  const start = async (): Promise<DecoderHost> => {
    try {
      const host = await startHost({ ...parts, onDied });
      current = host;
      failures = 0;
      fault = undefined;
      return host;
    } catch (error) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++);
      fault = { message: messageOf(error), untilMs: clock.monotonic() + pauseMs, error };
      forgetHost();
      throw error;
    }
  };
  const host = (): Promise<DecoderHost> => {
    if (!starting && fault && clock.monotonic() < fault.untilMs) return Promise.reject(fault.error);
    return (starting ??= start());
  };
  /** The decoder that was loaded longest ago gives way; an idle isolate costs 1 to 4 MB. */
  const makeRoom = (running: DecoderHost): void => {
    const [oldest] = held.keys();
    if (oldest === undefined || held.size < limits.isolatesPerHost) return;
    held.delete(oldest);
    running.drop(oldest);
  };
  const load = (running: DecoderHost, { id, script }: LoadableDecoder): Promise<HostReply> => {
    makeRoom(running);
    const memoryMb = limits.isolateMemoryMb;
    const reply = running.load({ decoder: id, typescript: false, memoryMb, timeoutMs: limits.loadMs }, script);
    held.set(id, reply);
    return reply;
  };
  return {
    get pid() {
      return current?.pid;
    },
    get fault() {
      return fault?.message;
    },
    host,
    async hostWith(decoder) {
      let running: DecoderHost;
      try {
        running = await host();
      } catch (error) {
        return { ok: false, started: false, message: messageOf(error) };
      }
      const reply = await (held.get(decoder.id) ?? load(running, decoder));
      if (reply.ok) return { ok: true, host: running };
      held.delete(decoder.id);
      return { ok: false, started: true, message: reply.message };
    },
    forget(decoderId) {
      if (held.delete(decoderId)) current?.drop(decoderId);
    },
    async rest() {
      const leaving = starting;
      forgetHost();
      await leaving?.then(running => running[Symbol.asyncDispose]()).catch(() => {});
    },
    async [Symbol.asyncDispose]() {
      await this.rest();
    },
  };
}
