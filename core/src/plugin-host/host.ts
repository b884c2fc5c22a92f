/**
 * Runs plugins: finds them, activates them in the order of their dependencies, and ends, exchanges and stops them while the host goes
 * on. What a person decided is stored before it is done; changes happen in turn. A plugin that fails harms nobody but itself and those
 * that need it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { MooringError, messageOf } from "../base/errors.ts";
import type { PluginManifest } from "../contract/plugin-manifest.ts";
import { createInTurn } from "../tenants/in-turn.ts";
import { dependentsOf, type Needs, neededBy, planActivation } from "./dependencies.ts";
import type { FoundPlugin, PluginOrigin } from "./discover.ts";
import type { PluginAlarms } from "./plugin-alarms.ts";
import { type CallFigures, createPluginCalls, failureText, noFigures, type PluginCalls } from "./plugin-calls.ts";
import { type InstanceParts, type PluginInstance, startInstance, type UsablePlugin } from "./plugin-instance.ts";
import { type PluginEvent, type PluginState, type PluginStateName, stepPlugin } from "./plugin-machine.ts";
import type { PluginStates } from "./plugin-states.ts";

export interface PluginView {
  readonly name: string;
  readonly state: PluginStateName;
  /** Why it is not active. */
  readonly fault?: string;
  readonly origin: PluginOrigin;
  readonly location: string;
  /** Of the version that is active, else of the one that was found last. */
  readonly manifest?: PluginManifest;
  readonly figures: CallFigures;
}

export interface ChangeOptions {
  /** Also those that need it, or that it needs. */
  readonly cascade?: boolean;
}

export interface Plugins extends AsyncDisposable {
  /** Finds plugins and activates those that nobody has disabled. Rejects for no fault of a plugin. */
  start(): Promise<void>;
  /** Looks again: what is new is activated, what was mended too. */
  discover(): Promise<void>;
  /** In the order of discovery. */
  list(): readonly PluginView[];
  /** @throws MooringError NOT_FOUND */
  get(name: string): PluginView;
  /** @throws MooringError NOT_FOUND, PLUGIN_INVALID with its fault, CONFLICT while it needs one that is not enabled */
  enable(name: string, options?: ChangeOptions): Promise<PluginView>;
  /** @throws MooringError NOT_FOUND, CONFLICT while active ones need it */
  disable(name: string, options?: ChangeOptions): Promise<PluginView>;
  /**
   * Reads manifest and code anew, and exchanges the one that is active for what they are now, all at once; while that fails, the one
   * that is active stays.
   * @throws MooringError NOT_FOUND, PLUGIN_INVALID with the fault, CONFLICT while it is disabled, or when others need another version
   */
  reload(name: string): Promise<PluginView>;
  /**
   * Takes what failed outside of everybody's calls: an unhandled rejection, an uncaught exception. To be called as its handler.
   * @returns whether it is a plugin's
   */
  takeStray(error: unknown): boolean;
}

export interface PluginHostParts extends InstanceParts {
  discover(): Promise<readonly FoundPlugin[]>;
  readonly states: PluginStates;
  readonly alarms: PluginAlarms;
}

interface Entry {
  found: FoundPlugin;
  state: PluginState;
  readonly figures: CallFigures;
  instance?: PluginInstance | undefined;
  /** It is FAULTY for what it needs: others may mend that. */
  isUnmet?: boolean;
}

const isUsable = (found: FoundPlugin): found is UsablePlugin => found.manifest !== undefined;
const foundState = ({ fault }: FoundPlugin): PluginState =>
  fault === undefined ? { at: "FOUND" } : { at: "FAULTY", fault };

export function createPluginHost(parts: PluginHostParts): Plugins {
  const { log, clock, alarms, states } = parts;
  const context = new AsyncLocalStorage<PluginCalls>();
  const entries = new Map<string, Entry>();
  const owners = new WeakMap<PluginCalls, string>();
  const inTurn = createInTurn();
  let isClosed = false;

  const manifestOf = ({ instance, found }: Entry): PluginManifest | undefined =>
    instance ? instance.found.manifest : found.manifest;

  function entryOf(name: string): Entry {
    const entry = entries.get(name);
    if (entry) return entry;
    throw new MooringError("NOT_FOUND", `no plugin ${name}`, { plugin: name });
  }

  function step(entry: Entry, event: PluginEvent): boolean {
    const next = stepPlugin(entry.state, event);
    if (!next) return false;
    const { name } = entry.found;
    const isNews = next.at !== entry.state.at || next.fault !== entry.state.fault;
    entry.state = next;
    const fields = { plugin: name, state: next.at, ...(next.fault !== undefined && { fault: next.fault }) };
    const level = { STARTING: "debug", FAULTY: "error", STOPPED: "error" } as const;
    if (isNews) log[level[next.at as keyof typeof level] ?? "info"]("plugin.state", fields);
    return true;
  }

  /** Looks at what is there. What is active stays what it is, whatever became of its files. @param only that one */
  async function look(only?: string): Promise<void> {
    const all = await parts.discover();
    const seen = new Set(all.filter(isUsable).map(({ name }) => name));
    for (const found of all) {
      // Of several with one name the one that can be used has it, else the first.
      const hasName = isUsable(found) || !seen.has(found.name);
      const key = hasName ? found.name : `${found.name}@${found.location}`;
      seen.add(key);
      if (only !== undefined && only !== key) continue;
      const entry = entries.get(key);
      if (!entry) {
        entries.set(key, { found, state: foundState(found), figures: noFigures() });
        if (found.fault !== undefined) log.error("plugin.faulty", { plugin: key, fault: found.fault });
        continue;
      }
      entry.found = found;
      if (entry.state.at === "FOUND" || entry.state.at === "FAULTY") entry.state = foundState(found);
    }
    if (only !== undefined) return;
    for (const [key, { instance }] of entries) if (!seen.has(key) && !instance) entries.delete(key);
  }

  /** One per name, as they are active or would be. */
  const needs = (): Needs[] => [...entries.values()].map(manifestOf).filter(manifest => manifest !== undefined);

  async function open(name: string, entry: Entry, rank: number, former?: PluginInstance): Promise<PluginInstance> {
    const calls: PluginCalls = createPluginCalls({
      context,
      clock,
      figures: entry.figures,
      onTooOften: (place, error) => void trip(name, calls, failureText(place, error)),
    });
    owners.set(calls, name);
    const instance = await startInstance(parts, entry.found as UsablePlugin, { calls, former, rank });
    try {
      instance.enforce(former);
      return instance;
    } catch (error) {
      await instance.close();
      throw error;
    }
  }

  async function start(name: string, entry: Entry, rank: number): Promise<void> {
    step(entry, { kind: "start" });
    try {
      entry.instance = await open(name, entry, rank);
      step(entry, { kind: "started" });
      await alarms.clear(name);
    } catch (error) {
      const fault = messageOf(error);
      step(entry, { kind: "fail", fault });
      await alarms.raise(name, `Plugin ${name} is not active: ${fault}`);
    }
  }

  async function stop(entry: Entry, event: PluginEvent): Promise<void> {
    const { instance } = entry;
    step(entry, event);
    entry.instance = undefined;
    await instance?.close();
  }

  const isActive = (name: string): boolean => entries.get(name)?.instance !== undefined;

  /** What a plugin waits for. */
  function blockerOf({ dependencies = {} }: PluginManifest, isThere: (name: string) => boolean): string | undefined {
    const missing = Object.keys(dependencies).find(name => !isThere(name));
    return missing && `needs plugin ${missing}, which is ${entries.get(missing)?.state.at ?? "not there"}`;
  }

  /** Ends what may not be active any more, then activates what may, in the order of dependencies. */
  async function settle(): Promise<void> {
    const { order, faults } = planActivation(needs());
    const entriesInOrder = order.map((name, rank) => ({ name, rank, entry: entries.get(name)! }));
    const stays = new Set<string>();
    for (const { name, entry } of entriesInOrder) {
      const mayStay = !faults.has(name) && !blockerOf(manifestOf(entry)!, needed => stays.has(needed));
      if (entry.instance && mayStay) stays.add(name);
    }
    for (const { name, entry } of entriesInOrder.toReversed()) {
      if (!entry.instance || stays.has(name)) continue;
      const fault = faults.get(name) ?? blockerOf(manifestOf(entry)!, isActive);
      await stop(entry, { kind: "wait", ...(fault !== undefined && { fault }) });
    }
    for (const { name, rank, entry } of entriesInOrder) {
      const fault = faults.get(name);
      if (entry.state.at === "FAULTY" && entry.isUnmet) step(entry, { kind: "enable" });
      if (entry.state.at !== "FOUND" || isClosed) continue;
      entry.isUnmet = fault !== undefined;
      const blocker = blockerOf(manifestOf(entry)!, isActive);
      if (fault !== undefined) step(entry, { kind: "fail", fault });
      else if (blocker !== undefined) step(entry, { kind: "wait", fault: blocker });
      else await start(name, entry, rank);
    }
  }

  /** A plugin has failed too often. Whoever called it last goes on undisturbed: it ends later. */
  async function trip(name: string, calls: PluginCalls, fault: string): Promise<void> {
    try {
      await inTurn(async () => {
        const entry = entries.get(name);
        if (entry?.state.at !== "ACTIVE" || entry.instance?.calls !== calls) return;
        await stop(entry, { kind: "trip", fault });
        await alarms.raise(name, `Plugin ${name} failed too often and is stopped: ${fault}`);
        await settle();
        await states.save(name, entry.state);
      });
    } catch (error) {
      log.error("plugin.stopFailed", { plugin: name, error: messageOf(error) });
    }
  }

  const view = (name: string, entry: Entry): PluginView => {
    const { origin, location } = entry.instance?.found ?? entry.found;
    const manifest = manifestOf(entry);
    const { at: state, fault } = entry.state;
    const { figures } = entry;
    return {
      name,
      state,
      origin,
      location,
      figures,
      ...(fault !== undefined && { fault }),
      ...(manifest && { manifest }),
    };
  };

  /** It cannot be active. */
  function invalid(name: string, fault: string): never {
    throw new MooringError("PLUGIN_INVALID", `plugin ${name}: ${fault}`, { plugin: name });
  }

  function conflict(name: string, rule: string): never {
    throw new MooringError("CONFLICT", `plugin ${name} ${rule}`, { plugin: name });
  }

  async function activate(name: string, { cascade = false }: ChangeOptions): Promise<PluginView> {
    const entry = entryOf(name);
    if (entry.instance) return view(name, entry);
    if (!isUsable(entry.found)) return invalid(name, entry.found.fault ?? "has no manifest");
    const isOff = (each: string): boolean => ["DISABLED", "STOPPED"].includes(entries.get(each)?.state.at ?? "");
    const needed = neededBy(name, needs()).filter(isOff);
    if (needed.length > 0 && !cascade) {
      conflict(name, `needs ${needed.join(", ")}, which must be enabled first; cascade enables them too`);
    }
    for (const each of [...needed, name]) {
      await states.save(each, undefined);
      step(entries.get(each)!, { kind: "enable" });
    }
    await settle();
    return isActive(name) ? view(name, entry) : invalid(name, entry.state.fault ?? "is not active");
  }

  async function deactivate(name: string, { cascade = false }: ChangeOptions): Promise<PluginView> {
    const entry = entryOf(name);
    const { order } = planActivation(needs());
    const needing = new Set(dependentsOf(name, needs()).filter(isActive));
    if (needing.size > 0 && !cascade) {
      conflict(name, `is needed by ${[...needing].join(", ")}; cascade disables them too`);
    }
    for (const each of [...order.filter(other => needing.has(other)).toReversed(), name]) {
      await states.save(each, { at: "DISABLED" });
      await stop(entries.get(each)!, { kind: "disable" });
      await alarms.clear(each);
    }
    await settle();
    return view(name, entry);
  }

  async function exchange(name: string): Promise<PluginView> {
    const entry = entryOf(name);
    if (entry.state.at === "DISABLED") conflict(name, "is disabled: enable it");
    const { instance: former, found } = entry;
    if (!former) return activate(name, {});
    if (!isUsable(found)) return invalid(name, found.fault ?? "has no manifest");
    const { order, faults } = planActivation(needs().map(each => (each.name === name ? found.manifest : each)));
    const isHarmed = (each: string): boolean => faults.has(each) && isActive(each);
    const harmed = order.find(isHarmed);
    if (harmed === name) invalid(name, faults.get(name)!);
    if (harmed !== undefined)
      conflict(name, `cannot be ${found.manifest.version}: plugin ${harmed} ${faults.get(harmed)}`);
    const blocker = blockerOf(found.manifest, isActive);
    if (blocker !== undefined) invalid(name, blocker);
    const fresh = open(name, entry, order.indexOf(name), former);
    entry.instance = await fresh.catch((error: unknown) => invalid(name, messageOf(error)));
    log.info("plugin.reloaded", { plugin: name, version: found.manifest.version });
    await former.close();
    return view(name, entry);
  }

  return {
    start: () =>
      inTurn(async () => {
        await look();
        for (const [name, state] of await states.load()) {
          const entry = entries.get(name);
          if (entry) entry.state = state;
        }
        await settle();
      }),
    discover: () =>
      inTurn(async () => {
        await look();
        await settle();
      }),
    list: () => [...entries].map(([name, entry]) => view(name, entry)),
    get: name => view(name, entryOf(name)),
    enable: (name, options = {}) =>
      inTurn(async () => {
        await look(name);
        return activate(name, options);
      }),
    disable: (name, options = {}) => inTurn(() => deactivate(name, options)),
    reload: name =>
      inTurn(async () => {
        await look(name);
        return exchange(name);
      }),
    takeStray(error) {
      const calls = context.getStore();
      const name = calls && owners.get(calls);
      if (!calls || name === undefined) return false;
      log.error("plugin.stray", { plugin: name, error: messageOf(error) });
      calls.failed("stray", "outside of any call", error);
      return true;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await inTurn(async () => {
        const { order } = planActivation(needs());
        for (const name of order.toReversed()) {
          const entry = entries.get(name)!;
          await entry.instance?.close();
          entry.instance = undefined;
        }
      });
    },
  };
}
