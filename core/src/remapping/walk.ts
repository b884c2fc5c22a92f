/**
 * A device's kept messages, one after the other, through the mapping that is proposed and against what is stored: some messages at a
 * time, so that a long stretch is never in memory.
 */
import { equalBytes } from "../base/bytes.ts";
import type { DeviceView } from "../contract/action.ts";
import type { RawPayload } from "../decoding/raw-payload.ts";
import { historyAlarmId } from "../mapping/document-ids.ts";
import type { MapParts } from "../mapping/engine.ts";
import { planSupersessions, type Supersession } from "../mapping/supersession.ts";
import { MAX_FIND_LIMIT } from "../store/collection.ts";
import { ALARMS, type AlarmDocument } from "../store/collections/platform.ts";
import { VALUE_HISTORY } from "../store/collections/values.ts";
import type { Store } from "../store/store.ts";
import { type AlarmStep, createAlarmStory, type EndedAlarm } from "./alarm-story.ts";
import { keptMessages, type Limit } from "./history.ts";
import { createRemap, type Outcome } from "./outcome.ts";
import { readStored, type Stored } from "./stored.ts";

export interface WalkParts {
  readonly store: Pick<Store, "collection" | "series">;
  readonly mapping: MapParts;
  readonly nowMs: () => number;
}

export interface Subject {
  readonly device: DeviceView;
  /** Of receipt, both inclusive. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PayloadChanges {
  /** To be given to a decoder. */
  readonly given: readonly RawPayload[];
  /** Given to a decoder that would not have been, or not to that one. */
  readonly taken: readonly RawPayload[];
}

export interface Step {
  readonly outcome: Outcome;
  readonly documents: Supersession;
  readonly payloads: PayloadChanges;
  readonly alarms: AlarmStep;
  /** Of `alarms.ended`: to be made, since no other alarm of that type and time is stored. */
  readonly made: readonly EndedAlarm[];
}

export interface Walk {
  /** Messages in order, some at a time. */
  steps(): AsyncGenerator<readonly Step[]>;
  /** After the last step: alarms that would be open, and are not for history to raise. */
  unfinishedAlarms(): number;
}

/** Documents compared at a time; a message is never parted. */
const DOCUMENTS_AT_ONCE = 500;

export async function* outcomesOf(
  { store, mapping }: Pick<WalkParts, "store" | "mapping">,
  subject: Subject,
  limit?: Limit,
): AsyncGenerator<Outcome> {
  const remap = createRemap(mapping, subject.device);
  const stretch = { ...subject, deviceId: subject.device.id };
  for await (const message of keptMessages(store.collection(VALUE_HISTORY), stretch, limit)) yield remap(message);
}

const weightOf = ({ message: { places }, documents, payloads, alarms }: Outcome): number =>
  1 + places.measurement + places.event + documents.length + payloads.length + alarms.length;

async function* inChunks(outcomes: AsyncIterable<Outcome>): AsyncGenerator<readonly Outcome[]> {
  let chunk: Outcome[] = [];
  let weight = 0;
  for await (const outcome of outcomes) {
    chunk.push(outcome);
    weight += weightOf(outcome);
    if (weight < DOCUMENTS_AT_ONCE) continue;
    yield chunk;
    chunk = [];
    weight = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Where values are missing nothing is known of what they would become: the message's documents stay. */
const UNTOUCHED: Omit<Step, "outcome"> = {
  documents: { places: [], ops: [] },
  payloads: { given: [], taken: [] },
  alarms: { changed: [], removed: [], unchanged: 0, open: [], ended: [] },
  made: [],
};

const isSamePayload = (a: RawPayload, b: RawPayload): boolean =>
  a.id === b.id &&
  a.decoder === b.decoder &&
  a.path === b.path &&
  a.resourceType === b.resourceType &&
  a.atMs === b.atMs &&
  equalBytes(a.bytes, b.bytes);

function payloadChanges(wanted: readonly RawPayload[], stored: readonly RawPayload[]): PayloadChanges {
  return {
    given: wanted.filter(one => !stored.some(other => isSamePayload(one, other))),
    taken: stored.filter(one => !wanted.some(other => isSamePayload(one, other))),
  };
}

export function createWalk(parts: WalkParts, subject: Subject, limit?: Limit): Walk {
  const { store, nowMs } = parts;
  const { id: deviceId, tenant } = subject.device;
  const story = createAlarmStory();
  /** Alarms that history made or takes away: they cover no other. */
  const own = new Set<string>();

  /** By the times of receipt: an alarm that began before this one's end is then one whose message has been seen. */
  async function isCovered({ type, creationTime, lastUpdated }: AlarmDocument): Promise<boolean> {
    const filter = { creationTime: { $lte: lastUpdated }, lastUpdated: { $gte: creationTime } };
    const alarms = await store
      .collection(ALARMS)
      .find({ source: deviceId, tenant, type, ...filter }, { limit: MAX_FIND_LIMIT });
    return alarms.some(({ _id }) => !own.has(_id));
  }

  async function stepOf(outcome: Outcome, documents: Supersession, stored: Stored): Promise<Step> {
    const alarms = story.step(outcome, stored.alarms);
    for (const { _id } of alarms.removed) own.add(_id);
    for (const { _id, type } of stored.alarms) if (_id === historyAlarmId(outcome.message, type)) own.add(_id);
    const made: EndedAlarm[] = [];
    for (const ended of alarms.ended) {
      if (await isCovered(ended.document)) continue;
      own.add(ended.document._id);
      made.push(ended);
    }
    return { outcome, documents, payloads: payloadChanges(outcome.payloads, stored.payloads), alarms, made };
  }

  async function stepsOf(outcomes: readonly Outcome[]): Promise<Step[]> {
    const known = outcomes.filter(({ message }) => message.values !== undefined);
    const messages = known.map(({ message, documents }) => {
      const { measurement: measurements, event: events } = message.places;
      return { message, effects: documents, made: { measurements, events } };
    });
    const [documents, stored] = await Promise.all([
      planSupersessions(store, messages, nowMs()),
      readStored(store, tenant, known),
    ]);
    const steps: Step[] = [];
    let at = 0;
    for (const outcome of outcomes) {
      if (outcome.message.values === undefined) steps.push({ outcome, ...UNTOUCHED });
      else steps.push(await stepOf(outcome, documents[at]!, stored[at++]!));
    }
    return steps;
  }

  return {
    async *steps() {
      for await (const outcomes of inChunks(outcomesOf(parts, subject, limit))) yield await stepsOf(outcomes);
    },
    unfinishedAlarms: story.unfinished,
  };
}
