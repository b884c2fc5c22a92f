import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { createPeerTable } from "../../src/coap/peers.ts";
import { createTimerWheel } from "../../src/coap/timer-wheel.ts";
import { createTransfers } from "../../src/coap/transfers.ts";
import { LIMITS } from "./support/endpoints.ts";

const setUp = (silenceMs = 10_000) => {
  const clock = createManualClock(0);
  const wheel = createTimerWheel({ clock, onError: assert.fail });
  const limits = { ...LIMITS, maxTransfersPerPeer: 2, maxTransfers: 3, maxTransferBytes: 1000 };
  const peers = createPeerTable(10);
  const state = (name: string) => peers.open({ key: name, address: "192.0.2.1", port: 1 }, 0)!;
  return {
    clock,
    wheel,
    transfers: createTransfers({ limits, wheel, clock, silenceMs }),
    a: state("a"),
    b: state("b"),
  };
};

describe("coap/transfers", () => {
  it("a peer's oldest gives way at the peer's limit", () => {
    const { transfers, a } = setUp();
    const lost: string[] = [];
    for (const key of ["1", "2", "3"]) transfers.open(a, key, key, 10, () => lost.push(key));
    assert.deepEqual(lost, ["1"]);
    assert.equal(transfers.count, 2);
    assert.equal(transfers.bytes, 20);
    assert.equal(transfers.find(a, "3")?.body, "3");
  });

  it("all together have a limit in number and in bytes", () => {
    const { transfers, a, b } = setUp();
    const nothing = (): void => {};
    assert.isDefined(transfers.open(a, "1", 0, 400, nothing));
    assert.isUndefined(transfers.open(a, "2", 0, 700, nothing));
    assert.isDefined(transfers.open(a, "2", 0, 0, nothing));
    assert.isDefined(transfers.open(b, "1", 0, 0, nothing));
    assert.isUndefined(transfers.open(b, "2", 0, 0, nothing));
    assert.isTrue(transfers.grow(b, "1", transfers.find(b, "1")!, 600));
    assert.isFalse(transfers.grow(b, "1", transfers.find(b, "1")!, 1));
    assert.equal(transfers.bytes, 1000);
  });

  it("of all together the one silent for longest gives way, once it has been silent for 15 s", async () => {
    const { clock, transfers, a, b } = setUp(240_000);
    const lost: string[] = [];
    const open = (state: typeof a, key: string, bytes: number) =>
      transfers.open(state, key, key, bytes, () => lost.push(key));
    const first = open(a, "1", 300)!;
    open(a, "2", 300);
    await clock.advance(10_000);
    open(b, "3", 300);
    assert.isTrue(transfers.grow(a, "1", first, 0));
    await clock.advance(4_000);
    assert.isUndefined(open(b, "4", 300), "all are alive");
    await clock.advance(1_000);
    assert.isDefined(open(b, "4", 300));
    assert.deepEqual(lost, ["2"]);
    assert.isFalse(transfers.grow(a, "1", first, 200), "all are alive again");
    await clock.advance(20_000);
    assert.isTrue(transfers.grow(a, "1", first, 200));
    assert.deepEqual(lost, ["2", "3"]);
    assert.equal(transfers.bytes, 800);
  });

  it("silence ends a transfer, activity begins its time anew", async () => {
    const { clock, transfers, a } = setUp();
    let lost = 0;
    const transfer = transfers.open(a, "1", 0, 10, () => lost++)!;
    await clock.advance(9_000);
    transfers.grow(a, "1", transfer, 5);
    await clock.advance(9_000);
    assert.equal(lost, 0);
    await clock.advance(1_100);
    assert.equal(lost, 1);
    assert.equal(transfers.bytes, 0);
    assert.isUndefined(a.transfers);
  });

  it("closing is quiet and leaves nothing behind", () => {
    const { wheel, transfers, a } = setUp();
    transfers.open(a, "1", 0, 10, assert.fail);
    transfers.close(a, "1");
    transfers.close(a, "1");
    assert.equal(transfers.count, 0);
    assert.equal(transfers.bytes, 0);
    assert.equal(wheel.size, 0);
  });

  it("a transfer under the same key replaces the other", () => {
    const { transfers, a } = setUp();
    let lost = 0;
    transfers.open(a, "1", "old", 10, () => lost++);
    transfers.open(a, "1", "new", 20, assert.fail);
    assert.equal(lost, 1);
    assert.equal(transfers.find(a, "1")?.body, "new");
    assert.equal(transfers.bytes, 20);
  });

  it("a peer loses all of its own", () => {
    const { transfers, a, b } = setUp();
    let lost = 0;
    transfers.open(a, "1", 0, 10, () => lost++);
    transfers.open(a, "2", 0, 10, () => lost++);
    transfers.open(b, "1", 0, 10, assert.fail);
    transfers.loseAll(a);
    assert.equal(lost, 2);
    assert.equal(transfers.count, 1);
  });
});
