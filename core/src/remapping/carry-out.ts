/** The writes that make what a plan says, for some messages at a time. */
import { forgetOps, keepOps, type RawPayload } from "../decoding/raw-payload.ts";
import type { DecodeIntake } from "../mapping/apply-effects.ts";
import { decodedMessage } from "../mapping/document-ids.ts";
import type { Superseder } from "../mapping/superseder.ts";
import { planSupersessions } from "../mapping/supersession.ts";
import { laterAlarmsOp } from "../mapping/value-history.ts";
import { ALARMS, type AlarmDocument } from "../store/collections/platform.ts";
import { deleteOp, insertOp, type Store, updateOp, type WriteOp } from "../store/store.ts";
import type { Step } from "./walk.ts";

export interface CarryOutParts {
  readonly tenant: string;
  readonly store: Pick<Store, "collection" | "series" | "write">;
  readonly decodes: DecodeIntake;
  /** Payloads that are being decoded are waited for. */
  readonly superseder: Pick<Superseder, "inTurn">;
  readonly nowMs: () => number;
}

/** Messages must come in order. Done again, it writes the same. */
export type CarryOut = (steps: readonly Step[]) => Promise<void>;

const correctOp = ({ _id, tenant, text, severity, firstOccurrenceTime, custom }: AlarmDocument): WriteOp =>
  updateOp(ALARMS, { _id, tenant }, { $set: { text, severity, firstOccurrenceTime, custom } });

export function createCarryOut(parts: CarryOutParts): CarryOut {
  const { tenant, store, nowMs } = parts;
  /** Types of alarms that history made, by the row of the message that began them. */
  const laterAlarms = new Map<string, Set<string>>();

  /** A row names the alarm before it is made: one that is not named would not be found. */
  const rowOps = (steps: readonly Step[]): WriteOp[] =>
    steps
      .flatMap(({ made }) => made)
      .map(({ message, document: { type } }) => {
        const types = laterAlarms.get(message.id) ?? new Set(message.laterAlarms);
        laterAlarms.set(message.id, types.add(type));
        return laterAlarmsOp(message, [...types]);
      });

  const alarmOps = ({ alarms, made }: Step): WriteOp[] => [
    ...alarms.removed.map(({ _id }) => deleteOp(ALARMS, { _id, tenant })),
    ...alarms.changed.map(({ after }) => correctOp(after)),
    ...made.map(({ document }) => insertOp(ALARMS, document)),
  ];

  /** Takes payloads away, with the measurements and events that decoders made of them; their alarms are of the present and stay. */
  async function takenOps(taken: readonly RawPayload[]): Promise<WriteOp[]> {
    const messages = taken.map(raw => ({ message: decodedMessage(raw), effects: [] }));
    const made = await planSupersessions(store, messages, nowMs());
    return [...made.flatMap(({ ops }) => ops), ...taken.flatMap(forgetOps)];
  }

  const givenOps = (given: readonly RawPayload[]): WriteOp[] =>
    given.flatMap(raw => keepOps(raw, parts.decodes.displayName(tenant, raw.decoder), nowMs()));

  return async steps => {
    const given = steps.flatMap(({ payloads }) => payloads.given);
    const taken = steps.flatMap(({ payloads }) => payloads.taken);
    await store.write(rowOps(steps));
    const documentOps = steps.flatMap(step => [...step.documents.ops, ...alarmOps(step)]);
    const payloadIds = new Set([...taken, ...given].map(({ id }) => id));
    await parts.superseder.inTurn([...payloadIds], async () =>
      store.write([...documentOps, ...(await takenOps(taken)), ...givenOps(given)]),
    );
    if (given.length > 0) parts.decodes.enqueue(given);
  };
}
