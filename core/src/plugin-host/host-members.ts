/** What one plugin sees as its host: each member adds to the parts of the real one, through the plugin's own calls and contributions. */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DefaultHandler, Effect, MappingAction } from "../contract/action.ts";
import type { Figure, PluginHost } from "../contract/plugin.ts";
import type { PluginManifest, PluginPermission } from "../contract/plugin-manifest.ts";
import type { Publisher } from "../contract/publisher.ts";
import type { ActionRegistry } from "../mapping/action-registry.ts";
import type { Publishers } from "../mapping/publishers.ts";
import type { Contributions } from "./contributions.ts";
import type { Figures } from "./figures.ts";
import type { PluginCalls } from "./plugin-calls.ts";
import type { Scope } from "./scope.ts";

/** Parts of the host that plugins add to. */
export interface ExtendedParts {
  readonly registry: Pick<ActionRegistry, "addAction" | "addHandler">;
  readonly publishers: Pick<Publishers, "add">;
  readonly figures: Pick<Figures, "add">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PluginSide {
  readonly manifest: Pick<PluginManifest, "name" | "permissions">;
  readonly options: PluginHost["options"];
  readonly scope: Pick<Scope, "own">;
  readonly contributions: Pick<Contributions, "add">;
  readonly calls: PluginCalls;
  /** Place among the plugins: that of its default handlers among theirs. */
  readonly rank: number;
}

/** Whatever cannot be a list of effects is the plugin's failure, not the mapping's; promises are refused by the calls. */
function effectsOf(made: readonly Effect[]): readonly Effect[] {
  if (Array.isArray(made) || made instanceof Promise) return made;
  throw new TypeError("run must give a list of effects");
}

/** `run` through the calls of the plugin; what is no function stays, to be refused by name. */
const guarded = <I>(
  calls: PluginCalls,
  point: "action" | "handler",
  name: string,
  part: { run(input: I): readonly Effect[] },
) =>
  typeof part.run === "function" ? (input: I) => calls.sync(point, name, () => effectsOf(part.run(input))) : part.run;

function guardedAction(action: MappingAction, calls: PluginCalls): MappingAction {
  const { name, aliases, deviceFragments } = action;
  return {
    name,
    ...(aliases && { aliases }),
    ...(deviceFragments && { deviceFragments }),
    run: guarded(calls, "action", `action ${name}`, action),
  };
}

function guardedHandler(handler: DefaultHandler, calls: PluginCalls): DefaultHandler {
  const { objectId, resources, needsLastValues, deviceFragments } = handler;
  return {
    objectId,
    resources,
    ...(needsLastValues !== undefined && { needsLastValues }),
    ...(deviceFragments && { deviceFragments }),
    run: guarded(calls, "handler", `handler of object ${objectId}`, handler),
  };
}

function guardedPublisher(publisher: Publisher, calls: PluginCalls): Publisher {
  const { name } = publisher;
  return { name, publish: data => calls.sync("publisher", `publisher ${name}`, () => publisher.publish(data)) };
}

function guardedFigure(figure: Figure, calls: PluginCalls): Figure {
  const { name, help, type } = figure;
  const read = (): number => {
    const value = figure.value();
    if (Number.isFinite(value) && (type === "gauge" || value >= 0)) return value;
    throw new RangeError(`${String(value)} is no value of a ${type}`);
  };
  return {
    name,
    help,
    type,
    value() {
      try {
        return calls.sync("figure", `figure ${name}`, read);
      } catch {
        return Number.NaN;
      }
    },
  };
}

export function hostMembers(parts: ExtendedParts, side: PluginSide): PluginHost {
  const { registry, publishers, figures, clock, log } = parts;
  const { contributions, calls, options, scope, rank } = side;
  const { name, permissions } = side.manifest;

  /** Only those that the manifest asks for. */
  const permitted =
    <A extends readonly unknown[], R>(permission: PluginPermission, use: (...given: A) => R) =>
    (...given: A): R => {
      if (permissions.includes(permission)) return use(...given);
      const rule = `may not use host.${permission}: its manifest must name the permission "${permission}"`;
      throw new MooringError("PLUGIN_INVALID", `plugin ${name} ${rule}`, { plugin: name, permission, rule });
    };

  return {
    log: log.with({ plugin: name }),
    clock,
    options,
    actions: {
      add: permitted("actions", action => contributions.add(() => registry.addAction(guardedAction(action, calls)))),
    },
    handlers: {
      add: permitted("handlers", handler =>
        contributions.add(() => registry.addHandler(guardedHandler(handler, calls), rank)),
      ),
    },
    publishers: {
      add: permitted("publishers", publisher =>
        contributions.add(() => publishers.add(guardedPublisher(publisher, calls))),
      ),
    },
    figures: {
      add: permitted("figures", figure => contributions.add(() => figures.add(name, guardedFigure(figure, calls)))),
    },
    onClose: resource => void scope.own(() => resource),
  };
}
