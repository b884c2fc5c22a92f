import { assert } from "chai";
import { createKeyedTurns } from "../../src/base/keyed-turns.ts";

describe("base/keyed-turns", () => {
  it("one thing at a time for a key, in the order of asking; keys do not wait for each other", async () => {
    const turns = createKeyedTurns();
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const first = turns("a", async () => {
      await gate.promise;
      order.push("a1");
    });
    const second = turns("a", async () => void order.push("a2"));
    await turns("b", async () => void order.push("b"));
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order, ["b", "a1", "a2"]);
  });

  it("what fails holds up nothing behind it", async () => {
    const turns = createKeyedTurns();
    const failed = turns("a", () => Promise.reject(new Error("no"))).catch((error: Error) => error.message);
    assert.equal(await turns("a", async () => "yes"), "yes");
    assert.equal(await failed, "no");
  });
});
