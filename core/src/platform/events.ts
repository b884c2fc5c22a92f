/** Events over the store (platform API 10). */
import type { Clock } from "../base/clock.ts";
import { type Filter, pathOf } from "../store/collection.ts";
import { EVENTS, type EventDocument } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { eventChange, newEventDocument, parseEvent, toEvent } from "./event.ts";
import { notFound, unknownReference } from "./failures.ts";
import { inSlices, SLICE } from "./in-slices.ts";
import type { EventFilter, Events, Inventory } from "./platform.ts";
import { readPage } from "./read-page.ts";
import { requireNarrow, timeFilter } from "./time-filter.ts";

export interface EventsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly inventory: Pick<Inventory, "findCached">;
}

const fragmentFilter = ({ fragmentType, fragmentValue }: EventFilter): Filter<EventDocument> =>
  fragmentType === undefined ? {} : { [pathOf("custom", fragmentType)]: fragmentValue ?? { $exists: true } };

function toFilter(tenant: string, filter: EventFilter): Filter<EventDocument> {
  return {
    tenant,
    ...(filter.sourceId === undefined ? {} : { source: filter.sourceId }),
    ...(filter.type === undefined ? {} : { type: filter.type }),
    ...fragmentFilter(filter),
    ...timeFilter("time", filter),
    ...timeFilter("creationTime", filter.created ?? {}),
    ...timeFilter("lastUpdated", filter.lastUpdated ?? {}),
  };
}

export function createEvents({ store, clock, inventory }: EventsParts): Events {
  const events = store.collection(EVENTS);

  return {
    async create(tenant, body) {
      const event = parseEvent(body);
      if (!(await inventory.findCached(tenant, event.sourceId))) throw unknownReference("source.id", event.sourceId);
      const [id] = (await store.nextIds("events", 1)) as [number];
      const document = newEventDocument(tenant, String(id), event, clock.now());
      await events.insertOne(document);
      return toEvent(document);
    },

    async get(tenant, id) {
      const document = await events.findOne({ _id: id, tenant });
      if (!document) throw notFound("event", id);
      return toEvent(document);
    },

    async list(tenant, filter, page) {
      const found = await readPage(events, toFilter(tenant, filter), page, [["time", filter.revert ? 1 : -1]]);
      return { ...found, items: found.items.map(toEvent) };
    },

    async update(tenant, id, changes) {
      const document = await events.findOneAndUpdate({ _id: id, tenant }, eventChange(changes, clock.now()));
      if (!document) throw notFound("event", id);
      return toEvent(document);
    },

    async delete(tenant, id) {
      if ((await events.deleteMany({ _id: id, tenant })) === 0) throw notFound("event", id);
    },

    async deleteMatching(tenant, filter) {
      requireNarrow(filter);
      await inSlices(() => events.deleteMany(toFilter(tenant, filter), { limit: SLICE }));
    },
  };
}
