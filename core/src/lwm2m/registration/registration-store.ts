/** Registrations as stored documents. */

import { fromHex, toHex } from "../../base/bytes.ts";
import type { JsonObject } from "../../store/collection.ts";
import { REGISTRATIONS, type RegistrationDocument } from "../../store/collections.ts";
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
}

const storedIdentity = (identity: PeerIdentity): StoredIdentity =>
  identity.kind === "rpk" ? { kind: "rpk", publicKeyHex: toHex(identity.publicKey) } : identity;

const liveIdentity = (identity: StoredIdentity): PeerIdentity =>
  identity.kind === "rpk" ? { kind: "rpk", publicKey: fromHex(identity.publicKeyHex) } : identity;

function detailsOf(registration: Registration): RegistrationDetails {
  const { peer, awakeTimeMs } = registration;
  return {
    peer: {
      key: peer.key,
      address: peer.address,
      port: peer.port,
      ...(peer.identity && { identity: storedIdentity(peer.identity) }),
    },
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
  };
}

const expireAt = (registration: Registration, seenAtMs: number, graceMs: number): number =>
  registration.lifetimeSeconds === 0
    ? END_OF_TIME_MS
    : Math.min(END_OF_TIME_MS, seenAtMs + registration.lifetimeSeconds * 1000 + graceMs);

/** Times of last Register or Update that are stored later, in bulk. */
export interface SeenRegistration {
  readonly registration: Registration;
  readonly seenAtMs: number;
}

export interface RegistrationStore {
  /** Inserts, or replaces what the endpoint had. Resolves when stored. */
  save(registration: Registration, seenAtMs: number): Promise<void>;
  /** Removes the registration unless the endpoint has a newer one. */
  delete(registration: Registration): Promise<void>;
  saveSeen(seen: readonly SeenRegistration[]): Promise<void>;
  all(): AsyncIterable<SeenRegistration>;
}

export function createRegistrationStore(store: Store, node: string, graceMs: number): RegistrationStore {
  const collection = store.collection(REGISTRATIONS);
  const shapes = createInterner<unknown>(DISTINCT_SHAPES);
  const shared = <T>(value: T): T => shapes.share(JSON.stringify(value), () => value) as T;

  const documentOf = (registration: Registration, seenAtMs: number): RegistrationDocument => ({
    _id: registration.endpoint,
    tenant: registration.tenant,
    managedObject: registration.deviceId,
    registrationId: registration.id,
    node,
    registeredAt: registration.registeredAtMs,
    updatedAt: seenAtMs,
    expireAt: expireAt(registration, seenAtMs, graceMs),
    details: detailsOf(registration) as unknown as JsonObject,
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

  const seenOp = ({ registration, seenAtMs }: SeenRegistration): WriteOp =>
    updateOp(
      REGISTRATIONS,
      { _id: registration.endpoint, registrationId: registration.id },
      { $set: { updatedAt: seenAtMs, expireAt: expireAt(registration, seenAtMs, graceMs) } },
    );

  return {
    async save(registration, seenAtMs) {
      await collection.replaceOne(documentOf(registration, seenAtMs), { upsert: true });
    },
    async delete({ endpoint, id }) {
      await collection.deleteMany({ _id: endpoint, registrationId: id });
    },
    async saveSeen(seen) {
      for (let at = 0; at < seen.length; at += OPS_PER_WRITE) {
        await store.write(seen.slice(at, at + OPS_PER_WRITE).map(seenOp));
      }
    },
    async *all() {
      for await (const document of collection.stream({ node }, { pageSize: 2000 })) {
        yield { registration: registrationOf(document), seenAtMs: document.updatedAt };
      }
    },
  };
}
