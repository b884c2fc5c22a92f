/** Operations that are EXECUTING for longer than anything may take end FAILED (agent specification 10.2, 21). */
import { type Clock, every } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Operation, Platform } from "../platform/platform.ts";
import { failed } from "./command-operation.ts";

export interface StarvationOptions {
  readonly failStarved: boolean;
  /** Age from which on an operation counts as starved, since it became EXECUTING. */
  readonly starvedAfterHours: number;
  /** Pause between two looks. */
  readonly starvedCheckMs: number;
}

export interface StarvedOperationsParts {
  readonly platform: Pick<Platform, "operations">;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: StarvationOptions;
  tenants(): Promise<readonly string[]>;
  /** Whether the operation's device is one of ours and no other part looks after it. */
  isOurs(tenant: string, operation: Operation): Promise<boolean>;
}

const HOUR_MS = 3_600_000;
const PAGE = 500;

/** Looks at once and then again and again. Disposing ends it. */
export function watchStarvedOperations(parts: StarvedOperationsParts): AsyncDisposable {
  const { platform, clock, log, options } = parts;
  const { operations } = platform;
  let closed = false;
  let looking: Promise<void> = Promise.resolve();

  async function end(tenant: string, operation: Operation): Promise<void> {
    const reason = `the operation is EXECUTING for more than ${options.starvedAfterHours} hours`;
    const changes = failed(operation, { reason, result: reason });
    log.info("operation.starved", { tenant, operationId: operation.id, deviceId: operation.deviceId });
    await operations.update(tenant, operation.id, { ...changes, status: "FAILED" }, null);
  }

  async function lookIn(tenant: string): Promise<void> {
    const lastMs = clock.now() - options.starvedAfterHours * HOUR_MS;
    const starved: Operation[] = [];
    for (let currentPage = 1; ; currentPage++) {
      const page = { currentPage, pageSize: PAGE, withTotal: false };
      const { items } = await operations.list(tenant, { statuses: ["EXECUTING"], toMs: lastMs }, page);
      starved.push(...items.filter(({ lastUpdatedMs }) => lastUpdatedMs <= lastMs));
      if (items.length < PAGE) break;
    }
    for (const operation of starved) {
      if (!closed && (await parts.isOurs(tenant, operation))) await end(tenant, operation);
    }
  }

  async function look(): Promise<void> {
    for (const tenant of await parts.tenants()) if (!closed) await lookIn(tenant);
  }

  const onError = (error: unknown): void => log.warn("operation.starvation-not-checked", { reason: messageOf(error) });
  const run = (): Promise<void> => (looking = look().catch(onError));
  const repeated = options.failStarved ? every(clock, options.starvedCheckMs, run, onError) : undefined;
  if (options.failStarved) void run();
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      repeated?.[Symbol.dispose]();
      await looking;
    },
  };
}
