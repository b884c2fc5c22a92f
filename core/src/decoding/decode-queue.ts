/**
 * Kept payloads through their decoders: at once, side by side, stored in order for each device. A payload is in the store
 * before it comes here, so nothing is lost when this queue is full, the process dies or no decoder can run: what is not
 * taken now is found again by a sweep.
 */
import { type Clock, every } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Backlog } from "./backlog.ts";
import { createDecodeWorker, type DecodeWorkerParts } from "./decode-worker.ts";
import type { DecoderDirectory } from "./decoder-directory.ts";
import { createOrderedLanes } from "./ordered-lanes.ts";
import type { RawPayload } from "./raw-payload.ts";

export type { DecodedDocuments } from "./decode-worker.ts";

export interface DecodeQueueLimits {
  /** Payloads taken and not finished; more stay in the store for the sweep. */
  readonly maxQueued: number;
  /** Payloads of all devices that are decoded or stored at the same time. */
  readonly concurrency: number;
  /** Pause between two sweeps, ms. */
  readonly sweepMs: number;
}

const DEFAULT_DECODE_QUEUE_LIMITS: DecodeQueueLimits = { maxQueued: 10_000, concurrency: 500, sweepMs: 10_000 };

export interface DecodeQueueParts extends DecodeWorkerParts {
  readonly directory: Pick<DecoderDirectory, "find" | "keys" | "decode">;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<DecodeQueueLimits>;
}

export interface DecodeQueueStats {
  /** Taken and not finished. */
  readonly queued: number;
  /** Some payloads are in the store only, and wait for a sweep. */
  readonly behind: boolean;
  readonly decoded: number;
  readonly failed: number;
}

export interface DecodeQueue extends AsyncDisposable {
  /** A decoder's name for people; its key where it is not installed. */
  displayName(tenant: string, decoder: string): string;
  /** Takes payloads that are stored as PENDING. */
  enqueue(payloads: readonly RawPayload[]): void;
  /** Looks into the store now, and from then on every `sweepMs`. */
  start(): void;
  /** Takes up what waits in the store: at a start, or when a decoder has been loaded. */
  sweep(): Promise<void>;
  /** Resolves when everything taken is finished. */
  idle(): Promise<void>;
  stats(): DecodeQueueStats;
}

const PAGE_SIZE = 500;

export function createDecodeQueue(parts: DecodeQueueParts): DecodeQueue {
  const { directory, backlog, clock, log } = parts;
  const limits: DecodeQueueLimits = { ...DEFAULT_DECODE_QUEUE_LIMITS, ...parts.limits };
  const worker = createDecodeWorker(parts);
  const lanes = createOrderedLanes();
  /** Ids of what is taken and not finished. */
  const taken = new Set<string>();
  const idlers: (() => void)[] = [];
  let waiting: RawPayload[] = [];
  let underWay = 0;
  let behind = false;
  /** Payloads left to the sweep since its last round began: it needs another round. */
  let skipped = 0;
  let sweeping: Promise<void> | undefined;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  let timer: Disposable | undefined;
  let closed = false;

  const paused = (): boolean => clock.monotonic() < pausedUntilMs;
  /** The payload stays PENDING; whatever it is that does not work gets until the next sweep. */
  const postpone = (raw: RawPayload, reason: string): void => {
    log[paused() ? "debug" : "warn"]("decoder.postponed", { decoder: raw.decoder, rawId: raw.id, reason });
    behind = true;
    pausedUntilMs = clock.monotonic() + limits.sweepMs;
  };
  const release = (raw: RawPayload): void => {
    underWay--;
    taken.delete(raw.id);
    pump();
    if (behind && taken.size <= limits.maxQueued / 2) catchUpSoon();
    if (taken.size === 0) for (const resolve of idlers.splice(0)) resolve();
  };
  const run = async (raw: RawPayload): Promise<void> => {
    await lanes.run(
      `${raw.tenant} ${raw.deviceId}`,
      () => worker.decode(raw),
      async outcome => {
        const { later } = await worker.finish(raw, outcome);
        if (later !== undefined) postpone(raw, later);
      },
    );
    release(raw);
  };
  const pump = (): void => {
    for (const raw of waiting.splice(0, limits.concurrency - underWay)) {
      underWay++;
      void run(raw);
    }
  };
  const take = (payloads: readonly RawPayload[]): void => {
    const fresh = payloads.filter(({ id }) => !taken.has(id));
    for (const { id } of fresh) taken.add(id);
    waiting.push(...fresh);
    pump();
  };

  /** From the oldest on, until there is no room or nothing is left. */
  const catchUp = async (): Promise<void> => {
    do {
      skipped = 0;
      for await (const page of backlog.pages(directory.keys(), PAGE_SIZE)) {
        if (closed) return;
        take(page);
        if (taken.size < limits.maxQueued) continue;
        behind = true;
        return;
      }
      behind = skipped > 0;
    } while (behind && !paused());
  };
  const sweep = (): Promise<void> => {
    sweeping ??= catchUp()
      .catch((error: unknown) => log.warn("decodeQueue.sweepFailed", { reason: messageOf(error) }))
      .finally(() => {
        sweeping = undefined;
      });
    return sweeping;
  };
  const catchUpSoon = (): void => {
    if (!sweeping && !closed && !paused()) void sweep();
  };
  const idle = async (): Promise<void> => {
    await sweeping;
    if (taken.size > 0) await new Promise<void>(resolve => void idlers.push(resolve));
  };

  return {
    displayName: (tenant, decoder) => directory.find(tenant, decoder)?.manifest.name ?? decoder,
    enqueue(payloads) {
      if (closed) return;
      // Behind, the order of a device's payloads is the store's: everything goes through the sweep until it has caught up.
      if (!behind && taken.size + payloads.length <= limits.maxQueued) return take(payloads);
      behind = true;
      skipped += payloads.length;
      if (taken.size === 0) catchUpSoon();
    },
    start() {
      timer ??= every(clock, limits.sweepMs, sweep, () => {});
      void sweep();
    },
    sweep,
    idle,
    stats: () => ({ queued: taken.size, behind, ...worker.counters }),
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.[Symbol.dispose]();
      for (const { id } of waiting) taken.delete(id);
      waiting = [];
      await idle();
    },
  };
}
