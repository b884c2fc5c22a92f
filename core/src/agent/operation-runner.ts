/**
 * Runs operations of LwM2M devices (agent specification 10.2): PENDING, EXECUTING once a request is about to leave, then
 * SUCCESSFUL or FAILED by the device's answer. One at a time per device, in the order of creation.
 *
 * A request that times out puts its operation back to PENDING until the device registers or updates next; the operations after
 * it go on while the device is there. What a stopping host cancels goes back to PENDING as well.
 *
 * Nothing is lost: an operation leaves its line when its end is stored, whatever dies before. Nothing is done twice either where CoAP can
 * prevent it: message id and token of a delivery are stored with EXECUTING, before it leaves, and a further one within EXCHANGE_LIFETIME
 * (247 s) of the first goes under the same ones (delivery.ts). A device that has done it then repeats its answer, also to another life of
 * the host. That covers operations whose request fits into one message, with devices that know repetitions as RFC 7252 section 4.2
 * demands. What is left is delivered again all the same, as the specification has it for every delivery without an answer: after 247 s,
 * after the device has been restarted, and where the request goes out in blocks. Reads and writes of one value come out the same either way.
 *
 * A device that registers anew while an Execute is open has done what it was told (reboot, firmware update): the operation ends
 * SUCCESSFUL, for to deliver it again would reboot the device for ever (field finding D12).
 */
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Operation, Platform } from "../platform/platform.ts";
import { commandText, failingOf, orderOf } from "./command-operation.ts";
import { isConfigSync, readConfigSync } from "./config-sync.ts";
import {
  countOf,
  type DeviceOperations,
  find,
  hasUrgent,
  hold,
  insert,
  newDeviceOperations,
  nextOf,
  remove,
  take,
  type WaitingOperation,
  wake,
  wakeUrgent,
} from "./device-operations.ts";
import { createExecutor, type ExecuteParts, type Task, type Verdict } from "./execute-operation.ts";
import { createOperationStatus } from "./operation-status.ts";
import type { DeviceCommand } from "./shell/command.ts";
import { helpText } from "./shell/help.ts";
import { linesOf, parseCommand } from "./shell/parse-command.ts";
import { makeLines, refusedLines } from "./split-operation.ts";

/** Why an operation waits. */
export type PostponedReason = "not registered" | "asleep" | "no answer";

export interface OperationRunnerParts
  extends Pick<ExecuteParts, "clock" | "log" | "run" | "reserveNames" | "exchangeLifetimeMs"> {
  readonly platform: Pick<Platform, "operations">;
  readonly limits: {
    /** Operations started after one Register or Update. */
    readonly maxPending: number;
    /** Operations that wait for one device. */
    readonly maxWaiting: number;
    /** Whole time of one operation once it runs. */
    readonly executionTimeoutMs: number;
  };
  /** Operations that another part of the agent works on. */
  isForeign(operation: Operation): boolean;
  /** Endpoint of a device of ours; undefined: the operation is another agent's. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
  registrationOf(endpoint: string): Registration | undefined;
  /** Operations that go before all others of their device, as those that follow a Register do. */
  isUrgent(operation: Operation): boolean;
  /** An operation is not executed now for lack of connectivity (agent specification 15.2). Must not throw. */
  onPostponed(operation: Operation, tenant: string, reason: PostponedReason): void;
  /** Whether a request would be sent now. */
  isReachable(endpoint: string): boolean;
  /** Runs when the device can be reached, one job at a time. */
  inTurn<T>(endpoint: string, job: (registration: Registration, signal: AbortSignal) => Promise<T>): Promise<T>;
  /** What can be told before the device is asked. @throws MooringError with the reason of the operation's failure */
  check(registration: Registration, command: DeviceCommand): void;
}

export interface OperationRunner extends AsyncDisposable {
  /** A new operation is stored. */
  created(tenant: string, operation: Operation): void;
  /** An operation is changed, by whomever: one that somebody has ended is given up. */
  changed(operation: Operation): void;
  /** Operations are gone: what runs of them is given up. */
  deleted(ids: readonly string[]): void;
  /** The device registers: nothing but what is urgent runs before the next {@link wake}. */
  hold(registration: Registration): void;
  /** The device registered: what is urgent runs, also what timed out, and nothing else before the next wake. Resolves when it is done, as far as that can be now. */
  runUrgent(registration: Registration, created: readonly Operation[]): Promise<void>;
  /** Whether the device has urgent operations that have not ended. */
  hasUrgent(registration: Registration): boolean;
  /** The device registered or updated: what waits runs, what timed out runs again. */
  wake(registration: Registration): void;
  /** The device is gone with its operations. */
  forget(deviceId: string): void;
  /** Finds what an earlier life of the host left PENDING or EXECUTING. */
  recover(tenants: readonly string[]): Promise<void>;
  /** Operations of all devices that have not ended. */
  readonly waiting: number;
}

const PAGE = 2000;
/** Devices that are looked up side by side at a start. */
const RECOVERED_AT_ONCE = 100;
/** Pause before lines are made again that the store did not take. */
const SPLIT_AGAIN_MS = 10_000;

const isUnfinished = ({ status, details }: Operation): boolean =>
  // EXECUTING without a delivery of ours is another agent's word.
  status === "PENDING" || (status === "EXECUTING" && details?.["delivery"] !== undefined);

export function createOperationRunner(parts: OperationRunnerParts): OperationRunner {
  const { platform, clock, log, limits } = parts;
  const { operations } = platform;
  /** By managed object, whose ids are unique over all tenants: devices with operations that have not ended. */
  const devices = new Map<string, DeviceOperations>();
  const active = new Set<Promise<void>>();
  const closing = Promise.withResolvers<void>();
  let closed = false;
  const setStatus = createOperationStatus({ operations, clock, isClosed: () => closed });
  const executor = createExecutor({
    ...parts,
    executionTimeoutMs: limits.executionTimeoutMs,
    setStatus,
    onUnanswered: (operation, tenant) => parts.onPostponed(operation, tenant, "no answer"),
  });

  function deviceFor(tenant: string, deviceId: string, endpoint: string): DeviceOperations {
    const known = devices.get(deviceId);
    if (known) return known;
    const fresh = newDeviceOperations(tenant, deviceId, endpoint);
    devices.set(deviceId, fresh);
    return fresh;
  }

  /** Follows background work, so that closing can wait for it. */
  function follow(work: Promise<void>): void {
    const watched = work.catch(error => log.error("operation.fault", { reason: messageOf(error) }));
    active.add(watched);
    void watched.then(() => active.delete(watched));
  }

  const entryOf = (operation: Operation): WaitingOperation => ({
    id: operation.id,
    order: orderOf(operation),
    isUrgent: parts.isUrgent(operation),
    isSplit: linesOf(commandText(operation) ?? "").length > 1,
  });

  /** Undefined: it ended without the device. */
  async function taskOf(
    tenant: string,
    operation: Operation,
    registration: Registration | undefined,
  ): Promise<Task | undefined> {
    const text = commandText(operation);
    try {
      if (isConfigSync(operation)) return readConfigSync(operation);
      if (text === undefined) throw new MooringError("UNSUPPORTED", "the operation has no command (c8y_Command.text)");
      const command = parseCommand(text);
      if (command.kind !== "help") {
        if (registration) parts.check(registration, command);
        return command;
      }
      await executor.succeed(tenant, operation, helpText(command.about));
    } catch (error) {
      if (!isFailure(error)) throw error;
      await executor.fail(tenant, operation, failingOf(text, error));
    }
    return undefined;
  }

  /** Runs what is next once the device can be reached; what that is shows only then. */
  async function runNext(device: DeviceOperations): Promise<Verdict> {
    const { tenant, endpoint } = device;
    let next: WaitingOperation | undefined;
    try {
      return await parts.inTurn(endpoint, async (registration, signal) => {
        next = nextOf(device);
        if (!next) return "ended";
        // Read only now: it may have been changed or deleted while it waited.
        const operation = await operations.get(tenant, next.id);
        const task = isUnfinished(operation) && (await taskOf(tenant, operation, registration));
        const verdict = task ? await executor.execute(tenant, operation, task, registration, signal) : "ended";
        if (verdict === "ended" || verdict === "parked") take(device, next, verdict === "parked");
        return verdict;
      });
    } catch (error) {
      if (isFailure(error, "NOT_FOUND") && next) {
        remove(device, next);
        return "ended";
      }
      if (!isFailure(error, "EXCHANGE_CANCELLED", "CLOSED", "OVERLOADED")) {
        log.warn("operation.not-run", { endpoint, operationId: next?.id, reason: messageOf(error) });
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
      while (nextOf(device) && !closed && parts.registrationOf(device.endpoint)) {
        const { wakes } = device;
        if ((await runNext(device)) === "stop" && device.wakes === wakes) break;
      }
    } finally {
      device.draining = undefined;
      settled.resolve();
    }
  }

  async function splitOnce(tenant: string, operation: Operation, isResumed: boolean): Promise<void> {
    const lines = linesOf(commandText(operation)!);
    const refused = refusedLines(lines);
    if (refused) return executor.fail(tenant, operation, refused);
    const ids = await makeLines(operations, tenant, operation, lines, isResumed);
    await executor.succeed(tenant, operation, `${ids.length} operations\n${JSON.stringify({ operations: ids })}`);
  }

  /** Makes the operations of its lines. @param entry keeps its place until they are there */
  async function split(
    device: DeviceOperations,
    operation: Operation,
    entry: WaitingOperation,
    isResumed = false,
  ): Promise<void> {
    try {
      await splitOnce(device.tenant, operation, isResumed);
    } catch (error) {
      log.warn("operation.not-split", { operationId: operation.id, reason: messageOf(error) });
      const pause = new Promise<void>(resolve => void clock.after(SPLIT_AGAIN_MS, resolve));
      await Promise.race([pause, closing.promise]);
      return closed ? undefined : split(device, operation, entry, true);
    }
    remove(device, entry);
    await drain(device);
  }

  async function refuseTooMany(tenant: string, operation: Operation, waiting: number): Promise<void> {
    const reason = `${waiting} operations wait for the device already, ${limits.maxWaiting} may`;
    const error = { code: "OVERLOADED" } as const;
    await executor.fail(tenant, operation, { reason, result: reason, error });
  }

  /** Into the books, and what the device can do is done. */
  async function accept(tenant: string, operation: Operation): Promise<void> {
    if (parts.isForeign(operation)) return;
    const endpoint = await parts.endpointOf(tenant, operation.deviceId);
    if (endpoint === undefined || closed) return;
    const registration = parts.registrationOf(endpoint);
    const entry = entryOf(operation);
    if (!entry.isSplit && !(await taskOf(tenant, operation, registration))) return;
    const device = deviceFor(tenant, operation.deviceId, endpoint);
    const { length: more } = entry.isSplit ? linesOf(commandText(operation)!) : [entry];
    const waiting = countOf(device);
    const isLine = entry.order.line > 0;
    if (waiting + more > limits.maxWaiting && !isLine && !find(device, entry.id)) {
      return refuseTooMany(tenant, operation, waiting);
    }
    const isNew = insert(device, entry);
    if (entry.isSplit) return isNew ? split(device, operation, entry) : undefined;
    if (isNew && !entry.isUrgent) device.budget++;
    if (!registration) parts.onPostponed(operation, tenant, "not registered");
    else if (!parts.isReachable(endpoint)) parts.onPostponed(operation, tenant, "asleep");
    await drain(device);
  }

  /** Into the books only; the device's next Register or Update, or the end of recovery, sets it going. */
  async function recoverDevice(tenant: string, deviceId: string, found: readonly Operation[]): Promise<void> {
    const endpoint = await parts.endpointOf(tenant, deviceId);
    if (endpoint === undefined) return;
    const device = deviceFor(tenant, deviceId, endpoint);
    for (const operation of found) {
      if (parts.isForeign(operation)) continue;
      if (operation.status === "EXECUTING") await setStatus(tenant, operation.id, "PENDING");
      const entry = entryOf(operation);
      insert(device, entry);
      if (entry.isSplit) follow(split(device, operation, entry, true));
    }
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
    deleted(ids) {
      const gone = new Set(ids);
      for (const device of devices.values()) {
        for (const entry of [...device.urgent, ...device.waiting, ...device.parked]) {
          if (gone.has(entry.id)) remove(device, entry);
        }
      }
      for (const id of ids) executor.giveUp(id);
    },
    changed({ id, deviceId, status }) {
      const device = devices.get(deviceId);
      if (!device || (status !== "FAILED" && status !== "SUCCESSFUL") || executor.giveUp(id)) return;
      const entry = find(device, id);
      if (entry && !entry.isSplit) remove(device, entry);
    },
    hold({ deviceId }) {
      const device = devices.get(deviceId);
      if (device) hold(device);
    },
    async runUrgent({ tenant, deviceId }, created) {
      const known = devices.get(deviceId);
      if (known) wakeUrgent(known);
      // They are being accepted already; here they are waited for.
      await Promise.all(created.map(operation => accept(tenant, operation)));
      const device = devices.get(deviceId);
      if (device && !closed) await drain(device);
    },
    hasUrgent({ deviceId }) {
      const device = devices.get(deviceId);
      return device !== undefined && hasUrgent(device);
    },
    wake({ deviceId }) {
      const device = devices.get(deviceId);
      if (!device || closed) return;
      if (countOf(device) === 0) {
        if (!device.draining) devices.delete(deviceId);
        return;
      }
      wake(device, limits.maxPending);
      follow(drain(device));
    },
    forget: deviceId => void devices.delete(deviceId),
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
      closing.resolve();
      await Promise.all(active);
    },
  };
}
