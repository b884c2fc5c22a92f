/** Mapping actions and default handlers by name. Plugins add to it through their host; the engine and REST read it. */
import { MooringError } from "../base/errors.ts";
import type { DefaultHandler, MappingAction } from "../contract/action.ts";

/** One row of `GET mappingActions/resourceactions` (agent specification 7.2): shown as `name:arg`, or `name` without args. */
export interface ResourceAction {
  readonly name: string;
  readonly args: readonly string[];
}

export interface ActionRegistry {
  /** @throws MooringError PLUGIN_INVALID when a name is malformed or taken. Disposing removes it. */
  addAction(action: MappingAction): Disposable;
  /**
   * @param rank handlers of an object run from the lowest to the highest, those of one rank in the order in which they were added
   * @throws MooringError PLUGIN_INVALID. Disposing removes it.
   */
  addHandler(handler: DefaultHandler, rank?: number): Disposable;
  /** By name or alias. */
  action(name: string): MappingAction | undefined;
  /** In the order in which they run. */
  handlers(objectId: number): readonly DefaultHandler[];
  /** Fragments of a device that some action or handler wants, sorted. Another array after a change. */
  readonly deviceFragments: readonly string[];
  /** Actions grouped by what stands before the first colon, then the tenant's decoders, each sorted. */
  list(tenant: string): readonly ResourceAction[];
}

/** Custom actions with this prefix name a decoder, not an action (agent specification 9.1). */
export const DECODER_PREFIX = "decoder:";

const ACTION_NAME = /^[A-Za-z0-9_.-]{1,64}(?::[A-Za-z0-9_.:-]{1,64})?$/;
const LARGEST_ID = 65_534;
const NONE: readonly DefaultHandler[] = [];

function refuse(rule: string, details: Readonly<Record<string, unknown>>): never {
  throw new MooringError("PLUGIN_INVALID", rule, { ...details, rule });
}

function checkAction(action: MappingAction, taken: ReadonlyMap<string, MappingAction>): readonly string[] {
  const names = [action.name, ...(action.aliases ?? [])];
  for (const name of names) {
    if (typeof name !== "string" || !ACTION_NAME.test(name)) {
      refuse(`action name "${name}" must be group or group:verb, letters, digits, "_", "." and "-"`, { name });
    }
    if (name.startsWith(DECODER_PREFIX) || name === "decoder")
      refuse(`action name "${name}" is kept for decoders`, { name });
    if (taken.has(name)) refuse(`action "${name}" exists already`, { name });
  }
  if (typeof action.run !== "function") refuse(`action "${action.name}" has no function run`, { name: action.name });
  return names;
}

const isId = (id: unknown): boolean => Number.isInteger(id) && (id as number) >= 0 && (id as number) <= LARGEST_ID;

function checkHandler({ objectId, resources, run }: DefaultHandler): void {
  if (!isId(objectId)) refuse(`a handler's objectId must be 0 to ${LARGEST_ID}`, { objectId });
  if (!Array.isArray(resources) || resources.length === 0 || !resources.every(isId)) {
    refuse(`a handler's resources must be one or more ids of 0 to ${LARGEST_ID}`, { objectId, resources });
  }
  if (typeof run !== "function") refuse(`the handler of object ${objectId} has no function run`, { objectId });
}

/** Undone once, however often it is disposed. */
function once(undo: () => void): Disposable {
  let done = false;
  return {
    [Symbol.dispose]() {
      if (!done) undo();
      done = true;
    },
  };
}

function group(names: Iterable<string>): ResourceAction[] {
  const groups = new Map<string, ResourceAction & { args: string[] }>();
  for (const name of [...names].sort()) {
    const colon = name.indexOf(":");
    // A bare name gets a row of its own beside a group of the same name: a row with args is shown without its bare form.
    const key = colon < 0 ? name : name.slice(0, colon + 1);
    const row = groups.get(key) ?? { name: colon < 0 ? name : name.slice(0, colon), args: [] };
    if (colon >= 0) row.args.push(name.slice(colon + 1));
    groups.set(key, row);
  }
  return [...groups.values()];
}

/** @param decoders keys of the decoders that a tenant may choose now */
export function createActionRegistry(decoders: (tenant: string) => readonly string[] = () => []): ActionRegistry {
  const actions = new Map<string, MappingAction>();
  const byName = new Map<string, MappingAction>();
  const handlers = new Map<number, readonly DefaultHandler[]>();
  const ranks = new WeakMap<DefaultHandler, number>();
  let deviceFragments: readonly string[] = [];

  const changed = (): void => {
    const wanted = [...actions.values(), ...[...handlers.values()].flat()].flatMap(part => part.deviceFragments ?? []);
    deviceFragments = [...new Set(wanted)].sort();
  };

  return {
    addAction(action) {
      const names = checkAction(action, byName);
      actions.set(action.name, action);
      for (const name of names) byName.set(name, action);
      changed();
      return once(() => {
        actions.delete(action.name);
        for (const name of names) byName.delete(name);
        changed();
      });
    },
    addHandler(handler, rank = 0) {
      checkHandler(handler);
      ranks.set(handler, rank);
      const others = handlers.get(handler.objectId) ?? NONE;
      const next = others.findIndex(other => ranks.get(other)! > rank);
      handlers.set(handler.objectId, others.toSpliced(next < 0 ? others.length : next, 0, handler));
      changed();
      return once(() => {
        const rest = (handlers.get(handler.objectId) ?? NONE).filter(other => other !== handler);
        if (rest.length > 0) handlers.set(handler.objectId, rest);
        else handlers.delete(handler.objectId);
        changed();
      });
    },
    action: name => byName.get(name),
    handlers: objectId => handlers.get(objectId) ?? NONE,
    get deviceFragments() {
      return deviceFragments;
    },
    list(tenant) {
      const keys = [...decoders(tenant)].sort();
      return [...group(actions.keys()), ...(keys.length > 0 ? [{ name: "decoder", args: keys }] : [])];
    },
  };
}
