import { assert } from "chai";
import { createSuperseder } from "../../src/mapping/superseder.ts";
import { EVENTS } from "../../src/store/collections/platform.ts";
import { deleteOp, type WriteOp } from "../../src/store/store.ts";

const op = (id: string): WriteOp => deleteOp(EVENTS, { _id: id });

describe("mapping/superseder", () => {
  const opened = (engine: "sqlite" | "mongodb") => {
    const writes: (readonly WriteOp[])[] = [];
    const store = { engine, series: {} as never, collection: (() => ({})) as never };
    const write = async (ops: readonly WriteOp[]) => {
      writes.push(ops);
      return [];
    };
    return { writes, superseder: createSuperseder({ store, platform: { write }, nowMs: () => 0 }) };
  };

  it("writes documents and what says that they are stored in one group, or one after the other where groups are not whole", async () => {
    const [a, b] = [op("a"), op("b")];
    for (const [engine, expected] of [
      ["sqlite", [[a, b]]],
      ["mongodb", [[a], [b]]],
    ] as const) {
      const { superseder, writes } = opened(engine);
      await superseder.write([a], [b]);
      assert.deepEqual(writes, expected as never);
    }
    const { superseder, writes } = opened("mongodb");
    await superseder.write([], [b]);
    assert.deepEqual(writes, [[b]]);
  });

  it("nobody works on a payload of somebody else's turn, and two who want the same ones never wait for each other", async () => {
    const { superseder } = opened("sqlite");
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const first = superseder.inTurn(["1", "2"], async () => {
      await gate.promise;
      order.push("first");
    });
    const second = superseder.inTurn(["2", "1"], async () => void order.push("second"));
    await superseder.inTurn(["3"], async () => void order.push("other"));
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order, ["other", "first", "second"]);
  });

  it("a turn that fails is over", async () => {
    const { superseder } = opened("sqlite");
    const failed = superseder
      .inTurn(["1"], () => Promise.reject(new Error("no")))
      .catch((error: Error) => error.message);
    assert.equal(await superseder.inTurn(["1"], async () => "yes"), "yes");
    assert.equal(await failed, "no");
  });
});
