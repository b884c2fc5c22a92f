/** One operation on a device that can be reached: EXECUTING before a message leaves, then what its answer makes of it. */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { NameSupply, RequestNames } from "../coap/endpoint.ts";
import { supplyNames } from "../coap/request-names.ts";
import type { CallOptions } from "../lwm2m/operations/requests.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Operation } from "../platform/platform.ts";
import { commandText, type Failing, failed, failingOf, succeeded } from "./command-operation.ts";
import type { ConfigSync } from "./config-sync.ts";
import { lastDelivery, storedDelivery } from "./delivery.ts";
import type { SetOperationStatus } from "./operation-status.ts";
import type { CommandOutcome } from "./run-command.ts";
import type { DeviceCommand } from "./shell/command.ts";

/** What an operation asks for. */
export type Task = DeviceCommand | ConfigSync;

export interface ExecuteParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Whole time of one operation once it runs. */
  readonly executionTimeoutMs: number;
  readonly setStatus: SetOperationStatus;
  /** @param operation whose task it is */
  run(registration: Registration, task: Task, call: CallOptions, operation: Operation): Promise<CommandOutcome>;
  /** Names for messages to the device; undefined: it gets names as they come. */
  reserveNames(registration: Registration): RequestNames | undefined;
  /** How long a device knows the names of a message. */
  readonly exchangeLifetimeMs: number;
  /** It is PENDING again, as no answer came. Must not throw. */
  onUnanswered(operation: Operation, tenant: string): void;
}

/** "again": at once. "parked": after the next wake. "stop": nothing can run now. */
export type Verdict = "ended" | "again" | "parked" | "stop";

export interface Executor {
  execute(
    tenant: string,
    operation: Operation,
    task: Task,
    registration: Registration,
    registrationSignal: AbortSignal,
  ): Promise<Verdict>;
  fail(tenant: string, operation: Operation, failing: Failing): Promise<void>;
  succeed(tenant: string, operation: Operation, result: string): Promise<void>;
  /** Somebody has deleted the operation or ended it: its request ends, and nothing more is written of it. @returns false: it does not run */
  giveUp(id: string): boolean;
}

const givenUp = (): MooringError =>
  new MooringError("EXCHANGE_CANCELLED", "the operation was ended or deleted", { givenUp: true });

const detailOf = (reason: unknown, name: "ended" | "givenUp"): unknown =>
  isFailure(reason) ? reason.details[name] : undefined;

/** A request that got no answer. @returns what becomes of the operation; undefined: the error is its end */
function verdictOf(error: unknown, task: Task, signal: AbortSignal): Verdict | CommandOutcome | undefined {
  if (detailOf(signal.reason, "givenUp")) return "ended";
  if (isFailure(error, "CLOSED") || isFailure(signal.reason, "CLOSED")) return "stop";
  if (isFailure(signal.reason, "EXCHANGE_TIMEOUT") || isFailure(error, "EXCHANGE_TIMEOUT")) return "parked";
  if (!isFailure(error, "EXCHANGE_CANCELLED")) return undefined;
  const ended = detailOf(signal.reason, "ended");
  if (ended === "replaced" && (task.kind === "execute" || task.kind === "executelegacy")) {
    return { ok: true, result: "no answer; the device registered anew" };
  }
  // Without an end of the registration the device has only moved to another address: the same request, once more.
  return ended === undefined ? "again" : "stop";
}

export function createExecutor(parts: ExecuteParts): Executor {
  const { clock, log, setStatus } = parts;
  /** Those that run, by id; undefined once their end is being written. */
  const running = new Map<string, AbortController | undefined>();

  function fail(tenant: string, operation: Operation, failing: Failing): Promise<void> {
    const changes = failed(operation, failing);
    const { id, deviceId } = operation;
    log.info("operation.failed", { operationId: id, deviceId, reason: changes["failureReason"] });
    return setStatus(tenant, id, "FAILED", changes, null);
  }

  const succeed = (tenant: string, operation: Operation, result: string): Promise<void> =>
    setStatus(tenant, operation.id, "SUCCESSFUL", succeeded(operation, result), null);

  const finish = (tenant: string, operation: Operation, outcome: CommandOutcome): Promise<void> => {
    const { ok, result, failureReason: reason = result, fragments } = outcome;
    running.set(operation.id, undefined);
    if (!ok) return fail(tenant, operation, { reason, result, fragments });
    return fragments
      ? setStatus(tenant, operation.id, "SUCCESSFUL", fragments, null)
      : succeed(tenant, operation, result);
  };

  /** Kept before anything is sent. */
  async function begin(
    tenant: string,
    operation: Operation,
    registration: Registration,
  ): Promise<NameSupply | undefined> {
    const nowMs = clock.now();
    const before = lastDelivery(operation.details, nowMs, parts.exchangeLifetimeMs);
    const names = before?.names ?? parts.reserveNames(registration);
    const delivery = names && storedDelivery(before ?? { names, sinceMs: nowMs });
    await setStatus(tenant, operation.id, "EXECUTING", {}, delivery ?? null);
    return names && supplyNames(names);
  }

  async function conclude(
    tenant: string,
    operation: Operation,
    error: unknown,
    verdict: Verdict | CommandOutcome | undefined,
  ): Promise<Verdict> {
    const { id } = operation;
    if (verdict === "ended") return verdict;
    if (typeof verdict === "object") {
      await finish(tenant, operation, verdict);
      return "ended";
    }
    if (verdict === undefined) {
      if (!isFailure(error)) log.error("operation.fault", { operationId: id, reason: messageOf(error) });
      running.set(id, undefined);
      await fail(tenant, operation, failingOf(commandText(operation), error));
      return "ended";
    }
    log.info("operation.postponed", { operationId: id, reason: messageOf(error) });
    await setStatus(tenant, id, "PENDING");
    if (verdict === "parked") parts.onUnanswered(operation, tenant);
    return verdict;
  }

  return {
    fail,
    succeed,
    giveUp(id) {
      running.get(id)?.abort(givenUp());
      return running.has(id);
    },

    async execute(tenant, operation, task, registration, registrationSignal) {
      const own = new AbortController();
      using _timer = clock.after(parts.executionTimeoutMs, () =>
        own.abort(new MooringError("EXCHANGE_TIMEOUT", "the operation took too long")),
      );
      running.set(operation.id, own);
      const signal = AbortSignal.any([registrationSignal, own.signal]);
      try {
        const names = await begin(tenant, operation, registration);
        try {
          const outcome = await parts.run(registration, task, { signal, ...(names && { names }) }, operation);
          await finish(tenant, operation, outcome);
          return "ended";
        } catch (error) {
          return await conclude(tenant, operation, error, verdictOf(error, task, signal));
        }
      } finally {
        running.delete(operation.id);
      }
    },
  };
}
