/**
 * The trial host: runs one thing at a time, so that what ends it is known. New decoders are loaded here first, payloads
 * that were under way when a host died or a batch failed are repeated here, and a decoder that did harm stays here until it
 * has proved itself. It costs its memory only while there is something to try.
 */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import { encodeBatch, readBatch } from "./batch.ts";
import type { BreakerEvent } from "./breaker-machine.ts";
import { charge, type DecoderEntry, distrust, failedOutcome, isTrusted, type Job, settle } from "./decoder-entry.ts";
import type { DecoderGuard } from "./decoder-guard.ts";
import type { Urgency } from "./decoder-runtime.ts";
import type { HostReply } from "./host-process.ts";
import type { HostSlot, SlotReply } from "./host-slot.ts";
import type { SandboxLimits } from "./limits.ts";

export interface TrialLane extends AsyncDisposable {
  readonly slot: HostSlot;
  /** Loads a decoder for the first time; the reply's text is its plain JavaScript. @throws DECODER_UNAVAILABLE */
  load(id: string, source: string, typescript: boolean): Promise<HostReply>;
  /** There may be something to do. */
  pump(): void;
}

export interface TrialParts {
  readonly slot: HostSlot;
  readonly limits: SandboxLimits;
  readonly clock: Clock;
  readonly guard: DecoderGuard;
  entries(): Iterable<DecoderEntry>;
  /** A decoder is trusted again: its usual host may take it. */
  onTrusted(entry: DecoderEntry): void;
}

/** Those first that are least likely the culprit, so that good decoders wait for bad ones as little as can be. */
const byInnocence = (a: DecoderEntry, b: DecoderEntry): number => a.hostDeaths - b.hostDeaths || b.decoded - a.decoded;

interface Work {
  readonly entry: DecoderEntry;
  readonly job: Job;
}

function nextOf(entries: readonly DecoderEntry[], urgency: Urgency): Work | undefined {
  const candidates = entries.filter(
    ({ suspects, waiting, probation }) =>
      suspects[urgency].length > 0 || (probation > 0 && waiting[urgency].length > 0),
  );
  const [entry] = candidates.sort(byInnocence);
  const job = entry && (entry.suspects[urgency].shift() ?? entry.waiting[urgency].shift());
  return entry && job && { entry, job };
}

function nextTest(entries: readonly DecoderEntry[]): Work | undefined {
  const entry = entries.find(({ tests }) => tests.length > 0);
  const job = entry?.tests.shift();
  return entry && job && { entry, job };
}

const nextWork = (entries: readonly DecoderEntry[]): Work | undefined =>
  nextOf(entries, "live") ?? nextTest(entries) ?? nextOf(entries, "background");

export function createTrialLane({ slot, limits, clock, guard, entries, onTrusted }: TrialParts): TrialLane {
  interface Load {
    run(): Promise<void>;
    refuse(error: MooringError): void;
  }
  const loads: Load[] = [];
  let busy = false;
  let closed = false;
  let leaving: Disposable | undefined;

  /** What a decode says about its decoder; a failed one of our own says nothing. */
  const verdictOf = (entry: DecoderEntry, reply: SlotReply): BreakerEvent => {
    if (reply.ok) return { kind: "harmless", decodes: 1 };
    if (reply.reason === "unavailable") return { kind: "notTried" };
    if (reply.reason === "threw") return { kind: "harmless", decodes: 1 };
    return distrust(entry, reply, limits);
  };
  const runJob = async (entry: DecoderEntry, job: Job): Promise<void> => {
    const { version } = entry.manifest;
    const { items, bytes } = encodeBatch([job.input]);
    const printing = job.console ? { console: true as const } : {};
    const reply = await slot.run(entry, { timeoutMs: limits.decodeMs, ...printing, items, count: 1, bytes });
    charge(entry, reply, limits.trialWallMs);
    const outcome = reply.ok ? readBatch(reply, 1, version)[0]! : failedOutcome(reply, version);
    if (reply.ok && entry.probation > 0) entry.probation--;
    settle(entry, job, outcome);
    if (!job.console) guard.judge(entry, job.urgency, verdictOf(entry, reply));
    if (isTrusted(entry, job.urgency)) onTrusted(entry);
  };
  const next = (): Promise<void> | undefined => {
    const load = loads.shift();
    if (load) return load.run();
    const work = nextWork([...entries()]);
    return work && runJob(work.entry, work.job);
  };
  const pump = (): void => {
    if (busy || closed) return;
    leaving?.[Symbol.dispose]();
    const work = next();
    if (!work) {
      leaving = clock.after(limits.trialIdleMs, () => void slot.rest());
      return;
    }
    busy = true;
    void work.finally(() => {
      busy = false;
      pump();
    });
  };
  const close = async (): Promise<void> => {
    closed = true;
    leaving?.[Symbol.dispose]();
    for (const load of loads.splice(0)) {
      load.refuse(new MooringError("DECODER_UNAVAILABLE", "the decoder runtime is closed"));
    }
    await slot[Symbol.asyncDispose]();
  };
  return {
    slot,
    pump,
    load(id, source, typescript) {
      const { promise, resolve, reject } = Promise.withResolvers<HostReply>();
      const message = { decoder: id, memoryMb: limits.isolateMemoryMb, timeoutMs: limits.loadMs };
      const tryIt = async (): Promise<void> => {
        const host = await slot.host();
        const plain = typescript ? await host.strip(source) : { ok: true as const, text: source, cpuMs: 0 };
        if (!plain.ok) return resolve(plain);
        const reply = await host.load(message, plain.text);
        host.drop(id);
        resolve(reply.ok ? { ...reply, text: plain.text } : reply);
      };
      loads.push({ run: () => tryIt().catch(reject), refuse: reject });
      pump();
      return promise;
    },
    [Symbol.asyncDispose]: close,
  };
}
