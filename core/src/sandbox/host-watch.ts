/**
 * When a decoder host has to be ended: the rules as one function of what can be seen of it. Time is wall time, but a host
 * that did not get the processor (other work on the machine) gets more of it: a decoder pays for its own time only.
 */
import type { CallFailureReason } from "./protocol.ts";

export interface OpenCall {
  /** By the monotonic clock, ms. */
  readonly sinceMs: number;
  readonly wallMs: number;
  /** The host's processor time when the watch first saw this call. */
  cpuFromMs: number | undefined;
}

export interface Verdict {
  readonly reason: CallFailureReason | "hostDied";
  readonly message: string;
}

/** Share of its wall time that a late host must have had on the processor to be ended at once. */
const FAIR_SHARE = 0.4;
/** A late host that did not get the processor, or sleeps, is ended after this many times the wall time. */
const STARVED_FACTOR = 4;

/**
 * @param stat   absent where the platform does not tell: then only wall time counts
 * @returns      undefined while the host may live
 */
export function judgeHost(
  calls: Iterable<OpenCall>,
  stat: { readonly rssBytes: number; readonly cpuMs: number } | undefined,
  nowMs: number,
  rssLimitBytes: number,
): Verdict | undefined {
  if (stat && stat.rssBytes > rssLimitBytes) {
    return { reason: "memory", message: `its host process reached ${Math.round(stat.rssBytes / 2 ** 20)} MB` };
  }
  for (const call of calls) {
    call.cpuFromMs ??= stat?.cpuMs;
    const ageMs = nowMs - call.sinceMs;
    if (ageMs <= call.wallMs) continue;
    const starved = stat !== undefined && stat.cpuMs - (call.cpuFromMs ?? 0) < FAIR_SHARE * call.wallMs;
    if (!starved || ageMs > STARVED_FACTOR * call.wallMs) {
      return { reason: "timeout", message: `no answer within ${Math.round(ageMs)} ms` };
    }
  }
  return undefined;
}
