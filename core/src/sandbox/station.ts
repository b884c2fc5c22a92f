/** One usual host with the decoders that take turns on it: batches out, outcomes in, failures apart. */
import { encodeBatch, readBatch } from "./batch.ts";
import { charge, type DecoderEntry, distrust, fail, isTrusted, type Job, settle, suspect } from "./decoder-entry.ts";
import type { DecoderGuard } from "./decoder-guard.ts";
import type { Urgency } from "./decoder-runtime.ts";
import type { HostSlot, SlotReply } from "./host-slot.ts";
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
  readonly guard: DecoderGuard;
  /** There are suspects to try apart, or a decoder is on probation now. */
  onSuspects(): void;
}

export function createStation({ slot, limits, guard, onSuspects }: StationParts): Station {
  /** Decoders for which something may wait, in the order of their turns. */
  const turns: Readonly<Record<Urgency, Set<DecoderEntry>>> = { live: new Set(), background: new Set() };
  let underWay = 0;
  /** At most one of those under way is a batch of the background. */
  let inBackground = false;
  let planned = false;
  let closed = false;

  /** What a failed batch means: a lone job is the culprit itself, others are tried again apart. */
  const conclude = (
    entry: DecoderEntry,
    jobs: readonly Job[],
    urgency: Urgency,
    reply: Exclude<SlotReply, { ok: true }>,
  ): void => {
    if (reply.reason === "unavailable") {
      fail(entry, jobs, reply);
      return;
    }
    // A host that ended by itself may have been ended by anybody.
    if (jobs.length === 1 && reply.alone && reply.reason !== "hostDied") {
      fail(entry, jobs, reply);
      guard.judge(entry, urgency, distrust(entry, reply, limits));
    } else suspect(entry, jobs);
    onSuspects();
  };

  const run = async (entry: DecoderEntry, jobs: readonly Job[], urgency: Urgency): Promise<void> => {
    const { items, bytes } = encodeBatch(jobs.map(job => job.input));
    const timeoutMs = limits.decodeMs + limits.perItemMs * (jobs.length - 1);
    const reply = await slot.run(entry, { timeoutMs, items, count: jobs.length, bytes });
    // Of several that were running when the host died, nobody knows which one used what.
    charge(entry, reply, !reply.ok && reply.alone ? limits.trialWallMs : 0);
    if (!reply.ok) {
      conclude(entry, jobs, urgency, reply);
      return end(entry, urgency);
    }
    // The host gets its next batch before this one is read, so that it does not wait for this process.
    end(entry, urgency);
    pump();
    guard.judge(entry, urgency, { kind: "harmless", decodes: jobs.length });
    const outcomes = readBatch(reply, jobs.length, entry.manifest.version);
    for (let index = 0; index < jobs.length; index++) settle(entry, jobs[index]!, outcomes[index]!);
  };

  const mayRun = (entry: DecoderEntry, urgency: Urgency): boolean =>
    entry.underWay < limits.batchesPerDecoder && isTrusted(entry, urgency);
  const takeTurn = (entry: DecoderEntry, urgency: Urgency): DecoderEntry => {
    turns[urgency].delete(entry);
    turns[urgency].add(entry);
    entry.budget.heldBack = false;
    return entry;
  };
  /**
   * The next decoder that may do something; it goes to the end of the line while more waits for it. One whose partner has
   * used up its processor time comes when nobody else waits.
   */
  const nextTurn = (urgency: Urgency): DecoderEntry | undefined => {
    let spent: DecoderEntry | undefined;
    let othersWait = false;
    for (const entry of turns[urgency]) {
      if (entry.waiting[urgency].length === 0) turns[urgency].delete(entry);
      else if (entry.budget.isSpent) spent ??= mayRun(entry, urgency) ? entry : undefined;
      else if (mayRun(entry, urgency)) {
        if (spent) spent.budget.heldBack = true;
        return takeTurn(entry, urgency);
      } else if (isTrusted(entry, urgency)) othersWait = true;
    }
    if (!spent) return undefined;
    if (!othersWait) return takeTurn(spent, urgency);
    spent.budget.heldBack = true;
    return undefined;
  };
  const start = (entry: DecoderEntry, urgency: Urgency): void => {
    const most = urgency === "live" ? limits.batchItems : limits.backgroundBatchItems;
    underWay++;
    entry.underWay++;
    if (urgency === "background") inBackground = true;
    void run(entry, entry.waiting[urgency].splice(0, most), urgency);
  };
  const end = (entry: DecoderEntry, urgency: Urgency): void => {
    if (urgency === "background") inBackground = false;
    underWay--;
    entry.underWay--;
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
      slot.forget(entry.id);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await slot[Symbol.asyncDispose]();
    },
  };
}
