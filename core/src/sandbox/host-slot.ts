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
  | Extract<HostReply, { ok: true }>
  | (Extract<HostReply, { ok: false }> & {
      /** Nothing else was under way where it failed, in its isolate or on the host that ended: no other call can have been the cause. */
      readonly alone: boolean;
    })
  | {
      readonly ok: false;
      /** No host could be started, which is not the decoder's fault. */
      readonly reason: "unavailable";
      readonly message: string;
      readonly cpuMs: 0;
      readonly hostDied: false;
      readonly alone: false;
    };

/** One call of a decoder that the slot holds. */
export interface SlotCall {
  readonly timeoutMs: number;
  readonly console?: true;
  readonly items: string;
  /** How many inputs `items` has. */
  readonly count: number;
  readonly bytes: Uint8Array;
}

export interface HostSlot extends AsyncDisposable {
  readonly pid: number | undefined;
  /** Why the last attempt to start a host failed, while none has succeeded since. */
  readonly fault: string | undefined;
  /** Decoders that its host holds open. */
  readonly open: number;
  /** Decoders that were closed to make room, or had been used up. */
  readonly evictions: number;
  /** A running host, whatever it holds. @throws MooringError DECODER_UNAVAILABLE */
  host(): Promise<DecoderHost>;
  /** Opens the decoder now. Never rejects. */
  hold(decoder: LoadableDecoder): Promise<SlotReply>;
  /** Runs one call on the host, which is started, and in which the decoder is opened, where that is needed. Never rejects. */
  run(decoder: LoadableDecoder, call: SlotCall): Promise<SlotReply>;
  /** The decoder shall go; calls under way are answered first. */
  forget(decoderId: string): void;
  /** Ends the host; the next use starts another. */
  rest(): Promise<void>;
}

/** A decoder as one host has it open. */
interface Held {
  /** By which the host knows it: another one for each time that it is opened. */
  readonly handle: string;
  readonly opened: Promise<HostReply>;
  underWay: number;
  decodes: number;
  lastUsedMs: number;
  /** To be closed with its last call. */
  leaving: boolean;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

const IDLE_CHECK_MS = 60_000;

export function createHostSlot(parts: HostParts): HostSlot {
  const { clock, limits } = parts;
  let { commands } = parts;
  let starting: Promise<DecoderHost> | undefined;
  let current: DecoderHost | undefined;
  /** By the decoder's id, the one used longest ago first. */
  let held = new Map<string, Held>();
  let opens = 0;
  let underWay = 0;
  /** What was under way on the last host that died: its calls are answered one after the other. */
  let diedTogether = 0;
  let evictions = 0;
  let failures = 0;
  let fault: { message: string; untilMs: number; error: unknown } | undefined;
  let checking: Disposable | undefined;

  const forgetHost = (): void => {
    starting = current = undefined;
    held = new Map();
    checking?.[Symbol.dispose]();
    checking = undefined;
  };
  const onDied = (): void => {
    diedTogether = underWay;
    forgetHost();
    parts.onDied();
  };
  const close = (id: string, one: Held): void => {
    if (held.get(id) === one) held.delete(id);
    one.leaving = true;
    if (one.underWay === 0) current?.drop(one.handle);
  };
  const evict = (id: string, one: Held): void => {
    evictions++;
    close(id, one);
  };
  const start = async (): Promise<DecoderHost> => {
    try {
      const host = await startHost({ ...parts, commands, onDied, onCrowded });
      current = host;
      // What did not start once is not tried, nor told, again.
      commands = commands.slice(commands.indexOf(host.command));
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
  /** Closes idle decoders, those used longest ago first, until no more than `most` are open. */
  const shrinkTo = (most: number): void => {
    for (const [id, one] of held) {
      if (held.size <= most) return;
      if (one.underWay === 0) evict(id, one);
    }
  };
  const onCrowded = (): void => shrinkTo(Math.floor(held.size / 2));
  const closeIdle = (): void => {
    checking = undefined;
    const beforeMs = clock.monotonic() - limits.isolateIdleMs;
    for (const [id, one] of held) if (one.underWay === 0 && one.lastUsedMs <= beforeMs) evict(id, one);
    checkIdle();
  };
  const checkIdle = (): void => {
    if (held.size > 0) checking ??= clock.after(IDLE_CHECK_MS, closeIdle);
  };
  const open = (running: DecoderHost, { id, script }: LoadableDecoder): Held => {
    shrinkTo(limits.isolatesPerHost - 1);
    const handle = `${id}/${++opens}`;
    const load = { decoder: handle, memoryMb: limits.isolateMemoryMb, timeoutMs: limits.loadMs };
    const opened = running.load(load, script);
    const one = { handle, opened, underWay: 0, decodes: 0, lastUsedMs: clock.monotonic(), leaving: false };
    held.set(id, one);
    checkIdle();
    return one;
  };
  const use = (running: DecoderHost, decoder: LoadableDecoder): Held => {
    const one = held.get(decoder.id);
    if (!one) return open(running, decoder);
    held.delete(decoder.id);
    held.set(decoder.id, one);
    return one;
  };
  const done = (id: string, one: Held, running: DecoderHost, reply: HostReply, decodes: number): void => {
    one.underWay--;
    one.decodes += decodes;
    one.lastUsedMs = clock.monotonic();
    const usedUp =
      one.decodes >= limits.isolateDecodes || (reply.ok && (reply.heapBytes ?? 0) > limits.isolateHeapBytes);
    // After a failure for memory there is nothing left of it.
    const gone = !reply.ok && reply.reason === "memory";
    if (usedUp && !one.leaving) evict(id, one);
    else if ((one.leaving || gone) && running === current) close(id, one);
  };
  const withHost = async (
    decoder: LoadableDecoder,
    call: (running: DecoderHost, one: Held) => Promise<HostReply>,
    decodes: number,
  ): Promise<SlotReply> => {
    let running: DecoderHost;
    try {
      running = await host();
    } catch (error) {
      return { ok: false, reason: "unavailable", message: messageOf(error), cpuMs: 0, hostDied: false, alone: false };
    }
    const one = use(running, decoder);
    one.underWay++;
    underWay++;
    const opened = await one.opened;
    const reply = opened.ok ? await call(running, one) : opened;
    // One that is leaving may have run out of memory under a call before this one.
    const alone = !reply.ok && (reply.hostDied ? diedTogether === 1 : one.underWay === 1 && !one.leaving);
    underWay--;
    if (!opened.ok && held.get(decoder.id) === one) held.delete(decoder.id);
    done(decoder.id, one, running, reply, decodes);
    return reply.ok ? reply : { ...reply, alone };
  };
  return {
    get pid() {
      return current?.pid;
    },
    get fault() {
      return fault?.message;
    },
    get open() {
      return held.size;
    },
    get evictions() {
      return evictions;
    },
    host,
    hold: decoder => withHost(decoder, (_, one) => one.opened, 0),
    run(decoder, { items, count, bytes, ...call }) {
      return withHost(
        decoder,
        (running, { handle }) => running.decode({ ...call, decoder: handle }, items, bytes),
        count,
      );
    },
    forget(decoderId) {
      const one = held.get(decoderId);
      if (one) close(decoderId, one);
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
