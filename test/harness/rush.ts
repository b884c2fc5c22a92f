/**
 * Many devices that register within a moment, as after a power failure. They behave: a Register that is not answered is
 * retransmitted (RFC 7252 section 4.2), so is a hello (RFC 6347 section 4.2.4), 5.03 is tried again after its Max-Age, Observe
 * requests are answered.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createFleetCounters } from "../simulator/fleet-counters.ts";
import { openRushingDevice } from "./rush-device.ts";
import type { RushingDevice, RushPlan, RushTally } from "./rush-plan.ts";
import { openSecureRushingDevice } from "./secure-rush-device.ts";

export interface RushResult {
  readonly registered: number;
  /** Location of each registered device. */
  readonly locations: readonly string[];
  readonly observed: number;
  /** Seconds from the beginning until all first Registers had left, until the median and the last device were registered, and observed. */
  readonly offeredSeconds: number;
  readonly medianSeconds: number;
  readonly lastSeconds: number;
  readonly observedSeconds: number;
  /** Given up by the device. */
  readonly handshakesFailed: number;
  /** Answers 5.03, other refusals, and retransmissions. */
  readonly postponed: number;
  readonly refused: number;
  readonly retransmissions: number;
}

const OPENED_AT_ONCE = 500;

async function openAll(plan: RushPlan, tally: RushTally): Promise<RushingDevice[]> {
  const open = plan.isSecure ? openSecureRushingDevice : openRushingDevice;
  const devices: RushingDevice[] = [];
  for (let at = plan.from; at < plan.from + plan.count; at += OPENED_AT_ONCE) {
    const count = Math.min(OPENED_AT_ONCE, plan.from + plan.count - at);
    devices.push(...(await Promise.all(Array.from({ length: count }, (_, i) => open(plan, at + i, tally)))));
  }
  return devices;
}

/** @returns ms until the last first Register had left */
async function offer(devices: readonly RushingDevice[], spreadMs: number): Promise<number> {
  const beganMs = performance.now();
  for (let next = 0; next < devices.length; ) {
    const due = Math.ceil(((performance.now() - beganMs) / spreadMs) * devices.length);
    for (; next < Math.min(due, devices.length); next++) devices[next]!.register();
    if (next < devices.length) await pause(1);
  }
  return performance.now() - beganMs;
}

/** @throws Error where sockets cannot be opened */
export async function rush(plan: RushPlan): Promise<RushResult> {
  const tally: RushTally = {
    counters: createFleetCounters(),
    observed: 0,
    registeredAtMs: [],
    locations: [],
    observedAtMs: Number.NaN,
  };
  const devices = await openAll(plan, tally);
  try {
    await pause(Math.max(0, (plan.startAtMs ?? 0) - Date.now()));
    const beganMs = performance.now();
    const offeredMs = await offer(devices, plan.spreadMs);
    const isDone = (): boolean =>
      tally.locations.length === plan.count && (plan.observations === 0 || tally.observed === plan.count);
    while (!isDone() && performance.now() - beganMs < plan.withinMs) await pause(20);
    const secondsTo = (atMs: number | undefined): number => ((atMs ?? Number.NaN) - beganMs) / 1000;
    return {
      registered: tally.locations.length,
      locations: tally.locations,
      observed: tally.observed,
      offeredSeconds: offeredMs / 1000,
      medianSeconds: secondsTo(tally.registeredAtMs[Math.floor(plan.count / 2)]),
      lastSeconds: secondsTo(tally.registeredAtMs.at(-1)),
      observedSeconds: secondsTo(tally.observedAtMs),
      handshakesFailed: tally.counters.handshakesFailed,
      postponed: tally.counters.deferred,
      refused: tally.counters.registersFailed,
      retransmissions: tally.counters.retransmissions,
    };
  } finally {
    await Promise.all(devices.map(device => device.close()));
  }
}
