/** What decoding again does to alarms and last values: counts and samples. Pure. */
import type { AlarmChange, LastValueChange, LatePlan, LeftAlarm } from "../../mapping/late-effects.ts";
import type { RawPayload } from "../raw-payload.ts";
import { type ShownPayload, shortSides, shortText, shownPayload } from "./shown.ts";

export interface AlarmSample extends ShownPayload, AlarmChange {}
export interface LastValueSample extends ShownPayload, Omit<LastValueChange, "before" | "after"> {
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Each is counted for each payload that speaks of it: an alarm that many payloads leave as it is counts many times. */
export interface AlarmTally {
  readonly raised: number;
  readonly cleared: number;
  readonly left: Readonly<Record<LeftAlarm, number>>;
  /** The first of each outcome. */
  readonly samples: readonly AlarmSample[];
}

/** Resources by what becomes of their last values, for each payload that has one. */
export interface LastValueTally extends Readonly<Record<LastValueChange["outcome"], number>> {
  /** The first of each outcome, but for equal ones. */
  readonly samples: readonly LastValueSample[];
}

export interface LateTally {
  readonly alarms: AlarmTally;
  readonly lastValues: LastValueTally;
}

export const NO_LATE_TALLY: LateTally = {
  alarms: {
    raised: 0,
    cleared: 0,
    left: { open: 0, unmade: 0, done: 0, older: 0, maintenance: 0, notOpen: 0 },
    samples: [],
  },
  lastValues: { added: 0, changed: 0, equal: 0, older: 0, samples: [] },
};

const MOST_OF_OUTCOME = 5;

/** With one more, unless there are enough of its outcome. */
const sampled = <T extends { readonly outcome: string }>(samples: readonly T[], sample: T): readonly T[] =>
  samples.filter(({ outcome }) => outcome === sample.outcome).length < MOST_OF_OUTCOME ? [...samples, sample] : samples;

function withAlarm(tally: AlarmTally, raw: RawPayload, { type, outcome }: AlarmChange): AlarmTally {
  const samples = sampled(tally.samples, { ...shownPayload(raw), type: shortText(type), outcome });
  if (outcome === "raised" || outcome === "cleared") return { ...tally, [outcome]: tally[outcome] + 1, samples };
  return { ...tally, left: { ...tally.left, [outcome]: tally.left[outcome] + 1 }, samples };
}

function withValue(tally: LastValueTally, raw: RawPayload, change: LastValueChange): LastValueTally {
  const { outcome } = change;
  const sample: LastValueSample = shortSides({ ...shownPayload(raw), ...change });
  const samples = outcome === "equal" ? tally.samples : sampled(tally.samples, sample);
  return { ...tally, [outcome]: tally[outcome] + 1, samples };
}

/** The same with one more payload. */
export const lateTallied = (
  { alarms, lastValues }: LateTally,
  raw: RawPayload,
  plan: Pick<LatePlan, "alarms" | "lastValues">,
): LateTally => ({
  alarms: plan.alarms.reduce((tally, change) => withAlarm(tally, raw, change), alarms),
  lastValues: plan.lastValues.reduce((tally, change) => withValue(tally, raw, change), lastValues),
});
