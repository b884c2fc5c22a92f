/**
 * Kept payloads through their decoders: at once, side by side, stored in order for each device and decoder. A payload is in
 * the store before it comes here, so nothing is lost when this queue is full, the process dies or no decoder can run: what is
 * not taken now is found again by a sweep. Each tenant's payloads for one decoder are a line of their own with its own
 * limit and pause, and lines take turns: what one decoder cannot do now holds up no other.
 */
import { type Clock, every } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DecodeOutcome } from "../sandbox/decoder-runtime.ts";
import type { Backlog, LineName } from "./backlog.ts";
import { createDecodeLines, type DecodeLine } from "./decode-line.ts";
import { createDecodeWorker, type DecodeWorkerParts, type Later } from "./decode-worker.ts";
import type { DecoderDirectory } from "./decoder-directory.ts";
import { createOrderedLanes } from "./ordered-lanes.ts";
import type { DecoderPause } from "./pause-alarms.ts";
import type { RawPayload } from "./raw-payload.ts";

export type { DecodedDocuments } from "./decode-worker.ts";

export interface DecodeQueueLimits {
  /** Payloads of one decoder taken and not finished; more stay in the store for the sweep. */
  readonly maxQueued: number;
  /** Payloads of all devices that are decoded or stored at the same time; without those of decoders that name a number of their own. */
  readonly concurrency: number;
  /** Pause between two sweeps, ms. */
  readonly sweepMs: number;
}

const DEFAULT_DECODE_QUEUE_LIMITS: DecodeQueueLimits = { maxQueued: 10_000, concurrency: 500, sweepMs: 10_000 };

export interface DecodeQueueParts extends DecodeWorkerParts {
  readonly directory: Pick<DecoderDirectory, "find" | "decode">;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<DecodeQueueLimits>;
  /** Told when a line's pause begins whose end is known, and, with undefined, when its decoder works after that. */
  onPause?(line: LineName, pause: DecoderPause | undefined): void;
}

export interface DecodeQueueStats {
  /** Taken and not finished. */
  readonly queued: number;
  /** Some payloads are in the store only, and wait for a sweep. */
  readonly behind: boolean;
  readonly decoded: number;
  readonly failed: number;
  /** Calls that failed and are made again. */
  readonly retried: number;
}

export interface DecodeQueue extends AsyncDisposable {
  /** A decoder's name for people; its key where it is not installed. */
  displayName(tenant: string, decoder: string): string;
  /** What its decoder would make of a payload; nothing is stored. Never rejects. */
  tryOut(raw: RawPayload): Promise<DecodeOutcome>;
  /** Takes payloads that are stored as PENDING. */
  enqueue(payloads: readonly RawPayload[]): void;
  /** Looks into the store now, and from then on every `sweepMs`. */
  start(): void;
  /** Takes up what waits in the store and can run: at a start, or when a decoder has been loaded. */
  sweep(): Promise<void>;
  /** Resolves when everything taken is finished. */
  idle(): Promise<void>;
  stats(): DecodeQueueStats;
  paused(tenant: string, decoder: string): DecoderPause | undefined;
  /** A version may run again before the end of its pauses was due. @param decoderId as the directory names it */
  resume(decoderId: string): void;
}

const PAGE_SIZE = 500;

export function createDecodeQueue(parts: DecodeQueueParts): DecodeQueue {
  const { directory, backlog, clock, log } = parts;
  const limits: DecodeQueueLimits = { ...DEFAULT_DECODE_QUEUE_LIMITS, ...parts.limits };
  /** A single busy decoder leaves room for the others. */
  const share = Math.ceil(limits.concurrency / 2);
  const worker = createDecodeWorker(parts);
  const lanes = createOrderedLanes();
  const lines = createDecodeLines();
  /** Lines with payloads that wait, in the order of their turns: those that share the room, those with a number of their own. */
  const turns = { shared: [] as DecodeLine[], own: [] as DecodeLine[] };
  /** Ids of what is taken and not finished. */
  const taken = new Set<string>();
  const idlers: (() => void)[] = [];
  /** Of all lines that have no number of their own. */
  let underWay = 0;
  let sweeping: Promise<void> | undefined;
  let timer: Disposable | undefined;
  let closed = false;

  const pauseOf = ({ pause, tenant, decoder }: DecodeLine): DecodeLine["pause"] =>
    pause && clock.monotonic() < pause.untilMs && directory.find(tenant, decoder)?.id === pause.decoderId
      ? pause
      : undefined;
  const canFill = (line: DecodeLine): boolean =>
    !closed && !pauseOf(line) && directory.find(line.tenant, line.decoder) !== undefined;

  const forget = (line: DecodeLine, { id }: RawPayload): void => {
    line.taken--;
    taken.delete(id);
    if (line.filling) line.ended.add(id);
  };
  const leaveToStore = (line: DecodeLine): void => {
    line.behind = true;
    line.skipped = true;
  };
  const tellPause = (line: DecodeLine, pause: DecoderPause | undefined): void => {
    line.isToldPaused = pause !== undefined;
    parts.onPause?.({ tenant: line.tenant, decoder: line.decoder }, pause);
  };
  /** The payload is in the store as it was; all of its line wait until it may work again. */
  const postpone = (line: DecodeLine, raw: RawPayload, { reason, retryAtMs }: Later): void => {
    const { tenant, decoder } = line;
    const pauseMs = retryAtMs === undefined ? limits.sweepMs : Math.max(0, retryAtMs - clock.now());
    const untilMs = clock.monotonic() + pauseMs;
    const known = pauseOf(line);
    log[known ? "debug" : "warn"]("decoder.postponed", { tenant, decoder, rawId: raw.id, reason, pauseMs });
    if (!known && retryAtMs !== undefined) tellPause(line, { reason, untilMs: retryAtMs });
    if (!known || (retryAtMs !== undefined && untilMs > known.untilMs)) {
      line.pause = { untilMs, reason, decoderId: directory.find(tenant, decoder)?.id };
    }
    leaveToStore(line);
    for (const waiting of line.waiting.splice(0)) forget(line, waiting);
  };
  const release = (line: DecodeLine, raw: RawPayload, isShared: boolean): void => {
    if (isShared) underWay--;
    line.underWay--;
    forget(line, raw);
    pump();
    if (line.behind && line.taken <= limits.maxQueued / 2 && canFill(line)) void fill(line);
    if (taken.size === 0) for (const resolve of idlers.splice(0)) resolve();
  };
  const run = async (line: DecodeLine, raw: RawPayload, isShared: boolean): Promise<void> => {
    if (isShared) underWay++;
    line.underWay++;
    const putOff = async (later: Later): Promise<void> => {
      await worker.putBack(raw);
      postpone(line, raw, later);
    };
    await lanes.run(`${raw.tenant} ${raw.decoder} ${raw.deviceId}`, {
      work: () => worker.decode(raw),
      async finish(outcome) {
        const later = await worker.finish(raw, outcome);
        if (later) await putOff(later);
        else if (outcome.ok && line.isToldPaused !== false) tellPause(line, undefined);
        return later === undefined;
      },
      giveBack: () => putOff({ reason: "an earlier payload of its device was put off" }),
    });
    release(line, raw, isShared);
  };
  /** What may run now of a line; undefined: nothing. */
  const permit = (line: DecodeLine): { readonly isShared: boolean } | undefined => {
    const own = directory.find(line.tenant, line.decoder)?.parallel;
    const isFree = line.underWay < (own ?? share) && (own !== undefined || underWay < limits.concurrency);
    return isFree ? { isShared: own === undefined } : undefined;
  };
  /** Begins the next payload of the next line that may. */
  const beginOf = (waiting: DecodeLine[]): boolean => {
    for (const [at, line] of waiting.entries()) {
      const permitted = permit(line);
      if (!permitted) continue;
      waiting.splice(at, 1);
      const raw = line.waiting.shift();
      if (line.waiting.length > 0) waiting.push(line);
      if (raw) void run(line, raw, permitted.isShared);
      return true;
    }
    return false;
  };
  const begin = (): boolean => (underWay < limits.concurrency && beginOf(turns.shared)) || beginOf(turns.own);
  const pump = (): void => {
    while (begin());
  };
  const take = (line: DecodeLine, payloads: readonly RawPayload[]): void => {
    const fresh = payloads.filter(({ id }) => !taken.has(id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) taken.add(id);
    const list = directory.find(line.tenant, line.decoder)?.parallel === undefined ? turns.shared : turns.own;
    if (line.waiting.length === 0 && !list.includes(line)) list.push(line);
    line.waiting.push(...fresh);
    line.taken += fresh.length;
  };

  /** From the oldest on, until there is no room or nothing is left. */
  const catchUp = async (line: DecodeLine): Promise<void> => {
    do {
      line.skipped = false;
      line.ended.clear();
      for await (const page of backlog.pages(line, clock.now(), PAGE_SIZE)) {
        if (!canFill(line)) return;
        take(
          line,
          page.filter(({ id }) => !line.ended.has(id)),
        );
        pump();
        if (line.taken < limits.maxQueued) continue;
        line.behind = true;
        return;
      }
      line.behind = line.skipped;
    } while (line.behind && canFill(line));
  };
  const failedSweep = (error: unknown): void => log.warn("decodeQueue.sweepFailed", { reason: messageOf(error) });
  const fill = (line: DecodeLine): Promise<void> => {
    line.filling ??= catchUp(line)
      .catch(failedSweep)
      .finally(() => {
        line.filling = undefined;
      });
    return line.filling;
  };
  const fillEach = async (some: Iterable<DecodeLine>): Promise<void> => {
    for (const line of some) if (canFill(line)) await fill(line);
  };
  const fillAll = async (): Promise<void> => {
    const waiting = new Set([...lines].filter(({ behind }) => behind));
    for await (const name of backlog.lines()) waiting.add(lines.of(name));
    await fillEach(waiting);
  };
  const sweep = (): Promise<void> => {
    sweeping ??= fillAll()
      .catch(failedSweep)
      .finally(() => {
        sweeping = undefined;
      });
    return sweeping;
  };
  const idle = async (): Promise<void> => {
    await sweeping;
    await Promise.all([...lines].map(({ filling }) => filling));
    if (taken.size > 0) await new Promise<void>(resolve => void idlers.push(resolve));
  };

  return {
    displayName: (tenant, decoder) => directory.find(tenant, decoder)?.manifest.name ?? decoder,
    tryOut: worker.decode,
    enqueue(payloads) {
      if (closed) return;
      for (const raw of payloads) {
        const line = lines.of(raw);
        if (!line.behind && line.taken < limits.maxQueued) take(line, [raw]);
        else {
          leaveToStore(line);
          if (line.taken === 0 && canFill(line)) void fill(line);
        }
      }
      pump();
    },
    start() {
      timer ??= every(clock, limits.sweepMs, sweep, () => {});
      void sweep();
    },
    sweep,
    idle,
    stats: () => ({ queued: taken.size, behind: [...lines].some(({ behind }) => behind), ...worker.counters }),
    paused(tenant, decoder) {
      const pause = pauseOf(lines.of({ tenant, decoder }));
      return pause && { reason: pause.reason, untilMs: clock.now() + pause.untilMs - clock.monotonic() };
    },
    resume(decoderId) {
      const resumed = [...lines].filter(({ pause }) => pause?.decoderId === decoderId);
      for (const line of resumed) line.pause = undefined;
      void fillEach(resumed);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.[Symbol.dispose]();
      for (const line of lines) for (const raw of line.waiting.splice(0)) forget(line, raw);
      await idle();
    },
  };
}
