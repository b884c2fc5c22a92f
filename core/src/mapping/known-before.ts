/** What a message is mapped by, beside itself: its device, the alarms that are open for it and what the device said before. */
import { MooringError } from "../base/errors.ts";
import type { Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import type { ValueBatch } from "../lwm2m/server/value-batch.ts";
import type { Fragments, Inventory, ManagedObject } from "../platform/platform.ts";
import type { ActionRegistry } from "./action-registry.ts";
import { missingLastValues } from "./default-handlers.ts";
import type { DeviceViews } from "./device-views.ts";
import type { OpenAlarms } from "./open-alarms.ts";

export interface KnownBefore {
  readonly object: ManagedObject;
  readonly openAlarms: ReadonlySet<string>;
  /** Earlier values that default handlers need beside those of the message. */
  readonly missing: readonly Lwm2mPath[];
  lastValue(path: Lwm2mPath): ResourceValue["value"] | undefined;
}

export interface Knowledge {
  /** From memory alone: nearly always all there is. */
  atHand(batch: ValueBatch): KnownBefore | undefined;
  /**
   * From the store where it has to be.
   * @param use called in the same turn of the event loop as the last look
   * @throws MooringError NOT_FOUND without a managed object, and what the store throws
   */
  lookUp<T>(batch: ValueBatch, use: (known: KnownBefore) => Promise<T>): Promise<T>;
  /** @throws MooringError NOT_FOUND */
  objectOf(tenant: string, deviceId: string): Promise<ManagedObject>;
}

export interface KnowledgeParts {
  readonly inventory: Pick<Inventory, "atHand" | "findCached" | "lastValues">;
  readonly openAlarms: Pick<OpenAlarms, "atHand" | "of">;
  readonly views: DeviceViews;
  readonly actions: ActionRegistry;
}

const NOTHING_MISSING: readonly Lwm2mPath[] = [];
const NOTHING_KNOWN: KnownBefore["lastValue"] = (): undefined => undefined;

/** Last values as JSON keeps them are scalars again where they were; handlers ask for numbers and texts only. */
const asScalar = (value: unknown): ResourceValue["value"] | undefined =>
  typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : undefined;

export function createKnowledge({ inventory, openAlarms, views, actions }: KnowledgeParts): Knowledge {
  const missingOf = (batch: ValueBatch, object: ManagedObject): readonly Lwm2mPath[] => {
    const { tenant, endpoint } = batch.registration;
    const { defaultHandlers } = views(tenant, endpoint, object).settings;
    return defaultHandlers ? missingLastValues(batch.values, actions) : NOTHING_MISSING;
  };

  async function objectOf(tenant: string, deviceId: string): Promise<ManagedObject> {
    const object = await inventory.findCached(tenant, deviceId);
    if (!object) throw new MooringError("NOT_FOUND", `no managed object ${deviceId}`, { tenant, deviceId });
    return object;
  }

  async function earlierValues(
    tenant: string,
    deviceId: string,
    missing: readonly Lwm2mPath[],
  ): Promise<KnownBefore["lastValue"]> {
    const instances = new Map<string, Fragments | undefined>();
    for (const [objectId, instanceId] of missing) {
      const key = `${objectId}/${instanceId}`;
      if (instances.has(key)) continue;
      instances.set(key, await inventory.lastValues(tenant, deviceId, objectId!, instanceId!));
    }
    return ([objectId, instanceId, resourceId]) =>
      asScalar(instances.get(`${objectId}/${instanceId}`)?.[String(resourceId)]);
  }

  return {
    atHand(batch) {
      const { tenant, deviceId } = batch.registration;
      const object = inventory.atHand(tenant, deviceId);
      const open = openAlarms.atHand(deviceId);
      if (!object || !open || missingOf(batch, object).length > 0) return undefined;
      return { object, openAlarms: open, missing: NOTHING_MISSING, lastValue: NOTHING_KNOWN };
    },

    async lookUp(batch, use) {
      const { tenant, deviceId } = batch.registration;
      const object = await objectOf(tenant, deviceId);
      const open = await openAlarms.of(tenant, deviceId);
      let missing = NOTHING_MISSING;
      let lastValue = NOTHING_KNOWN;
      // Plugins may come and go while values are looked up: from the last look on it is one turn, with the same actions.
      for (let asked: readonly string[] | undefined; asked !== actions.deviceFragments; ) {
        asked = actions.deviceFragments;
        missing = missingOf(batch, object);
        if (missing.length > 0) lastValue = await earlierValues(tenant, deviceId, missing);
      }
      return use({ object, openAlarms: open, missing, lastValue });
    },

    objectOf,
  };
}
