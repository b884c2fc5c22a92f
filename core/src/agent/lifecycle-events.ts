/**
 * Lifecycle events (agent specification 15.1), written behind: a device's answer never waits for its event. The queue is
 * bounded and drained at a steady pace, so that a flood of Updates costs the devices nothing; what does not fit is counted.
 */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DeviceSettings } from "../lwm2m/registration/device-settings.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { TrafficEntry } from "../lwm2m/server/traffic.ts";
import { eventOp } from "../platform/event.ts";
import type { Fragments, Platform } from "../platform/platform.ts";
import type { Store } from "../store/store.ts";
import type { Peer } from "../transport/transport.ts";

export type LifecycleKind = "registered" | "updated" | "deregistered" | "expired";

/** An event about a device that is not registered, or not for that. */
export interface DeviceEvent {
  readonly tenant: string;
  readonly deviceId: string;
  readonly logLevel: DeviceSettings["logLevel"];
  readonly type: string;
  readonly text: string;
  readonly fragment: Fragments;
  /** Default: `c8y_LWM2MLifecycle`. */
  readonly fragmentName?: string;
}

export interface LifecycleEvents extends AsyncDisposable {
  /** Never waits. Nothing is written for devices whose log level is NONE. */
  add(kind: LifecycleKind, registration: Registration): void;
  /** The same for an event of another kind. */
  addOther(event: DeviceEvent): void;
  /** The same for an exchange with a device; the first to be dropped when there is too much. */
  addTraffic(entry: TrafficEntry): void;
  /** A device is gone: what waits of it is not written. */
  forget(deviceId: string): void;
  /** Events that found the queue full. */
  readonly dropped: number;
  readonly waiting: number;
}

export interface LifecycleEventsParts {
  readonly store: Pick<Store, "nextIds">;
  readonly platform: Pick<Platform, "write">;
  readonly clock: Clock;
  readonly log: Log;
}

const WORDS: Readonly<Record<LifecycleKind, { readonly type: string; readonly text: string }>> = {
  registered: { type: "c8y_LWM2MDeviceRegistration", text: "Device registered" },
  updated: { type: "c8y_LWM2MDeviceRegistrationUpdate", text: "Device updated its registration" },
  deregistered: { type: "c8y_LWM2MDeviceDeRegistration", text: "Device de-registered" },
  expired: { type: "c8y_LWM2MDeviceDeRegistration", text: "Registration expired" },
};

/** Traffic and Updates leave the last part of the queue to events that come once. */
const MOST_WAITING = 12_000;
const MOST_UPDATES = 10_000;
const MOST_TRAFFIC = 5_000;
/** 500 events a second: 150,000 devices that update every five minutes, at a few hundredths of a processor. */
const PACE_MS = 100;
const BATCH = 50;
const RETRY_MS = 2_000;

interface Waiting extends Pick<DeviceEvent, "tenant" | "deviceId" | "type" | "text"> {
  readonly atMs: number;
  /** Made when they are written. */
  fragments(): Fragments;
}

const TRAFFIC = "c8y_LWM2MTraffic";
const LIFECYCLE = "c8y_LWM2MLifecycle";

function trafficText({ from, request, answer }: TrafficEntry): string {
  const told = from === "device" ? "Received" : "Sent";
  return answer === undefined ? `${told} ${request}` : `${told} ${request}: ${answer}`;
}

/** `192.0.2.1:5683`, `[2001:db8::1]:5683` */
export const addressText = ({ address, port }: Pick<Peer, "address" | "port">): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

function lifecycleFragment(registration: Registration): Fragments {
  const { endpoint, id, peer, lifetimeSeconds, binding, version, queueMode } = registration;
  return {
    endpoint,
    registrationId: id,
    address: addressText(peer),
    lifetime: lifetimeSeconds,
    bindingMode: binding,
    lwm2mVersion: version,
    queueMode,
  };
}

export function createLifecycleEvents({ store, platform, clock, log }: LifecycleEventsParts): LifecycleEvents {
  let queue: Waiting[] = [];
  let dropped = 0;
  let timer: Disposable | undefined;
  let writing: Promise<void> | undefined;

  function arm(delayMs: number): void {
    timer = clock.after(delayMs, () => {
      timer = undefined;
      writing = writeOnce();
    });
  }

  function put(event: Waiting, mostWaiting: number): void {
    if (queue.length >= mostWaiting) {
      dropped++;
      return;
    }
    queue.push(event);
    if (!timer && !writing) arm(PACE_MS);
  }

  async function writeOnce(): Promise<void> {
    const stored = await write();
    writing = undefined;
    if (queue.length > 0) arm(stored ? PACE_MS : RETRY_MS);
  }

  /** @returns whether the oldest of what waits are stored */
  async function write(): Promise<boolean> {
    const batch = queue.slice(0, BATCH);
    try {
      const ids = await store.nextIds("events", batch.length);
      await platform.write(
        batch.map(({ tenant, deviceId, type, text, atMs, fragments }, i) => {
          const event = { sourceId: deviceId, type, text, timeMs: atMs, fragments: fragments() };
          return eventOp(tenant, String(ids[i]), event, clock.now());
        }),
      );
      const written = new Set(batch);
      queue = queue.filter(waiting => !written.has(waiting));
      return true;
    } catch (error) {
      log.warn("lifecycle.events-not-stored", { waiting: queue.length, reason: messageOf(error) });
      return false;
    }
  }

  return {
    get dropped() {
      return dropped;
    },
    get waiting() {
      return queue.length;
    },
    add(kind, registration) {
      const { tenant, deviceId, settings } = registration;
      if (settings.logLevel === "NONE") return;
      const about = { tenant, deviceId, ...WORDS[kind], atMs: clock.now() };
      const most = kind === "updated" ? MOST_UPDATES : MOST_WAITING;
      put({ ...about, fragments: () => ({ [LIFECYCLE]: lifecycleFragment(registration) }) }, most);
    },
    addOther({ logLevel, fragment, fragmentName = LIFECYCLE, ...about }) {
      if (logLevel === "NONE") return;
      put({ ...about, atMs: clock.now(), fragments: () => ({ [fragmentName]: fragment }) }, MOST_WAITING);
    },
    addTraffic(entry) {
      const { registration, ...exchange } = entry;
      const { tenant, deviceId } = registration;
      const about = { tenant, deviceId, type: TRAFFIC, text: trafficText(entry), atMs: clock.now() };
      put({ ...about, fragments: () => ({ [TRAFFIC]: exchange }) }, MOST_TRAFFIC);
    },
    forget(gone) {
      queue = queue.filter(({ deviceId }) => deviceId !== gone);
    },
    async [Symbol.asyncDispose]() {
      timer?.[Symbol.dispose]();
      await writing;
      timer?.[Symbol.dispose]();
      while (queue.length > 0 && (await write()));
    },
  };
}
