import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { CollectionSpec } from "../../src/store/collection.ts";
import { createStore, shapesOf } from "../../src/store/create-store.ts";
import type { Command, CommandResult, Engine } from "../../src/store/engine.ts";
import { insertOp } from "../../src/store/store.ts";

const spec = (name: string, concludes?: 1 | 2): CollectionSpec => ({
  ...{ name, fields: {}, indexes: [], durability: "normal" },
  ...(concludes && { concludes }),
});
const [JOBS, PAYLOADS, EVENTS] = [spec("jobs", 2), spec("payloads", 1), spec("events")];
const GROUP = [insertOp(JOBS, { _id: "j" }), insertOp(PAYLOADS, { _id: "p" }), insertOp(EVENTS, { _id: "e" })];

describe("store/create-store", () => {
  function opened(name: Engine["name"], failing?: string) {
    const runs: string[][] = [];
    const result = ({ shape }: Command): CommandResult | MooringError =>
      shape.name === failing
        ? new MooringError("STORE_FAILED", "no")
        : { outcome: shape.name === "payloads" ? "duplicate" : "inserted", count: 0 };
    const run = async (commands: readonly Command[]) => {
      runs.push(commands.map(({ shape }) => shape.name));
      return commands.map(result);
    };
    const store = createStore({ name, run } as unknown as Engine, shapesOf([JOBS, PAYLOADS, EVENTS]));
    return { runs, store };
  }

  it("what concludes a group is stored after the others where groups are not whole; results are in the group's order", async () => {
    for (const [engine, expected] of [
      ["sqlite", [["jobs", "payloads", "events"]]],
      ["mongodb", [["events"], ["payloads"], ["jobs"]]],
    ] as const) {
      const { runs, store } = opened(engine);
      const results = await store.write(GROUP);
      assert.deepEqual(runs, expected as never);
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ["inserted", "duplicate", "inserted"],
      );
    }
  });

  it("and not at all where one of the others fails", async () => {
    const { runs, store } = opened("mongodb", "payloads");
    const failure = await store.write(GROUP).catch((error: MooringError) => error);
    assert.instanceOf(failure, MooringError);
    assert.deepEqual(runs, [["events"], ["payloads"]]);
  });
});
