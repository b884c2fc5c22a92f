import { assert } from "chai";
import { createSuperseder } from "../../src/mapping/superseder.ts";

describe("mapping/superseder", () => {
  const opened = () =>
    createSuperseder({ store: { series: {} as never, collection: (() => ({})) as never }, nowMs: () => 0 });

  it("nobody works on a payload of somebody else's turn, and two who want the same ones never wait for each other", async () => {
    const superseder = opened();
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
    const superseder = opened();
    const failed = superseder
      .inTurn(["1"], () => Promise.reject(new Error("no")))
      .catch((error: Error) => error.message);
    assert.equal(await superseder.inTurn(["1"], async () => "yes"), "yes");
    assert.equal(await failed, "no");
  });
});
