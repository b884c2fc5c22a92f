/** What a fleet has seen, counted over all its devices. */

export interface FleetCounters {
  handshakes: number;
  resumptions: number;
  handshakesFailed: number;
  /** Registers answered 2.01. */
  registered: number;
  /** Registers answered 5.03: too much at once. */
  deferred: number;
  /** Registers with any other answer, or none. */
  registersFailed: number;
  /** Updates answered 2.04. */
  updated: number;
  /** Updates with any other answer, or none. */
  updatesFailed: number;
  /** Notifications, confirmable or not. */
  notified: number;
  /** Notifications that were acknowledged. */
  acknowledged: number;
  /** Notifications that were answered with Reset. */
  resets: number;
  /** Notifications that nobody answered. */
  unanswered: number;
  /** Messages sent again. */
  retransmissions: number;
  /** Requests of the server that were answered, each once. */
  served: number;
  /** Times that the server asked to observe. */
  observations: number;
}

export const createFleetCounters = (): FleetCounters => ({
  handshakes: 0,
  resumptions: 0,
  handshakesFailed: 0,
  registered: 0,
  deferred: 0,
  registersFailed: 0,
  updated: 0,
  updatesFailed: 0,
  notified: 0,
  acknowledged: 0,
  resets: 0,
  unanswered: 0,
  retransmissions: 0,
  served: 0,
  observations: 0,
});

/** Times in ms from a message's first sending to its answer. */
export interface Latencies {
  readonly handshake: number[];
  readonly register: number[];
  readonly update: number[];
  readonly notification: number[];
}

export const createLatencies = (): Latencies => ({ handshake: [], register: [], update: [], notification: [] });

/** @param share 0..1, such as 0.99 @returns undefined of none */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
