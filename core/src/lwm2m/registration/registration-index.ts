/** Live registrations in memory, found by endpoint, location, device and peer. */

import type { Expiring } from "./lifetime.ts";
import { identityKey } from "./peer-identity.ts";
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
  /** Whether the peer has to be stored with it. */
  peerUnsaved: boolean;
}

export interface RegistrationIndex {
  readonly size: number;
  byEndpoint(endpoint: string): RegistrationEntry | undefined;
  byId(id: string): RegistrationEntry | undefined;
  byDevice(tenant: string, deviceId: string): RegistrationEntry | undefined;
  /** Several where a gateway speaks for several endpoints; the latest registered last. */
  byPeer(peerKey: string): readonly RegistrationEntry[];
  /** Those whose peers proved this identity (see peer-identity.ts), the latest registered last. */
  byIdentity(identityKey: string): readonly RegistrationEntry[];
  entries(): IterableIterator<RegistrationEntry>;
  add(entry: RegistrationEntry): void;
  remove(entry: RegistrationEntry): void;
  /** Puts a changed registration of the same id in the entry. */
  change(entry: RegistrationEntry, registration: Registration): void;
}

/** Several entries under one key. */
interface Groups {
  of(key: string): readonly RegistrationEntry[];
  add(key: string, entry: RegistrationEntry): void;
  remove(key: string, entry: RegistrationEntry): void;
}

/** One entry stands as it is, for nearly all keys have one and an array each would cost more than the entries' own fields. */
function createGroups(): Groups {
  const groups = new Map<string, RegistrationEntry | readonly RegistrationEntry[]>();
  const of = (key: string): readonly RegistrationEntry[] => {
    const found = groups.get(key);
    if (found === undefined) return [];
    return "registration" in found ? [found] : found;
  };
  return {
    of,
    add(key, entry) {
      groups.set(key, groups.has(key) ? [...of(key), entry] : entry);
    },
    remove(key, entry) {
      const left = of(key).filter(other => other !== entry);
      if (left.length === 0) groups.delete(key);
      else groups.set(key, left.length === 1 ? left[0]! : left);
    },
  };
}

export function createRegistrationIndex(): RegistrationIndex {
  const endpoints = new Map<string, RegistrationEntry>();
  const ids = new Map<string, RegistrationEntry>();
  /** By managed object id, which is unique over all tenants. */
  const devices = new Map<string, RegistrationEntry>();
  const peers = createGroups();
  const identities = createGroups();

  function addPeer(entry: RegistrationEntry): void {
    const { key, identity } = entry.registration.peer;
    peers.add(key, entry);
    if (identity) identities.add(identityKey(identity), entry);
  }

  function removePeer(entry: RegistrationEntry): void {
    const { key, identity } = entry.registration.peer;
    peers.remove(key, entry);
    if (identity) identities.remove(identityKey(identity), entry);
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
    byPeer: peers.of,
    byIdentity: identities.of,
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
      const moved = registration.peer.key !== entry.registration.peer.key;
      if (moved) removePeer(entry);
      entry.registration = registration;
      if (moved) addPeer(entry);
    },
  };
}
