/** Documents as the API shows them: with links, and times in ISO 8601. */
import type {
  Alarm,
  ExternalId,
  Fragments,
  ManagedObject,
  Measurement,
  Operation,
  PlatformEvent,
} from "../platform/platform.ts";
import { formatTime } from "../platform/time.ts";
import type { Links } from "./links.ts";

export type Shown = { readonly self: string; readonly [member: string]: unknown };

const REFERENCES = [
  "childDevices",
  "childAssets",
  "childAdditions",
  "deviceParents",
  "assetParents",
  "additionParents",
] as const;

/** Own members come first, for people, and once more last: no fragment can take their place. */
const join = <T extends Shown>(own: T, fragments: Fragments): T => ({ ...own, ...fragments, ...own });

export function presentManagedObject(links: Links, object: ManagedObject): Shown {
  const self = links.managedObject(object.id);
  const own = {
    id: object.id,
    self,
    ...(object.name === undefined ? {} : { name: object.name }),
    ...(object.type === undefined ? {} : { type: object.type }),
    owner: object.owner,
    creationTime: formatTime(object.creationTimeMs),
    lastUpdated: formatTime(object.lastUpdatedMs),
  };
  const references = REFERENCES.map(name => [name, { self: `${self}/${name}`, references: [] }]);
  return { ...join(own, object.fragments), ...Object.fromEntries(references) };
}

/** The same as the list of binaries has it: under the address of its bytes (platform API 13). */
export const presentBinary = (links: Links, object: ManagedObject): Shown => ({
  ...presentManagedObject(links, object),
  self: links.binary(object.id),
});

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

export const presentMeasurement = (links: Links, measurement: Measurement): Shown =>
  join(
    {
      id: measurement.id,
      self: links.measurement(measurement.id),
      source: source(links, measurement.sourceId),
      type: measurement.type,
      time: formatTime(measurement.timeMs),
    },
    measurement.fragments,
  );

export const presentAlarm = (links: Links, alarm: Alarm, sourceName: string | undefined): Shown =>
  join(
    {
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
    },
    alarm.fragments,
  );

export const presentEvent = (links: Links, event: PlatformEvent): Shown =>
  join(
    {
      id: event.id,
      self: links.event(event.id),
      source: source(links, event.sourceId),
      type: event.type,
      text: event.text,
      time: formatTime(event.timeMs),
      creationTime: formatTime(event.creationTimeMs),
      lastUpdated: formatTime(event.lastUpdatedMs),
    },
    event.fragments,
  );

export const presentOperation = (links: Links, operation: Operation): Shown =>
  join(
    {
      id: operation.id,
      self: links.operation(operation.id),
      deviceId: operation.deviceId,
      ...(operation.deviceName === undefined ? {} : { deviceName: operation.deviceName }),
      status: operation.status,
      creationTime: formatTime(operation.creationTimeMs),
      ...(operation.failureReason === undefined ? {} : { failureReason: operation.failureReason }),
    },
    operation.fragments,
  );
