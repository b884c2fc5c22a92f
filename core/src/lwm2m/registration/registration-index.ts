/** Live registrations in memory, found by endpoint, location, device and peer. */

import type { Expiring } from "./lifetime.ts";
import type { Registration } from "./registration.ts";

/** A registration and what changes with every message, kept beside it so that an Update makes no new objects. */
export interface RegistrationEntry extends Expiring {
  registration: Registration;
  /** Last Register or Update, monotonic ms: lifetime counts from here. */
  renewedMonotonicMs: number;
  /** Last message of any kind, monotonic ms; may be negative for one before this process. */
  seenMonotonicMs: number;
  /** Whether what follows a Register (observations) is complete, see `Registrations.markSetUp`. */
  setUp: boolean;
  /** Whether the time of the last Register or Update, or `setUp`, still has to be stored. */
  unsaved: boolean;
}

export interface RegistrationIndex {
  readonly size: number;
  byEndpoint(endpoint: string): RegistrationEntry | undefined;
  byId(id: string): RegistrationEntry | undefined;
  byDevice(tenant: string, deviceId: string): RegistrationEntry | undefined;
  /** Several where a gateway speaks for several endpoints; the latest registered last. */
  byPeer(peerKey: string): readonly RegistrationEntry[];
  entries(): IterableIterator<RegistrationEntry>;
  add(entry: RegistrationEntry): void;
  remove(entry: RegistrationEntry): void;
  /** Puts a changed registration of the same id in the entry. */
  change(entry: RegistrationEntry, registration: Registration): void;
}

const NONE: readonly RegistrationEntry[] = Object.freeze([]);
const deviceKey = (tenant: string, deviceId: string): string => `${tenant}/${deviceId}`;

export function createRegistrationIndex(): RegistrationIndex {
  const endpoints = new Map<string, RegistrationEntry>();
  const ids = new Map<string, RegistrationEntry>();
  const devices = new Map<string, RegistrationEntry>();
  const peers = new Map<string, readonly RegistrationEntry[]>();

  function addPeer(entry: RegistrationEntry): void {
    const { key } = entry.registration.peer;
    peers.set(key, [...(peers.get(key) ?? NONE), entry]);
  }

  function removePeer(entry: RegistrationEntry): void {
    const { key } = entry.registration.peer;
    const others = (peers.get(key) ?? NONE).filter(other => other !== entry);
    if (others.length > 0) peers.set(key, others);
    else peers.delete(key);
  }

  return {
    get size() {
      return endpoints.size;
    },
    byEndpoint: endpoint => endpoints.get(endpoint),
    byId: id => ids.get(id),
    byDevice: (tenant, deviceId) => devices.get(deviceKey(tenant, deviceId)),
    byPeer: peerKey => peers.get(peerKey) ?? NONE,
    entries: () => endpoints.values(),
    add(entry) {
      const { endpoint, id, tenant, deviceId } = entry.registration;
      endpoints.set(endpoint, entry);
      ids.set(id, entry);
      devices.set(deviceKey(tenant, deviceId), entry);
      addPeer(entry);
    },
    remove(entry) {
      const { endpoint, id, tenant, deviceId } = entry.registration;
      endpoints.delete(endpoint);
      ids.delete(id);
      if (devices.get(deviceKey(tenant, deviceId)) === entry) devices.delete(deviceKey(tenant, deviceId));
      removePeer(entry);
    },
    change(entry, registration) {
      removePeer(entry);
      entry.registration = registration;
      addPeer(entry);
    },
  };
}
