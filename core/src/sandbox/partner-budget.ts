/**
 * Processor time of each partner as a token bucket: what it may use while others want their turn. Alone it may use what is
 * idle; what it uses then counts, but never so that it pays for longer than a bucket takes to fill.
 */
import type { Clock } from "../base/clock.ts";

export interface PartnerBudget {
  /** While others wait, this partner's decoders do not get a turn. */
  readonly isSpent: boolean;
  /** It was passed over for others, and has not had a turn since. */
  heldBack: boolean;
  /** When it has something to spend again, by the wall clock. */
  readonly refilledAtMs: number;
  charge(cpuMs: number): void;
}

export interface BudgetLimits {
  /** Of one processor core. */
  readonly partnerCpuPercent: number;
  /** What may be used at once after a calm time, and the most that is owed, ms of processor time. */
  readonly partnerBurstMs: number;
}

export function createPartnerBudget(clock: Clock, { partnerCpuPercent, partnerBurstMs }: BudgetLimits): PartnerBudget {
  let leftMs = partnerBurstMs;
  let countedAtMs = clock.monotonic();
  const left = (): number => {
    const nowMs = clock.monotonic();
    leftMs = Math.min(partnerBurstMs, leftMs + ((nowMs - countedAtMs) * partnerCpuPercent) / 100);
    countedAtMs = nowMs;
    return leftMs;
  };
  return {
    get isSpent() {
      return left() <= 0;
    },
    heldBack: false,
    get refilledAtMs() {
      return clock.now() + Math.max(0, Math.ceil((-left() * 100) / partnerCpuPercent));
    },
    charge(cpuMs) {
      leftMs = Math.max(-partnerBurstMs, left() - cpuMs);
    },
  };
}
