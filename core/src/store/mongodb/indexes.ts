/** Indexes as the shapes want them. */
import type { Collection, IndexDescription } from "mongodb";
import type { IndexSpec } from "../collection.ts";
import type { Shape } from "../shape.ts";
import type { Stored } from "./render.ts";

/** Tells our indexes from those that an operator made. */
const PREFIX = "mooring_";
const FILL_SLICE = 1000;

/** The name says all of the index, so that a changed one is another one. */
function indexOf({ keys, unique }: IndexSpec): IndexDescription & { name: string } {
  const suffix = keys.map(([field, direction]) => field + (direction === 1 ? "" : "Desc")).join("_");
  return { name: `${PREFIX}${unique ? "u" : "i"}_${suffix}`, key: new Map(keys), ...(unique && { unique }) };
}

/** Before a unique index is made, which would find the documents without its key alike. */
async function fill(collection: Collection<Stored>, field: string, text: string): Promise<void> {
  const missing = { [field]: null };
  for (;;) {
    const found = await collection.find(missing, { limit: FILL_SLICE }).toArray();
    if (found.length === 0) return;
    await collection.bulkWrite(
      found.map(({ _id }) => ({
        updateOne: { filter: { _id, ...missing }, update: { $set: { [field]: text + String(_id) } } },
      })),
      { ordered: false },
    );
  }
}

export async function applyIndexes(collection: Collection<Stored>, shape: Shape): Promise<void> {
  for (const [field, text] of Object.entries(shape.spec.filled ?? {})) await fill(collection, field, text);
  const wanted = shape.spec.indexes.map(indexOf);
  const names = new Set(wanted.map(({ name }) => name));
  // A collection that is not there yet has none.
  const present = new Set((await collection.indexes().catch(() => [])).map(({ name }) => name));
  // Only these: some servers fail on a list of which a part is there.
  const missing = wanted.filter(({ name }) => !present.has(name));
  if (missing.length > 0) await collection.createIndexes(missing);
  for (const name of present) if (name?.startsWith(PREFIX) && !names.has(name)) await collection.dropIndex(name);
}
