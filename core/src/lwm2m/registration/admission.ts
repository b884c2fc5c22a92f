/**
 * Which Registers are taken, and when the others are to come back. A herd (power is back, a cell is back) brings more of them
 * in a second than can be served: those within the rates wait for their turn, the rest are told a time, each a later one than the
 * one before, at the pace at which Registers are served. Devices that are registered have a rate and a line of their own, so that
 * strangers cannot crowd them out; Updates, notifications and Sends never come here.
 */
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { createTokenBuckets, type TokenBuckets } from "../../base/token-bucket.ts";
import { createTurnGate, type Lane } from "../../base/turn-gate.ts";
import { networkOf } from "../../transport/network-of.ts";
import type { Peer } from "../../transport/transport.ts";
import { createRegisterPace } from "./register-pace.ts";
import { createReturnTimes } from "./return-times.ts";

export interface AdmissionOptions {
  /**
   * Registers in a second: in all, of one tenant, and from one source address (network-of.ts) without a proven identity. Known devices are bound by
   * the first alone.
   */
  readonly registersPerSecond: number;
  readonly registersPerSecondPerTenant: number;
  readonly registersPerSecondPerAddress: number;
}

export interface AdmissionParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: AdmissionOptions;
  /** Datagrams that have come so far. */
  received(): number;
}

export interface Admission {
  /**
   * Whether a Register may come in. No error and no promise: most of a herd hears no more than this.
   * @param isKnown the device is registered already
   * @returns 0, or the seconds after which to come back
   */
  take(peer: Peer, isKnown: boolean): number;
  /** Runs the work of a Register that was taken when its turn has come. */
  run<T>(isKnown: boolean, work: () => Promise<T>): Promise<T>;
  /** Once it is known whose device a stranger is. @throws MooringError OVERLOADED, `details {retryAfterSeconds}` */
  takeOfTenant(tenant: string): void;
  /** Registers that wait for their turn. */
  readonly waiting: number;
}

/** What is bound: all, or each of many. */
interface Bound {
  readonly name: string;
  readonly perSecond: number;
  readonly buckets: TokenBuckets;
}

const MOST_KEYS = 100_000;
/** What waits is served within this time: before a device is told in an empty acknowledgement that its answer comes later. */
const LONGEST_WAIT_MS = 800;
const LEAST_WAITING = 32;

const laneOf = (isKnown: boolean): Lane => (isKnown ? "known" : "stranger");

export function createAdmission({ clock, random, options, received }: AdmissionParts): Admission {
  const gate = createTurnGate({ received });
  const pace = createRegisterPace(clock, options.registersPerSecond);
  const returns = createReturnTimes(clock, random, MOST_KEYS);
  const bound = (name: string, perSecond: number): Bound => {
    const buckets = createTokenBuckets(clock, { perSecond, burst: perSecond }, MOST_KEYS);
    return { name, perSecond, buckets };
  };
  const inAll = bound("all", options.registersPerSecond);
  const ofAddress = bound("address", options.registersPerSecondPerAddress);
  const ofTenant = bound("tenant", options.registersPerSecondPerTenant);

  const returnOf = ({ name, perSecond }: Bound, key: string, leastMs: number): number =>
    returns.next(`${name} ${key}`, leastMs, Math.min(perSecond, pace.perSecond()));

  /** @returns 0, or the seconds after which to come back */
  function takeOf(bound: Bound, key: string): number {
    const waitMs = bound.buckets.take(key);
    return waitMs > 0 ? returnOf(bound, key, waitMs) : 0;
  }

  function isLineFull(lane: Lane): boolean {
    const mostWaiting = Math.max(LEAST_WAITING, (pace.perSecond() * LONGEST_WAIT_MS) / 1000);
    const isFull = gate.waiting(lane) >= mostWaiting;
    if (isFull) pace.postponed();
    return isFull;
  }

  return {
    take({ address, identity }, isKnown) {
      const lane = laneOf(isKnown);
      if (isLineFull(lane)) return returnOf(inAll, lane, 0);
      // An address bounds those who have proved nothing; handshakes have a bound of their own.
      if (isKnown || identity) return takeOf(inAll, lane);
      const network = networkOf(address);
      const ofOne = takeOf(ofAddress, network);
      if (ofOne > 0) return ofOne;
      const ofAll = takeOf(inAll, lane);
      if (ofAll > 0) ofAddress.buckets.giveBack(network);
      return ofAll;
    },
    async run(isKnown, work) {
      try {
        return await gate.run(laneOf(isKnown), work);
      } finally {
        pace.served();
      }
    },
    takeOfTenant(tenant) {
      const retryAfterSeconds = takeOf(ofTenant, tenant);
      if (retryAfterSeconds === 0) return;
      throw new MooringError("OVERLOADED", "too many devices of the tenant register", { retryAfterSeconds });
    },
    get waiting() {
      return gate.waiting("known") + gate.waiting("stranger");
    },
  };
}
