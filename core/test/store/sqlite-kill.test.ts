/** `kill -9` of a process that writes: all that it was told is stored is there, and nothing twice. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { assert } from "chai";
import { systemClock } from "../../src/base/clock.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { COUNTS, MARKS } from "./kill-child.ts";

const ROUNDS = 3;
const ACKNOWLEDGED_BEFORE_KILL = 150;

interface Acknowledged {
  readonly ids: Set<number>;
  /** Greatest total that an increment was answered with. */
  total: number;
}

/** Reads the child's lines until enough is acknowledged, kills it, and takes what it still said. */
async function runAndKill(child: ChildProcess, acknowledged: Acknowledged): Promise<void> {
  const before = acknowledged.ids.size;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [id, total, end] = line.split(" ").map(Number) as [number, number, number];
    if (end !== 0) continue; // cut off by the kill
    assert.isFalse(acknowledged.ids.has(id), `${id} was given twice`);
    acknowledged.ids.add(id);
    acknowledged.total = Math.max(acknowledged.total, total);
    if (acknowledged.ids.size - before === ACKNOWLEDGED_BEFORE_KILL) child.kill("SIGKILL");
  }
}

describe("store/sqlite: kill -9", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mooring-kill-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it(`${ROUNDS} times: what was acknowledged is there, once, and no number is given again`, async function () {
    this.timeout(60_000);
    const acknowledged: Acknowledged = { ids: new Set(), total: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, "kill-child.ts"), directory], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = once(child, "exit");
      await runAndKill(child, acknowledged);
      assert.deepEqual(await ended, [null, "SIGKILL"]);
    }
    await using store = await openSqlite({
      directory,
      collections: [MARKS, COUNTS],
      clock: systemClock,
      host: "worker",
    });
    const stored = new Set<number>();
    for await (const { _id } of store.collection(MARKS).stream({})) stored.add(Number(_id));
    assert.deepEqual(
      [...acknowledged.ids].filter(id => !stored.has(id)),
      [],
    );
    for (const id of acknowledged.ids) assert.isDefined(await store.series.get("t", String(id)), `measurement ${id}`);
    const { total } = (await store.collection(COUNTS).findOne({ _id: "all" }))!;
    assert.isAtLeast(total, acknowledged.total);
    assert.equal(total, stored.size, "each mark was counted once: both are of one group and one file");
    // Measurements are in the other file: a group that nobody was told of may be in the first only.
    assert.isAtMost(await store.series.count({ tenant: "t" }), stored.size);
  });
});
