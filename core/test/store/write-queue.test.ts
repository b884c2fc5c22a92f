import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { createWriteQueue } from "../../src/store/write-queue.ts";

/** A queue whose batches are stored when the test says so. */
function openQueue(options: { groupCommitMs?: number; maxBatch?: number; maxQueued?: number } = {}) {
  const clock = createManualClock();
  const batches: { readonly batch: readonly number[]; store(): void; fail(reason: Error): void }[] = [];
  const queue = createWriteQueue<number, number>({
    flush: batch =>
      new Promise((resolve, reject) =>
        batches.push({ batch, store: () => resolve(batch.map(each => each * 10)), fail: reject }),
      ),
    clock,
    groupCommitMs: options.groupCommitMs ?? 5,
    maxBatch: options.maxBatch ?? 4,
    maxQueued: options.maxQueued ?? 10,
  });
  return { clock, queue, batches };
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "none",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe("store/write-queue", () => {
  it("stores what comes in one turn together, and gives each caller its own results", async () => {
    const { queue, batches } = openQueue();
    const both = Promise.all([queue.push([1, 2]), queue.push([3])]);
    await turn();
    assert.deepEqual(
      batches.map(({ batch }) => batch),
      [[1, 2, 3]],
    );
    assert.equal(queue.size, 3);
    batches[0]!.store();
    assert.deepEqual(await both, [[10, 20], [30]]);
    assert.equal(queue.size, 0);
  });

  it("stores one batch at a time", async () => {
    const { clock, queue, batches } = openQueue();
    const first = queue.push([1]);
    await turn();
    const second = queue.push([2]);
    await clock.advance(20);
    assert.equal(batches.length, 1);
    batches[0]!.store();
    await first;
    await turn();
    assert.deepEqual(batches[1]!.batch, [2]);
    batches[1]!.store();
    await second;
  });

  it("waits for the group commit time after a batch that was shared", async () => {
    const { clock, queue, batches } = openQueue();
    const both = [queue.push([1]), queue.push([2])];
    await turn();
    batches[0]!.store();
    await Promise.all(both);
    const third = queue.push([3]);
    await clock.advance(4);
    assert.equal(batches.length, 1, "5 ms have not gone by");
    await clock.advance(1);
    assert.equal(batches.length, 2);
    batches[1]!.store();
    await third;
  });

  it("does not keep a lone caller waiting", async () => {
    const { queue, batches } = openQueue({ groupCommitMs: 1000 });
    for (const i of [1, 2, 3]) {
      const push = queue.push([i]);
      await turn();
      batches[i - 1]!.store();
      assert.deepEqual(await push, [10 * i]);
    }
  });

  it("stores a full batch without waiting, and never splits a group", async () => {
    const { queue, batches } = openQueue({ groupCommitMs: 1000 });
    const pushes = [queue.push([1]), queue.push([2, 3]), queue.push([4, 5]), queue.push([6])];
    assert.deepEqual(batches[0]!.batch, [1, 2, 3, 4, 5]);
    batches[0]!.store();
    await pushes[2];
    assert.equal(batches.length, 1, "the rest waits for its time");
    const closed = queue.close();
    batches[1]!.store();
    assert.deepEqual(await pushes[3], [60]);
    await closed;
  });

  it("throws STORE_FULL beyond its bound and takes nothing of that group", async () => {
    const { queue, batches } = openQueue({ maxQueued: 3 });
    const taken = queue.push([1, 2]);
    assert.equal(await code(queue.push([3, 4])), "STORE_FULL");
    const fits = queue.push([5]);
    await turn();
    assert.deepEqual(batches[0]!.batch, [1, 2, 5]);
    batches[0]!.store();
    await Promise.all([taken, fits]);
  });

  it("lets a group larger than the bound in when nothing waits", async () => {
    const { queue, batches } = openQueue({ maxQueued: 2 });
    const large = queue.push([1, 2, 3]);
    await turn();
    batches[0]!.store();
    assert.deepEqual(await large, [10, 20, 30]);
  });

  it("rejects all of a batch that fails, and goes on", async () => {
    const { queue, batches, clock } = openQueue();
    const both = [code(queue.push([1])), code(queue.push([2]))];
    await turn();
    batches[0]!.fail(new TypeError("disk"));
    assert.deepEqual(await Promise.all(both), ["disk", "disk"]);
    const next = queue.push([3]);
    await clock.advance(5);
    batches[1]!.store();
    assert.deepEqual(await next, [30]);
  });

  it("closing stores what waits and takes no more", async () => {
    const { queue, batches } = openQueue();
    const first = queue.push([1]);
    await turn();
    const second = queue.push([2]);
    const closed = queue.close();
    assert.equal(await code(queue.push([3])), "CLOSED");
    batches[0]!.store();
    await first;
    await turn();
    batches[1]!.store();
    assert.deepEqual(await second, [20]);
    await closed;
  });
});
