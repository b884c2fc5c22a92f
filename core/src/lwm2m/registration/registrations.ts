/**
 * The live registrations: in memory for every message, in the store for every restart. Register, De-register and an Update
 * that changes something are stored before they resolve; an Update that changes nothing is settled at once, and the time of
 * it is stored in bulk, at most once per period and device.
 *
 * A restart gives every registration its full lifetime anew, counted from the start: the host cannot know who would have
 * updated while it was down, and must not punish a device for the host's own absence.
 */
import type { Clock } from "../../base/clock.ts";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type Random, urlSafeId } from "../../base/random.ts";
import type { Store } from "../../store/store.ts";
import type { Peer } from "../../transport/transport.ts";
import type { RegisterRequest, UpdateRequest } from "../wire/from-coap.ts";
import { EMPTY_QUERY } from "../wire/registration-query.ts";
import type { AdmittedDevice, DeviceSettings } from "./device-settings.ts";
import { createEndpointLock } from "./endpoint-lock.ts";
import { createInterner } from "./interner.ts";
import { createExpirySweep, deadlineOf } from "./lifetime.ts";
import { identityKey, sameAddress } from "./peer-identity.ts";
import { endpointOf, newRegistration } from "./register.ts";
import type { Registration } from "./registration.ts";
import { createRegistrationIndex, type RegistrationEntry } from "./registration-index.ts";
import { createLinkReader } from "./registration-links.ts";
import { createRegistrationStore } from "./registration-store.ts";
import { createRenewals } from "./renewals.ts";
import { applyUpdate, type FollowAddress, maySpeakFor, NO_CHANGES, type RegistrationChanges } from "./update.ts";

export type RemovalReason = "deregister" | "expired" | "replaced" | "removed";

export interface RegistrationOptions {
  /** Name of this node: it owns what it registers. */
  readonly node: string;
  /** Added to each lifetime before a registration expires (agent specification 6.3). */
  readonly gracePeriodMs: number;
  readonly followAddress: FollowAddress;
  /** How often the times of unchanged Updates are stored. */
  readonly saveSeenPeriodMs: number;
}

export interface RegistrationsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly options: RegistrationOptions;
  /** A registration has ended and this is stored; nothing else happens with the endpoint meanwhile. Must not throw. */
  onRemoved(registration: Registration, reason: RemovalReason, replacement: Registration | undefined): void;
  /** The registration goes on at another peer. Must not throw. */
  onMoved(from: Registration, to: Registration): void;
}

export interface RegisterResult {
  readonly registration: Registration;
  readonly previous: Registration | undefined;
}

export interface UpdateResult {
  readonly registration: Registration;
  readonly changes: RegistrationChanges;
}

/** Looks an endpoint up; undefined: not known, or not with what it proved. */
export type Admit = (endpoint: string, peer: Peer) => Promise<AdmittedDevice | undefined>;

export interface Registrations extends AsyncDisposable {
  readonly size: number;
  byEndpoint(endpoint: string): Registration | undefined;
  byId(id: string): Registration | undefined;
  byDevice(tenant: string, deviceId: string): Registration | undefined;
  /** The latest registered of those that come from this very peer. */
  byPeer(peer: Peer): Registration | undefined;
  /** How many registrations come from this peer. */
  countAt(peer: Peer): number;
  all(): IterableIterator<Registration>;
  /** Time of the last message, ms since the epoch; undefined when there is no such registration. */
  lastSeenMs(id: string): number | undefined;
  /** Time of the last Register or Update, from which its lifetime counts, ms since the epoch. */
  lastRenewedMs(id: string): number | undefined;
  /** ms since the last message. */
  silentForMs(id: string): number | undefined;
  /** A message came: the device is there. Lifetime is not renewed by it. @param peer from where, if that may be new */
  seen(id: string, peer?: Peer): void;
  /** Runs once, with the next message of this registration; of several that were asked for the last one. Undefined: none. */
  onNextMessage(id: string, run: (() => void) | undefined): void;
  /** What is registered at `from` goes on at `to`, which proved the same identity. Stored in the background. */
  movePeer(from: Peer, to: Peer): void;
  /**
   * Takes the registration of the same identity over to this peer: a device that came back by a new handshake and has not updated
   * yet. @returns undefined where there is none
   */
  follow(peer: Peer): Registration | undefined;
  /**
   * All that follows a Register, new links (observations) or a new lifetime (availability) is done. Kept through a restart, at the latest one saving period later, so that a host
   * that died before it was done takes it up again, and one that died after leaves the device alone.
   */
  markSetUp(id: string): void;
  isSetUp(id: string): boolean;
  /** @throws MooringError QUERY_INVALID, ENDPOINT_UNKNOWN, LINK_FORMAT_INVALID, TOO_LARGE for the links, and those of the store: nothing has changed then */
  register(request: RegisterRequest, peer: Peer, admit: Admit): Promise<RegisterResult>;
  /** Settles at once when nothing changes. @throws MooringError REGISTRATION_UNKNOWN, LINK_FORMAT_INVALID, TOO_LARGE, those of the store */
  update(request: UpdateRequest, peer: Peer): UpdateResult | Promise<UpdateResult>;
  /** @throws MooringError REGISTRATION_UNKNOWN */
  deregister(id: string, peer: Peer): Promise<Registration>;
  /** Ends what the endpoint has, if anything. */
  remove(endpoint: string): Promise<Registration | undefined>;
  /** Other settings for a registered device; without effect when it is not registered. */
  configure(endpoint: string, settings: DeviceSettings): Promise<void>;
}

const ID_LENGTH = 10;
const EXPIRY_RETRY_MS = 10_000;
const DISTINCT_SETTINGS = 1024;

const unknownRegistration = (id: string): MooringError =>
  new MooringError("REGISTRATION_UNKNOWN", `no registration ${id} for this peer`, { id });

/** Loads what is stored for this node, then takes requests. */
export async function openRegistrations(parts: RegistrationsParts): Promise<Registrations> {
  const { clock, log, options, random } = parts;
  const stored = createRegistrationStore(parts.store, options.node, options.gracePeriodMs);
  const index = createRegistrationIndex();
  const lock = createEndpointLock();
  const readLinks = createLinkReader();
  const settings = createInterner<DeviceSettings>(DISTINCT_SETTINGS);
  const tenants = createInterner<string>(DISTINCT_SETTINGS);
  const moving = new Set<Promise<void>>();
  /** By registration, of those whose next message is waited for. */
  const awaited = new Map<string, () => void>();
  let closed = false;

  const epochMs = (monotonicMs: number): number => Math.round(clock.now() - (clock.monotonic() - monotonicMs));
  const renewals = createRenewals({
    clock,
    log,
    stored,
    periodMs: options.saveSeenPeriodMs,
    isLive: entry => index.byId(entry.registration.id) === entry,
  });
  const sweep = createExpirySweep<RegistrationEntry>({
    clock,
    deadlineMs: ({ registration, renewedMonotonicMs }) =>
      deadlineOf(registration.lifetimeSeconds, renewedMonotonicMs, options.gracePeriodMs),
    onExpired: entry => void expire(entry),
  });

  /** Thousands of devices have the same settings and tenant. */
  const shared = (device: AdmittedDevice | undefined): AdmittedDevice | undefined =>
    device && {
      tenant: tenants.share(device.tenant, () => device.tenant),
      deviceId: device.deviceId,
      settings: settings.share(JSON.stringify(device.settings), () => device.settings),
    };

  function enter(registration: Registration, seenMonotonicMs: number, setUp: boolean): void {
    const entry: RegistrationEntry = {
      registration,
      renewedMonotonicMs: clock.monotonic(),
      seenMonotonicMs,
      setUp,
      unsaved: false,
      peerUnsaved: false,
      bucket: -1,
    };
    index.add(entry);
    sweep.add(entry);
  }

  /** Hot path: nearly always nobody waits. */
  function heard({ registration: { id } }: RegistrationEntry): void {
    const run = awaited.size > 0 ? awaited.get(id) : undefined;
    if (!run) return;
    awaited.delete(id);
    run();
  }

  function renew(entry: RegistrationEntry): void {
    renewals.renew(entry);
    heard(entry);
  }

  function leave(entry: RegistrationEntry, reason: RemovalReason, replacement?: Registration): void {
    awaited.delete(entry.registration.id);
    sweep.remove(entry);
    index.remove(entry);
    parts.onRemoved(entry.registration, reason, replacement);
  }

  async function expire(entry: RegistrationEntry): Promise<void> {
    const { registration } = entry;
    try {
      await lock.run(registration.endpoint, async () => {
        if (closed || index.byId(registration.id) !== entry) return;
        const deadline = deadlineOf(
          entry.registration.lifetimeSeconds,
          entry.renewedMonotonicMs,
          options.gracePeriodMs,
        );
        if (deadline > clock.monotonic()) return sweep.add(entry);
        await stored.delete(entry.registration);
        leave(entry, "expired");
      });
    } catch (error) {
      log.warn("registration.expiry-postponed", { endpoint: registration.endpoint, reason: messageOf(error) });
      clock.after(EXPIRY_RETRY_MS, () => void expire(entry));
    }
  }

  function entryFor(id: string, peer: Peer): RegistrationEntry {
    const entry = index.byId(id);
    if (!entry || !maySpeakFor(entry.registration.peer, peer, options.followAddress)) throw unknownRegistration(id);
    return entry;
  }

  /** Looks again after waiting for the lock: the registration may have been replaced meanwhile. */
  function inTurn<T>(id: string, peer: Peer, task: (entry: RegistrationEntry) => Promise<T>): Promise<T> {
    const { endpoint } = entryFor(id, peer).registration;
    return lock.run(endpoint, async () => task(entryFor(id, peer)));
  }

  async function change(entry: RegistrationEntry, wanted: Registration): Promise<void> {
    const before = entry.registration;
    const isSame = (key: "objectLinks" | "lifetimeSeconds"): boolean => wanted[key] === before[key];
    const setUp = entry.setUp && isSame("objectLinks") && isSame("lifetimeSeconds");
    await stored.save({ registration: wanted, seenAtMs: clock.now(), setUp });
    entry.setUp = setUp;
    const { peer } = entry.registration;
    // A peer that moved while this was being stored has been told of already, and is newer than what was stored.
    const hasMoved = peer !== before.peer;
    const registration = hasMoved ? { ...wanted, peer } : wanted;
    index.change(entry, registration);
    if (hasMoved) {
      entry.peerUnsaved = true;
      renewals.saveLater(entry);
    }
    if (registration.lifetimeSeconds !== before.lifetimeSeconds) sweep.add(entry);
    if (!hasMoved && registration.peer.key !== before.peer.key) parts.onMoved(before, registration);
  }

  function setPeer(entry: RegistrationEntry, peer: Peer): void {
    index.change(entry, { ...entry.registration, peer });
    entry.peerUnsaved = true;
  }

  /** The same peer at another address (RFC 9146 section 6): kept in memory at once, stored in bulk. */
  function noteAddress(peer: Peer): void {
    for (const entry of index.byPeer(peer.key)) {
      if (sameAddress(entry.registration.peer, peer)) continue;
      setPeer(entry, peer);
      renewals.saveLater(entry);
    }
  }

  /** Stored soon and not in bulk: after a restart requests must go to the peer that is there. */
  function movePeer(from: Peer, to: Peer): void {
    const entries = [...index.byPeer(from.key)];
    if (entries.length === 0) return;
    for (const entry of entries) setPeer(entry, to);
    const saving = renewals.save(entries);
    moving.add(saving);
    void saving.then(() => moving.delete(saving));
  }

  // Entered all at once, so that no lifetime runs while the rest is still being read.
  for (const { registration, seenAtMs: at, setUp } of await stored.all()) {
    // The machine's clock may have been set back meanwhile: nobody was heard in times to come.
    enter(registration, clock.monotonic() - Math.max(0, clock.now() - at), setUp);
  }

  return {
    get size() {
      return index.size;
    },
    byEndpoint: endpoint => index.byEndpoint(endpoint)?.registration,
    byId: id => index.byId(id)?.registration,
    byDevice: (tenant, deviceId) => index.byDevice(tenant, deviceId)?.registration,
    byPeer: peer => index.byPeer(peer.key).at(-1)?.registration,
    countAt: peer => index.byPeer(peer.key).length,
    *all() {
      for (const entry of index.entries()) yield entry.registration;
    },
    lastSeenMs(id) {
      const entry = index.byId(id);
      return entry && epochMs(entry.seenMonotonicMs);
    },
    lastRenewedMs(id) {
      const entry = index.byId(id);
      return entry && epochMs(entry.renewedMonotonicMs);
    },
    silentForMs(id) {
      const entry = index.byId(id);
      return entry && clock.monotonic() - entry.seenMonotonicMs;
    },
    seen(id, peer) {
      const entry = index.byId(id);
      if (!entry) return;
      entry.seenMonotonicMs = clock.monotonic();
      heard(entry);
      if (peer && !sameAddress(entry.registration.peer, peer)) noteAddress(peer);
    },
    onNextMessage(id, run) {
      if (run && index.byId(id)) awaited.set(id, run);
      else awaited.delete(id);
    },
    movePeer,
    follow(peer) {
      const entry = peer.identity && index.byIdentity(identityKey(peer.identity)).at(-1);
      if (!entry) return undefined;
      const before = entry.registration;
      movePeer(before.peer, peer);
      parts.onMoved(before, entry.registration);
      return entry.registration;
    },
    markSetUp(id) {
      const entry = index.byId(id);
      if (!entry || entry.setUp) return;
      entry.setUp = true;
      renewals.saveLater(entry);
    },
    isSetUp: id => index.byId(id)?.setUp ?? false,

    async register(request, peer, admit) {
      const endpoint = endpointOf(request.query, peer);
      return lock.run(endpoint, async () => {
        // Within the lock, so that a device deleted meanwhile is either refused here or found and removed afterwards.
        const device = shared(await admit(endpoint, peer));
        if (!device) throw new MooringError("ENDPOINT_UNKNOWN", `endpoint ${endpoint} is not known here`, { endpoint });
        // Only now: strangers get neither time nor memory for their links.
        const links = readLinks(request.links);
        const { query } = request;
        const id = urlSafeId(random, ID_LENGTH);
        const nowMs = clock.now();
        const registration = newRegistration({ id, endpoint, query, links, device, peer, nowMs });
        await stored.save({ registration, seenAtMs: nowMs, setUp: false });
        const previous = index.byEndpoint(endpoint);
        if (previous) leave(previous, "replaced", registration);
        enter(registration, clock.monotonic(), false);
        return { registration, previous: previous?.registration };
      });
    },

    update(request, peer) {
      const { registrationId: id, query } = request;
      const entry = entryFor(id, peer);
      if (!sameAddress(entry.registration.peer, peer)) noteAddress(peer);
      const { registration } = entry;
      const free = !lock.held(registration.endpoint);
      if (free && query === EMPTY_QUERY && !request.links && registration.peer.key === peer.key) {
        renew(entry);
        return { registration, changes: NO_CHANGES };
      }
      const links = request.links && readLinks(request.links);
      if (free && applyUpdate(registration, query, links, peer, 0).changes === NO_CHANGES) {
        renew(entry);
        return { registration, changes: NO_CHANGES };
      }
      return inTurn(id, peer, async current => {
        const outcome = applyUpdate(current.registration, query, links, peer, clock.now());
        if (outcome.changes !== NO_CHANGES) await change(current, outcome.registration);
        renew(current);
        return outcome;
      });
    },

    deregister: (id, peer) =>
      inTurn(id, peer, async entry => {
        await stored.delete(entry.registration);
        leave(entry, "deregister");
        return entry.registration;
      }),

    remove: endpoint =>
      lock.run(endpoint, async () => {
        const entry = index.byEndpoint(endpoint);
        if (!entry) return undefined;
        await stored.delete(entry.registration);
        leave(entry, "removed");
        return entry.registration;
      }),

    configure: (endpoint, wanted) =>
      lock.run(endpoint, async () => {
        const entry = index.byEndpoint(endpoint);
        if (!entry) return;
        const shared = settings.share(JSON.stringify(wanted), () => wanted);
        await change(entry, { ...entry.registration, settings: shared });
      }),

    async [Symbol.asyncDispose]() {
      closed = true;
      sweep[Symbol.dispose]();
      await Promise.all(moving);
      await renewals[Symbol.asyncDispose]();
    },
  };
}
