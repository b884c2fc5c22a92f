/** Default handlers: once per message and object instance, without any mapping (agent specification 1.1). */
import { messageOf } from "../base/errors.ts";
import type { DefaultHandler, DeviceView, Effect, InstanceInput } from "../contract/action.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import type { ActionRegistry } from "./action-registry.ts";

export interface HandlerInput {
  readonly values: readonly ResourceValue[];
  readonly atMs: readonly number[];
  /** Values of one instance with different times are runs of their own. */
  readonly isHistory: boolean;
  readonly device: DeviceView;
  readonly actions: ActionRegistry;
  lastValue(path: Lwm2mPath): ResourceValue["value"] | undefined;
}

export interface HandlerOutput {
  effects(made: { readonly path: Lwm2mPath; readonly effects: readonly Effect[] }): void;
  failed(path: Lwm2mPath, reason: string): void;
}

/** Values of one object instance in one message, and of one time when the message is a history. */
interface Run {
  readonly objectId: number;
  readonly instanceId: number;
  readonly atMs: number;
  readonly values: ResourceValue[];
}

function runsOf({ values, atMs, isHistory, actions }: HandlerInput): Run[] {
  const runs = new Map<string, Run>();
  values.forEach((value, at) => {
    const [objectId, instanceId] = value.path as readonly [number, number];
    if (actions.handlers(objectId).length === 0) return;
    const key = isHistory ? `${objectId}/${instanceId}@${atMs[at]}` : `${objectId}/${instanceId}`;
    const run = runs.get(key);
    if (run) run.values.push(value);
    else runs.set(key, { objectId, instanceId, atMs: atMs[at]!, values: [value] });
  });
  // The newest time last, so that what it sets stays.
  return [...runs.values()].sort((a, b) => a.atMs - b.atMs);
}

const instancePath = ({ objectId, instanceId }: Run): Lwm2mPath => [objectId, instanceId];

/** Values of the instance so far in this message, by resource id: a later run knows what an earlier one brought. */
type Known = Map<number, ResourceValue["value"]>;

function runOne(handler: DefaultHandler, run: Run, known: Known, input: HandlerInput, output: HandlerOutput): void {
  const { objectId, instanceId, values, atMs } = run;
  if (!values.some(({ path }) => handler.resources.includes(path[2]!))) return;
  const given: InstanceInput = {
    objectId,
    instanceId,
    values,
    atMs,
    device: input.device,
    value: resourceId =>
      known.get(resourceId) ??
      (handler.needsLastValues && handler.resources.includes(resourceId)
        ? input.lastValue([objectId, instanceId, resourceId])
        : undefined),
  };
  try {
    output.effects({ path: instancePath(run), effects: handler.run(given) });
  } catch (error) {
    output.failed(instancePath(run), messageOf(error));
  }
}

export function runDefaultHandlers(input: HandlerInput, output: HandlerOutput): void {
  const byInstance = new Map<string, Known>();
  for (const run of runsOf(input)) {
    const key = formatPath(instancePath(run));
    const known: Known = byInstance.get(key) ?? new Map();
    byInstance.set(key, known);
    for (const { path, value } of run.values) known.set(path[2]!, value);
    for (const handler of input.actions.handlers(run.objectId)) runOne(handler, run, known, input, output);
  }
}

/** What the values leave as last values may be asked for with those of the next message. */
export const mayBeAskedFor = (values: readonly ResourceValue[], actions: ActionRegistry): boolean =>
  values.some(({ path }) => actions.handlers(path[0]!).some(handler => handler.needsLastValues));

/**
 * Paths whose last known values the handlers of a message will ask for: those of a handler with `needsLastValues` of which the
 * message holds some and lacks others. Empty for nearly every message.
 */
export function missingLastValues(values: readonly ResourceValue[], actions: ActionRegistry): Lwm2mPath[] {
  const missing: Lwm2mPath[] = [];
  const present = new Map<string, { objectId: number; instanceId: number; resources: Set<number> }>();
  for (const { path } of values) {
    const [objectId, instanceId, resourceId] = path as readonly [number, number, number];
    if (!actions.handlers(objectId).some(handler => handler.needsLastValues)) continue;
    const key = `${objectId}/${instanceId}`;
    const instance = present.get(key) ?? { objectId, instanceId, resources: new Set() };
    present.set(key, instance);
    instance.resources.add(resourceId);
  }
  for (const { objectId, instanceId, resources } of present.values()) {
    for (const handler of actions.handlers(objectId)) {
      if (!handler.needsLastValues || !handler.resources.some(id => resources.has(id))) continue;
      missing.push(...handler.resources.filter(id => !resources.has(id)).map(id => [objectId, instanceId, id]));
    }
  }
  return missing;
}
