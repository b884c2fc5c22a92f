/** What the devices of a rush are told, and tell. */
import type { FleetCounters } from "../simulator/fleet-counters.ts";

export interface RushPlan {
  readonly port: number;
  /** Over DTLS, a handshake first; with the keys of secure-accounts.ts. Default: plain UDP. */
  readonly isSecure?: boolean;
  /** Endpoint names are `<prefix><number>`. */
  readonly prefix: string;
  readonly from: number;
  readonly count: number;
  /** The first Registers leave within this time, evenly. */
  readonly spreadMs: number;
  /** Payload of Register. */
  readonly links: string;
  /** Observe requests that each device is to get; 0: none is waited for. */
  readonly observations: number;
  /** What is not registered and observed by then is counted as missing. */
  readonly withinMs: number;
  /** Milliseconds since the epoch at which it begins; default now. */
  readonly startAtMs?: number;
}

/** A device that gave up, or was refused, begins anew after this. */
export const AGAIN_MS = 10_000;

/** What all devices of a rush have seen. */
export interface RushTally {
  readonly counters: FleetCounters;
  observed: number;
  readonly registeredAtMs: number[];
  readonly locations: string[];
  observedAtMs: number;
}

/** Over one transport or the other. */
export interface RushingDevice {
  /** Begins, and goes on until it is registered. */
  register(): void;
  close(): Promise<void>;
}
