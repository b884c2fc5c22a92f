/**
 * Decoders that are services behind HTTP, in Cumulocity's contract (agent specification 9.3): the same promises as those of a
 * sandbox, so that queue, catalogue and REST know no difference.
 */
import { toHex } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { createDurations, type DurationFigures, type Durations } from "../../base/durations.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { DecoderManifest } from "../../contract/decoder.ts";
import { checkDecoderResult } from "../../contract/manifest.ts";
import {
  type DecodeOptions,
  type DecodeOutcome,
  hasRun,
  type RuntimeInput,
  type Urgency,
} from "../../sandbox/decoder-runtime.ts";
import { type Resolve, sharedResolve, systemResolve } from "./guarded-connect.ts";
import { createItemBatcher } from "./item-batcher.ts";
import { DEFAULT_BATCH_PATH, originOf, pathOf, type RemoteService } from "./remote-service.ts";
import {
  type CallFault,
  type CallLimits,
  type CallOutcome,
  createServiceClient,
  DEFAULT_CALL_LIMITS,
  type ServiceClient,
} from "./service-client.ts";
import { type ServiceEvent, type ServiceRules, type ServiceState, serviceUp, stepService } from "./service-machine.ts";

export interface RemoteRuntimeParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Origins whose addresses may be any, also private ones. */
  readonly allowedOrigins: readonly string[];
  readonly rules?: Partial<ServiceRules>;
  readonly limits?: Partial<CallLimits>;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
  /** A service that was left alone is asked again, since somebody said so. */
  readonly onReleased?: (id: string) => void;
}

const DEFAULT_RULES: ServiceRules = {
  failures: 5,
  pauseMs: 30_000,
  maxPauseMs: 600_000,
  unreachableMs: 600_000,
};

/** `ok`: a result, also one that says that it could not decode. invalidResult: one that breaks the contract. */
export type CallReason = "ok" | "invalidResult" | Exclude<CallFault, "dropped">;

export interface ServiceStats {
  readonly id: string;
  readonly key: string;
  readonly version: string;
  /** Payloads by what became of the call that they went with. */
  readonly calls: Readonly<Partial<Record<CallReason, number>>>;
  /** Of live payloads that it was asked for, from asking to outcome, waiting for a connection included. */
  readonly durations: DurationFigures;
  /** Under way or waiting for a connection. */
  readonly queued: number;
  /** Of those the ones in the background. */
  readonly queuedInBackground: number;
  /** Of live calls, which is one of the background too. */
  readonly pause?: { readonly reason: string; readonly untilMs: number };
}

export interface RemoteRuntime extends AsyncDisposable {
  /** An id that is loaded stays as it is. */
  load(id: string, manifest: DecoderManifest, service: RemoteService): void;
  unload(id: string): void;
  has(id: string): boolean;
  /** Ends its pauses at once. An unknown id is no error. */
  release(id: string): void;
  /**
   * Never rejects. `unavailable` with `retryAtMs` while the service is paused; `callFailed` where another call may go better;
   * `invalidResult` where an answer came that breaks the contract. What fails in the background pauses the background alone. A test
   * (`console`) is a call of its own, also to a service that is paused, on a connection of its own, and counts nowhere.
   */
  decode(id: string, input: RuntimeInput, options?: DecodeOptions): Promise<DecodeOutcome>;
  /** `<url>/cumulocity.json`, under the same guard as calls. Never rejects. */
  fetchManifest(service: RemoteService): Promise<CallOutcome>;
  stats(): readonly ServiceStats[];
}

interface Entry {
  readonly id: string;
  readonly manifest: DecoderManifest;
  readonly origin: string;
  readonly calls: Partial<Record<CallReason, number>>;
  readonly durations: Durations;
  readonly lanes: Readonly<Record<Urgency, Lane>>;
  /** A call of a test. */
  test(body: object): Promise<CallOutcome>;
}

interface Lane {
  readonly urgency: Urgency;
  state: ServiceState;
  /** Of the last failed call, which all payloads of a batch share: it counts once. */
  failure?: CallOutcome;
  /** The call that finds out whether a paused service works again. */
  trial?: Promise<unknown>;
  queued: number;
  call(body: object): Promise<CallOutcome>;
}

interface Clients {
  readonly client: ServiceClient;
  /** Of tests, one after the other: they neither wait for payloads nor take their connections. */
  readonly testClient: ServiceClient;
  readonly users: Set<string>;
}

const DECODE_PATH = "/decode";
const MANIFEST_PATH = "/cumulocity.json";
const LINGER_MS = 5;
const NO_CONNECTION: ReadonlySet<CallFault> = new Set<CallFault>(["address", "unreachable"]);

/** Members in the order in which the specification has them. */
const requestOf = ({ key }: DecoderManifest, { value, resourcePath, sourceDeviceId }: RuntimeInput): object => ({
  args: { resourcePath },
  sourceDeviceId,
  serviceKey: key,
  value: toHex(value),
  status: "IN_PROGRESS",
});

/** `{items: [{status, result?, message?}]}`, one for each payload, in order. */
function itemOutcomes(outcome: CallOutcome, count: number): readonly CallOutcome[] {
  if (!outcome.ok) return Array.from({ length: count }, () => outcome);
  const { items } = (outcome.body ?? {}) as { readonly items?: unknown };
  if (!Array.isArray(items) || items.length !== count) {
    const message = `its answer to a batch has no items for ${count} payloads`;
    const failed = { ok: false, fault: "status", message } as const;
    return Array.from({ length: count }, () => failed);
  }
  return items.map((item: unknown): CallOutcome => {
    const { status, result, message } = (item ?? {}) as { status?: unknown; result?: unknown; message?: unknown };
    if (typeof status === "number" && status >= 200 && status < 300) return { ok: true, body: result };
    const why = typeof message === "string" ? `: ${message.slice(0, 300)}` : "";
    return { ok: false, fault: "status", message: `it answered ${String(status)} for this payload${why}` };
  });
}

export function createRemoteRuntime(parts: RemoteRuntimeParts): RemoteRuntime {
  const { clock, log } = parts;
  const resolve = sharedResolve(parts.resolve ?? systemResolve);
  const rules: ServiceRules = { ...DEFAULT_RULES, ...parts.rules };
  const limits: CallLimits = { ...DEFAULT_CALL_LIMITS, ...parts.limits };
  const allowed = new Set(parts.allowedOrigins);
  const entries = new Map<string, Entry>();
  const clients = new Map<string, Clients>();
  let closed = false;

  const openClient = (origin: string, connections: number): ServiceClient => {
    const isAllowed = allowed.has(origin);
    return createServiceClient({ origin, isAllowed, resolve, clock, limits: { ...limits, connections } });
  };
  const clientsFor = (origin: string, id: string): Clients => {
    const made = clients.get(origin) ?? {
      client: openClient(origin, limits.connections),
      testClient: openClient(origin, 1),
      users: new Set<string>(),
    };
    clients.set(origin, made);
    made.users.add(id);
    return made;
  };
  const closeClients = async ({ client, testClient }: Clients): Promise<void> => {
    await Promise.all([client[Symbol.asyncDispose](), testClient[Symbol.asyncDispose]()]);
  };
  const caller = (
    service: RemoteService,
    client: ServiceClient,
    isWanted: () => boolean,
    kind: Urgency | "test",
  ): Lane["call"] => {
    const headers = { "Content-Type": "application/json", Accept: "application/json", ...service.headers };
    const urgency = kind === "test" ? "live" : kind;
    const post = (path: string, body: object): Promise<CallOutcome> =>
      client.ask(
        { method: "POST", path: pathOf(service, path), headers, body: JSON.stringify(body) },
        isWanted,
        urgency,
      );
    if (!service.batch) return body => post(DECODE_PATH, body);
    const { maxItems, path = DEFAULT_BATCH_PATH } = service.batch;
    const send = async (items: readonly object[]): Promise<readonly CallOutcome[]> =>
      itemOutcomes(await post(path, { items }), items.length);
    if (kind === "test") return async body => (await send([body]))[0]!;
    return createItemBatcher<object, CallOutcome>({ clock, maxItems, lingerMs: LINGER_MS, send });
  };

  const step = ({ manifest: { key }, lanes }: Entry, lane: Lane, event: ServiceEvent): void => {
    const { urgency, state: before } = lane;
    const nowMs = clock.monotonic();
    const state = stepService(before, event, nowMs, rules);
    lane.state = state;
    if (state.at === "up" && before.at === "trying") log.info("decoderService.resumed", { key, urgency });
    if (state.at !== "paused" || before.at === "paused") return;
    const { reason, untilMs } = state;
    log.warn("decoderService.paused", { key, urgency, reason, pauseMs: Math.round(untilMs - nowMs) });
    const { background } = lanes;
    const leftAlone: ServiceEvent = { kind: "leftAlone", untilMs, reason };
    if (lane !== background) background.state = stepService(background.state, leftAlone, nowMs, rules);
  };
  const pauseOf = ({ state }: Lane): ServiceStats["pause"] =>
    state.at === "paused"
      ? { reason: state.reason, untilMs: Math.ceil(clock.now() + Math.max(0, state.untilMs - clock.monotonic())) }
      : undefined;

  const resultOf = (entry: Entry, body: unknown): DecodeOutcome => {
    const { version } = entry.manifest;
    try {
      return { ok: true, result: checkDecoderResult(body), version, cpuMs: 0 };
    } catch (error) {
      return { ok: false, reason: "invalidResult", message: messageOf(error), version };
    }
  };
  const count = (entry: Entry, reason: CallReason): void => {
    entry.calls[reason] = (entry.calls[reason] ?? 0) + 1;
  };
  const unavailable = ({ manifest: { version } }: Entry, lane: Lane, message: string): DecodeOutcome => {
    const pause = pauseOf(lane);
    return { ok: false, reason: "unavailable", message, version, ...(pause && { retryAtMs: pause.untilMs }) };
  };
  const isLoaded = (entry: Entry): boolean => entries.get(entry.id) === entry;
  const unloaded = ({ manifest: { key, version } }: Entry): DecodeOutcome => {
    const message = `the decoder service ${key} was unloaded`;
    return { ok: false, reason: "unavailable", message, version };
  };
  const withoutResult = ({ manifest: { key } }: Entry, message: string): string =>
    `the decoder service ${key} gave no result: ${message}`;
  const ask = async (entry: Entry, lane: Lane, input: RuntimeInput): Promise<DecodeOutcome> => {
    const { version } = entry.manifest;
    const outcome = await lane.call(requestOf(entry.manifest, input));
    if (!isLoaded(entry)) return unloaded(entry);
    if (outcome.ok) {
      const result = resultOf(entry, outcome.body);
      step(entry, lane, { kind: "answered" });
      count(entry, result.ok ? "ok" : "invalidResult");
      return result;
    }
    const { fault, message } = outcome;
    if (fault === "dropped") return unavailable(entry, lane, pauseOf(lane)?.reason ?? message);
    const reason = withoutResult(entry, message);
    const isUnreachable = NO_CONNECTION.has(fault);
    count(entry, fault);
    if (lane.failure !== outcome) step(entry, lane, { kind: isUnreachable ? "unreachable" : "failed", reason });
    lane.failure = outcome;
    if (isUnreachable) return unavailable(entry, lane, reason);
    return { ok: false, reason: "callFailed", message: reason, version };
  };
  const test = async (entry: Entry, input: RuntimeInput): Promise<DecodeOutcome> => {
    const outcome = await entry.test(requestOf(entry.manifest, input));
    if (!isLoaded(entry)) return unloaded(entry);
    if (outcome.ok) return resultOf(entry, outcome.body);
    const reason = NO_CONNECTION.has(outcome.fault) ? "unavailable" : "callFailed";
    return { ok: false, reason, message: withoutResult(entry, outcome.message), version: entry.manifest.version };
  };
  /** One call tries a service that was paused; those that come meanwhile wait for what it finds. */
  const decode = async (entry: Entry, lane: Lane, input: RuntimeInput): Promise<DecodeOutcome> => {
    for (;;) {
      step(entry, lane, { kind: "asked" });
      if (lane.state.at === "paused") return unavailable(entry, lane, lane.state.reason);
      if (lane.state.at === "up") return ask(entry, lane, input);
      if (!lane.trial) {
        const trial = ask(entry, lane, input).finally(() => {
          delete lane.trial;
        });
        lane.trial = trial;
        return trial;
      }
      await lane.trial;
    }
  };
  const unload = (id: string): void => {
    const entry = entries.get(id);
    entries.delete(id);
    const used = entry && clients.get(entry.origin);
    used?.users.delete(id);
    if (!entry || !used || used.users.size > 0) return;
    clients.delete(entry.origin);
    void closeClients(used);
  };

  return {
    load(id, manifest, service) {
      if (closed || entries.has(id)) return;
      const origin = originOf(service);
      const { client, testClient } = clientsFor(origin, id);
      const laneFor = (urgency: Urgency): Lane => {
        const isWanted = (): boolean => isLoaded(entry) && lane.state.at !== "paused";
        const lane: Lane = { urgency, call: caller(service, client, isWanted, urgency), state: serviceUp, queued: 0 };
        return lane;
      };
      const lanes = { live: laneFor("live"), background: laneFor("background") };
      const test = caller(service, testClient, () => isLoaded(entry), "test");
      const entry: Entry = { id, manifest, origin, lanes, test, calls: {}, durations: createDurations() };
      entries.set(id, entry);
      const { key, version } = manifest;
      log.info("decoderService.loaded", { key, version, origin });
    },
    unload,
    has: id => entries.has(id),
    release(id) {
      const entry = entries.get(id);
      if (!entry) return;
      const isPaused = entry.lanes.live.state.at === "paused";
      for (const lane of Object.values(entry.lanes)) lane.state = serviceUp;
      if (isPaused) parts.onReleased?.(id);
    },
    async decode(id, input, { urgency = "live", console = false } = {}) {
      const entry = entries.get(id);
      if (!entry) return { ok: false, reason: "unavailable", message: `decoder service ${id} is not loaded` };
      if (console) return test(entry, input);
      const lane = entry.lanes[urgency];
      const fromMs = clock.monotonic();
      lane.queued++;
      try {
        const outcome = await decode(entry, lane, input);
        if (urgency === "live" && hasRun(outcome)) entry.durations.observe(clock.monotonic() - fromMs);
        return outcome;
      } finally {
        lane.queued--;
      }
    },
    async fetchManifest(service) {
      const origin = originOf(service);
      await using client = openClient(origin, 1);
      const headers = { Accept: "application/json", ...service.headers };
      return await client.ask({ method: "GET", path: pathOf(service, MANIFEST_PATH), headers }, () => true);
    },
    stats: () =>
      [...entries.values()].map(entry => {
        const { id, manifest, calls, durations, lanes } = entry;
        const { live, background } = lanes;
        const pause = pauseOf(live);
        return {
          id,
          key: manifest.key,
          version: manifest.version,
          calls: { ...calls },
          durations: durations.figures(),
          queued: live.queued + background.queued,
          queuedInBackground: background.queued,
          ...(pause && { pause }),
        };
      }),
    async [Symbol.asyncDispose]() {
      closed = true;
      const open = [...clients.values()];
      entries.clear();
      clients.clear();
      await Promise.all(open.map(closeClients));
    },
  };
}
