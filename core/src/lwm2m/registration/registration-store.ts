/** Registrations as stored documents. */

import { fromHex, toHex } from "../../base/bytes.ts";
import type { JsonObject } from "../../store/collection.ts";
import { REGISTRATIONS, type RegistrationDocument } from "../../store/collections/devices.ts";
import { type Store, updateOp, type WriteOp } from "../../store/store.ts";
import type { Peer, PeerIdentity } from "../../transport/transport.ts";
import { createInterner } from "./interner.ts";
import type { Registration } from "./registration.ts";

/** The last instant that a stored time can hold, for lifetimes without end. */
const END_OF_TIME_MS = 8.64e15;
const DISTINCT_SHAPES = 2048;
const OPS_PER_WRITE = 500;

type StoredIdentity = Exclude<PeerIdentity, { kind: "rpk" }> | { readonly kind: "rpk"; readonly publicKeyHex: string };

/** Members of `details`; JSON, undefined members left out. */
interface RegistrationDetails {
  readonly peer: Omit<Peer, "identity"> & { readonly identity?: StoredIdentity };
  readonly version: string;
  readonly lifetimeSeconds: number;
  readonly binding: string;
  readonly queueMode: boolean;
  readonly awakeTimeMs?: number;
  readonly objectLinks: Registration["objectLinks"];
  readonly contentFormats: readonly number[];
  readonly rootPath: string;
  readonly settings: Registration["settings"];
  readonly changedAtMs: number;
  readonly setUp: boolean;
}

const storedIdentity = (identity: PeerIdentity): StoredIdentity =>
  identity.kind === "rpk" ? { kind: "rpk", publicKeyHex: toHex(identity.publicKey) } : identity;

const liveIdentity = (identity: StoredIdentity): PeerIdentity =>
  identity.kind === "rpk" ? { kind: "rpk", publicKey: fromHex(identity.publicKeyHex) } : identity;

const storedPeer = ({ key, address, port, identity }: Peer): RegistrationDetails["peer"] => ({
  key,
  address,
  port,
  ...(identity && { identity: storedIdentity(identity) }),
});

function detailsOf({ registration, setUp }: StoredRegistration): RegistrationDetails {
  const { peer, awakeTimeMs } = registration;
  return {
    peer: storedPeer(peer),
    version: registration.version,
    lifetimeSeconds: registration.lifetimeSeconds,
    binding: registration.binding,
    queueMode: registration.queueMode,
    ...(awakeTimeMs !== undefined && { awakeTimeMs }),
    objectLinks: registration.objectLinks,
    contentFormats: registration.contentFormats,
    rootPath: registration.rootPath,
    settings: registration.settings,
    changedAtMs: registration.updatedAtMs,
    setUp,
  };
}

const expireAt = ({ registration, seenAtMs }: StoredRegistration, graceMs: number): number =>
  registration.lifetimeSeconds === 0
    ? END_OF_TIME_MS
    : Math.min(END_OF_TIME_MS, seenAtMs + registration.lifetimeSeconds * 1000 + graceMs);

/** A registration with what changes from message to message. */
export interface StoredRegistration {
  readonly registration: Registration;
  /** Last Register or Update, ms since the epoch. */
  readonly seenAtMs: number;
  /** See `Registrations.markSetUp`. */
  readonly setUp: boolean;
}

export interface SeenRegistration extends StoredRegistration {
  readonly withPeer: boolean;
}

export interface RegistrationStore {
  /** Inserts, or replaces what the endpoint had. Resolves when stored. */
  save(registration: StoredRegistration): Promise<void>;
  /** Removes the registration unless the endpoint has a newer one. */
  delete(registration: Registration): Promise<void>;
  /** Stores `seenAtMs` and `setUp` of registrations that are unchanged otherwise, but for their peers where `withPeer` says so. */
  saveSeen(seen: readonly SeenRegistration[]): Promise<void>;
  /** Everything that this node owns. */
  all(): Promise<StoredRegistration[]>;
}

export function createRegistrationStore(store: Store, node: string, graceMs: number): RegistrationStore {
  const collection = store.collection(REGISTRATIONS);
  const shapes = createInterner<unknown>(DISTINCT_SHAPES);
  const shared = <T>(value: T): T => shapes.share(JSON.stringify(value), () => value) as T;

  const documentOf = (live: StoredRegistration): RegistrationDocument => ({
    _id: live.registration.endpoint,
    tenant: live.registration.tenant,
    managedObject: live.registration.deviceId,
    registrationId: live.registration.id,
    node,
    registeredAt: live.registration.registeredAtMs,
    updatedAt: live.seenAtMs,
    expireAt: expireAt(live, graceMs),
    details: detailsOf(live) as unknown as JsonObject,
  });

  function registrationOf(document: RegistrationDocument): Registration {
    const details = document.details as unknown as RegistrationDetails;
    const { identity, ...address } = details.peer;
    return {
      id: document.registrationId,
      endpoint: document._id,
      tenant: document.tenant,
      deviceId: document.managedObject,
      peer: identity ? { ...address, identity: liveIdentity(identity) } : address,
      version: details.version,
      lifetimeSeconds: details.lifetimeSeconds,
      binding: details.binding,
      queueMode: details.queueMode,
      awakeTimeMs: details.awakeTimeMs,
      objectLinks: shared(details.objectLinks),
      contentFormats: shared(details.contentFormats),
      rootPath: details.rootPath,
      settings: shared(details.settings),
      registeredAtMs: document.registeredAt,
      updatedAtMs: details.changedAtMs,
    };
  }

  function seenOp(live: SeenRegistration): WriteOp {
    const { endpoint, id, peer } = live.registration;
    const seen = { updatedAt: live.seenAtMs, expireAt: expireAt(live, graceMs), "details.setUp": live.setUp };
    const $set = live.withPeer ? { ...seen, "details.peer": storedPeer(peer) as unknown as JsonObject } : seen;
    return updateOp(REGISTRATIONS, { _id: endpoint, registrationId: id }, { $set });
  }

  return {
    async save(live) {
      await collection.replaceOne(documentOf(live), { upsert: true });
    },
    async delete({ endpoint, id }) {
      await collection.deleteMany({ _id: endpoint, registrationId: id });
    },
    async saveSeen(seen) {
      for (let at = 0; at < seen.length; at += OPS_PER_WRITE) {
        await store.write(seen.slice(at, at + OPS_PER_WRITE).map(seenOp));
      }
    },
    async all() {
      const found: StoredRegistration[] = [];
      for await (const document of collection.stream({ node }, { pageSize: 2000 })) {
        const { setUp } = document.details as unknown as RegistrationDetails;
        found.push({ registration: registrationOf(document), seenAtMs: document.updatedAt, setUp });
      }
      return found;
    },
  };
}
