/** Operations over the store (platform API 11). */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Filter, pathOf } from "../store/collection.ts";
import { CHILD_REFERENCES, OPERATIONS, type OperationDocument } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { invalid } from "./body.ts";
import { notFound, unknownReference } from "./failures.ts";
import { inSlices, SLICE } from "./in-slices.ts";
import { createListeners } from "./listeners.ts";
import { newOperationDocument, operationChange, toOperation } from "./operation.ts";
import type { Inventory, Operation, OperationFilter, Operations } from "./platform.ts";
import { readPage } from "./read-page.ts";
import { timeFilter } from "./time-filter.ts";

/** Devices below one agent that a filter by agent follows. */
const MOST_CHILD_DEVICES = 5000;

export interface OperationsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly inventory: Pick<Inventory, "findCached">;
}

export function createOperations({ store, clock, log, inventory }: OperationsParts): Operations {
  const operations = store.collection(OPERATIONS);
  const children = store.collection(CHILD_REFERENCES);
  const created = createListeners<[tenant: string, operation: Operation]>();
  const changed = createListeners<[tenant: string, operation: Operation]>();
  const deleted = createListeners<[tenant: string, ids: readonly string[]]>();

  const listenerFailed = (operationIds: readonly string[]) => (error: unknown) =>
    log.error("operation.listenerFailed", { operationIds: operationIds.slice(0, 10), error: messageOf(error) });

  const show = async (document: OperationDocument): Promise<Operation> =>
    toOperation(document, (await inventory.findCached(document.tenant, document.deviceId))?.name);

  /** The agent itself and every device below it. */
  const devicesOf = async (agentId: string): Promise<string[]> => {
    const devices = new Set([agentId]);
    for (let parents = [agentId]; parents.length > 0 && devices.size < MOST_CHILD_DEVICES; ) {
      const references = await children.find(
        { kind: "childDevices", parent: { $in: parents } },
        { limit: MOST_CHILD_DEVICES },
      );
      parents = references.map(reference => reference.child).filter(child => !devices.has(child));
      for (const child of parents) devices.add(child);
    }
    return [...devices];
  };

  const toFilter = async (tenant: string, filter: OperationFilter): Promise<Filter<OperationDocument>> => ({
    tenant,
    ...(filter.agentId === undefined ? {} : { deviceId: { $in: await devicesOf(filter.agentId) } }),
    ...(filter.deviceId === undefined ? {} : { deviceId: filter.deviceId }),
    ...(filter.statuses === undefined ? {} : { status: { $in: filter.statuses } }),
    ...(filter.fragmentType === undefined ? {} : { [pathOf("custom", filter.fragmentType)]: { $exists: true } }),
    ...(filter.bulkOperationId === undefined ? {} : { bulkOperationId: filter.bulkOperationId }),
    ...timeFilter("creationTime", filter),
  });

  return {
    async create(tenant, body, given) {
      const checked = newOperationDocument(tenant, "", body, clock.now());
      const device = await inventory.findCached(tenant, checked.deviceId);
      if (!device) throw unknownReference("deviceId", checked.deviceId);
      const document = { ...checked, _id: given ?? String((await store.nextIds("operations", 1))[0]) };
      await operations.insertOne(document);
      const operation = toOperation(document, device.name);
      created.tell(listenerFailed([operation.id]), tenant, operation);
      return operation;
    },

    async get(tenant, id) {
      const document = await operations.findOne({ _id: id, tenant });
      if (!document) throw notFound("operation", id);
      return await show(document);
    },

    async list(tenant, filter, page) {
      const order = filter.revert ? -1 : 1;
      const found = await readPage(operations, await toFilter(tenant, filter), page, [["_id", order]]);
      return { ...found, items: await Promise.all(found.items.map(show)) };
    },

    async update(tenant, id, changes, details) {
      const change = operationChange(changes, clock.now(), details);
      const document = await operations.findOneAndUpdate({ _id: id, tenant }, change);
      if (!document) throw notFound("operation", id);
      const operation = await show(document);
      changed.tell(listenerFailed([id]), tenant, operation);
      return operation;
    },

    async withdraw(tenant, id, failureReason, fragments) {
      const change = operationChange({ ...fragments, status: "FAILED", failureReason }, clock.now());
      const document = await operations.findOneAndUpdate({ _id: id, tenant, status: "PENDING" }, change);
      if (document) changed.tell(listenerFailed([id]), tenant, await show(document));
      return document !== undefined;
    },

    async deleteMatching(tenant, filter) {
      // The order selects nothing.
      const { revert: _order, ...narrowing } = filter;
      if (Object.keys(narrowing).length === 0) throw invalid("deviceId", "or another filter must be given");
      const matching = await toFilter(tenant, filter);
      await inSlices(async () => {
        const ids = (await operations.find(matching, { limit: SLICE })).map(({ _id }) => _id);
        if (ids.length === 0) return 0;
        await operations.deleteMany({ _id: { $in: ids } });
        deleted.tell(listenerFailed(ids), tenant, ids);
        return ids.length;
      });
    },

    onCreated: listener => created.add(listener),
    onChanged: listener => changed.add(listener),
    onDeleted: listener => deleted.add(listener),
  };
}
