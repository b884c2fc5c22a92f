/**
 * Whether devices are heard within their required interval (platform API 5.5): `c8y_Availability`, `c8y_Connection` and the alarm of
 * those that are silent for too long. Written when the status changes and not with each message; nothing is counted against a
 * device for the time in which the host was down.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createEndpointLock } from "../lwm2m/registration/endpoint-lock.ts";
import { createExpirySweep, type Expiring } from "../lwm2m/registration/lifetime.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Registrations } from "../lwm2m/registration/registrations.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import {
  type Availability,
  connectionOf,
  type DataStatus,
  intervalOf,
  lastMessageOf,
  requiredInterval,
  statusOf,
} from "./availability.ts";

export interface AvailabilityWatchParts {
  readonly registrations: Pick<Registrations, "all" | "byDevice" | "silentForMs" | "lastSeenMs" | "onNextMessage">;
  readonly platform: Pick<Platform, "inventory" | "alarms">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface AvailabilityWatch extends AsyncDisposable {
  /**
   * A device has registered, and is watched from now on.
   * @param fragments of its object as they are to be
   * @returns what these are to show besides
   */
  registered(registration: Registration, fragments: Fragments): Fragments;
  /** Its registration has ended: it is watched on until its interval is over. @param saidSo by a message of its own */
  left(registration: Registration, saidSo: boolean): void;
  /** An object was changed: another interval, maintenance. Never waits, never throws. */
  changed(tenant: string, object: ManagedObject): void;
  forget(deviceId: string): void;
  /** Takes up what an earlier life of the host watched. */
  resume(): void;
  /** Undefined: the device is not monitored. */
  of(tenant: string, object: ManagedObject): Availability | undefined;
}

interface Watched extends Expiring {
  readonly tenant: string;
  readonly deviceId: string;
  /** Undefined: not registered any more, and last heard at {@link seenMonotonicMs}. */
  registrationId: string | undefined;
  seenMonotonicMs: number;
  intervalMs: number;
  /** In this life of the host: who was silent before it stays so until then. */
  wasHeard: boolean;
}

const ALARM = "c8y_UnavailabilityAlarm";
const ALARM_TEXT = "No data received from the device within the required interval.";
const MINUTE_MS = 60_000;
const RETRY_MS = 10_000;

export function createAvailabilityWatch(parts: AvailabilityWatchParts): AvailabilityWatch {
  const { registrations, platform, clock, log } = parts;
  const { inventory, alarms } = platform;
  /** By id of the device. */
  const watched = new Map<string, Watched>();
  /** One change of a device's status at a time. */
  const lock = createEndpointLock();
  const active = new Set<Promise<void>>();
  const startedMonotonicMs = clock.monotonic();
  let closed = false;

  const isoTime = (ms: number): string => new Date(ms).toISOString();

  /** The time before this life of the host is not counted. */
  function silentForMs({ registrationId, seenMonotonicMs }: Watched): number {
    const nowMs = clock.monotonic();
    const silent = registrationId === undefined ? undefined : registrations.silentForMs(registrationId);
    return Math.min(silent ?? nowMs - seenMonotonicMs, nowMs - startedMonotonicMs);
  }

  const sweep = createExpirySweep<Watched>({
    clock,
    deadlineMs: item => clock.monotonic() - silentForMs(item) + item.intervalMs,
    onExpired: item => follow(item, () => judge(item)),
  });

  function follow({ deviceId }: Watched, work: () => Promise<void>): void {
    const running = lock.run(deviceId, work).catch(error => {
      log.warn("availability.not-stored", { deviceId, reason: messageOf(error) });
      if (!closed) clock.after(RETRY_MS, () => retry(deviceId));
    });
    active.add(running);
    void running.then(() => active.delete(running));
  }

  function retry(deviceId: string): void {
    const item = watched.get(deviceId);
    if (item && !closed) follow(item, () => judge(item));
  }

  function drop(item: Watched): void {
    sweep.remove(item);
    awaitMessage(item, false);
    if (watched.get(item.deviceId) === item) watched.delete(item.deviceId);
  }

  function watch({ tenant, deviceId }: Pick<Watched, "tenant" | "deviceId">): Watched {
    const known = watched.get(deviceId);
    if (known) return known;
    const seenMonotonicMs = clock.monotonic();
    const unknown = { registrationId: undefined, intervalMs: 0, wasHeard: false, bucket: -1 };
    const item: Watched = { tenant, deviceId, seenMonotonicMs, ...unknown };
    watched.set(deviceId, item);
    return item;
  }

  async function show({ tenant, deviceId }: Watched, changes: Fragments): Promise<void> {
    try {
      await inventory.update(tenant, deviceId, changes);
    } catch (error) {
      if (!isFailure(error, "NOT_FOUND")) throw error;
    }
  }

  async function raise({ tenant, deviceId }: Watched): Promise<void> {
    const time = isoTime(clock.now());
    await alarms.create(tenant, { source: { id: deviceId }, type: ALARM, severity: "MAJOR", text: ALARM_TEXT, time });
  }

  const clear = ({ tenant, deviceId }: Pick<Watched, "tenant" | "deviceId">): Promise<void> =>
    alarms.updateMatching(tenant, { sourceId: deviceId, types: [ALARM], resolved: false }, { status: "CLEARED" });

  function lastHeardMs(tenant: string, deviceId: string, fragments: Fragments): number | undefined {
    const registration = registrations.byDevice(tenant, deviceId);
    return (registration && registrations.lastSeenMs(registration.id)) ?? lastMessageOf(fragments);
  }

  function availability({ tenant, deviceId }: Watched, fragments: Fragments, status: DataStatus): Fragments {
    const heardMs = lastHeardMs(tenant, deviceId, fragments);
    return { c8y_Availability: { status, ...(heardMs !== undefined && { lastMessage: isoTime(heardMs) }) } };
  }

  function statusNow(item: Watched, before: unknown): DataStatus {
    if (silentForMs(item) >= item.intervalMs) return "UNAVAILABLE";
    return before === "UNAVAILABLE" && !item.wasHeard ? "UNAVAILABLE" : "AVAILABLE";
  }

  function heard(item: Watched): void {
    item.wasHeard = true;
    follow(item, () => judge(item));
  }

  function awaitMessage(item: Watched, isAwaited: boolean): void {
    if (item.registrationId === undefined) return;
    registrations.onNextMessage(item.registrationId, isAwaited ? () => heard(item) : undefined);
  }

  /** Puts down what counts now, where it is not there yet. */
  async function judge(item: Watched): Promise<void> {
    const { tenant, deviceId } = item;
    if (closed || watched.get(deviceId) !== item) return;
    // Before anything is looked at, so that no message falls between.
    awaitMessage(item, true);
    const object = await inventory.findCached(tenant, deviceId);
    const interval = object && intervalOf(object.fragments);
    if (!object || interval === undefined || interval <= 0) return drop(item);
    item.intervalMs = interval * MINUTE_MS;
    const before = statusOf(object.fragments);
    const status = statusNow(item, before);
    if (status !== before) {
      if (status === "UNAVAILABLE") await raise(item);
      else await clear(item);
      await show(item, availability(item, object.fragments, status));
    }
    if (status === "AVAILABLE") {
      awaitMessage(item, false);
      sweep.add(item);
    } else if (item.registrationId === undefined) drop(item);
  }

  async function leave(item: Watched, saidSo: boolean): Promise<void> {
    const object = await inventory.findCached(item.tenant, item.deviceId);
    if (!object) return drop(item);
    const status = statusOf(object.fragments);
    await show(item, {
      ...(saidSo && { c8y_Availability: { status, lastMessage: isoTime(clock.now()) } }),
      c8y_Connection: { status: "DISCONNECTED" },
    });
    if (status === "UNAVAILABLE") drop(item);
    else sweep.add(item);
  }

  function beginMaintenance(item: Watched, fragments: Fragments): void {
    const status = "MAINTENANCE";
    if (statusOf(fragments) !== status) {
      follow(item, async () => {
        await clear(item);
        await show(item, { ...availability(item, fragments, status), c8y_Connection: { status } });
      });
    }
    drop(item);
  }

  /** Who is not registered counts as silent, without an alarm: nobody expects a message. */
  function endMaintenance(item: Watched, fragments: Fragments): void {
    const isThere = item.registrationId !== undefined;
    const status = isThere ? "AVAILABLE" : "UNAVAILABLE";
    follow(item, async () => {
      const connection = { c8y_Connection: { status: isThere ? "CONNECTED" : "DISCONNECTED" } };
      await show(item, { ...availability(item, fragments, status), ...connection });
      await judge(item);
    });
    if (!isThere) drop(item);
  }

  return {
    registered(registration, fragments) {
      const item = watch(registration);
      item.registrationId = registration.id;
      item.wasHeard = true;
      const interval = intervalOf(fragments);
      if (interval === undefined || interval <= 0) {
        drop(item);
        return {};
      }
      item.intervalMs = interval * MINUTE_MS;
      sweep.add(item);
      if (statusOf(fragments) === "UNAVAILABLE") follow(item, () => clear(item));
      const isShown = statusOf(fragments) === "AVAILABLE" && connectionOf(fragments) === "CONNECTED";
      return isShown ? {} : { ...availability(item, fragments, "AVAILABLE"), c8y_Connection: { status: "CONNECTED" } };
    },

    left({ deviceId, id }, saidSo) {
      const item = watched.get(deviceId);
      if (!item || item.registrationId !== id) return;
      item.registrationId = undefined;
      // When it was heard last is not known any more; it is given the time.
      item.seenMonotonicMs = clock.monotonic();
      follow(item, () => leave(item, saidSo));
    },

    changed(tenant, { id, fragments }) {
      const interval = intervalOf(fragments);
      const isInMaintenance = interval !== undefined && interval <= 0;
      const known = watched.get(id);
      if (!isInMaintenance && statusOf(fragments) !== "MAINTENANCE") {
        if (known && interval !== known.intervalMs / MINUTE_MS) follow(known, () => judge(known));
        return;
      }
      if (!("c8y_IsLwm2mDevice" in fragments)) return;
      const registration = registrations.byDevice(tenant, id);
      const item = known ?? watch({ tenant, deviceId: id });
      item.registrationId = registration?.id;
      if (isInMaintenance) beginMaintenance(item, fragments);
      else endMaintenance(item, fragments);
    },

    forget(deviceId) {
      const item = watched.get(deviceId);
      if (item) drop(item);
    },

    resume() {
      for (const { id, tenant, deviceId, lifetimeSeconds } of registrations.all()) {
        const item = watch({ tenant, deviceId });
        // The objects are not read for it: which interval counts is seen when this one is over.
        item.intervalMs = requiredInterval(lifetimeSeconds) * MINUTE_MS;
        item.registrationId = id;
        sweep.add(item);
        awaitMessage(item, true);
      }
    },

    of(tenant, { id, fragments }) {
      const interval = intervalOf(fragments);
      if (interval === undefined) return undefined;
      const isThere = registrations.byDevice(tenant, id) !== undefined;
      const status = (statusOf(fragments) as DataStatus | undefined) ?? "UNAVAILABLE";
      return {
        lastMessageMs: lastHeardMs(tenant, id, fragments),
        interval,
        dataStatus: interval <= 0 ? "MAINTENANCE" : status,
        connectionStatus: interval <= 0 ? "MAINTENANCE" : isThere ? "CONNECTED" : "DISCONNECTED",
      };
    },

    async [Symbol.asyncDispose]() {
      closed = true;
      sweep[Symbol.dispose]();
      await Promise.all(active);
    },
  };
}
