/**
 * What one device says, in the order in which it said it, however its messages come: what its next message is mapped by may still be looked
 * up, or be written, for an earlier one.
 */
import { MooringError } from "../base/errors.ts";
import { createKeyedTurns } from "../base/keyed-turns.ts";

export interface DeviceLine {
  /** Whether something of the device is under way. */
  isTaken(deviceId: string): boolean;
  /** As `KeyedTurns`, by device. @throws MooringError STORE_FULL when too much of the device waits */
  run<T>(deviceId: string, work: (letNextBegin: () => void) => Promise<T>): Promise<T>;
}

/** A device that waits for its answers has far fewer under way. */
const MOST_IN_LINE = 1000;

export function createDeviceLine(): DeviceLine {
  const turns = createKeyedTurns();
  return {
    isTaken: deviceId => turns.count(deviceId) > 0,
    run: (deviceId, work) =>
      turns.count(deviceId) < MOST_IN_LINE
        ? turns(deviceId, work)
        : Promise.reject(new MooringError("STORE_FULL", "too many messages of the device wait", { deviceId })),
  };
}
