/** What one plugin sees as its host: each member adds to the parts of the real one, through the plugin's own calls and contributions. */
import type { Clock } from "../base/clock.ts";
import { type FailureCode, isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DefaultHandler, Effect, MappingAction } from "../contract/action.ts";
import type { Figure, PluginHost, PluginTimers } from "../contract/plugin.ts";
import type { PluginManifest, PluginPermission } from "../contract/plugin-manifest.ts";
import type { PluginRequest, PluginRoute } from "../contract/plugin-web.ts";
import type { Publisher } from "../contract/publisher.ts";
import type { ActionRegistry } from "../mapping/action-registry.ts";
import type { Publishers } from "../mapping/publishers.ts";
import type { Contributions } from "./contributions.ts";
import type { Figures } from "./figures.ts";
import type { Pages } from "./pages.ts";
import type { PluginCalls } from "./plugin-calls.ts";
import { type Routes, type SentAnswer, type ServedRoute, sentAnswer } from "./routes.ts";
import type { Scope } from "./scope.ts";
import { withinLimit } from "./time-limit.ts";

/** Parts of the host that plugins add to. */
export interface ExtendedParts {
  readonly registry: Pick<ActionRegistry, "addAction" | "addHandler">;
  readonly publishers: Pick<Publishers, "add">;
  readonly figures: Pick<Figures, "add">;
  readonly routes: Pick<Routes, "add">;
  readonly pages: Pick<Pages, "add">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PluginSide {
  readonly manifest: Pick<PluginManifest, "name" | "permissions">;
  /** Where it lies. */
  readonly folder: string;
  readonly options: PluginHost["options"];
  readonly timers: PluginTimers;
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

const ROUTE_LIMIT_MS = 30_000;
/** What a route throws with these is the caller's fault, not its own. */
const REFUSALS: readonly FailureCode[] = [
  "VALIDATION",
  "MALFORMED",
  "NOT_FOUND",
  "DUPLICATE",
  "CONFLICT",
  "FORBIDDEN",
  "TOO_LARGE",
  "TOO_MANY_REQUESTS",
];

function guardedRoute(
  plugin: string,
  route: PluginRoute,
  calls: PluginCalls,
  { clock, log }: ExtendedParts,
): ServedRoute {
  const { method, path, roles, maxBodyBytes } = route;
  const name = `route ${method} ${path}`;
  async function attempt(request: PluginRequest): Promise<SentAnswer | MooringError> {
    try {
      const answer = (async () => route.handle(request))();
      return sentAnswer(await withinLimit(clock, ROUTE_LIMIT_MS, name, answer));
    } catch (error) {
      if (isFailure(error, ...REFUSALS)) return error;
      throw error;
    }
  }
  const answered: ServedRoute["handle"] = async request => {
    const outcome = await calls
      .async("route", name, () => attempt(request))
      .catch((cause: unknown) => {
        log.warn("plugin.routeFailed", { plugin, method, path, error: messageOf(cause) });
        throw new MooringError("PLUGIN_FAILED", `plugin ${plugin} failed at ${method} ${path}`, { plugin }, { cause });
      });
    if (outcome instanceof MooringError) throw outcome;
    return outcome;
  };
  const handle = typeof route.handle === "function" ? answered : (route.handle as ServedRoute["handle"]);
  return { method, path, roles, ...(maxBodyBytes !== undefined && { maxBodyBytes }), handle };
}

export function hostMembers(parts: ExtendedParts, side: PluginSide): PluginHost {
  const { registry, publishers, figures, routes, pages, clock, log } = parts;
  const { contributions, calls, options, scope, rank, folder, timers } = side;
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
    routes: {
      add: permitted("routes", route =>
        contributions.add(() => routes.add(name, guardedRoute(name, route, calls, parts))),
      ),
    },
    pages: { add: permitted("pages", page => contributions.add(() => pages.add(name, folder, page))) },
    timers: { every: permitted("timers", timers.every), after: permitted("timers", timers.after) },
    onClose: resource => void scope.own(() => resource),
  };
}
