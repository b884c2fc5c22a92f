/** Documents as the API shows them: with links, and times in ISO 8601. */
import type { Alarm, ExternalId, ManagedObject, Measurement, Operation, PlatformEvent } from "../platform/platform.ts";
import { formatTime } from "../platform/time.ts";
import type { Links } from "./links.ts";

type Shown = { readonly self: string; readonly [member: string]: unknown };

const REFERENCES = [
  "childDevices",
  "childAssets",
  "childAdditions",
  "deviceParents",
  "assetParents",
  "additionParents",
] as const;

/** Own members stand after the fragments: no fragment can take their place. */
export function presentManagedObject(links: Links, object: ManagedObject): Shown {
  const self = links.managedObject(object.id);
  return {
    ...object.fragments,
    ...Object.fromEntries(REFERENCES.map(name => [name, { self: `${self}/${name}`, references: [] }])),
    id: object.id,
    self,
    ...(object.name === undefined ? {} : { name: object.name }),
    ...(object.type === undefined ? {} : { type: object.type }),
    owner: object.owner,
    creationTime: formatTime(object.creationTimeMs),
    lastUpdated: formatTime(object.lastUpdatedMs),
  };
}

export const presentExternalId = (links: Links, { type, externalId, managedObjectId }: ExternalId): Shown => ({
  type,
  externalId,
  managedObject: { id: managedObjectId, self: links.managedObject(managedObjectId) },
  self: links.externalId(type, externalId),
});

const source = (links: Links, id: string, name?: string): object => ({
  id,
  ...(name === undefined ? {} : { name }),
  self: links.managedObject(id),
});

export const presentMeasurement = (links: Links, measurement: Measurement): Shown => ({
  ...measurement.fragments,
  id: measurement.id,
  self: links.measurement(measurement.id),
  source: source(links, measurement.sourceId),
  type: measurement.type,
  time: formatTime(measurement.timeMs),
});

export const presentAlarm = (links: Links, alarm: Alarm, sourceName: string | undefined): Shown => ({
  ...alarm.fragments,
  id: alarm.id,
  self: links.alarm(alarm.id),
  source: source(links, alarm.sourceId, sourceName),
  type: alarm.type,
  text: alarm.text,
  severity: alarm.severity,
  status: alarm.status,
  time: formatTime(alarm.timeMs),
  firstOccurrenceTime: formatTime(alarm.firstOccurrenceTimeMs),
  count: alarm.count,
  creationTime: formatTime(alarm.creationTimeMs),
  lastUpdated: formatTime(alarm.lastUpdatedMs),
});

export const presentEvent = (links: Links, event: PlatformEvent): Shown => ({
  ...event.fragments,
  id: event.id,
  self: links.event(event.id),
  source: source(links, event.sourceId),
  type: event.type,
  text: event.text,
  time: formatTime(event.timeMs),
  creationTime: formatTime(event.creationTimeMs),
  lastUpdated: formatTime(event.lastUpdatedMs),
});

export const presentOperation = (links: Links, operation: Operation): Shown => ({
  ...operation.fragments,
  id: operation.id,
  self: links.operation(operation.id),
  deviceId: operation.deviceId,
  ...(operation.deviceName === undefined ? {} : { deviceName: operation.deviceName }),
  status: operation.status,
  creationTime: formatTime(operation.creationTimeMs),
  ...(operation.failureReason === undefined ? {} : { failureReason: operation.failureReason }),
});
