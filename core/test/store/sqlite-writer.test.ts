/** The writer when the disk is full, and the threads when they are gone. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { shapeOf } from "../../src/store/shape.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { encodeRow } from "../../src/store/sqlite/rows.ts";
import { applySchema } from "../../src/store/sqlite/schema.ts";
import type { WireCommand } from "../../src/store/sqlite/wire.ts";
import { openWorkerHost } from "../../src/store/sqlite/worker-host.ts";
import { createWriter } from "../../src/store/sqlite/writer.ts";
import { codeOf, KEYED, type Keyed, THINGS, type Thing } from "./conformance/things.ts";

const shape = shapeOf(THINGS);
const insert = (thing: Thing): WireCommand => ({ do: "insert", collection: "things", row: encodeRow(shape, thing) });

describe("store/sqlite/writer", () => {
  it("stores nothing of a batch that the disk has no room for, and goes on when there is room", async () => {
    const database = openDatabase(":memory:", {
      readOnly: false,
      synchronous: "FULL",
      cacheMiB: 1,
      checkpointPages: 100,
    });
    applySchema(database, [shape]);
    const writer = createWriter([shape], () => database);
    const count = () => database.rows({ text: "SELECT count(*) FROM c_things", values: [] })[0]![0];
    const [[pages]] = database.rows({ text: "PRAGMA page_count", values: [] }) as [[number]];
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const batch = [insert({ _id: "a", group: "g" }), insert({ _id: "b", group: "g", note: "x".repeat(100_000) })];
    assert.equal(await codeOf(() => writer.execute(batch)), "STORE_FAILED");
    assert.equal(count(), 0);
    database.exec("PRAGMA max_page_count = 100000");
    assert.deepEqual(writer.execute(batch), ["inserted", "inserted"]);
    assert.equal(count(), 2);
    database.close();
  });

  it("commits what survives power loss first, whatever order a batch has", () => {
    const commits: string[] = [];
    const options = { readOnly: false, synchronous: "FULL", cacheMiB: 1, checkpointPages: 100 } as const;
    const shapes = [shapeOf(KEYED), shape];
    const databases = new Map(
      shapes.map(each => {
        const database = openDatabase(":memory:", options);
        applySchema(database, [each]);
        const exec = (text: string): void => {
          if (text === "COMMIT") commits.push(each.spec.durability);
          database.exec(text);
        };
        return [each, { ...database, exec }];
      }),
    );
    const writer = createWriter(shapes, each => databases.get(each)!);
    const row = encodeRow(shapes[0]!, { _id: "k", key: "k", value: 1 } as Keyed);
    writer.execute([{ do: "insert", collection: "keyed", row }, insert({ _id: "a", group: "g" })]);
    assert.deepEqual(commits, ["full", "normal"]);
    for (const database of databases.values()) database.close();
  });
});

describe("store/sqlite/worker-host", () => {
  it("fails calls that wait, and later ones, once the thread is gone", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mooring-host-"));
    const host = await openWorkerHost({ role: "write", directory, specs: [THINGS, KEYED] });
    await host.call({ call: "health" });
    const closed = host.close();
    const late = codeOf(() => host.call({ call: "health" }));
    await closed;
    assert.equal(await late, "STORE_FAILED");
    assert.equal(await codeOf(() => host.call({ call: "health" })), "STORE_FAILED");
    assert.equal(host.pending, 0);
    await rm(directory, { recursive: true, force: true });
  });
});
