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
import type { Peer } from "../../transport/transport.ts";
import { createRegisterGate, type Lane } from "./register-gate.ts";
import { createRegisterPace } from "./register-pace.ts";
import { createReturnTimes } from "./return-times.ts";

export interface AdmissionOptions {
  /** Registers in a second: in all, of one tenant, from one source address. Known devices are bound by the first alone. */
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
   * Runs the work of a Register when its turn has come.
   * @param isKnown the device is registered already
   * @throws MooringError OVERLOADED, `details {retryAfterSeconds}`; else as `work` does
   */
  run<T>(peer: Peer, isKnown: boolean, work: () => Promise<T>): Promise<T>;
  /** Once it is known whose device a stranger is. @throws MooringError OVERLOADED as above */
  takeOfTenant(tenant: string): void;
  /** Registers that wait for their turn. */
  readonly waiting: number;
}

/** What is bound: rate, buckets, and the words for it. */
interface Bound {
  readonly name: string;
  readonly perSecond: number;
  readonly buckets: TokenBuckets;
}

const MOST_KEYS = 100_000;
/** What waits is served within this time: before a device is told in an empty acknowledgement that its answer comes later. */
const LONGEST_WAIT_MS = 800;
const LEAST_WAITING = 32;

export function createAdmission({ clock, random, options, received }: AdmissionParts): Admission {
  const gate = createRegisterGate({ received });
  const pace = createRegisterPace(clock, options.registersPerSecond);
  const returns = createReturnTimes(clock, random, MOST_KEYS);
  const bound = (name: string, perSecond: number): Bound => {
    const buckets = createTokenBuckets(clock, { perSecond, burst: perSecond }, MOST_KEYS);
    return { name, perSecond, buckets };
  };
  const inAll = bound("", options.registersPerSecond);
  const ofAddress = bound(" from this address", options.registersPerSecondPerAddress);
  const ofTenant = bound(" of the tenant", options.registersPerSecondPerTenant);

  function postponed({ name, perSecond }: Bound, key: string, leastMs: number): MooringError {
    const retryAfterSeconds = returns.next(`${name} ${key}`, leastMs, Math.min(perSecond, pace.perSecond()));
    const message = `too many devices${name} register, come back in ${retryAfterSeconds} s`;
    return new MooringError("OVERLOADED", message, { retryAfterSeconds });
  }

  function take(bound: Bound, key: string): void {
    const waitMs = bound.buckets.take(key);
    if (waitMs > 0) throw postponed(bound, key, waitMs);
  }

  function takeTurn({ address }: Peer, lane: Lane): void {
    const mostWaiting = Math.max(LEAST_WAITING, (pace.perSecond() * LONGEST_WAIT_MS) / 1000);
    if (gate.waiting(lane) >= mostWaiting) {
      pace.postponed();
      throw postponed(inAll, lane, 0);
    }
    if (lane === "stranger") take(ofAddress, address);
    try {
      take(inAll, lane);
    } catch (error) {
      if (lane === "stranger") ofAddress.buckets.giveBack(address);
      throw error;
    }
  }

  const waiting = (): number => gate.waiting("known") + gate.waiting("stranger");
  return {
    async run(peer, isKnown, work) {
      const lane = isKnown ? "known" : "stranger";
      takeTurn(peer, lane);
      try {
        return await gate.run(lane, work);
      } finally {
        pace.served();
      }
    },
    takeOfTenant: tenant => take(ofTenant, tenant),
    get waiting() {
      return waiting();
    },
  };
}
