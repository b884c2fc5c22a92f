/** References between managed objects over the store (platform API 5.6): child devices, child assets, child additions. */
import { MooringError } from "../base/errors.ts";
import { keyOf } from "../store/collections/keys.ts";
import { CHILD_REFERENCES, type ChildReferenceDocument } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { createInTurn } from "../tenants/in-turn.ts";
import { invalid } from "./body.ts";
import { noManagedObject } from "./failures.ts";
import type { ChildKind, Children, Inventory, ParentReference } from "./platform.ts";
import { readPage } from "./read-page.ts";

export const CHILD_KINDS: readonly ChildKind[] = ["childDevices", "childAssets", "childAdditions"];

/** Ancestors of one object that are followed, and parents or children of one that are read in one go. */
const MOST_ANCESTORS = 5000;
/** Children of one object and kind that are shown with the object itself. */
const MOST_SHOWN = 2000;
/** Of one request. */
const MOST_ADDED = 1000;
/** Parents whose children are read in one query. */
const PARENTS_AT_ONCE = 500;

export const childReference = (
  tenant: string,
  kind: ChildKind,
  parent: string,
  child: string,
): ChildReferenceDocument => ({ _id: keyOf(kind, parent, child), tenant, kind, parent, child });

const notAChild = (child: string, parent: string): MooringError =>
  new MooringError("VALIDATION", `managedObject ${child} is not a child of ${parent}`, {
    field: "childId",
    rule: `is not a child of ${parent}`,
  });

export interface ChildrenParts {
  readonly store: Store;
  readonly inventory: Pick<Inventory, "findCached" | "list">;
}

export function createChildren({ store, inventory }: ChildrenParts): Children {
  const references = store.collection(CHILD_REFERENCES);
  /** A cycle is looked for in what the reference before has made of it. */
  const inTurn = createInTurn();

  async function requireObject(tenant: string, id: string): Promise<void> {
    if (!(await inventory.findCached(tenant, id))) throw noManagedObject(id);
  }

  /** All references upward, each once, the nearest first. */
  async function upward(tenant: string, from: readonly string[]): Promise<ChildReferenceDocument[]> {
    const found: ChildReferenceDocument[] = [];
    const seen = new Set<string>();
    for (let children = from; children.length > 0 && found.length < MOST_ANCESTORS; ) {
      const above = await references.find({ tenant, child: { $in: children } }, { limit: MOST_ANCESTORS });
      found.push(...above);
      children = [...new Set(above.map(({ parent }) => parent))].filter(id => !seen.has(id));
      for (const id of children) seen.add(id);
    }
    return found;
  }

  async function requireOtherRules(tenant: string, parent: string, kind: ChildKind, ids: readonly string[]) {
    const ancestors = new Set([parent, ...(await upward(tenant, [parent])).map(reference => reference.parent)]);
    const cyclic = ids.find(id => ancestors.has(id));
    if (cyclic !== undefined) throw invalid("managedObject.id", `must not be the parent itself or above it: ${cyclic}`);
    if (kind !== "childDevices") return;
    const others = await references.find({ tenant, child: { $in: ids }, kind }, { limit: MOST_ADDED });
    const taken = others.find(reference => reference.parent !== parent);
    if (taken) throw invalid("managedObject.id", `has a device parent already: ${taken.child} that of ${taken.parent}`);
  }

  return {
    async list(tenant, parent, kind, page) {
      await requireObject(tenant, parent);
      const found = await readPage(references, { tenant, parent, kind }, page, [["_id", 1]]);
      const ids = found.items.map(({ child }) => child);
      if (ids.length === 0) return { ...found, items: [] };
      const all = { currentPage: 1, pageSize: ids.length, withTotal: false };
      return { ...found, items: (await inventory.list(tenant, { ids }, all)).items };
    },

    async require(tenant, parent, kind, child) {
      await requireObject(tenant, parent);
      if (!(await references.findOne({ _id: keyOf(kind, parent, child), tenant }))) throw notAChild(child, parent);
    },

    add: (tenant, parent, kind, ids) =>
      inTurn(async () => {
        if (ids.length < 1 || ids.length > MOST_ADDED)
          throw invalid("references", `must hold 1 to ${MOST_ADDED} references`);
        await requireObject(tenant, parent);
        for (const id of ids) await requireObject(tenant, id);
        await requireOtherRules(tenant, parent, kind, ids);
        await references.insertMany([...new Set(ids)].map(child => childReference(tenant, kind, parent, child)));
      }),

    async remove(tenant, parent, kind, ids) {
      await requireObject(tenant, parent);
      const keys = ids.map(id => keyOf(kind, parent, id));
      const found = await references.find({ _id: { $in: keys }, tenant }, { limit: MOST_ADDED });
      const stranger = ids.find(id => !found.some(({ child }) => child === id));
      if (stranger !== undefined) throw notAChild(stranger, parent);
      await references.deleteMany({ _id: { $in: keys } });
    },

    async idsOf(tenant, parent, kind) {
      return (await references.find({ tenant, parent, kind }, { limit: MOST_SHOWN })).map(({ child }) => child);
    },

    count: (tenant, parent, kind) => references.count({ tenant, parent, kind }),

    async ancestors(tenant, child): Promise<readonly ParentReference[]> {
      return (await upward(tenant, [child])).map(({ kind, parent: id }) => ({ kind, id }));
    },

    async descendants(tenant, parent, kind) {
      const found: string[] = [];
      const seen = new Set([parent]);
      for (let parents = [parent]; parents.length > 0; ) {
        const below: string[] = [];
        for (let at = 0; at < parents.length; at += PARENTS_AT_ONCE) {
          const parent = { $in: parents.slice(at, at + PARENTS_AT_ONCE) };
          for await (const { child } of references.stream({ tenant, parent, ...(kind && { kind }) })) {
            if (!seen.has(child)) below.push(child);
            seen.add(child);
          }
        }
        found.push(...below);
        parents = below;
      }
      return found;
    },
  };
}
