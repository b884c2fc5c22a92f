/**
 * Devices that come by the inventory (agent specification 3.4): managed objects with the columns of a file of devices as fragments, as
 * the platform's general bulk registration makes them. They become devices as if a file had named them; what is secret goes from
 * the object. Whoever names an endpoint that is known gets an alarm: the endpoint stays with whom it was first.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, type MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import type { DeviceRecords } from "./device-records.ts";
import type { DeviceRegistration } from "./device-registration.ts";
import { ENDPOINT, isDeviceColumn, MODE, readDeviceColumns } from "./registration-csv.ts";

export interface InventoryDeviceParts {
  readonly platform: Pick<Platform, "inventory" | "alarms">;
  readonly records: Pick<DeviceRecords, "findByDevice">;
  readonly devices: Pick<DeviceRegistration, "adopt">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface InventoryDevices extends AsyncDisposable {
  /** An object was made or changed. Never waits, never throws. */
  changed(tenant: string, object: ManagedObject): void;
  /**
   * Looks at an object again.
   * @returns whether a device was made of it now, it is one already, or it names none
   * @throws  MooringError as `DeviceRegistration.adopt`, VALIDATION for columns that cannot be
   */
  look(tenant: string, id: string): Promise<"made" | "known" | "none">;
}

const DUPLICATE_ALARM = "c8y_LWM2MDuplicateEndpoint";

/** Never stay on an object, whatever becomes of it. */
const SECRET_COLUMNS = ["lwm2m psk_key", "bootstrap psk_key", "x509ClientPrivateKey"];

const namesDevice = ({ fragments }: ManagedObject): boolean =>
  typeof fragments[ENDPOINT] === "string" && typeof fragments[MODE] === "string";

/** Columns as text, as a file would have them; what is neither text, number nor truth value is no column. */
function columnsOf(fragments: Fragments): Map<string, string> {
  const columns = Object.entries(fragments).filter(
    ([name, value]) => isDeviceColumn(name) && ["string", "number", "boolean"].includes(typeof value),
  );
  return new Map(columns.map(([name, value]) => [name, String(value)]));
}

export function createInventoryDevices(parts: InventoryDeviceParts): InventoryDevices {
  const { platform, records, devices, clock, log } = parts;
  /** One after the other: of two objects with one endpoint the one that came first has it. */
  let last: Promise<void> = Promise.resolve();
  let closed = false;

  async function warnOfDuplicate(
    tenant: string,
    { id, fragments }: ManagedObject,
    { details, message }: MooringError,
  ): Promise<void> {
    const isEndpoint = details["field"] === "endpointId";
    await platform.alarms.create(tenant, {
      source: { id },
      type: DUPLICATE_ALARM,
      severity: "MAJOR",
      text: isEndpoint ? `Device with endpoint ${String(fragments[ENDPOINT])} already exists` : message,
      time: new Date(clock.now()).toISOString(),
    });
  }

  async function clearAlarm(tenant: string, sourceId: string): Promise<void> {
    const open = { sourceId, types: [DUPLICATE_ALARM], resolved: false };
    await platform.alarms.updateMatching(tenant, open, { status: "CLEARED" });
  }

  /** A device that was not made of them has to be given its keys again. */
  async function hideSecrets(tenant: string, { id, fragments }: ManagedObject): Promise<void> {
    const shown = SECRET_COLUMNS.filter(column => Object.hasOwn(fragments, column));
    if (shown.length === 0) return;
    await platform.inventory.update(tenant, id, Object.fromEntries(shown.map(column => [column, null])));
  }

  async function adopt(tenant: string, id: string): Promise<"made" | "known" | "none"> {
    const object = await platform.inventory.findCached(tenant, id);
    if (await records.findByDevice(tenant, id)) {
      // Its keys are changed by its settings; here they would stay for all to read.
      if (object) await hideSecrets(tenant, object);
      return "known";
    }
    if (closed || !object || !namesDevice(object)) return "none";
    const columns = columnsOf(object.fragments);
    const gone = Object.fromEntries([...columns.keys()].map(column => [column, null]));
    try {
      await devices.adopt(tenant, object, readDeviceColumns(columns), gone);
    } catch (error) {
      await hideSecrets(tenant, object);
      if (isFailure(error, "DUPLICATE")) await warnOfDuplicate(tenant, object, error);
      throw error;
    }
    await clearAlarm(tenant, id);
    return "made";
  }

  function look(tenant: string, id: string): ReturnType<InventoryDevices["look"]> {
    const looked = last.then(() => adopt(tenant, id));
    last = looked.then(
      () => {},
      () => {},
    );
    return looked;
  }

  return {
    changed(tenant, object) {
      if (closed || !namesDevice(object)) return;
      look(tenant, object.id).catch(error => {
        // The alarm says it.
        if (isFailure(error, "DUPLICATE")) return;
        log.warn("device.not-adopted", { tenant, deviceId: object.id, reason: messageOf(error) });
      });
    },
    look,

    async [Symbol.asyncDispose]() {
      closed = true;
      await last;
    },
  };
}
