/**
 * Observations of all registrations: at most one per path or set of paths, kept in the store so that they go on after a restart. A notification is
 * decoded by the Content-Format that came with it and handed up; the endpoint acknowledges it when that has resolved.
 */
import { toHex } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { formatCode, isSuccess } from "../../coap/codes.ts";
import type { CoapEndpoint, Notification, Observation, ObserveOptions, RequestOptions } from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { Store } from "../../store/store.ts";
import type { Peer } from "../../transport/transport.ts";
import { encodePathList } from "../codecs/path-list.ts";
import { formatPath } from "../path.ts";
import { createInterner } from "../registration/interner.ts";
import type { Registration } from "../registration/registration.ts";
import { isAtLeast } from "../version.ts";
import { type NotificationAttributes, readCompositeRequest, readRequest, segmentsOf } from "../wire/to-coap.ts";
import { notificationKey } from "./message-key.ts";
import { createObservationStore, type StoredObservation } from "./observation-store.ts";
import { formatTarget, type ObservationTarget, sameTarget } from "./observation-target.ts";
import { countOne, createRateFigure, perMinute, type RateFigure } from "./rate-figure.ts";

export interface Observed {
  readonly target: ObservationTarget;
  /** Content-Format asked for. */
  readonly accept: number;
  /** What Write-Attributes set before the observation began. */
  readonly attributes: NotificationAttributes | undefined;
}

/** A fresh notification of a live registration. */
export interface DeviceNotification {
  readonly registration: Registration;
  /** From where it came. */
  readonly peer: Peer;
  readonly target: ObservationTarget;
  readonly response: CoapResponse;
  /** See {@link notificationKey}. */
  readonly messageKey: string;
  readonly receivedAtMs: number;
  /** See {@link Notification}. */
  letNextBegin(): void;
}

export interface ObservationsParts {
  readonly coap: CoapEndpoint;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  /** The registration as it is now; undefined: it has ended. */
  registration(id: string): Registration | undefined;
  /** Resolves when the values are stored. A rejection leaves the notification unacknowledged, so that the device repeats it. */
  onNotification(notification: DeviceNotification): Promise<void>;
  /** The device has ended an observation with an error. Must not throw. */
  onEnded(registration: Registration, target: ObservationTarget, code: number): void;
}

export interface EstablishOptions extends ObserveOptions {
  readonly accept: number;
  /** Content-Format of the list of paths of a composite observation; default: `accept`. */
  readonly listFormat?: number;
  readonly attributes?: NotificationAttributes;
}

export interface Observations extends AsyncDisposable {
  of(registrationId: string): readonly Observed[];
  find(registrationId: string, target: ObservationTarget): Observed | undefined;
  /** All observations of all registrations. */
  readonly size: number;
  /** Notifications per minute of one registration. */
  notificationsPerMinute(registrationId: string): number;
  /**
   * One Observe or Observe-Composite request. `kept` is false when the device answered without the Observe option (the value may be used) or with an error.
   * An observation of the same target is dropped when the new one stands. `saved`: the observation is stored, or is no more (STORE_FULL,
   * STORE_FAILED); what the device has answered need not wait for that.
   */
  establish(
    registration: Registration,
    target: ObservationTarget,
    options: EstablishOptions,
  ): Promise<{ readonly response: CoapResponse; readonly kept: boolean; readonly saved: Promise<void> }>;
  /** Stops listening: the next notification is answered with Reset. False when there is no such observation. */
  forget(registration: Registration, target: ObservationTarget): Promise<boolean>;
  /** GET, or FETCH with the same list of paths, with Observe 1. Undefined when there is no such observation. */
  cancel(
    registration: Registration,
    target: ObservationTarget,
    options?: RequestOptions,
  ): Promise<CoapResponse | undefined>;
  /** The registration has ended: all of its observations go. */
  drop(registration: Registration): void;
  /**
   * Takes up what was stored, without a message to any device. To be called before the endpoint's next datagram: what is not
   * taken up by then is answered with Reset. @returns how many
   */
  resume(stored: readonly StoredObservation[]): number;
}

interface Held extends Observed {
  readonly observation: Observation;
}

interface ObservationSet {
  readonly rate: RateFigure;
  /** One for all observations of the registration. */
  readonly onNotification: (notification: Notification) => Promise<void>;
  held: readonly Held[];
}

/** What devices that are observed alike share. */
interface Shared {
  readonly target: ObservationTarget;
  readonly request: CoapRequest;
}

const MOST_SHARED = 4096;
const NONE: readonly Held[] = Object.freeze([]);
const NOTHING_TO_SAVE = Promise.resolve();

export function createObservations(parts: ObservationsParts): Observations {
  const { coap, clock, log } = parts;
  const stored = createObservationStore(parts.store, parts.node);
  const sets = new Map<string, ObservationSet>();
  const sharedRequests = createInterner<Shared>(MOST_SHARED);
  const sharedAttributes = createInterner<NotificationAttributes>(MOST_SHARED);
  /** Targets of the requests in `sharedRequests`, by which it is known what a notification is of. */
  const targetsOfRequests = new WeakMap<CoapRequest, ObservationTarget>();
  const deletions = new Set<Promise<void>>();

  function share(key: string, target: ObservationTarget, toRequest: () => CoapRequest): Shared {
    return sharedRequests.share(key, () => {
      const request = toRequest();
      targetsOfRequests.set(request, target);
      return { target, request };
    });
  }

  /** Sets in another order are another request: a device may want its own list back to end the observation. */
  function sharedComposite(
    registration: Registration,
    target: ObservationTarget,
    accept: number,
    listFormat: number,
  ): Shared {
    const { rootPath, version } = registration;
    const payload = encodePathList(listFormat, target.paths!, { rootPath, writesRoot: isAtLeast(version, "1.2") });
    const key = `composite ${rootPath} ${toHex(payload)} ${listFormat} ${accept}`;
    const content = { contentFormat: listFormat, payload };
    return share(key, target, () => readCompositeRequest(segmentsOf(rootPath, []), content, accept));
  }

  /** One target and one request object per target and format, however many devices are observed alike. */
  function sharedFor(
    registration: Registration,
    target: ObservationTarget,
    accept: number,
    listFormat: number = accept,
  ): Shared {
    if (target.paths) return sharedComposite(registration, target, accept, listFormat);
    const { rootPath } = registration;
    const key = `${rootPath} ${formatPath(target.path)} ${accept}`;
    return share(key, target, () => readRequest(segmentsOf(rootPath, target.path), accept));
  }

  const shareAttributes = (attributes: NotificationAttributes | undefined): NotificationAttributes | undefined =>
    attributes && sharedAttributes.share(JSON.stringify(attributes), () => attributes);

  const find = (registrationId: string, target: ObservationTarget): Held | undefined =>
    sets.get(registrationId)?.held.find(held => sameTarget(held.target, target));

  function setOf(registrationId: string): ObservationSet {
    const known = sets.get(registrationId);
    if (known) return known;
    const set: ObservationSet = {
      rate: createRateFigure(),
      onNotification: notification => onNotification(registrationId, notification),
      held: NONE,
    };
    sets.set(registrationId, set);
    return set;
  }

  function hold(registrationId: string, held: Held): void {
    const set = setOf(registrationId);
    set.held = [...set.held, held];
  }

  /** The set stays until the registration ends: another observation may be on its way. */
  function release(registrationId: string, observation: Observation): void {
    const set = sets.get(registrationId);
    if (set) set.held = set.held.filter(held => held.observation !== observation);
  }

  /** A deletion that nobody waits for; one that fails is made up for at the next start. */
  function deleteLater(deletion: Promise<void>): void {
    const watched = deletion.catch(error => log.warn("observation.not-deleted", { reason: messageOf(error) }));
    deletions.add(watched);
    void watched.then(() => deletions.delete(watched));
  }

  async function onNotification(registrationId: string, notification: Notification): Promise<void> {
    const registration = parts.registration(registrationId);
    const target = targetsOfRequests.get(notification.observation.request);
    if (!registration || !target) return;
    const set = sets.get(registrationId);
    if (set) countOne(set.rate, clock.monotonic());
    const { response, observation, receivedAtMs, letNextBegin } = notification;
    if (!isSuccess(response.code)) {
      // An error ends the observation (RFC 7641 section 3.2): the resource is gone, or the device has forgotten us.
      log.info("observation.ended", {
        endpoint: registration.endpoint,
        path: formatTarget(target),
        code: formatCode(response.code),
      });
      parts.onEnded(registration, target, response.code);
      release(registrationId, observation);
      await stored.delete(registration, target);
      return;
    }
    const messageKey = notificationKey(registrationId, notification);
    const { peer } = observation;
    await parts.onNotification({ registration, peer, target, response, messageKey, receivedAtMs, letNextBegin });
  }

  function resumeOne(saved: StoredObservation): boolean {
    const { registrationId, token, accept, listFormat } = saved;
    const registration = parts.registration(registrationId);
    if (!registration) {
      deleteLater(stored.deleteRegistration(saved.endpoint, registrationId));
      return false;
    }
    const { target, request } = sharedFor(registration, saved.target, accept, listFormat);
    const key = { peer: registration.peer, token, request };
    const observation = coap.resumeObservation(key, setOf(registrationId).onNotification);
    hold(registrationId, { target, accept, attributes: shareAttributes(saved.attributes), observation });
    return true;
  }

  return {
    get size() {
      let size = 0;
      for (const set of sets.values()) size += set.held.length;
      return size;
    },
    of: registrationId => sets.get(registrationId)?.held ?? NONE,
    find,
    notificationsPerMinute(registrationId) {
      const set = sets.get(registrationId);
      return set ? perMinute(set.rate, clock.monotonic()) : 0;
    },

    async establish(registration, wanted, { accept, listFormat, attributes: given, ...options }) {
      const { id } = registration;
      const { target, request } = sharedFor(registration, wanted, accept, listFormat);
      const attributes = shareAttributes(given);
      const { onNotification } = setOf(id);
      const { response, observation } = await coap.observe(registration.peer, request, onNotification, options);
      if (parts.registration(id) === undefined) {
        observation?.forget();
        sets.delete(id);
        return { response, kept: false, saved: NOTHING_TO_SAVE };
      }
      if (!observation) return { response, kept: false, saved: NOTHING_TO_SAVE };
      const earlier = find(id, target);
      if (earlier) {
        earlier.observation.forget();
        release(id, earlier.observation);
      }
      hold(id, { target, accept, attributes, observation });
      const { token } = observation;
      const { endpoint } = registration;
      const kept = { endpoint, registrationId: id, target, token, accept, listFormat, attributes };
      const saved = stored.save(registration, { ...kept, createdAtMs: clock.now() }).catch(error => {
        observation.forget();
        release(id, observation);
        throw error;
      });
      saved.catch(() => {}); // the caller may have failed before it looks
      return { response, kept: true, saved };
    },

    async forget(registration, target) {
      const held = find(registration.id, target);
      if (!held) return false;
      held.observation.forget();
      release(registration.id, held.observation);
      await stored.delete(registration, target);
      return true;
    },

    async cancel(registration, target, options) {
      const held = find(registration.id, target);
      if (!held) return undefined;
      try {
        return await held.observation.cancel(options);
      } finally {
        // Also when no answer came: a notification that still comes is then answered with Reset.
        held.observation.forget();
        release(registration.id, held.observation);
        await stored.delete(registration, target);
      }
    },

    drop(registration) {
      const set = sets.get(registration.id);
      if (!set) return;
      sets.delete(registration.id);
      if (set.held.length === 0) return;
      for (const { observation } of set.held) observation.forget();
      deleteLater(stored.delete(registration));
    },

    resume: all => all.filter(resumeOne).length,

    async [Symbol.asyncDispose]() {
      await Promise.all(deletions);
    },
  };
}
