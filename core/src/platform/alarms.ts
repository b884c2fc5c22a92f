/** Alarms over the store (platform API 9). */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import type { Filter } from "../store/collection.ts";
import { ALARMS, type AlarmDocument, MANAGED_OBJECTS } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import {
  ALARM_STATUSES,
  alarmChange,
  clearUpdate,
  type NewAlarm,
  newAlarmDocument,
  openAlarmFilter,
  parseAlarm,
  raiseUpdate,
  requireStatus,
  toAlarm,
} from "./alarm.ts";
import { invalid } from "./body.ts";
import { notFound, unknownReference } from "./failures.ts";
import { inSlices, SLICE } from "./in-slices.ts";
import { inMaintenance } from "./managed-object.ts";
import type { Alarm, AlarmFilter, Alarms, Fragments, Inventory } from "./platform.ts";
import { readPage } from "./read-page.ts";
import { requireNarrow, timeFilter } from "./time-filter.ts";

/** Id of an alarm that was not kept, because its source is in maintenance (platform API 9.2). */
const NOT_KEPT = "null";

/** Managed objects of one owner that a filter by owner follows. */
const MOST_OWNED = 1000;

export interface AlarmsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly inventory: Pick<Inventory, "findCached">;
}

function statusesOf({ resolved, statuses }: AlarmFilter): AlarmFilter["statuses"] {
  if (resolved === undefined) return statuses;
  return ALARM_STATUSES.filter(status => (status === "CLEARED") === resolved);
}

/** @param owned ids of the owner's managed objects, where the filter names an owner */
function toFilter(tenant: string, filter: AlarmFilter, owned: readonly string[] | undefined): Filter<AlarmDocument> {
  const statuses = statusesOf(filter);
  return {
    tenant,
    ...(filter.sourceId === undefined ? {} : { source: filter.sourceId }),
    ...(owned === undefined ? {} : { $and: [{ source: { $in: owned } }] }),
    ...(filter.types === undefined ? {} : { type: { $in: filter.types } }),
    ...(statuses === undefined ? {} : { status: { $in: statuses } }),
    ...(filter.severities === undefined ? {} : { severity: { $in: filter.severities } }),
    ...timeFilter("time", filter),
    ...timeFilter("creationTime", filter.created ?? {}),
    ...timeFilter("lastUpdated", filter.lastUpdated ?? {}),
  };
}

const isNarrowed = ({ sourceOwner: _notAsked, ...asked }: AlarmFilter): boolean => Object.keys(asked).length > 0;

export function createAlarms({ store, clock, inventory }: AlarmsParts): Alarms {
  const alarms = store.collection(ALARMS);
  const objects = store.collection(MANAGED_OBJECTS);

  const newId = async (): Promise<string> => String((await store.nextIds("alarms", 1))[0]);
  const read = async (tenant: string, id: string): Promise<AlarmDocument> => {
    const document = await alarms.findOne({ _id: id, tenant });
    if (!document) throw notFound("alarm", id);
    return document;
  };

  const raise = async (tenant: string, alarm: NewAlarm): Promise<Alarm> => {
    const update = raiseUpdate(tenant, await newId(), alarm, clock.now());
    const document = await alarms.findOneAndUpdate(openAlarmFilter(alarm.sourceId, alarm.type), update, {
      upsert: true,
    });
    return toAlarm(document!);
  };

  /** Clears the open alarm; without one the cleared occurrence is kept as an alarm of its own. */
  const clear = async (tenant: string, alarm: NewAlarm): Promise<Alarm> => {
    const id = await newId();
    const open = openAlarmFilter(alarm.sourceId, alarm.type);
    const cleared = await alarms.findOneAndUpdate(open, clearUpdate(id, clock.now()));
    if (cleared) return toAlarm(cleared);
    const document = newAlarmDocument(tenant, id, alarm, clock.now());
    await alarms.insertOne(document);
    return toAlarm(document);
  };

  const filterFor = async (tenant: string, filter: AlarmFilter): Promise<Filter<AlarmDocument>> => {
    if (filter.sourceOwner === undefined) return toFilter(tenant, filter, undefined);
    const owned = await objects.find({ tenant, owner: filter.sourceOwner }, { limit: MOST_OWNED });
    return toFilter(
      tenant,
      filter,
      owned.map(({ _id }) => _id),
    );
  };

  const update = async (before: AlarmDocument, changes: Fragments): Promise<Alarm> => {
    const { _id: id, tenant, source, type } = before;
    const change = alarmChange(before, changes, clock.now());
    if (!change) return toAlarm(before);
    try {
      const document = await alarms.findOneAndUpdate({ _id: id, tenant }, change);
      if (!document) throw notFound("alarm", id);
      return toAlarm(document);
    } catch (error) {
      if (!isFailure(error, "DUPLICATE_KEY")) throw error;
      throw new MooringError("CONFLICT", `another alarm of type ${type} is open for ${source}`, { source, type });
    }
  };

  return {
    async create(tenant, body) {
      const alarm = parseAlarm(body);
      const source = await inventory.findCached(tenant, alarm.sourceId);
      if (!source) throw unknownReference("source.id", alarm.sourceId);
      if (inMaintenance(source)) return toAlarm(newAlarmDocument(tenant, NOT_KEPT, alarm, clock.now()));
      return alarm.status === "CLEARED" ? await clear(tenant, alarm) : await raise(tenant, alarm);
    },

    async get(tenant, id) {
      return toAlarm(await read(tenant, id));
    },

    async list(tenant, filter, page) {
      const found = await readPage(alarms, await filterFor(tenant, filter), page, [["time", -1]]);
      return { ...found, items: found.items.map(toAlarm) };
    },

    async count(tenant, filter) {
      return await alarms.count(await filterFor(tenant, filter));
    },

    async update(tenant, id, changes) {
      return await update(await read(tenant, id), changes);
    },

    async updateMatching(tenant, filter, changes) {
      if (!isNarrowed(filter)) throw invalid("source", "or another filter must be given");
      const change = { status: requireStatus(changes) };
      for await (const document of alarms.stream(await filterFor(tenant, filter))) {
        await update(document, change).catch(error => {
          if (!isFailure(error, "CONFLICT", "NOT_FOUND")) throw error;
        });
      }
    },

    async deleteMatching(tenant, filter) {
      requireNarrow(filter);
      const matching = await filterFor(tenant, filter);
      await inSlices(() => alarms.deleteMany(matching, { limit: SLICE }));
    },
  };
}
