/**
 * Every call into one plugin: counted and timed, its failures told. What it leaves behind (promises that nobody waits for, callbacks of
 * its own timers and sockets) is known as its own by the asynchronous context that it began in.
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import { type Failure, stepFailures } from "./plugin-machine.ts";

/** Where a plugin is called. `stray`: not called at all, it failed by itself. */
export const CALL_POINTS = [
  "activate",
  "action",
  "handler",
  "publisher",
  "figure",
  "route",
  "timer",
  "close",
  "stray",
] as const;
export type CallPoint = (typeof CALL_POINTS)[number];

export interface PointFigures {
  calls: number;
  failures: number;
  /** Time spent; of asynchronous calls until they had ended. */
  ms: number;
}
/** Of a plugin, over all its lives in this process. */
export type CallFigures = Readonly<Record<CallPoint, PointFigures>>;

export const noFigures = (): CallFigures =>
  Object.fromEntries(CALL_POINTS.map(point => [point, { calls: 0, failures: 0, ms: 0 }])) as unknown as CallFigures;

export interface PluginCalls {
  /** @param name of the place, for people: `action acme:scale`. @throws what `run` throws, once it is counted */
  sync<T>(point: CallPoint, name: string, run: () => T): T;
  /** The same for what may take time; `whenIdle` waits for it. */
  async<T>(point: CallPoint, name: string, run: () => T | PromiseLike<T>): Promise<T>;
  /** Something failed outside of any call. */
  failed(point: CallPoint, name: string, error: unknown): void;
  /** Resolves when no asynchronous call is under way. */
  whenIdle(): Promise<void>;
}

export interface PluginCallsParts {
  readonly context: AsyncLocalStorage<PluginCalls>;
  readonly clock: Pick<Clock, "monotonic">;
  readonly figures: CallFigures;
  onTooOften(name: string, error: unknown): void;
}

interface Place {
  calls: number;
  recent: readonly Failure[];
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";

export function createPluginCalls({ context, clock, figures, onTooOften }: PluginCallsParts): PluginCalls {
  const places = new Map<string, Place>();
  const underWay = new Set<Promise<unknown>>();

  function placeOf(name: string): Place {
    const known = places.get(name);
    if (known) return known;
    const place = { calls: 0, recent: [] };
    places.set(name, place);
    return place;
  }

  function begin(point: CallPoint, name: string): number {
    figures[point].calls++;
    placeOf(name).calls++;
    return clock.monotonic();
  }

  function failed(point: CallPoint, name: string, error: unknown): void {
    figures[point].failures++;
    const place = placeOf(name);
    const { recent, isTooOften } = stepFailures(place.recent, { atMs: clock.monotonic(), calls: place.calls });
    place.recent = recent;
    if (isTooOften) context.exit(() => onTooOften(name, error));
  }

  const calls: PluginCalls = {
    failed,
    sync(point, name, run) {
      const startMs = begin(point, name);
      try {
        const result = context.run(calls, run);
        if (isThenable(result)) {
          // Its rejection, if there is one, is the failure; nobody waits for the rest.
          const rule = "must not be asynchronous";
          result.then(undefined, () => {});
          throw new MooringError("PLUGIN_INVALID", `${name} ${rule}`, { name, rule });
        }
        return result;
      } catch (error) {
        failed(point, name, error);
        throw error;
      } finally {
        figures[point].ms += clock.monotonic() - startMs;
      }
    },
    async async(point, name, run) {
      const startMs = begin(point, name);
      const work = (async () => context.run(calls, run))();
      const settled = work.then(
        () => {},
        () => {},
      );
      underWay.add(settled);
      try {
        return await work;
      } catch (error) {
        failed(point, name, error);
        throw error;
      } finally {
        underWay.delete(settled);
        figures[point].ms += clock.monotonic() - startMs;
      }
    },
    async whenIdle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
  return calls;
}

/** `acme: action acme:scale: boom` */
export const failureText = (name: string, error: unknown): string => `${name}: ${messageOf(error)}`.slice(0, 1000);
