import { assert } from "chai";
import { dependentsOf, type Needs, neededBy, planActivation } from "../../src/plugin-host/dependencies.ts";

/** `b>a,c` is plugin b, which needs a and c. */
const plugins = (...texts: readonly string[]): Needs[] =>
  texts.map(text => {
    const [name, needed = ""] = text.split(">") as [string, string?];
    const names = needed.split(",").filter(each => each !== "");
    return { name, version: "1.0.0", dependencies: Object.fromEntries(names.map(each => [each, "^1.0.0"])) };
  });

describe("plugin-host/dependencies", () => {
  for (const [given, order] of [
    [["a", "b", "c"], "a b c"],
    [["c>b", "b>a", "a"], "a b c"],
    [["d>b,c", "b>a", "c>a", "a"], "a b c d"],
    [["x", "b>a", "y", "a"], "x a b y"],
  ] as const) {
    it(`${given.join(" ")}: ${order}`, () => {
      const plan = planActivation(plugins(...given));
      assert.equal(plan.order.join(" "), order);
      assert.isEmpty(plan.faults);
    });
  }

  it("names what is missing, and which version is there", () => {
    assert.deepEqual([...planActivation(plugins("b>a")).faults], [["b", "needs plugin a ^1.0.0, which is not there"]]);
    const [a, b] = plugins("a", "b>a") as [Needs, Needs];
    const { faults, order } = planActivation([{ ...a, version: "2.1.0" }, b]);
    assert.deepEqual([...faults], [["b", "needs plugin a ^1.0.0, which is there as 2.1.0"]]);
    assert.deepEqual(order, ["a", "b"]);
  });

  it("names each cycle by its members, and leaves others alone", () => {
    const { faults, order } = planActivation(plugins("d>a", "a>b", "b>c", "c>a", "e", "s>s"));
    assert.deepEqual(Object.fromEntries(faults), {
      a: "needs itself: a -> b -> c -> a",
      b: "needs itself: b -> c -> a -> b",
      c: "needs itself: c -> a -> b -> c",
      s: "needs itself: s -> s",
    });
    assert.sameMembers([...order], ["a", "b", "c", "d", "e", "s"]);
  });

  it("what needs one, and what one needs, through others too", () => {
    const given = plugins("a", "b>a", "c>b", "d", "e>c,d");
    assert.deepEqual(dependentsOf("a", given), ["b", "c", "e"]);
    assert.deepEqual(dependentsOf("e", given), []);
    assert.deepEqual(neededBy("e", given), ["a", "b", "c", "d"]);
    assert.deepEqual(neededBy("a", given), []);
  });
});
