/** Notifications and Updates of a fleet, with books: what each device sent and what it was told. */
import { setTimeout as pause } from "node:timers/promises";
import type { LightDevice } from "../simulator/light-device.ts";
import { inParallel } from "./in-parallel.ts";

export interface DeviceBooks {
  /** Values of confirmable notifications that were acknowledged, in order. */
  readonly acknowledged: number[];
  /** Values of non-confirmable notifications, in order. */
  readonly told: number[];
  /** Codes that Updates were answered with; `none` where nobody answered. */
  readonly updates: string[];
  /** Confirmable notifications that were reset or never answered. */
  readonly failed: string[];
}

export interface FleetTraffic {
  /** In the order of the devices. */
  readonly books: readonly DeviceBooks[];
  /** Runs until `signal` aborts and the last message of each device is answered. Values go on from one run to the next. */
  run(signal: AbortSignal): Promise<void>;
  /** One more confirmable notification of each. Notifications go their way in order: those before it are stored then, or lost. */
  notifyAll(): Promise<void>;
}

export interface TrafficOptions {
  /** Pause of each device between two messages; each waits for its answer first. */
  readonly pauseMs: number;
}

/** Distance between the values of two devices: each value says whose it is. */
const APART = 1_000_000;
const AT_ONCE = 100;

export function createFleetTraffic(devices: readonly LightDevice[], { pauseMs }: TrafficOptions): FleetTraffic {
  const books = devices.map((): DeviceBooks => ({ acknowledged: [], told: [], updates: [], failed: [] }));
  const values = devices.map((_, at) => (at + 1) * APART);

  const notify = async (device: LightDevice, { acknowledged, failed }: DeviceBooks, value: number): Promise<void> => {
    const outcome = await device.notify(value);
    if (outcome === "acknowledged") acknowledged.push(value);
    else failed.push(`${value} ${outcome}`);
  };
  const messages = [
    notify,
    async (device: LightDevice, { told }: DeviceBooks, value: number): Promise<void> => {
      device.tell(value);
      told.push(value);
    },
    async (device: LightDevice, { updates }: DeviceBooks): Promise<void> => {
      updates.push((await device.update()) ?? "none");
    },
  ];
  const rest = (ms: number, signal: AbortSignal): Promise<void> => pause(ms, undefined, { signal }).catch(() => {});

  return {
    books,
    async run(signal) {
      await Promise.all(
        devices.map(async (device, at) => {
          // Spread over the period, as real ones are.
          await rest((at * pauseMs) / devices.length, signal);
          for (let turn = at; !signal.aborted; turn++) {
            await messages[turn % messages.length]!(device, books[at]!, ++values[at]!);
            await rest(pauseMs, signal);
          }
        }),
      );
    },
    notifyAll: async () =>
      void (await inParallel(devices, (device, at) => notify(device, books[at]!, ++values[at]!), AT_ONCE)),
  };
}
