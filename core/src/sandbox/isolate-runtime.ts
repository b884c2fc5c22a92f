/**
 * The decoder runtime on an engine in child processes. Decodes wait per decoder, go to its host in batches
 * (`station.ts`), and whatever fails together is tried again apart (`trial-lane.ts`), so that only the payload or the
 * decoder at fault pays.
 */
import { type Clock, createTurnTime } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { checkDecoderManifest } from "../contract/manifest.ts";
import {
  createEntry,
  type DecoderEntry,
  type Failure,
  fail,
  isTrusted,
  type Job,
  queuedOf,
  retire,
  statsOf,
} from "./decoder-entry.ts";
import { createDecoderGuard } from "./decoder-guard.ts";
import {
  createUnavailableRuntime,
  type DecoderRuntime,
  type DecoderSource,
  type DecoderStateChange,
  type RuntimeInput,
  type Urgency,
} from "./decoder-runtime.ts";
import { ENGINES, type EngineName } from "./engine.ts";
import { type HostCommand, hostCommands } from "./host-command.ts";
import { createHostSlot, type HostSlot } from "./host-slot.ts";
import { type SandboxLimits, sandboxLimits } from "./limits.ts";
import { createPartnerBudget, type PartnerBudget } from "./partner-budget.ts";
import { createProcessReader } from "./process-stat.ts";
import { createStation, type Station } from "./station.ts";
import { createTrialLane } from "./trial-lane.ts";
import { moduleSource } from "./uplink-script.ts";

export interface RuntimeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<SandboxLimits>;
  /** What runs decoders inside a host; default: the first of `ENGINES`, and in `openDecoderRuntime` the first that starts. */
  readonly engine?: EngineName;
  /** Ways to start a decoder host, best first; default: `hostCommands(engine)`. */
  readonly commands?: readonly HostCommand[];
  /** A decoder got a rest, came into quarantine, or works again. */
  onState?(change: DecoderStateChange): void;
}

export interface IsolateRuntime extends DecoderRuntime {
  /** Starts a first host now, so that it is known whether one starts. @throws MooringError DECODER_UNAVAILABLE */
  start(): Promise<void>;
}

const CLOSED = "the decoder runtime is closed";

/** FNV-1a, to spread partners over hosts. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
};

const failure = (code: "DECODER_INVALID" | "DECODER_UNAVAILABLE", key: string, why: string): MooringError =>
  new MooringError(code, `decoder ${key}: ${why}`, { key, why });

/** Why a decode is not even queued, whatever state its decoder is in. */
function refusal(
  entry: DecoderEntry,
  input: RuntimeInput,
  urgency: Urgency,
  limits: SandboxLimits,
): Failure | undefined {
  if (input.value.length > limits.inputBytes) {
    const message = `${input.value.length} bytes are over the limit of ${limits.inputBytes}`;
    return { reason: "inputTooLarge", message };
  }
  const queued = queuedOf(entry, urgency);
  if (entry.budget.heldBack && queued >= limits.queuedOverBudget) {
    const message = "its partner has used up its processor time, and others wait";
    return { reason: "unavailable", message, retryAtMs: entry.budget.refilledAtMs };
  }
  const most = urgency === "live" ? limits.queuedPerDecoder : limits.queuedInBackground;
  return queued < most ? undefined : { reason: "unavailable", message: `${most} decodes wait already` };
}

export function createIsolateRuntime(parts: RuntimeParts): IsolateRuntime {
  const { clock, log } = parts;
  const limits = sandboxLimits(parts.limits);
  const { engine = ENGINES[0], commands = hostCommands(engine) } = parts;
  const processes = createProcessReader();
  if (!processes) log.warn("sandbox.noProcessStatistics", { effect: "decoder hosts are watched by wall time only" });
  const entries = new Map<string, DecoderEntry>();
  const budgets = new Map<string, PartnerBudget>();
  /** Loads under way. */
  const opening = new Map<string, Promise<void>>();
  let hostDeaths = 0;
  let loads = 0;
  let closed = false;

  const turnMs = createTurnTime(clock);
  const guard = createDecoderGuard(parts);
  const slotFor = (wallMs: number): HostSlot =>
    createHostSlot({ clock, log, limits, processes, commands, wallMs, onDied: () => void hostDeaths++ });
  const stations: readonly Station[] = Array.from({ length: limits.hosts }, () =>
    createStation({ slot: slotFor(limits.hostWallMs), limits, guard, onSuspects: () => trials.pump() }),
  );
  const stationOf = ({ partner }: DecoderEntry): Station => stations[hashOf(partner) % limits.hosts]!;
  const budgetOf = (partner: string): PartnerBudget => {
    const budget = budgets.get(partner) ?? createPartnerBudget(clock, limits);
    budgets.set(partner, budget);
    return budget;
  };
  const trials = createTrialLane({
    slot: slotFor(limits.trialWallMs),
    limits,
    clock,
    guard,
    entries: () => entries.values(),
    onTrusted: entry => stationOf(entry).plan(entry),
  });

  /** Runs the module once on the trial host, then brings it to its usual one. */
  const prepare = async (
    name: string,
    { manifest, source, language, owner = "" }: DecoderSource,
  ): Promise<DecoderEntry> => {
    const { key, publisher } = checkDecoderManifest(manifest);
    if (source.length > limits.sourceBytes) {
      throw failure("DECODER_INVALID", key, `its source is over ${limits.sourceBytes} characters`);
    }
    const id = `${name}#${++loads}`;
    const reply = await trials.load(id, moduleSource(manifest, source), language === "typescript");
    if (!reply.ok) throw failure("DECODER_INVALID", key, reply.message);
    const partner = `${owner}/${publisher ?? key}`;
    const entry = createEntry(
      { id, script: reply.text },
      { name, manifest, owner, partner, budget: budgetOf(partner), turnMs },
    );
    const { slot } = stationOf(entry);
    // With many decoders those in use keep their places; it has run on the trial host.
    if (slot.open >= limits.isolatesPerHost) return entry;
    const ready = await slot.hold(entry);
    if (ready.ok) return entry;
    throw failure(ready.reason === "unavailable" ? "DECODER_UNAVAILABLE" : "DECODER_INVALID", key, ready.message);
  };

  return {
    async start() {
      await stations[0]!.slot.host();
    },
    load(id, decoder) {
      const { key, version } = decoder.manifest;
      const open = async (): Promise<void> => {
        if (closed) throw failure("DECODER_UNAVAILABLE", key, CLOSED);
        const entry = await prepare(id, decoder);
        if (closed) throw failure("DECODER_UNAVAILABLE", key, CLOSED);
        entries.set(id, entry);
        log.info("decoder.loaded", { key, version });
      };
      const load = entries.has(id) ? Promise.resolve() : (opening.get(id) ?? open().finally(() => opening.delete(id)));
      if (!entries.has(id)) opening.set(id, load);
      return load;
    },
    unload(id) {
      const entry = entries.get(id);
      if (!entry) return;
      entries.delete(id);
      retire(entry, "the decoder was unloaded");
      stationOf(entry).remove(entry);
      const { key, version } = entry.manifest;
      log.info("decoder.unloaded", { key, version });
    },
    has: id => entries.has(id),
    release(id) {
      const entry = entries.get(id);
      for (const urgency of ["live", "background"] as const) {
        if (entry) guard.judge(entry, urgency, { kind: "released" });
      }
    },
    decode(id, input, { urgency = "live", console = false } = {}) {
      const entry = entries.get(id);
      if (!entry) {
        const message = closed ? CLOSED : `decoder ${id} is not loaded`;
        return Promise.resolve({ ok: false, reason: "unavailable", message });
      }
      return new Promise(resolve => {
        const job: Job = { input, urgency, console, fromMs: turnMs(), resolve };
        const refused = refusal(entry, input, urgency, limits);
        const admitted = refused ?? (console ? "usual" : guard.admit(entry, urgency));
        if (typeof admitted === "object") return fail(entry, [job], admitted);
        if (console) entry.tests.push(job);
        else if (admitted === "trial") entry.suspects[urgency].push(job);
        else entry.waiting[urgency].push(job);
        if (!console && isTrusted(entry, urgency)) stationOf(entry).plan(entry);
        else trials.pump();
      });
    },
    stats() {
      const slots = [...stations.map(({ slot }) => slot), trials.slot];
      const reason = closed ? CLOSED : slots.map(({ fault }) => fault).find(fault => fault !== undefined);
      return {
        engine,
        available: reason === undefined,
        ...(reason === undefined ? {} : { reason }),
        hostPids: slots.map(({ pid }) => pid).filter(pid => pid !== undefined),
        hostDeaths,
        isolatesOpen: slots.reduce((sum, { open }) => sum + open, 0),
        evictions: slots.reduce((sum, { evictions }) => sum + evictions, 0),
        decoders: [...entries.values()].map(statsOf),
      };
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const entry of entries.values()) retire(entry, CLOSED);
      entries.clear();
      await Promise.all([trials, ...stations].map(part => part[Symbol.asyncDispose]()));
    },
  };
}

/**
 * The runtime of this machine: the engine that is asked for, else the best that starts, else a runtime that says why nothing
 * can be decoded. The first host is up when it resolves.
 */
export async function openDecoderRuntime({ engine, ...parts }: RuntimeParts): Promise<DecoderRuntime> {
  const reasons: string[] = [];
  for (const name of engine === undefined ? ENGINES : [engine]) {
    let runtime: IsolateRuntime | undefined;
    try {
      runtime = createIsolateRuntime({ ...parts, engine: name });
      await runtime.start();
      return runtime;
    } catch (error) {
      // Also when the package itself is missing: then there is not even a way to start a host.
      await runtime?.[Symbol.asyncDispose]();
      parts.log.warn("sandbox.engineUnavailable", { engine: name, reason: messageOf(error) });
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  const reason = reasons.join("; ");
  parts.log.error("sandbox.unavailable", { reason });
  return createUnavailableRuntime(reason);
}
