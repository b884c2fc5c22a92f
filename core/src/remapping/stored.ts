/** Payloads and alarms that messages left in the store, found by the ids that follow from the messages. */
import { fromRawDocument, type RawPayload } from "../decoding/raw-payload.ts";
import { alarmDocumentId, documentId, historyAlarmId } from "../mapping/document-ids.ts";
import type { CollectionSpec, Document } from "../store/collection.ts";
import { RAW_PAYLOADS } from "../store/collections/decoding.ts";
import { ALARMS, type AlarmDocument } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import type { Outcome } from "./outcome.ts";

/** Of one message. */
export interface Stored {
  readonly payloads: readonly RawPayload[];
  /** Alarms that it began, open or not. */
  readonly alarms: readonly AlarmDocument[];
}

const ASKED_AT_ONCE = 2000;
/** Places looked at beyond those that are known of: another protocol may have given decoders more. */
const MARGIN = 8;

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

const payloadIds = ({ message, payloads }: Outcome): string[] =>
  range(Math.max(message.places.decode, payloads.length) + MARGIN).map(place => documentId(message, "decode", place));

function alarmIds({ message, alarms }: Outcome): string[] {
  const types = new Set([...message.laterAlarms, ...alarms.map(({ type }) => type)]);
  return [
    ...range(message.places.alarm).map(place => alarmDocumentId(message, message.appliedAtMs, place)),
    ...[...types].map(type => historyAlarmId(message, type)),
  ];
}

async function byId<T extends Document & { readonly tenant: string }>(
  store: Pick<Store, "collection">,
  spec: CollectionSpec<T>,
  tenant: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, T>> {
  const found = new Map<string, T>();
  for (let from = 0; from < ids.length; from += ASKED_AT_ONCE) {
    const filter = { _id: { $in: ids.slice(from, from + ASKED_AT_ONCE) }, tenant };
    const page = await store.collection(spec).find(filter as never, { limit: ASKED_AT_ONCE });
    for (const document of page) found.set(document._id, document);
  }
  return found;
}

/** @returns in the order of the outcomes */
export async function readStored(
  store: Pick<Store, "collection">,
  tenant: string,
  outcomes: readonly Outcome[],
): Promise<readonly Stored[]> {
  const ids = outcomes.map(outcome => ({ payloads: payloadIds(outcome), alarms: alarmIds(outcome) }));
  const [payloads, alarms] = await Promise.all([
    byId(
      store,
      RAW_PAYLOADS,
      tenant,
      ids.flatMap(each => each.payloads),
    ),
    byId(
      store,
      ALARMS,
      tenant,
      ids.flatMap(each => each.alarms),
    ),
  ]);
  return ids.map(each => ({
    payloads: each.payloads.flatMap(id => payloads.get(id) ?? []).map(fromRawDocument),
    alarms: each.alarms.flatMap(id => alarms.get(id) ?? []),
  }));
}
