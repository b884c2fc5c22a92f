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
  /** Something waits for this decoder: it gets its turn once the current one of the event loop is over, so that batches can form. */
  plan(entry: DecoderEntry): void;
  /** The decoder goes; what is under way is answered first. */
  remove(entry: DecoderEntry): void;
}

export interface StationParts {
  readonly slot: HostSlot;
  readonly limits: SandboxLimits;
  /** There are suspects to try apart, or a decoder is on probation now. */
  onSuspects(): void;
}

export const PRINTING = { console: true } as const;

export function createStation({ slot, limits, onSuspects }: StationParts): Station {
  /** Decoders for which something may wait, in the order of their turns. */
  const turns: Readonly<Record<Urgency, Set<DecoderEntry>>> = { live: new Set(), background: new Set() };
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

  const run = async (entry: DecoderEntry, jobs: readonly Job[], urgency: Urgency): Promise<void> => {
    const ready = await slot.hostWith(entry);
    if (!ready.ok) {
      fail(entry, jobs, { reason: "unavailable", message: ready.message });
      return end(entry, urgency);
    }
    const { items, bytes } = encodeBatch(jobs.map(job => job.input));
    const timeoutMs = limits.decodeMs + limits.perItemMs * (jobs.length - 1);
    const call = { decoder: entry.id, timeoutMs, ...(jobs[0]!.console ? PRINTING : {}) };
    const reply = await ready.host.decode(call, items, bytes);
    if (!reply.ok) {
      conclude(entry, jobs, reply);
      return end(entry, urgency);
    }
    // The host gets its next batch before this one is read, so that it does not wait for this process.
    end(entry, urgency);
    pump();
    const outcomes = readBatch(reply, jobs.length, entry.manifest.version);
    for (let index = 0; index < jobs.length; index++) settle(entry, jobs[index]!, outcomes[index]!);
  };

  /** The next decoder that may do something; it goes to the end of the line while more waits for it. */
  const nextTurn = (urgency: Urgency): DecoderEntry | undefined => {
    const line = turns[urgency];
    for (const entry of line) {
      if (entry.waiting[urgency].length === 0) line.delete(entry);
      else if (entry.underWay < limits.batchesPerDecoder && isTrusted(entry, urgency)) {
        line.delete(entry);
        line.add(entry);
        return entry;
      }
    }
    return undefined;
  };
  const start = (entry: DecoderEntry, urgency: Urgency): void => {
    const most = urgency === "live" ? limits.batchItems : limits.backgroundBatchItems;
    underWay++;
    entry.underWay++;
    if (urgency === "background") inBackground = true;
    void run(entry, takeBatch(entry.waiting[urgency], most), urgency);
  };
  const end = (entry: DecoderEntry, urgency: Urgency): void => {
    if (urgency === "background") inBackground = false;
    underWay--;
    entry.underWay--;
    if (entry.retired && entry.underWay === 0) slot.forget(entry.id);
    pumpSoon();
  };
  const pump = (): void => {
    while (!closed && underWay < limits.batchesPerHost) {
      const entry = nextTurn("live");
      if (!entry) break;
      start(entry, "live");
    }
    if (closed || inBackground || turns.live.size > 0 || underWay >= limits.batchesPerHost) return;
    const entry = nextTurn("background");
    if (entry) start(entry, "background");
  };
  const pumpSoon = (): void => {
    if (planned || closed) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      pump();
    });
  };
  return {
    slot,
    plan(entry) {
      for (const urgency of ["live", "background"] as const) {
        if (entry.waiting[urgency].length > 0) turns[urgency].add(entry);
      }
      pumpSoon();
    },
    remove(entry) {
      turns.live.delete(entry);
      turns.background.delete(entry);
      if (entry.underWay === 0) slot.forget(entry.id);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await slot[Symbol.asyncDispose]();
    },
  };
}
