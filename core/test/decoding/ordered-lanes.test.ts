import { assert } from "chai";
import { createOrderedLanes } from "../../src/decoding/ordered-lanes.ts";

describe("decoding/ordered-lanes", () => {
  it("works side by side and finishes in order within a lane, whatever takes longer", async () => {
    const lanes = createOrderedLanes();
    const began: string[] = [];
    const finished: string[] = [];
    const gates = new Map(["a1", "a2", "a3", "b1"].map(name => [name, Promise.withResolvers<void>()]));
    const runs = [...gates].map(([name, gate]) =>
      lanes.run(name[0]!, {
        async work() {
          began.push(name);
          await gate.promise;
          return name;
        },
        async finish(result) {
          finished.push(`${result} begins`);
          await Promise.resolve();
          finished.push(`${result} ends`);
          return true;
        },
        giveBack: () => Promise.reject(new Error("everything finishes")),
      }),
    );
    assert.deepEqual(began, ["a1", "a2", "a3", "b1"]);
    for (const name of ["a3", "b1", "a2"]) gates.get(name)!.resolve();
    await runs[3];
    assert.deepEqual(finished, ["b1 begins", "b1 ends"]);
    gates.get("a1")!.resolve();
    await Promise.all(runs);
    const inOrder = ["a1", "a2", "a3"].flatMap(name => [`${name} begins`, `${name} ends`]);
    assert.deepEqual(finished.slice(2), inOrder);
  });

  it("gives back what was begun behind something that did not finish, and starts anew once the lane is empty", async () => {
    const lanes = createOrderedLanes();
    const told: string[] = [];
    const run = (name: string, isFinished: boolean): Promise<void> =>
      lanes.run("a", {
        work: () => Promise.resolve(name),
        async finish(result) {
          told.push(`${result} ${isFinished}`);
          return isFinished;
        },
        async giveBack() {
          told.push(`${name} given back`);
        },
      });
    await Promise.all([run("a1", true), run("a2", false), run("a3", true), run("a4", true)]);
    await run("a2", true);
    assert.deepEqual(told, ["a1 true", "a2 false", "a3 given back", "a4 given back", "a2 true"]);
  });
});
