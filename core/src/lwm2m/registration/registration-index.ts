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

/** One entry as it is, for nearly all peers have one and an array each would cost more than the entries' own fields. */
type PeerEntries = RegistrationEntry | readonly RegistrationEntry[];

const listOf = (entries: PeerEntries | undefined): readonly RegistrationEntry[] => {
  if (entries === undefined) return [];
  return "registration" in entries ? [entries] : entries;
};

export function createRegistrationIndex(): RegistrationIndex {
  const endpoints = new Map<string, RegistrationEntry>();
  const ids = new Map<string, RegistrationEntry>();
  /** By managed object id, which is unique over all tenants. */
  const devices = new Map<string, RegistrationEntry>();
  const peers = new Map<string, PeerEntries>();

  function setPeer(key: string, entries: readonly RegistrationEntry[]): void {
    if (entries.length === 0) peers.delete(key);
    else peers.set(key, entries.length === 1 ? entries[0]! : entries);
  }

  function addPeer(entry: RegistrationEntry): void {
    const { key } = entry.registration.peer;
    setPeer(key, [...listOf(peers.get(key)), entry]);
  }

  function removePeer(entry: RegistrationEntry): void {
    const { key } = entry.registration.peer;
    setPeer(
      key,
      listOf(peers.get(key)).filter(other => other !== entry),
    );
  }

  return {
    get size() {
      return endpoints.size;
    },
    byEndpoint: endpoint => endpoints.get(endpoint),
    byId: id => ids.get(id),
    byDevice(tenant, deviceId) {
      const entry = devices.get(deviceId);
      return entry?.registration.tenant === tenant ? entry : undefined;
    },
    byPeer: peerKey => listOf(peers.get(peerKey)),
    entries: () => endpoints.values(),
    add(entry) {
      const { endpoint, id, deviceId } = entry.registration;
      endpoints.set(endpoint, entry);
      ids.set(id, entry);
      devices.set(deviceId, entry);
      addPeer(entry);
    },
    remove(entry) {
      const { endpoint, id, deviceId } = entry.registration;
      endpoints.delete(endpoint);
      ids.delete(id);
      if (devices.get(deviceId) === entry) devices.delete(deviceId);
      removePeer(entry);
    },
    change(entry, registration) {
      removePeer(entry);
      entry.registration = registration;
      addPeer(entry);
    },
  };
}
