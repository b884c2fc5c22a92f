/**
 * Who may begin a handshake. A quarter of the room and of the rate is for peers that are known: in a herd, after an outage or an
 * attack, the fleet comes back through it however many strangers knock.
 */
import type { Clock } from "../../base/clock.ts";
import { createTokenBuckets } from "../../base/token-bucket.ts";
import { networkOf } from "../network-of.ts";
import type { DtlsOptions } from "./dtls.ts";

const STRANGERS_SHARE = 3 / 4;
const MAX_NETWORKS = 10_000;

export interface HandshakeAdmission {
  /**
   * @param underWay handshakes that are
   * @param isKnown  the peer's address has a session, or it offers to resume one
   */
  admit(address: string, underWay: number, isKnown: boolean): boolean;
}

export function createHandshakeAdmission(
  clock: Clock,
  options: Pick<DtlsOptions, "maxHandshakes" | "handshakeRate" | "handshakeRatePerAddress">,
): HandshakeAdmission {
  const { maxHandshakes, handshakeRate } = options;
  const strangersRate = {
    perSecond: handshakeRate.perSecond * STRANGERS_SHARE,
    burst: Math.max(1, handshakeRate.burst * STRANGERS_SHARE),
  };
  const maxStrangers = Math.max(1, Math.floor(maxHandshakes * STRANGERS_SHARE));
  const all = createTokenBuckets(clock, handshakeRate);
  const strangers = createTokenBuckets(clock, strangersRate);
  const networks = createTokenBuckets(clock, options.handshakeRatePerAddress, MAX_NETWORKS);

  return {
    admit(address, underWay, isKnown) {
      if (underWay >= (isKnown ? maxHandshakes : maxStrangers)) return false;
      const network = networkOf(address);
      if (networks.take(network) > 0) return false;
      const isRefused = isKnown ? all.take("") > 0 : strangers.take("") > 0 || all.take("") > 0;
      if (isRefused) networks.giveBack(network);
      return !isRefused;
    },
  };
}
