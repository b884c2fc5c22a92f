/**
 * Devices made and removed by a file (agent specification 3.2, 17). The file becomes an operation of the connector device and is
 * answered at once; the outcome, row by row, is the operation's result.
 */
import type { Clock } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Random, urlSafeId } from "../base/random.ts";
import type { Operation, Platform } from "../platform/platform.ts";
import type { ConnectorDevices } from "./connector-device.ts";
import type { DeviceRegistration } from "./device-registration.ts";
import { createOperationStatus } from "./operation-status.ts";
import type { DeviceDraft } from "./registration-body.ts";
import { type CsvRow, readRegistrationCsv, readRemovalCsv } from "./registration-csv.ts";

export interface BulkResult {
  readonly numberOfAll: number;
  readonly numberOfSuccessful: number;
  readonly numberOfFailed: number;
  /** The first 1,000 of them, long texts cut. */
  readonly failed: readonly { readonly line: number; readonly endpoint: string; readonly reason: string }[];
}

export interface BulkRegistrationParts {
  readonly platform: Pick<Platform, "operations">;
  readonly connectors: ConnectorDevices;
  readonly devices: Pick<DeviceRegistration, "register" | "removeEndpoint">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Files of one tenant that wait or are being worked through. */
  readonly maxFiles: number;
}

export interface BulkRegistration extends AsyncDisposable {
  /**
   * Makes the devices of a file.
   * @returns the operation, EXECUTING; its result follows
   * @throws  MooringError VALIDATION, TOO_LARGE where it is no such file; TOO_MANY_REQUESTS
   */
  start(tenant: string, csv: Uint8Array, owner: string): Promise<Operation>;
  /** Removes the devices of a file, as {@link start}. */
  startRemoval(tenant: string, csv: Uint8Array): Promise<Operation>;
  /** Whether an operation was made here: those that only look so come from people, whom the connector device answers. */
  owns(operation: Operation): boolean;
  /** Ends what an earlier life of the host was interrupted at. */
  recover(tenant: string): Promise<void>;
}

/** What a file is for. */
interface BulkKind<T> {
  /** Marks its operations among those of the connector device. */
  readonly fragment: string;
  readonly description: string;
  readonly interrupted: string;
  read(csv: Uint8Array): Promise<CsvRow<T>[]>;
  run(tenant: string, row: T, owner: string): Promise<unknown>;
}

const UPLOAD_FRAGMENT = "c8y_LWM2MBulkDeviceUpload";
const REMOVAL_FRAGMENT = "c8y_LWM2MBulkDeviceRemoval";
const MARK_LENGTH = 16;
/** Rows that are worked on at once: enough to share the store's commits. */
const ROWS_AT_ONCE = 32;
/** The result must fit into an operation, whatever the file holds. */
const MOST_SHOWN = 1000;
const LONGEST_SHOWN = 300;
const INTERRUPTED = "interrupted by a restart of the host; send the file again";

export function createBulkRegistration(parts: BulkRegistrationParts): BulkRegistration {
  const { platform, connectors, devices, log } = parts;
  const { operations } = platform;
  const files = new Map<string, number>();
  const queues = new Map<string, Promise<void>>();
  /** In the operations of files that are being worked on. */
  const marks = new Set<unknown>();
  let closed = false;
  const setStatus = createOperationStatus({ operations, clock: parts.clock, isClosed: () => closed });

  const upload: BulkKind<DeviceDraft> = {
    fragment: UPLOAD_FRAGMENT,
    description: "LWM2M bulk device upload operation",
    interrupted: `${INTERRUPTED}, devices that were made are refused`,
    read: readRegistrationCsv,
    run: devices.register,
  };
  const removal: BulkKind<string> = {
    fragment: REMOVAL_FRAGMENT,
    description: "LWM2M bulk device removal operation",
    interrupted: `${INTERRUPTED}, devices that were removed are unknown`,
    read: readRemovalCsv,
    run: devices.removeEndpoint,
  };

  /** @returns why the row failed, if it did */
  async function workRow<T>(
    kind: BulkKind<T>,
    tenant: string,
    { outcome }: CsvRow<T>,
    owner: string,
  ): Promise<string | undefined> {
    if (outcome instanceof MooringError) return outcome.message;
    if (closed) return "the host is stopping";
    try {
      await kind.run(tenant, outcome, owner);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async function workAll<T>(
    kind: BulkKind<T>,
    tenant: string,
    rows: readonly CsvRow<T>[],
    owner: string,
  ): Promise<BulkResult> {
    const failed: BulkResult["failed"][number][] = [];
    let numberOfFailed = 0;
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      const slice = rows.slice(at, at + ROWS_AT_ONCE);
      const reasons = await Promise.all(slice.map(row => workRow(kind, tenant, row, owner)));
      for (const [i, reason] of reasons.entries()) {
        const { line, endpoint } = slice[i]!;
        if (reason === undefined || numberOfFailed++ >= MOST_SHOWN) continue;
        failed.push({ line, endpoint: endpoint.slice(0, LONGEST_SHOWN), reason: reason.slice(0, LONGEST_SHOWN) });
      }
    }
    const numberOfAll = rows.length;
    return { numberOfAll, numberOfSuccessful: numberOfAll - numberOfFailed, numberOfFailed, failed };
  }

  async function work<T>(
    kind: BulkKind<T>,
    tenant: string,
    id: string,
    rows: readonly CsvRow<T>[],
    owner: string,
  ): Promise<void> {
    const result = await workAll(kind, tenant, rows, owner);
    const { numberOfAll, numberOfFailed } = result;
    log.info("bulk.done", { tenant, operationId: id, kind: kind.description, numberOfAll, numberOfFailed });
    const c8y_Command = { text: kind.description, result: JSON.stringify(result) };
    const failure = numberOfFailed > 0 && { failureReason: `${numberOfFailed} of ${numberOfAll} rows failed` };
    await setStatus(tenant, id, failure ? "FAILED" : "SUCCESSFUL", { c8y_Command, ...failure });
  }

  /** Files of one tenant one after the other. */
  function enqueue(tenant: string, job: () => Promise<void>): void {
    const run = async (): Promise<void> => {
      try {
        await job();
      } catch (error) {
        log.error("bulk.failed", { tenant, reason: messageOf(error) });
      } finally {
        release(tenant);
      }
    };
    queues.set(tenant, (queues.get(tenant) ?? Promise.resolve()).then(run));
  }

  function reserve(tenant: string): void {
    const count = files.get(tenant) ?? 0;
    if (count >= parts.maxFiles) {
      throw new MooringError("TOO_MANY_REQUESTS", `${count} files of devices wait already`, { count });
    }
    files.set(tenant, count + 1);
  }

  function release(tenant: string): void {
    const count = (files.get(tenant) ?? 1) - 1;
    if (count > 0) files.set(tenant, count);
    else files.delete(tenant);
    if (count === 0) queues.delete(tenant);
  }

  async function begin<T>(kind: BulkKind<T>, tenant: string, csv: Uint8Array, owner: string): Promise<Operation> {
    reserve(tenant);
    const mark = urlSafeId(parts.random, MARK_LENGTH);
    marks.add(mark);
    try {
      const rows = await kind.read(csv);
      const deviceId = await connectors.ensure(tenant);
      const { description } = kind;
      const file = { rows: rows.length, mark };
      const { id } = await operations.create(tenant, { deviceId, description, [kind.fragment]: file });
      const operation = await operations.update(tenant, id, { status: "EXECUTING" });
      enqueue(tenant, () => work(kind, tenant, id, rows, owner).finally(() => marks.delete(mark)));
      return operation;
    } catch (error) {
      marks.delete(mark);
      release(tenant);
      throw error;
    }
  }

  async function recover(
    tenant: string,
    { fragment, interrupted }: Pick<BulkKind<unknown>, "fragment" | "interrupted">,
  ): Promise<void> {
    const filter = { statuses: ["PENDING", "EXECUTING"], fragmentType: fragment } as const;
    const { items } = await operations.list(tenant, filter, { currentPage: 1, pageSize: 100, withTotal: false });
    for (const { id } of items) await operations.update(tenant, id, { status: "FAILED", failureReason: interrupted });
  }

  return {
    start: (tenant, csv, owner) => begin(upload, tenant, csv, owner),
    startRemoval: (tenant, csv) => begin(removal, tenant, csv, ""),

    owns: ({ fragments }) =>
      [UPLOAD_FRAGMENT, REMOVAL_FRAGMENT].some(name => {
        const file = fragments[name];
        return typeof file === "object" && file !== null && "mark" in file && marks.has(file.mark);
      }),

    async recover(tenant) {
      for (const kind of [upload, removal]) await recover(tenant, kind);
    },

    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all(queues.values());
    },
  };
}
