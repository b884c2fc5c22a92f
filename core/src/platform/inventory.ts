/** The inventory over the store (platform API 5). */
import type { Clock } from "../base/clock.ts";
import type { Filter } from "../store/collection.ts";
import { pathOf } from "../store/collection.ts";
import { keyOf } from "../store/collections/keys.ts";
import {
  CHILD_REFERENCES,
  EXTERNAL_IDS,
  type ExternalIdDocument,
  MANAGED_OBJECTS,
  type ManagedObjectDocument,
} from "../store/collections/platform.ts";
import { LAST_VALUES } from "../store/collections/values.ts";
import { deleteOp, insertOp, type Store } from "../store/store.ts";
import { asObject, atIndex, invalid } from "./body.ts";
import { noManagedObject } from "./failures.ts";
import { checkExternalId, externalIdDocument, externalIdTaken } from "./identity.ts";
import { lastValuesFragment, toFragment, toLastValues } from "./last-values.ts";
import { isHeartbeat, managedObjectChange, newManagedObject, toManagedObject } from "./managed-object.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { Fragments, Inventory, InventoryFilter, ManagedObject, NewManagedObject } from "./platform.ts";
import { readPage } from "./read-page.ts";
import { wordsOf } from "./words.ts";

/** Of one request (platform API 5.2). */
const MOST_CREATED = 50;
/** Object instances of which one object shows the last values: a device may name as many as it likes, whoever lists must not suffer. */
const MOST_LAST_VALUES = 1000;
/** Parents of one child that a search finds. */
const MOST_PARENTS = 5000;
/** Objects found by the words of their external ids in one search. */
const MOST_FOUND_BY_EXTERNAL_ID = 1000;

export interface InventoryParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly cache: ObjectCache;
  /** Removes an object with all that belongs to it. */
  deleteObject(tenant: string, object: ManagedObject): Promise<void>;
  /** An object was created or updated. */
  changed(tenant: string, object: ManagedObject): void;
  onChanged: Inventory["onChanged"];
  onDeleted: Inventory["onDeleted"];
}

interface Draft {
  readonly document: ManagedObjectDocument;
  readonly bound: readonly { readonly type: string; readonly externalId: string }[];
}

type ObjectFilter = Filter<ManagedObjectDocument>;

export function createInventory(parts: InventoryParts): Inventory {
  const { store, clock, cache, deleteObject, changed } = parts;
  const objects = store.collection(MANAGED_OBJECTS);
  const externalIds = store.collection(EXTERNAL_IDS);
  const references = store.collection(CHILD_REFERENCES);
  const lastValues = store.collection(LAST_VALUES);

  const load = async (tenant: string, id: string): Promise<ManagedObject | undefined> => {
    const document = await objects.findOne({ _id: id, tenant });
    return document && toManagedObject(document);
  };
  const findCached = (tenant: string, id: string): Promise<ManagedObject | undefined> =>
    cache.get(tenant, id, () => load(tenant, id));

  /** Adds the last values of some objects. @returns those that stand behind one that has too many: it keeps the first ones */
  const gatherLastValues = async (ids: readonly string[], into: Map<string, Record<string, unknown>>) => {
    let [current, count] = ["", 0];
    const all = lastValues.stream({ managedObject: { $in: ids } }, { sort: [["managedObject", 1]] });
    for await (const document of all) {
      const { managedObject, object, instance } = document;
      count = managedObject === current ? count + 1 : 1;
      current = managedObject;
      if (count > MOST_LAST_VALUES) return ids.slice(ids.indexOf(managedObject) + 1);
      const fragments = into.get(managedObject) ?? {};
      fragments[lastValuesFragment(object, instance)] = toFragment(document);
      into.set(managedObject, fragments);
    }
    return [];
  };

  /** Adds the last values as fragments, nearly always in one query for all. */
  const withLastValues = async (found: readonly ManagedObject[]): Promise<ManagedObject[]> => {
    const byObject = new Map<string, Record<string, unknown>>();
    let ids: readonly string[] = found.map(object => object.id).sort();
    while (ids.length > 0) ids = await gatherLastValues(ids, byObject);
    return found.map(object => {
      const values = byObject.get(object.id);
      return values ? { ...object, fragments: { ...object.fragments, ...values } } : object;
    });
  };

  const byWords = async (tenant: string, text: string): Promise<ObjectFilter> => {
    const words = wordsOf(text);
    const bound = await externalIds.find({ tenant, words: { $in: words } } satisfies Filter<ExternalIdDocument>, {
      limit: MOST_FOUND_BY_EXTERNAL_ID,
    });
    const ids = [...new Set([...words, ...bound.map(document => document.managedObject)])];
    return {
      $or: [
        { _id: { $in: ids } },
        { nameWords: { $in: words } },
        { typeWords: { $in: words } },
        { ownerWords: { $in: words } },
      ],
    };
  };

  const parentsOf = async (tenant: string, { kind, child }: NonNullable<InventoryFilter["holding"]>) => {
    const found = await references.find({ tenant, child, kind }, { limit: MOST_PARENTS });
    return { _id: { $in: found.map(({ parent }) => parent) } };
  };

  const toFilter = async (tenant: string, filter: InventoryFilter): Promise<ObjectFilter> => ({
    tenant,
    ...(filter.holding === undefined ? {} : { $and: [await parentsOf(tenant, filter.holding)] }),
    ...(filter.type === undefined ? {} : { type: filter.type }),
    ...(filter.owner === undefined ? {} : { owner: filter.owner }),
    ...(filter.ids === undefined ? {} : { _id: { $in: filter.ids } }),
    ...(filter.fragmentType === undefined ? {} : { [pathOf("custom", filter.fragmentType)]: { $exists: true } }),
    ...(filter.text === undefined ? {} : await byWords(tenant, filter.text)),
  });

  const find = async (tenant: string, id: string): Promise<ManagedObject | undefined> => {
    const object = await load(tenant, id);
    return object && (await withLastValues([object]))[0];
  };
  const get = async (tenant: string, id: string): Promise<ManagedObject> => {
    const object = await find(tenant, id);
    if (!object) throw noManagedObject(id);
    return object;
  };

  const requireFree = async (bindings: readonly ExternalIdDocument[]): Promise<void> => {
    const taken = await externalIds.findOne({ _id: { $in: bindings.map(({ _id }) => _id) } });
    if (taken) throw externalIdTaken(taken);
  };

  /** Objects and external ids in one group. Whoever comes second to an external id takes everything back. */
  const insert = async (drafts: readonly Draft[]): Promise<void> => {
    const bindings = drafts.flatMap(({ document, bound }) =>
      bound.map(each => externalIdDocument(document.tenant, document._id, each)),
    );
    const results = await store.write([
      ...bindings.map(binding => insertOp(EXTERNAL_IDS, binding)),
      ...drafts.map(({ document }) => insertOp(MANAGED_OBJECTS, document)),
    ]);
    const taken = bindings.find((_, i) => results[i]!.outcome === "duplicate");
    if (!taken) return;
    const ids = drafts.map(({ document }) => document._id);
    await store.write([
      deleteOp(MANAGED_OBJECTS, { _id: { $in: ids } }),
      deleteOp(EXTERNAL_IDS, { managedObject: { $in: ids } }),
    ]);
    throw externalIdTaken(taken);
  };

  const draftOf = (tenant: string, { body, owner, id = "", externalIds: given = [] }: NewManagedObject): Draft => {
    if (!Array.isArray(given)) throw invalid("externalIds", "must be an array");
    const bound = given.map((item, i) => atIndex("externalIds", i, () => checkExternalId(item)));
    return { document: newManagedObject(tenant, id, body, owner, clock.now()), bound };
  };

  const make = async (tenant: string, checked: readonly Draft[]): Promise<ManagedObject[]> => {
    await requireFree(checked.flatMap(({ bound }) => bound.map(each => externalIdDocument(tenant, "", each))));
    const ids = await store.nextIds("managedObjects", checked.length);
    const drafts = checked.map(({ document, bound }, i) => ({
      document: { ...document, _id: document._id || String(ids[i]) },
      bound,
    }));
    await insert(drafts);
    const made = drafts.map(({ document }) => toManagedObject(document));
    for (const object of made) changed(tenant, object);
    return made;
  };

  return {
    async create(tenant, body, options) {
      return (await make(tenant, [draftOf(tenant, { ...options, body })]))[0]!;
    },

    async createMany(tenant, objects) {
      if (objects.length < 1 || objects.length > MOST_CREATED) {
        throw invalid("managedObjects", `must hold 1 to ${MOST_CREATED} objects`);
      }
      return await make(
        tenant,
        objects.map((object, i) => atIndex("managedObjects", i, () => draftOf(tenant, object))),
      );
    },

    find,
    get,
    findCached,
    atHand: cache.atHand,

    async lastValues(tenant, id, object, instance) {
      const document = await lastValues.findOne({ _id: keyOf(id, String(object), String(instance)), tenant });
      return document && toLastValues(document);
    },

    async lastValuesOf(tenant, id, object) {
      const found = await lastValues.find({ managedObject: id, object, tenant }, { limit: MOST_LAST_VALUES });
      return found.map(toLastValues);
    },

    async list(tenant, filter, page) {
      const found = await readPage(objects, await toFilter(tenant, filter), page, [["_id", 1]]);
      return { ...found, items: await withLastValues(found.items.map(toManagedObject)) };
    },

    async count(tenant, filter) {
      return await objects.count(await toFilter(tenant, filter));
    },

    async update(tenant, id, changes: Fragments, { mayChangeOwner = false } = {}) {
      if (isHeartbeat(asObject(changes))) return await get(tenant, id);
      const update = managedObjectChange(changes, clock.now(), mayChangeOwner);
      const document = await objects.findOneAndUpdate({ _id: id, tenant }, update);
      cache.forget(id);
      if (!document) throw noManagedObject(id);
      const object = toManagedObject(document);
      changed(tenant, object);
      return (await withLastValues([object]))[0]!;
    },

    async delete(tenant, id) {
      const object = await load(tenant, id);
      if (!object) throw noManagedObject(id);
      await deleteObject(tenant, object);
    },

    onChanged: parts.onChanged,
    onDeleted: parts.onDeleted,
  };
}
