/** One usual host with the decoders that take turns on it: batches out, outcomes in, failures apart. */
import { encodeBatch, readBatch } from "./batch.ts";
import {
  type DecoderEntry,
  fail,
  isTrusted,
  type Job,
  settle,
  suspect,
  takeBatch,
  type Urgency,
} from "./decoder-entry.ts";
import type { HostReply } from "./host-process.ts";
import type { HostSlot } from "./host-slot.ts";
import type { SandboxLimits } from "./limits.ts";

export interface Station extends AsyncDisposable {
  readonly slot: HostSlot;
  add(entry: DecoderEntry): void;
  remove(entry: DecoderEntry): void;
  /** There may be something to do: looks once the current turn of the event loop is over, so that batches can form. */
  plan(): void;
}

export interface StationParts {
  readonly slot: HostSlot;
  readonly limits: SandboxLimits;
  /** There are suspects to try apart, or a decoder is on probation now. */
  onSuspects(): void;
}

export const PRINTING = { console: true } as const;

export function createStation({ slot, limits, onSuspects }: StationParts): Station {
  /** In the order of their turns. */
  let turns: DecoderEntry[] = [];
  let underWay = 0;
  /** At most one of those under way is a batch of the background. */
  let inBackground = false;
  let planned = false;
  let closed = false;

  /** What a failed batch means: a lone job is the culprit itself, others are tried again apart. */
  const conclude = (entry: DecoderEntry, jobs: readonly Job[], reply: Extract<HostReply, { ok: false }>): void => {
    const alone = jobs.length === 1 && (reply.hostDied ? underWay : entry.underWay) === 1;
    if (!reply.hostDied && reply.reason === "memory") slot.forget(entry.id);
    // A host that ended by itself may have been ended by anybody.
    if (alone && reply.reason !== "hostDied") {
      if (reply.hostDied) {
        entry.hostDeaths++;
        entry.probation = limits.probationDecodes;
      }
      fail(entry, jobs, reply);
    } else suspect(entry, jobs);
    onSuspects();
  };

  const run = async (entry: DecoderEntry, jobs: readonly Job[]): Promise<void> => {
    const ready = await slot.hostWith(entry);
    if (!ready.ok) return fail(entry, jobs, { reason: "unavailable", message: ready.message });
    const { items, bytes } = encodeBatch(jobs.map(job => job.input));
    const timeoutMs = limits.decodeMs + limits.perItemMs * (jobs.length - 1);
    const call = { decoder: entry.id, timeoutMs, ...(jobs[0]!.console ? PRINTING : {}) };
    const reply = await ready.host.decode(call, items, bytes);
    if (!reply.ok) return conclude(entry, jobs, reply);
    const outcomes = readBatch(reply, jobs.length, entry.manifest.version);
    for (const [index, job] of jobs.entries()) settle(entry, job, outcomes[index]!);
  };

  const isReady = (entry: DecoderEntry, urgency: Urgency): boolean =>
    entry.waiting[urgency].length > 0 && entry.underWay < limits.batchesPerDecoder && isTrusted(entry, urgency);
  /** The next decoder that has something to do; it goes to the end of the line. */
  const nextTurn = (urgency: Urgency): DecoderEntry | undefined => {
    const at = turns.findIndex(entry => isReady(entry, urgency));
    if (at < 0) return undefined;
    const [entry] = turns.splice(at, 1);
    turns.push(entry!);
    return entry;
  };
  const start = (entry: DecoderEntry, urgency: Urgency): void => {
    const background = urgency === "background";
    const most = background ? limits.backgroundBatchItems : limits.batchItems;
    underWay++;
    entry.underWay++;
    inBackground ||= background;
    void run(entry, takeBatch(entry.waiting[urgency], most)).finally(() => end(entry, background));
  };
  const end = (entry: DecoderEntry, background: boolean): void => {
    if (background) inBackground = false;
    underWay--;
    entry.underWay--;
    if (entry.retired && entry.underWay === 0) slot.forget(entry.id);
    plan();
  };
  const pump = (): void => {
    while (!closed && underWay < limits.batchesPerHost) {
      const entry = nextTurn("live");
      if (!entry) break;
      start(entry, "live");
    }
    const liveWaits = turns.some(({ waiting }) => waiting.live.length > 0);
    if (closed || inBackground || liveWaits || underWay >= limits.batchesPerHost) return;
    const entry = nextTurn("background");
    if (entry) start(entry, "background");
  };
  const plan = (): void => {
    if (planned || closed) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      pump();
    });
  };
  return {
    slot,
    plan,
    add: entry => void turns.push(entry),
    remove(entry) {
      turns = turns.filter(other => other !== entry);
      if (entry.underWay === 0) slot.forget(entry.id);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await slot[Symbol.asyncDispose]();
    },
  };
}
