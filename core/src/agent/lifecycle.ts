/**
 * What follows a registration, an Update and their end, in the order of the agent specification 6.2: event, availability,
 * settings, commands after registration, auto-observe, pending operations. All of it happens after the device has its answer.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { CODES, formatCode } from "../coap/codes.ts";
import type { ObservedPath } from "../device-protocols/observed-paths.ts";
import { onePath, sameTarget } from "../lwm2m/observation/observation-target.ts";
import type { ObserveAnswer } from "../lwm2m/operations/requests.ts";
import { formatPath } from "../lwm2m/path.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { RemovalReason } from "../lwm2m/registration/registrations.ts";
import type { Lwm2mServer } from "../lwm2m/server/lwm2m-server.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import { availabilityChange } from "./availability.ts";
import { sameSettings, settingsOf } from "./device-settings.ts";
import type { TroubleBook } from "./explain/trouble-book.ts";
import type { LifecycleEvents } from "./lifecycle-events.ts";
import { createSetUpTurns } from "./set-up-turns.ts";

export interface LifecycleParts {
  readonly server: Pick<Lwm2mServer, "registrations" | "registersWaiting" | "requests" | "queues">;
  readonly platform: Pick<Platform, "inventory">;
  readonly events: LifecycleEvents;
  readonly clock: Clock;
  readonly log: Log;
  /** Paths that could not be observed, until they are. */
  readonly troubles: Pick<TroubleBook, "note" | "clear">;
  readonly manageAvailability: boolean;
  /** The device's managed object; undefined: confirmed to be gone, everything of the device has been cleared. */
  managedObject(registration: Registration): Promise<ManagedObject | undefined>;
  /** What to observe on a device of these links. */
  observedPaths(registration: Registration): readonly ObservedPath[];
  /** From now on nothing of the device runs but what follows a registration, until {@link wakeOperations}. */
  holdOperations(registration: Registration): void;
  /** What the object of a device that is there is to show besides. @param fragments as they are to be */
  shownAsRegistered(registration: Registration, fragments: Fragments): Fragments;
  /** Does what follows a full registration before anything else. Resolves when the device has done what it can do now. */
  afterRegister(registration: Registration): Promise<void>;
  /** Runs the device's pending operations. */
  wakeOperations(registration: Registration): void;
}

export interface Lifecycle extends AsyncDisposable {
  registered(registration: Registration): void;
  updated(registration: Registration): void;
  deregistered(registration: Registration, reason: RemovalReason): void;
  /** Takes the managed object's settings over into the registration. @returns the registration as it is then */
  refreshSettings(registration: Registration): Promise<Registration>;
  /** The same when somebody has changed them, together with what follows from them: the required interval. */
  settingsChanged(registration: Registration): Promise<void>;
  /** Takes up what an earlier life of the host did not get done. */
  resume(): void;
}

export function createLifecycle(parts: LifecycleParts): Lifecycle {
  const { server, events, log } = parts;
  const { registrations, requests, queues } = server;
  /** Registrations whose set-up runs. */
  const settingUp = new Set<string>();
  const active = new Set<Promise<void>>();
  const turns = createSetUpTurns({ clock: parts.clock, isRush: () => server.registersWaiting > 0 });
  let closed = false;

  function follow(work: Promise<void>): void {
    const watched = work.catch(error => log.error("lifecycle.fault", { reason: messageOf(error) }));
    active.add(watched);
    void watched.then(() => active.delete(watched));
  }

  async function refreshAvailability(registration: Registration, object: ManagedObject): Promise<void> {
    const required = availabilityChange(object, registration, parts.manageAvailability);
    const changed = required && { c8y_RequiredAvailability: required };
    const shown = parts.shownAsRegistered(registration, { ...object.fragments, ...changed });
    const changes = { ...changed, ...shown };
    if (Object.keys(changes).length === 0) return;
    await parts.platform.inventory.update(registration.tenant, object.id, changes);
  }

  async function takeSettings(registration: Registration, object: ManagedObject): Promise<Registration> {
    const settings = settingsOf(object.fragments);
    if (sameSettings(settings, registration.settings)) return registration;
    await registrations.configure(registration.endpoint, settings);
    return registrations.byId(registration.id) ?? registration;
  }

  function noteOutcome(endpoint: string, path: string, { ok, kept, code: number, text }: ObserveAnswer): void {
    const { troubles } = parts;
    const code = formatCode(number);
    if (ok && kept) {
      troubles.clear(endpoint, ["observeRefused", "observeFailed"], path);
    } else if (ok) {
      log.info("observation.not-established", { endpoint, path });
      const reason = "the device answered as if it had been read, without Observe";
      troubles.note(endpoint, { kind: "observeRefused", path, reason });
    } else {
      // 4.04: the device does not have the resource, which is nobody's fault.
      log.debug("observation.refused", { endpoint, path, code });
      const reason = `the device answered ${code}${text === undefined ? "" : ` (${text})`}`;
      if (number !== CODES.NOT_FOUND) troubles.note(endpoint, { kind: "observeRefused", path, reason, code });
    }
  }

  /** One path, as a job of its own: what is more urgent may come in between. @returns false when the rest has to wait */
  async function observeOne(id: string, endpoint: string, { path, attributes }: ObservedPath): Promise<boolean> {
    try {
      const answer = await queues.run(endpoint, async (registration, signal) => {
        const known = requests.observed(registration).some(({ target }) => sameTarget(target, onePath(path)));
        if (registration.id !== id || known) return undefined;
        // Not with the answer: the device may have ended the new one by then.
        parts.troubles.clear(endpoint, ["observationEnded"], formatPath(path));
        return requests.observe(registration, path, { attributes, signal });
      });
      if (answer) noteOutcome(endpoint, formatPath(path), answer);
      return true;
    } catch (error) {
      const what = { path: formatPath(path), reason: messageOf(error) };
      log.info("observation.failed", { endpoint, ...what });
      if (!isFailure(error, "EXCHANGE_CANCELLED", "CLOSED"))
        parts.troubles.note(endpoint, { kind: "observeFailed", ...what });
      // An answer that cannot be read harms this path alone; silence and the end of the registration harm all.
      return isFailure(error) && !isFailure(error, "EXCHANGE_TIMEOUT", "EXCHANGE_CANCELLED", "CLOSED", "OVERLOADED");
    }
  }

  /** Also the links that an Update brings meanwhile. */
  async function observeAll(id: string, endpoint: string): Promise<void> {
    for (let seen: Registration | undefined; ; ) {
      const registration = registrations.byId(id);
      if (!registration || closed) return;
      if (registration.objectLinks === seen?.objectLinks) break;
      seen = registration;
      for (const observed of parts.observedPaths(registration)) {
        if (closed || registrations.byId(id) === undefined) return;
        if (!(await turns.run(false, () => observeOne(id, endpoint, observed)))) return;
      }
    }
    registrations.markSetUp(id);
  }

  async function setUp(registration: Registration, isNew = false): Promise<void> {
    const { id } = registration;
    if (settingUp.has(id)) return;
    settingUp.add(id);
    try {
      const isThere = await turns.run(true, async () => {
        const object = await parts.managedObject(registration);
        if (!object) return false;
        await refreshAvailability(registration, object);
        await takeSettings(registration, object);
        return true;
      });
      if (isThere && isNew) await parts.afterRegister(registration);
      if (isThere) await observeAll(id, registration.endpoint);
    } finally {
      settingUp.delete(id);
      const now = registrations.byId(id);
      if (now && !closed) parts.wakeOperations(now);
    }
  }

  return {
    registered(registration) {
      events.add("registered", registration);
      parts.holdOperations(registration);
      follow(setUp(registration, true));
    },

    updated(registration) {
      events.add("updated", registration);
      if (!registrations.isSetUp(registration.id)) {
        follow(setUp(registration));
        return;
      }
      parts.wakeOperations(registration);
    },

    deregistered(registration, reason) {
      if (reason === "deregister") events.add("deregistered", registration);
      if (reason === "expired") events.add("expired", registration);
    },

    async refreshSettings(registration) {
      const object = await parts.platform.inventory.findCached(registration.tenant, registration.deviceId);
      return object ? takeSettings(registration, object) : registration;
    },

    async settingsChanged(registration) {
      const object = await parts.platform.inventory.findCached(registration.tenant, registration.deviceId);
      if (!object) return;
      await refreshAvailability(registration, object);
      await takeSettings(registration, object);
    },

    resume() {
      for (const registration of registrations.all()) {
        if (!registrations.isSetUp(registration.id)) follow(setUp(registration));
      }
    },

    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all(active);
    },
  };
}
