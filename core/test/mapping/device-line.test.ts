import { assert } from "chai";
import { isFailure } from "../../src/base/errors.ts";
import { createDeviceLine } from "../../src/mapping/device-line.ts";

describe("mapping/device-line", () => {
  it("begins at once where nothing is under way, else when the one before has ended or let the next begin", async () => {
    const line = createDeviceLine();
    const begun: string[] = [];
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    let pass = (): void => {};
    const begin = (name: string, ended: Promise<void>) =>
      line.run("a", letNextBegin => {
        begun.push(name);
        pass = letNextBegin;
        return ended;
      });
    const all = [begin("first", first.promise), begin("second", second.promise), begin("third", Promise.resolve())];
    assert.deepEqual(begun, ["first"]);
    await line.run("b", async () => void begun.push("of another"));
    assert.deepEqual(begun, ["first", "of another"]);
    pass();
    await new Promise(setImmediate);
    assert.deepEqual(begun, ["first", "of another", "second"]);
    second.resolve();
    await Promise.all(all.slice(1));
    assert.deepEqual(begun, ["first", "of another", "second", "third"]);
    assert.isTrue(line.isTaken("a"));
    first.resolve();
    await all[0];
    assert.isFalse(line.isTaken("a"));
  });

  it("goes on after one that failed", async () => {
    const line = createDeviceLine();
    const failed = line.run("a", () => Promise.reject(new Error("no"))).catch(({ message }: Error) => message);
    assert.equal(await line.run("a", async () => "yes"), "yes");
    assert.equal(await failed, "no");
  });

  it("results settle in order, also of those that let the next begin", async () => {
    const line = createDeviceLine();
    const ended: number[] = [];
    const stored = Promise.withResolvers<void>();
    const send = async (at: number): Promise<void> => {
      await line.run("a", letNextBegin => {
        letNextBegin();
        return stored.promise;
      });
      ended.push(at);
    };
    const all = [send(0), send(1), send(2)];
    await new Promise(setImmediate);
    stored.resolve();
    await Promise.all(all);
    assert.deepEqual(ended, [0, 1, 2]);
  });

  it("has an end", async () => {
    const line = createDeviceLine();
    const first = Promise.withResolvers<void>();
    const all = Array.from({ length: 1000 }, () => line.run("a", () => first.promise));
    const refused = await line.run("a", () => assert.fail("was let in")).catch((error: unknown) => error);
    assert.isTrue(isFailure(refused, "STORE_FULL"));
    first.resolve();
    await Promise.all(all);
    await line.run("a", async () => {});
  });
});
