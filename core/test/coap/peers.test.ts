import { assert } from "chai";
import { createPeerTable, isIdle, put, take } from "../../src/coap/peers.ts";
import { addSeen, createSeenMessages } from "../../src/coap/seen-messages.ts";
import type { Peer } from "../../src/transport/transport.ts";

const peer = (name: string, port = 5683): Peer => ({ key: name, address: "192.0.2.1", port });
const keys = (table: ReturnType<typeof createPeerTable>): string[] => [...table.all()].map(state => state.peer.key);

describe("coap/peers", () => {
  it("one state per key; the newest value of the peer counts", () => {
    const table = createPeerTable(10);
    const state = table.open(peer("a"), 0)!;
    assert.strictEqual(table.open(peer("a", 7000), 1), state);
    assert.equal(state.peer.port, 7000);
    assert.strictEqual(table.find(peer("a")), state);
    assert.isUndefined(table.find(peer("b")));
  });

  it("the longest silent idle peer gives way when the table is full", () => {
    const table = createPeerTable(3);
    for (const name of ["a", "b", "c"]) table.open(peer(name), 0);
    table.open(peer("a"), 1);
    table.open(peer("d"), 2);
    assert.sameMembers(keys(table), ["a", "c", "d"]);
  });

  it("peers in use stay; a newcomer finds no room when all are", () => {
    const table = createPeerTable(2);
    for (const name of ["a", "b"]) table.open(peer(name), 0)!.busy = 1;
    assert.isUndefined(table.open(peer("c"), 1));
    table.find(peer("b"))!.busy = 0;
    assert.isDefined(table.open(peer("c"), 2));
    assert.sameMembers(keys(table), ["a", "c"]);
  });

  it("a sweep forgets the silent ones and trims those in use", () => {
    const table = createPeerTable(10);
    table.open(peer("silent"), 0);
    const used = table.open(peer("used"), 0)!;
    used.busy = 1;
    used.seen = createSeenMessages();
    addSeen(used.seen, 1, 50, 0, 0);
    table.open(peer("fresh"), 90);
    assert.isFalse(table.sweep(100, 50));
    assert.sameMembers(keys(table), ["used", "fresh"]);
    assert.isUndefined(used.seen);
    used.busy = 0;
    table.sweep(150, 50);
    assert.deepEqual(keys(table), []);
  });

  it("what is open keeps a peer from being idle, in turn", () => {
    const state = createPeerTable(1).open(peer("a"), 0)!;
    assert.isTrue(isIdle(state));
    state.transfers = put(state.transfers, "x", undefined as never);
    assert.isFalse(isIdle(state));
    state.transfers = take(state.transfers, "x");
    assert.isUndefined(state.transfers);
    assert.isTrue(isIdle(state));
  });

  it("sweeps a hundred thousand in several looks", () => {
    const table = createPeerTable(100_000);
    for (let i = 0; i < 12_000; i++) table.open(peer(`p${i}`), 0);
    let looks = 1;
    while (table.sweep(100, 50)) looks++;
    assert.equal(looks, 3);
    assert.equal(table.size, 0);
  });
});
