import { assert } from "chai";
import { type CallPlaces, createCallPlaces } from "../../../src/decoding/remote/call-places.ts";
import type { Urgency } from "../../../src/sandbox/decoder-runtime.ts";

describe("decoding/remote/call-places", () => {
  let places: CallPlaces;
  let begun: string[];
  const take = async (urgency: Urgency, names: readonly string[]): Promise<void> => {
    for (const name of names) void places.take(urgency).then(() => begun.push(name));
    await new Promise<void>(resolve => setImmediate(resolve));
  };
  const giveBack = async (urgency: Urgency): Promise<void> => {
    places.giveBack(urgency);
    await new Promise<void>(resolve => setImmediate(resolve));
  };
  const open = (count: number): void => {
    places = createCallPlaces(count);
    begun = [];
  };

  it("the background has half of the places, live calls the rest and what comes free", async () => {
    open(4);
    await take("background", ["b1", "b2", "b3", "b4"]);
    assert.deepEqual(begun, ["b1", "b2"]);
    await take("live", ["l1", "l2", "l3", "l4"]);
    assert.deepEqual(begun.splice(0), ["b1", "b2", "l1", "l2"]);
    await giveBack("background");
    assert.deepEqual(begun.splice(0), ["l3"]);
    await giveBack("live");
    assert.deepEqual(begun.splice(0), ["l4"]);
    await giveBack("live");
    assert.deepEqual(begun.splice(0), ["b3"], "one is under way still");
    await giveBack("live");
    assert.deepEqual(begun.splice(0), []);
    await giveBack("background");
    assert.deepEqual(begun.splice(0), ["b4"]);
  });

  it("live calls may have all places", async () => {
    open(3);
    await take("live", ["l1", "l2", "l3", "l4"]);
    await take("background", ["b1"]);
    assert.deepEqual(begun.splice(0), ["l1", "l2", "l3"]);
    await giveBack("live");
    await giveBack("live");
    assert.deepEqual(begun, ["l4", "b1"]);
  });

  it("of one place both have it in turn", async () => {
    open(1);
    await take("background", ["b1", "b2"]);
    await take("live", ["l1"]);
    assert.deepEqual(begun.splice(0), ["b1"]);
    await giveBack("background");
    assert.deepEqual(begun.splice(0), ["l1"]);
    await giveBack("live");
    assert.deepEqual(begun, ["b2"]);
  });
});
