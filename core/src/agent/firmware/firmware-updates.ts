/**
 * Firmware updates of all devices (agent specification 14): operations with `c8y_Firmware`, one at a time per device, in the order of
 * creation. What cannot be done is refused when it comes; everything else goes on until it has ended, whoever is away in between.
 */
import type { Clock } from "../../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { FirmwareDownloads, FirmwareProtocol } from "../../firmware/downloads.ts";
import { firmwareReport } from "../../lwm2m/firmware/firmware-object.ts";
import { beginFirmware } from "../../lwm2m/firmware/firmware-state.ts";
import type { ModelView } from "../../lwm2m/model/object-model.ts";
import type { Registration } from "../../lwm2m/registration/registration.ts";
import type { Lwm2mServer } from "../../lwm2m/server/lwm2m-server.ts";
import type { ValueBatch } from "../../lwm2m/server/value-batch.ts";
import type { Operation, Platform } from "../../platform/platform.ts";
import type { Store } from "../../store/store.ts";
import type { LifecycleEvents } from "../lifecycle-events.ts";
import type { OperationEvents } from "../operation-events.ts";
import { storable } from "../response-text.ts";
import { type BindParts, bindRun } from "./bind-run.ts";
import { createDeviceAsks, firmwareInstance } from "./device-asks.ts";
import { type FirmwareReports, reportOf, shownDevice } from "./firmware-report.ts";
import { createFirmwareRun, type FirmwareRun } from "./firmware-run.ts";
import { createPushPositions } from "./push-positions.ts";
import { asDetails, detailsOf, type UpdateDetails } from "./update-details.ts";
import { createUpdateSigns } from "./update-signs.ts";
import {
  FIRMWARE_FRAGMENT,
  firmwareSettings,
  isFirmware,
  openSource,
  readFirmware,
  type WantedFirmware,
} from "./wanted-firmware.ts";

export interface FirmwareUpdatesParts {
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory" | "operations" | "binaries" | "write">;
  readonly server: Pick<Lwm2mServer, "registrations" | "requests" | "queues" | "isReachable">;
  readonly downloads: FirmwareDownloads;
  /** By what devices can fetch from this host. */
  readonly offered: readonly FirmwareProtocol[];
  /** Those of them that many devices would refuse now. */
  distrusted(): readonly FirmwareProtocol[];
  /** Size exponent of the largest blocks of a package, 0..6. */
  readonly blockSzx: number;
  readonly events: Pick<LifecycleEvents, "addOther">;
  readonly operationEvents: OperationEvents;
  readonly clock: Clock;
  readonly log: Log;
  models(registration: Registration): ModelView;
  /** Endpoint of a device of ours; undefined: the operation is another agent's. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
}

export interface FirmwareServices {
  /**
   * Makes the operation of an update.
   * @param firmware `{name, version, url}`, unchecked
   * @throws MooringError VALIDATION naming the member, or without the device: nothing is made
   */
  startFirmware(tenant: string, deviceId: string, firmware: unknown): Promise<Operation>;
  /** Ends the update that runs, FAILED. Resolves when that is stored. @returns its operation; undefined: none runs */
  cancelFirmware(tenant: string, deviceId: string): Promise<string | undefined>;
  /** The device's latest updates. @throws MooringError NOT_FOUND without the device */
  firmwareUpdates(tenant: string, deviceId: string): Promise<FirmwareReports>;
}

export interface FirmwareUpdates extends FirmwareServices, AsyncDisposable {
  created(tenant: string, operation: Operation): void;
  changed(operation: Operation): void;
  deleted(ids: readonly string[]): void;
  /** The device registered or updated. */
  connected(registration: Registration): void;
  /** Values that came by themselves. */
  heard(batch: ValueBatch): void;
  /** The device is gone with its operations. */
  forget(deviceId: string): Promise<void>;
  /** Takes up what an earlier life of the host left. */
  recover(tenants: readonly string[]): Promise<void>;
  /** Updates of all devices that have not ended. */
  readonly waiting: number;
}

/** The updates of one device. */
interface Lane {
  readonly tenant: string;
  readonly deviceId: string;
  readonly endpoint: string;
  /** Accepted, by age. */
  waiting: string[];
  run: FirmwareRun | undefined;
}

const CANCELLED = "Firmware update cancelled";
const LONGEST_REASON = 10_000;
const OPEN: readonly string[] = ["PENDING", "EXECUTING"];
const PAGE = 2000;
const SHOWN = 20;

/** Ids are decimal and given in ascending order. */
const byAge = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);

export function createFirmwareUpdates(parts: FirmwareUpdatesParts): FirmwareUpdates {
  const { platform, server, downloads, clock, log } = parts;
  const { inventory, operations, binaries } = platform;
  const positions = createPushPositions(parts.store);
  const binding: BindParts = {
    ...parts,
    positions,
    signs: createUpdateSigns(parts),
    ask: createDeviceAsks({ ...parts, requests: server.requests, positions }),
  };
  /** By device. */
  const lanes = new Map<string, Lane>();
  /** Operations of a device are accepted one after the other, by device. */
  const accepting = new Map<string, Promise<void>>();
  let isClosed = false;

  const onProgress = downloads.onProgress(({ deviceId, operationId, reachedBytes, length }) => {
    const run = lanes.get(deviceId)?.run;
    if (run?.operationId === operationId) run.fetched(reachedBytes, length);
  });

  async function refuse(tenant: string, operation: Operation, error: unknown): Promise<void> {
    if (!isFailure(error)) throw error;
    const failureReason = storable(messageOf(error), LONGEST_REASON);
    log.info("firmware.refused", { operationId: operation.id, deviceId: operation.deviceId, reason: failureReason });
    await operations.update(tenant, operation.id, { status: "FAILED", failureReason });
  }

  /** @throws MooringError VALIDATION, UNSUPPORTED */
  async function firstDetails(tenant: string, operation: Operation): Promise<UpdateDetails> {
    const object = await inventory.findCached(tenant, operation.deviceId);
    const settings = firmwareSettings(object?.fragments ?? {});
    const wanted = readFirmware(operation.fragments[FIRMWARE_FRAGMENT]);
    if (settings.isDisabled) {
      throw new MooringError(
        "UNSUPPORTED",
        "the host updates no firmware of this device (disableFirmwareStateMachine)",
      );
    }
    const url = settings.url ?? wanted.url;
    const source = await openSource(binaries, tenant, url);
    const stored = source.kind === "stored" && { content: source.binary.content, totalBytes: source.binary.length };
    const state = beginFirmware(settings);
    const atMs = clock.now();
    const text = `accepted: ${wanted.name} ${wanted.version} from ${url}`;
    return { state, sinceMs: atMs, timeline: [{ atMs, step: state.at, text }], url, ...stored, observed: [] };
  }

  async function accept(tenant: string, operation: Operation): Promise<void> {
    const { id, deviceId } = operation;
    const endpoint = await parts.endpointOf(tenant, deviceId);
    if (endpoint === undefined || isClosed) return;
    if (!detailsOf(operation)) {
      try {
        const details = await firstDetails(tenant, operation);
        await operations.update(tenant, id, { status: operation.status }, asDetails(details));
      } catch (error) {
        if (!isFailure(error, "NOT_FOUND")) await refuse(tenant, operation, error);
        return;
      }
    }
    const lane = lanes.get(deviceId) ?? { tenant, deviceId, endpoint, waiting: [], run: undefined };
    lanes.set(deviceId, lane);
    if (lane.waiting.includes(id) || lane.run?.operationId === id) return;
    lane.waiting = [...lane.waiting, id].sort(byAge);
    await next(lane);
  }

  /** Work on the operations of one device, in order. */
  function inOrder(deviceId: string, work: () => Promise<void>): Promise<void> {
    const before = accepting.get(deviceId) ?? Promise.resolve();
    const done = before.then(work).catch(error => log.error("firmware.fault", { deviceId, reason: messageOf(error) }));
    accepting.set(deviceId, done);
    void done.then(() => accepting.get(deviceId) === done && accepting.delete(deviceId));
    return done;
  }

  async function open(tenant: string, id: string): Promise<Operation | undefined> {
    try {
      const operation = await operations.get(tenant, id);
      return OPEN.includes(operation.status) ? operation : undefined;
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Begins the next update, where none runs. */
  async function next(lane: Lane): Promise<void> {
    while (!lane.run && !isClosed) {
      const id = lane.waiting.shift();
      if (id === undefined) {
        if (lanes.get(lane.deviceId) === lane) lanes.delete(lane.deviceId);
        return;
      }
      const operation = await open(lane.tenant, id);
      const details = operation && detailsOf(operation);
      if (!operation || !details) continue;
      try {
        begin(lane, operation, details);
      } catch (error) {
        // Somebody has changed it since it was accepted.
        await refuse(lane.tenant, operation, error);
      }
    }
  }

  function begin(lane: Lane, operation: Operation, details: UpdateDetails): void {
    const { tenant, endpoint, deviceId } = lane;
    const wanted: WantedFirmware = readFirmware(operation.fragments[FIRMWARE_FRAGMENT]);
    const run = createFirmwareRun(bindRun(binding, { tenant, endpoint, operation, wanted, from: details }), details);
    lane.run = run;
    const { registrationId, away } = details.state;
    run.start(registrationId !== undefined || away === true);
    void run.ended.then(() =>
      inOrder(deviceId, async () => {
        lane.run = undefined;
        await next(lane);
      }),
    );
  }

  async function* unfinished(tenant: string): AsyncGenerator<Operation> {
    for (let currentPage = 1; ; currentPage++) {
      const page = { currentPage, pageSize: PAGE, withTotal: false };
      const filter = { statuses: ["PENDING", "EXECUTING"], fragmentType: FIRMWARE_FRAGMENT } as const;
      const { items } = await operations.list(tenant, filter, page);
      yield* items;
      if (items.length < PAGE) return;
    }
  }

  return {
    get waiting() {
      let waiting = 0;
      for (const { waiting: ids, run } of lanes.values()) waiting += ids.length + (run ? 1 : 0);
      return waiting;
    },

    created(tenant, operation) {
      if (!isClosed && isFirmware(operation)) {
        void inOrder(operation.deviceId, () => accept(tenant, operation));
      }
    },

    changed({ id, deviceId, status }) {
      const run = lanes.get(deviceId)?.run;
      if (run?.operationId === id && !OPEN.includes(status)) run.abandon();
    },

    deleted(ids) {
      for (const { run } of lanes.values()) if (run && ids.includes(run.operationId)) run.abandon();
    },

    connected({ deviceId, id: registrationId }) {
      lanes.get(deviceId)?.run?.tell({ kind: "connected", registrationId });
    },

    heard({ registration, values, source }) {
      const run = lanes.get(registration.deviceId)?.run;
      if (!run || (source !== "NOTIFICATION" && source !== "SEND")) return;
      const instance = firmwareInstance(registration);
      const report = instance === undefined ? {} : firmwareReport(values, instance);
      if (report.state !== undefined || report.result !== undefined) run.tell({ kind: "reported", report });
    },

    async forget(deviceId) {
      const lane = lanes.get(deviceId);
      lanes.delete(deviceId);
      if (lane) lane.waiting = [];
      await lane?.run?.close();
      await positions.forgetDevice(deviceId);
    },

    async recover(tenants) {
      for (const tenant of tenants) {
        for await (const operation of unfinished(tenant)) {
          await inOrder(operation.deviceId, () => accept(tenant, operation));
        }
      }
    },

    async startFirmware(tenant, deviceId, firmware) {
      const wanted = readFirmware(firmware);
      await openSource(binaries, tenant, wanted.url);
      const description = `Update firmware to ${wanted.name} ${wanted.version}`;
      return operations.create(tenant, { deviceId, description, [FIRMWARE_FRAGMENT]: wanted });
    },

    async cancelFirmware(tenant, deviceId) {
      await accepting.get(deviceId);
      const lane = lanes.get(deviceId);
      if (!lane?.run || lane.tenant !== tenant) return undefined;
      const { run } = lane;
      run.tell({ kind: "stopped", reason: CANCELLED });
      await run.ended;
      return run.operationId;
    },

    async firmwareUpdates(tenant, deviceId) {
      const object = await inventory.get(tenant, deviceId);
      const filter = { deviceId, fragmentType: FIRMWARE_FRAGMENT, revert: true };
      const { items } = await operations.list(tenant, filter, { currentPage: 1, pageSize: SHOWN, withTotal: false });
      const { delivery: settings } = firmwareSettings(object.fragments);
      const run = lanes.get(deviceId)?.run;
      const registration = server.registrations.byDevice(tenant, deviceId);
      const lastSeenMs = registration && server.registrations.lastSeenMs(registration.id);
      return {
        device: shownDevice(
          registration !== undefined,
          registration !== undefined && server.isReachable(registration),
          lastSeenMs,
        ),
        updates: items.map(operation =>
          reportOf(operation, run?.operationId === operation.id ? run : undefined, { settings }),
        ),
      };
    },

    async [Symbol.asyncDispose]() {
      isClosed = true;
      onProgress[Symbol.dispose]();
      await Promise.all([...lanes.values()].map(({ run }) => run?.close()));
      await Promise.all(accepting.values());
    },
  };
}
