/**
 * A host for the tests of a plugin: the host's own registries and rules, a clock that the test moves, no network and no store. What the
 * plugin has added can be called as the host would call it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type DeviceData,
  type Effect,
  type Log,
  type LogFields,
  MooringError,
  PLUGIN_PERMISSIONS,
  type Plugin,
  type PluginManifest,
  type PluginPage,
  type PluginUser,
  type ResourceModel,
  type ResourceValue,
  type RouteMethod,
  type ScalarValue,
} from "@mooring/core";
import { createManualClock } from "@mooring/core/internal/base/clock.ts";
import { createActionRegistry } from "@mooring/core/internal/mapping/action-registry.ts";
import { createContributions } from "@mooring/core/internal/plugin-host/contributions.ts";
import { createFigures } from "@mooring/core/internal/plugin-host/figures.ts";
import { hostMembers } from "@mooring/core/internal/plugin-host/host-members.ts";
import { compileOptions } from "@mooring/core/internal/plugin-host/options-schema.ts";
import { createPages } from "@mooring/core/internal/plugin-host/pages.ts";
import { createPluginCalls, noFigures } from "@mooring/core/internal/plugin-host/plugin-calls.ts";
import { createRoutes, type SentAnswer } from "@mooring/core/internal/plugin-host/routes.ts";
import { createScope } from "@mooring/core/internal/plugin-host/scope.ts";
import { createTimers } from "@mooring/core/internal/plugin-host/timers.ts";
import { createFakeDevice, type FakeDevice } from "./fake-device.ts";

export interface LogLine extends LogFields {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
}

export interface FakeRequest {
  /** JSON of it is sent; bytes as they are. */
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  /** Default: user `admin` of tenant `t1`, without roles. The roles of the route are not looked at. */
  readonly user?: Partial<PluginUser>;
}

export interface FakePluginHostOptions {
  /** Default: may do everything, and has no options. */
  readonly manifest?: Partial<PluginManifest>;
  /** Checked by `manifest.configuration`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The plugin's own, where its pages lie; default: the working directory. */
  readonly folder?: string;
}

export interface ActivePlugin extends AsyncDisposable {
  /** Moves time on, ms: timers that fall due run, and what they began is waited for. */
  advance(ms: number): Promise<void>;
  /** What the plugin has logged, oldest first. */
  readonly log: readonly LogLine[];
  /** Names and aliases, sorted. */
  readonly actions: readonly string[];
  readonly pages: readonly PluginPage[];
  /** Runs an action on a value. @throws MooringError NOT_FOUND; whatever the action throws */
  act(action: string, value: ResourceValue, device?: FakeDevice, resource?: ResourceModel): readonly Effect[];
  /**
   * Runs the default handlers of an object on values of one of its instances, those that want any of them.
   * @param known as of `FakeDevice.instanceInput`
   */
  handle(
    values: readonly ResourceValue[],
    device?: FakeDevice,
    known?: Readonly<Record<number, ScalarValue>>,
  ): readonly Effect[];
  /** Tells all publishers. @throws whatever one of them throws */
  publish(data: DeviceData): void;
  /** Figures by name, read now. */
  figures(): Readonly<Record<string, number>>;
  /** @param path below the plugin's own. @throws MooringError NOT_FOUND, METHOD_NOT_ALLOWED; what the route refuses with */
  request(method: RouteMethod, path: string, request?: FakeRequest): Promise<SentAnswer>;
}

function collectingLog(lines: LogLine[], fixed: LogFields = {}): Log {
  const at =
    (level: LogLine["level"]) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push({ ...fixed, ...fields, level, event });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: fields => collectingLog(lines, { ...fixed, ...fields }),
    enabled: () => true,
  };
}

function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array();
  return body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
}

/** Activates a plugin. Disposing ends it: all that it added is gone. @throws MooringError PLUGIN_INVALID; whatever `activate` throws */
export async function activatePlugin(plugin: Plugin, given: FakePluginHostOptions = {}): Promise<ActivePlugin> {
  const { name = plugin.name ?? "plugin", permissions = PLUGIN_PERMISSIONS, configuration } = given.manifest ?? {};
  const clock = createManualClock();
  const log: LogLine[] = [];
  const hostLog = collectingLog(log);
  const registry = createActionRegistry();
  const publishers = new Set<{ publish(data: DeviceData): void }>();
  const [figures, routes, pages] = [createFigures(), createRoutes(), createPages()];
  const calls = createPluginCalls({
    context: new AsyncLocalStorage(),
    clock,
    figures: noFigures(),
    onTooOften: () => {},
  });
  const scope = createScope(name);
  const contributions = createContributions(name);
  const timers = createTimers({ plugin: name, clock, log: hostLog, calls });
  const actionNames = new Set<string>();

  const host = hostMembers(
    {
      registry: {
        addAction(action) {
          const added = registry.addAction(action);
          const names = [action.name, ...(action.aliases ?? [])];
          for (const each of names) actionNames.add(each);
          return {
            [Symbol.dispose]() {
              added[Symbol.dispose]();
              for (const each of names) actionNames.delete(each);
            },
          };
        },
        addHandler: registry.addHandler,
      },
      publishers: {
        add(publisher) {
          publishers.add(publisher);
          return { [Symbol.dispose]: () => void publishers.delete(publisher) };
        },
      },
      figures,
      routes,
      pages,
      clock,
      log: hostLog,
    },
    {
      manifest: { name, permissions },
      folder: given.folder ?? process.cwd(),
      options: compileOptions(configuration)(given.options ?? {}),
      timers: timers.timers,
      scope,
      contributions,
      calls,
      rank: 0,
    },
  );

  const close = async (): Promise<void> => {
    timers[Symbol.dispose]();
    contributions.close();
    await calls.whenIdle();
    const [error] = await scope.close();
    if (error !== undefined) throw error;
  };
  try {
    await plugin.activate(host);
    contributions.enforce();
    timers.start();
  } catch (error) {
    await close();
    throw error;
  }

  return {
    log,
    get actions() {
      return [...actionNames].sort();
    },
    get pages() {
      return pages.list().map(({ page }) => page);
    },
    async advance(ms) {
      await clock.advance(ms);
      await calls.whenIdle();
    },
    act(action, value, device = createFakeDevice(), resource) {
      const found = registry.action(action);
      if (!found) throw new MooringError("NOT_FOUND", `the plugin has no action ${action}`, { action });
      return found.run(device.actionInput(value, resource));
    },
    handle(values, device = createFakeDevice(), known = {}) {
      const input = device.instanceInput(values, known);
      return registry
        .handlers(input.objectId)
        .filter(({ resources }) => values.some(({ path }) => resources.includes(path[2] ?? -1)))
        .flatMap(handler => handler.run(input));
    },
    publish(data) {
      for (const publisher of publishers) publisher.publish(data);
    },
    figures: () => Object.fromEntries(figures.list().map(({ figure }) => [figure.name, figure.value()])),
    async request(method, path, { body, query = {}, user = {} } = {}) {
      const found = routes.find(name, method, path);
      if (!found) throw new MooringError("NOT_FOUND", `the plugin has no route ${path}`, { path });
      if ("allowed" in found)
        throw new MooringError("METHOD_NOT_ALLOWED", `${path} has ${found.allowed.join()}`, { path });
      const bytes = bytesOf(body);
      return found.route.handle({
        method,
        path,
        params: found.params,
        query: new URLSearchParams(query),
        contentType: body === undefined || body instanceof Uint8Array ? "" : "application/json",
        body: bytes,
        json: () => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
        user: { tenant: "t1", userName: "admin", isDevice: false, roles: [], ...user },
      });
    },
    [Symbol.asyncDispose]: close,
  };
}
