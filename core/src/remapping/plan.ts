/** What a plan says of a walk: how much of each kind would change, and the first of it. */
import { sameJson } from "../base/same-json.ts";
import type { RawPayload } from "../decoding/raw-payload.ts";
import type { MapFailure } from "../mapping/engine.ts";
import type { PlaceChange } from "../mapping/supersession.ts";
import { formatTime } from "../platform/time.ts";
import type { JsonObject } from "../store/collection.ts";
import type { AlarmDocument } from "../store/collections/platform.ts";
import type { Step } from "./walk.ts";

/** A document that would be other: `{type, time, <fragments>}` each, without what the host alone says of it; one is absent where there is none. */
export interface Sample {
  readonly id: string;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
}

/** Of one kind of documents. */
export interface KindPlan {
  /** Not stored, would be. */
  readonly produced: number;
  /** Stored, would be other. */
  readonly changed: number;
  /** Stored, would not be. */
  readonly removed: number;
  readonly unchanged: number;
  /** The first of what is produced, changed and removed. */
  readonly samples: readonly Sample[];
}

export interface AlarmPlan extends KindPlan {
  /** Open ones that would not have been raised, or otherwise, and those that would be open: history leaves them to the present. */
  readonly leftOpen: number;
}

export interface DecoderPlan {
  readonly decoder: string;
  /** Payloads that it would be given anew. */
  readonly given: number;
  /** Payloads that it was given and would not have been: they go, with the measurements and events that it made. */
  readonly taken: number;
  /** Some of the given were tried. Absent: it is not installed, or none were. */
  readonly tried?: DecoderTrial;
}

export interface DecoderTrial {
  readonly payloads: number;
  readonly failed: number;
  readonly measurements: number;
  readonly events: number;
  readonly alarms: number;
  /** Why the first of those failed. */
  readonly reason?: string;
}

export interface FailurePlan extends MapFailure {
  readonly count: number;
}

export interface PlanSummary {
  readonly messages: number;
  /** Messages that were too long for their values to be kept: their documents stay as they are. */
  readonly withoutValues: number;
  readonly measurements: KindPlan;
  readonly events: KindPlan;
  readonly alarms: AlarmPlan;
  readonly decoders: readonly DecoderPlan[];
  /** What actions would fail at, the most frequent first. */
  readonly failures: readonly FailurePlan[];
}

const SAMPLES = 5;
const FAILURES = 20;
const REMEMBERED_FAILURES = 1000;

function createKind() {
  const counts = { produced: 0, changed: 0, removed: 0, unchanged: 0 };
  const samples = { produced: [] as Sample[], changed: [] as Sample[], removed: [] as Sample[] };
  return {
    add(what: keyof typeof samples, sample: Sample): void {
      counts[what]++;
      if (samples[what].length < SAMPLES) samples[what].push(sample);
    },
    addUnchanged: (count: number): void => void (counts.unchanged += count),
    plan: (): KindPlan => ({ ...counts, samples: [...samples.produced, ...samples.changed, ...samples.removed] }),
  };
}
type Kind = ReturnType<typeof createKind>;

function addPlace(kind: Kind, { id, before, after }: PlaceChange): void {
  if (!before) kind.add("produced", { id, after: after! });
  else if (!after) kind.add("removed", { id, before });
  else if (sameJson(before, after)) kind.addUnchanged(1);
  else kind.add("changed", { id, before, after });
}

const showAlarm = ({
  type,
  text,
  severity,
  status,
  firstOccurrenceTime,
  count,
  custom,
}: AlarmDocument): JsonObject => ({
  ...{ type, time: formatTime(firstOccurrenceTime), text, severity, status, count },
  ...custom,
});

interface DecoderCount {
  given: number;
  taken: number;
}

export interface Summary {
  add(steps: readonly Step[]): void;
  /** The first payloads of each decoder that would be given to it. */
  readonly firstGiven: ReadonlyMap<string, readonly RawPayload[]>;
  plan(unfinishedAlarms: number, trials: ReadonlyMap<string, DecoderTrial>): PlanSummary;
}

/** @param payloadsKept of each decoder, to be tried */
export function createSummary(payloadsKept: number): Summary {
  const measurements = createKind();
  const events = createKind();
  const alarms = createKind();
  const decoders = new Map<string, DecoderCount>();
  const firstGiven = new Map<string, RawPayload[]>();
  const failures = new Map<string, FailurePlan>();
  let [messages, withoutValues, leftOpen] = [0, 0, 0];

  const countOf = (decoder: string): DecoderCount => {
    const known = decoders.get(decoder) ?? { given: 0, taken: 0 };
    decoders.set(decoder, known);
    return known;
  };
  const give = (raw: RawPayload): void => {
    countOf(raw.decoder).given++;
    const first = firstGiven.get(raw.decoder) ?? [];
    firstGiven.set(raw.decoder, first);
    if (first.length < payloadsKept) first.push(raw);
  };
  const fail = (failure: MapFailure): void => {
    const key = `${failure.path} ${failure.action} ${failure.reason}`;
    const known = failures.get(key);
    if (known || failures.size < REMEMBERED_FAILURES) failures.set(key, { ...failure, count: (known?.count ?? 0) + 1 });
  };

  function addStep({ outcome, documents, payloads, alarms: step, made }: Step): void {
    messages++;
    if (outcome.message.values === undefined) withoutValues++;
    for (const change of documents.places) addPlace(change.kind === "measurement" ? measurements : events, change);
    for (const { document } of made) alarms.add("produced", { id: document._id, after: showAlarm(document) });
    for (const before of step.removed) alarms.add("removed", { id: before._id, before: showAlarm(before) });
    for (const { before, after } of step.changed)
      alarms.add("changed", { id: before._id, before: showAlarm(before), after: showAlarm(after) });
    alarms.addUnchanged(step.unchanged);
    leftOpen += step.open.length;
    for (const raw of payloads.given) give(raw);
    for (const { decoder } of payloads.taken) countOf(decoder).taken++;
    for (const failure of outcome.failures) fail(failure);
  }

  return {
    add: steps => void steps.forEach(addStep),
    firstGiven,
    plan: (unfinishedAlarms, trials) => ({
      messages,
      withoutValues,
      measurements: measurements.plan(),
      events: events.plan(),
      alarms: { ...alarms.plan(), leftOpen: leftOpen + unfinishedAlarms },
      decoders: [...decoders].map(([decoder, counts]) => {
        const tried = trials.get(decoder);
        return { decoder, ...counts, ...(tried && { tried }) };
      }),
      failures: [...failures.values()].toSorted((a, b) => b.count - a.count).slice(0, FAILURES),
    }),
  };
}
