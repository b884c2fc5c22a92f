/**
 * Runs operations of LwM2M devices (agent specification 10.2): PENDING, EXECUTING once a request is about to leave, then
 * SUCCESSFUL or FAILED by the device's answer. One at a time per device, in the order of creation.
 *
 * A request that times out puts its operation back to PENDING until the device registers or updates next; the operations after
 * it go on. What a stopping host cancels goes back to PENDING as well.
 *
 * A host that died leaves at most one EXECUTING operation per device, of which nobody knows whether the device did it. It goes back to
 * PENDING and is delivered again, as the specification has it for every delivery without an answer: an Execute may thus happen
 * twice, none is lost. Reads and writes of one value come out the same either way.
 *
 * A device that registers anew while an Execute is open has done what it was told (reboot, firmware update): the operation ends
 * SUCCESSFUL, for to deliver it again would reboot the device for ever (field finding D12).
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Fragments, Operation, Platform } from "../platform/platform.ts";
import { type Command, parseCommand } from "./commands.ts";
import { type ConfigSync, isConfigSync, readConfigSync } from "./config-sync.ts";
import {
  countOf,
  type DeviceOperations,
  hasUrgent,
  insert,
  newDeviceOperations,
  nextOf,
  take,
  wake,
  wakeUrgent,
} from "./device-operations.ts";
import { createOperationStatus } from "./operation-status.ts";
import { storable } from "./response-text.ts";
import type { CommandOutcome } from "./run-command.ts";

/** What an operation asks for. */
export type Task = Command | ConfigSync;

/** Why an operation waits. */
export type PostponedReason = "not registered" | "asleep" | "no answer";

export interface OperationRunnerParts {
  readonly platform: Pick<Platform, "operations">;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: {
    /** Operations started after one Register or Update. */
    readonly maxPending: number;
    /** Whole time of one operation once it runs. */
    readonly executionTimeoutMs: number;
  };
  /** Endpoint of a device of ours; undefined: the operation is another agent's. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
  isRegistered(endpoint: string): boolean;
  /** Operations that go before all others of their device, as those that follow a Register do. */
  isUrgent(operation: Operation): boolean;
  /** An operation is not executed now for lack of connectivity (agent specification 15.2). Must not throw. */
  onPostponed(operation: Operation, tenant: string, reason: PostponedReason): void;
  /** Whether a request would be sent now. */
  isReachable(endpoint: string): boolean;
  /** Runs when the device can be reached, one job at a time. */
  inTurn<T>(endpoint: string, job: (registration: Registration, signal: AbortSignal) => Promise<T>): Promise<T>;
  /** @param operation whose task it is */
  run(registration: Registration, task: Task, signal: AbortSignal, operation: Operation): Promise<CommandOutcome>;
}

export interface OperationRunner extends AsyncDisposable {
  /** A new operation is stored. */
  created(tenant: string, operation: Operation): void;
  /** The device registered: what is urgent runs, also what timed out, and nothing else before the next wake. Resolves when it is done, as far as that can be now. */
  runUrgent(registration: Registration, created: readonly Operation[]): Promise<void>;
  /** Whether the device has urgent operations that have not ended. */
  hasUrgent(endpoint: string): boolean;
  /** The device registered or updated: what waits runs, what timed out runs again. */
  wake(registration: Registration): void;
  /** The device is gone with its operations. */
  forget(tenant: string, deviceId: string): void;
  /** Finds what an earlier life of the host left PENDING or EXECUTING. */
  recover(tenants: readonly string[]): Promise<void>;
  /** Operations of all devices that have not ended. */
  readonly waiting: number;
}

type Verdict = "ended" | "again" | "parked" | "stop";

/** Texts of devices in an operation: together with the command they must fit into a document, each character escaped. */
const LONGEST_REASON = 10_000;
const LONGEST_RESULT = 500_000;
const PAGE = 2000;
/** Devices that are looked up side by side at a start. */
const RECOVERED_AT_ONCE = 100;

const commandFragment = ({ fragments }: Operation): Fragments | undefined => {
  const command = fragments["c8y_Command"];
  return typeof command === "object" && command !== null ? (command as Fragments) : undefined;
};

const commandText = (operation: Operation): string | undefined => {
  const text = commandFragment(operation)?.["text"];
  return typeof text === "string" ? text : undefined;
};

/** The command with its result, what else stands in it stays; nothing where there is no command. */
function withResult(operation: Operation, result: string): Fragments {
  const command = commandFragment(operation);
  return command ? { c8y_Command: { ...command, result } } : {};
}

/** @throws MooringError VALIDATION, UNSUPPORTED */
function readTask(operation: Operation): Task {
  if (isConfigSync(operation)) return readConfigSync(operation);
  const text = commandText(operation);
  if (text === undefined) throw new MooringError("UNSUPPORTED", "only operations with a c8y_Command text are run");
  return parseCommand(text);
}

export function createOperationRunner(parts: OperationRunnerParts): OperationRunner {
  const { platform, clock, log, limits } = parts;
  const { operations } = platform;
  /** By endpoint: devices with operations that have not ended. */
  const devices = new Map<string, DeviceOperations>();
  const active = new Set<Promise<void>>();
  let closed = false;
  const setStatus = createOperationStatus({ operations, clock, isClosed: () => closed });

  function deviceFor(tenant: string, deviceId: string, endpoint: string): DeviceOperations {
    const known = devices.get(endpoint);
    if (known) return known;
    const fresh = newDeviceOperations(tenant, deviceId, endpoint);
    devices.set(endpoint, fresh);
    return fresh;
  }

  /** Follows background work, so that closing can wait for it. */
  function follow(work: Promise<void>): void {
    const watched = work.catch(error => log.error("operation.fault", { reason: messageOf(error) }));
    active.add(watched);
    void watched.then(() => active.delete(watched));
  }

  /** @param shown the outcome as the operation shows it */
  function fail(tenant: string, operation: Operation, reason: string, shown: Fragments = {}): Promise<void> {
    const failureReason = storable(reason, LONGEST_REASON);
    log.info("operation.failed", { operationId: operation.id, deviceId: operation.deviceId, reason: failureReason });
    return setStatus(tenant, operation.id, "FAILED", { failureReason, ...shown });
  }

  async function finish(tenant: string, operation: Operation, outcome: CommandOutcome): Promise<void> {
    const { ok, result, failureReason = result } = outcome;
    const shown = outcome.fragments ?? withResult(operation, storable(result, ok ? LONGEST_RESULT : LONGEST_REASON));
    if (!ok) return fail(tenant, operation, failureReason, shown);
    await setStatus(tenant, operation.id, "SUCCESSFUL", shown);
  }

  /** A request that got no answer. @returns what becomes of the operation; undefined: the error is its end */
  function verdictOf(error: unknown, task: Task, signal: AbortSignal): Verdict | CommandOutcome | undefined {
    if (isFailure(error, "CLOSED") || isFailure(signal.reason, "CLOSED")) return "stop";
    if (isFailure(signal.reason, "EXCHANGE_TIMEOUT") || isFailure(error, "EXCHANGE_TIMEOUT")) return "parked";
    if (!isFailure(error, "EXCHANGE_CANCELLED")) return undefined;
    const ended = isFailure(signal.reason) ? signal.reason.details["ended"] : undefined;
    if (ended === "replaced" && task.kind === "execute") {
      return { ok: true, result: "no answer; the device registered anew" };
    }
    // Without an end of the registration the device has only moved to another address: the same request, once more.
    return ended === undefined ? "again" : "stop";
  }

  async function execute(
    tenant: string,
    operation: Operation,
    task: Task,
    registration: Registration,
    registrationSignal: AbortSignal,
  ): Promise<Verdict> {
    const limit = new AbortController();
    using _timer = clock.after(limits.executionTimeoutMs, () =>
      limit.abort(new MooringError("EXCHANGE_TIMEOUT", "the operation took too long")),
    );
    const signal = AbortSignal.any([registrationSignal, limit.signal]);
    await setStatus(tenant, operation.id, "EXECUTING");
    try {
      await finish(tenant, operation, await parts.run(registration, task, signal, operation));
      return "ended";
    } catch (error) {
      const verdict = verdictOf(error, task, signal);
      if (typeof verdict === "object") {
        await finish(tenant, operation, verdict);
        return "ended";
      }
      if (verdict === undefined) {
        if (!isFailure(error)) log.error("operation.fault", { operationId: operation.id, reason: messageOf(error) });
        await fail(tenant, operation, messageOf(error));
        return "ended";
      }
      log.info("operation.postponed", { operationId: operation.id, reason: messageOf(error) });
      await setStatus(tenant, operation.id, "PENDING");
      if (verdict === "parked") parts.onPostponed(operation, tenant, "no answer");
      return verdict;
    }
  }

  /** Undefined: it ended without the device. */
  async function taskOf(tenant: string, operation: Operation): Promise<Task | undefined> {
    try {
      return readTask(operation);
    } catch (error) {
      const reason = messageOf(error);
      await fail(tenant, operation, reason, withResult(operation, storable(reason, LONGEST_REASON)));
      return undefined;
    }
  }

  async function runOne(device: DeviceOperations, id: string): Promise<Verdict> {
    const { tenant, endpoint } = device;
    try {
      return await parts.inTurn(endpoint, async (registration, signal) => {
        // Read only now: it may have been changed or deleted while it waited.
        const operation = await operations.get(tenant, id);
        if (operation.status !== "PENDING") return "ended";
        const task = await taskOf(tenant, operation);
        return task ? await execute(tenant, operation, task, registration, signal) : "ended";
      });
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) return "ended";
      if (!isFailure(error, "EXCHANGE_CANCELLED", "CLOSED", "OVERLOADED")) {
        log.warn("operation.not-run", { operationId: id, reason: messageOf(error) });
      }
      return "stop";
    }
  }

  /** Resolves when there is nothing that can be run now. */
  async function drain(device: DeviceOperations): Promise<void> {
    if (device.draining) return device.draining.promise;
    const settled = Promise.withResolvers<void>();
    device.draining = settled;
    try {
      for (let id = nextOf(device); id !== undefined; id = nextOf(device)) {
        if (closed || !parts.isRegistered(device.endpoint)) break;
        const { wakes } = device;
        const verdict = await runOne(device, id);
        if (verdict === "stop" && device.wakes === wakes) break;
        if (verdict === "stop" || verdict === "again") continue;
        take(device, id, verdict === "parked");
      }
    } finally {
      device.draining = undefined;
      settled.resolve();
    }
  }

  /** Into the books, and what the device can do is done. */
  async function accept(tenant: string, operation: Operation): Promise<void> {
    const endpoint = await parts.endpointOf(tenant, operation.deviceId);
    if (endpoint === undefined || closed) return;
    if (!(await taskOf(tenant, operation))) return;
    const device = deviceFor(tenant, operation.deviceId, endpoint);
    const isUrgent = parts.isUrgent(operation);
    insert(device, operation.id, isUrgent);
    if (!isUrgent) device.budget++;
    if (!parts.isRegistered(endpoint)) parts.onPostponed(operation, tenant, "not registered");
    else if (!parts.isReachable(endpoint)) parts.onPostponed(operation, tenant, "asleep");
    await drain(device);
  }

  /** Into the books only; the device's next Register or Update, or the end of recovery, sets it going. */
  async function recoverDevice(tenant: string, deviceId: string, found: readonly Operation[]): Promise<void> {
    const endpoint = await parts.endpointOf(tenant, deviceId);
    if (endpoint === undefined) return;
    for (const { id, status } of found) if (status === "EXECUTING") await setStatus(tenant, id, "PENDING");
    const device = deviceFor(tenant, deviceId, endpoint);
    for (const operation of found) insert(device, operation.id, parts.isUrgent(operation));
    device.budget = limits.maxPending;
  }

  async function unfinished(tenant: string): Promise<Operation[]> {
    const found: Operation[] = [];
    for (let currentPage = 1; ; currentPage++) {
      const page = { currentPage, pageSize: PAGE, withTotal: false };
      const { items } = await operations.list(tenant, { statuses: ["PENDING", "EXECUTING"] }, page);
      found.push(...items);
      if (items.length < PAGE) return found;
    }
  }

  return {
    get waiting() {
      let waiting = 0;
      for (const device of devices.values()) waiting += countOf(device);
      return waiting;
    },
    created(tenant, operation) {
      if (!closed) follow(accept(tenant, operation));
    },
    async runUrgent({ tenant, endpoint }, created) {
      const known = devices.get(endpoint);
      if (known) wakeUrgent(known);
      // They are being accepted already; here they are waited for.
      await Promise.all(created.map(operation => accept(tenant, operation)));
      const device = devices.get(endpoint);
      if (device && !closed) await drain(device);
    },
    hasUrgent(endpoint) {
      const device = devices.get(endpoint);
      return device !== undefined && hasUrgent(device);
    },
    wake({ endpoint }) {
      const device = devices.get(endpoint);
      if (!device || closed) return;
      if (countOf(device) === 0) {
        if (!device.draining) devices.delete(endpoint);
        return;
      }
      wake(device, limits.maxPending);
      follow(drain(device));
    },
    forget(tenant, deviceId) {
      for (const device of devices.values()) {
        if (device.tenant === tenant && device.deviceId === deviceId) devices.delete(device.endpoint);
      }
    },
    async recover(tenants) {
      for (const tenant of tenants) {
        const byDevice = [...Map.groupBy(await unfinished(tenant), ({ deviceId }) => deviceId)];
        for (let at = 0; at < byDevice.length; at += RECOVERED_AT_ONCE) {
          const slice = byDevice.slice(at, at + RECOVERED_AT_ONCE);
          await Promise.all(slice.map(([deviceId, found]) => recoverDevice(tenant, deviceId, found)));
        }
      }
      for (const device of devices.values()) follow(drain(device));
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all(active);
    },
  };
}
