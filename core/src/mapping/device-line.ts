/**
 * What one device says, in the order in which it said it, however its messages come: what its next message is mapped by may still be looked
 * up, or be written, for an earlier one.
 */
import { MooringError } from "../base/errors.ts";

export interface DeviceLine {
  /** Whether something of the device is under way. */
  isTaken(deviceId: string): boolean;
  /**
   * Begins `work` when all that was asked for earlier has ended or let the next begin: at once where nothing is under way. Results settle in
   * the order in which those of `work` do.
   * @throws MooringError STORE_FULL when too much of the device waits
   */
  run<T>(deviceId: string, work: (letNextBegin: () => void) => Promise<T>): Promise<T>;
}

interface Line {
  /** Settled when the last has ended or let the next begin. */
  last: Promise<void>;
  length: number;
}

/** A device that waits for its answers has far fewer under way. */
const MOST_IN_LINE = 1000;

export function createDeviceLine(): DeviceLine {
  const lines = new Map<string, Line>();
  return {
    isTaken: deviceId => lines.has(deviceId),
    run(deviceId, work) {
      const { promise: passed, resolve: letNextBegin } = Promise.withResolvers<void>();
      const line = lines.get(deviceId) ?? { last: Promise.resolve(), length: 0 };
      if (line.length >= MOST_IN_LINE)
        return Promise.reject(new MooringError("STORE_FULL", "too many messages of the device wait", { deviceId }));
      const before = line.length++ > 0 ? line.last : undefined;
      line.last = passed;
      lines.set(deviceId, line);
      const begun = before ? before.then(() => work(letNextBegin)) : work(letNextBegin);
      return begun.finally(() => {
        letNextBegin();
        if (--line.length === 0) lines.delete(deviceId);
      });
    },
  };
}
