/** The process that `sqlite-kill.test.ts` kills: writes groups without pause and says each when it is stored. */
import { systemClock } from "../../src/base/clock.ts";
import type { CollectionSpec, Document } from "../../src/store/collection.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { appendOp, insertOp, type Store, updateOp } from "../../src/store/store.ts";

export const MARKS: CollectionSpec<Document> = { name: "marks", fields: {}, indexes: [], durability: "full" };
export interface Count extends Document {
  readonly total: number;
}
export const COUNTS: CollectionSpec<Count> = {
  name: "counts",
  fields: { total: "int" },
  indexes: [],
  durability: "full",
};

const WRITERS = 8;

async function write(store: Store): Promise<never> {
  for (;;) {
    const [id] = await store.nextIds("marks", 1);
    const fragments = { c8y_Temperature: { T: { value: 1 } } };
    const [, counted] = await store.write([
      insertOp(MARKS, { _id: String(id) }),
      updateOp(COUNTS, { _id: "all" }, { $inc: { total: 1 } }, { upsert: true, returning: "after" }),
      appendOp({ id: String(id), tenant: "t", source: "1", type: "x", timeMs: id!, fragments }),
    ]);
    process.stdout.write(`${id} ${(counted!.document as Count).total} 0\n`);
  }
}

if (import.meta.main) {
  const store = await openSqlite({
    directory: process.argv[2],
    collections: [MARKS, COUNTS],
    clock: systemClock,
    host: "worker",
  });
  for (let i = 0; i < WRITERS; i++) void write(store);
}
