import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { isFailure } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createMemoryNetwork } from "../../src/transport/memory/memory-transport.ts";
import type { Peer } from "../../src/transport/transport.ts";

const setUp = () => {
  const clock = createManualClock();
  const network = createMemoryNetwork({ clock, random: createSeededRandom(1) });
  const a = network.open("192.0.2.1", 5683);
  const b = network.open("192.0.2.2", 5684);
  const got: [byte: number, from: string][] = [];
  b.start((bytes, peer) => void got.push([bytes[0]!, peer.key]));
  const toB = a.peerAt("192.0.2.2", 5684)!;
  const send = (byte: number): void => a.send(Uint8Array.of(byte), toB);
  return { clock, network, a, b, got, toB, send };
};

describe("transport/memory", () => {
  it("delivers in order and says from whom", async () => {
    const { clock, got, send, a, b } = setUp();
    for (let i = 0; i < 5; i++) send(i);
    assert.lengthOf(got, 0, "never within the call");
    await clock.advance(0);
    assert.deepEqual(
      got,
      [0, 1, 2, 3, 4].map(byte => [byte, "memory:192.0.2.1:5683"]),
    );
    assert.equal(a.counters.sent, 5);
    assert.equal(b.counters.received, 5);
    assert.equal(b.peerAt("192.0.2.1", 5683)?.key, got[0]![1]);
  });

  it("the bytes may be used again after the call", async () => {
    const { clock, a, got, toB } = setUp();
    const bytes = Uint8Array.of(1);
    a.send(bytes, toB);
    bytes[0] = 2;
    await clock.advance(0);
    assert.equal(got[0]![0], 1);
  });

  it("loses, repeats and reorders the share that was asked for, the same each time", async () => {
    const run = async () => {
      const { clock, network, got, send } = setUp();
      network.setConditions({ loss: 0.25, duplication: 0.1, delayMs: [0, 100] });
      for (let i = 0; i < 200; i++) send(i);
      await clock.advance(100);
      return { got: got.map(([byte]) => byte), counters: network.counters };
    };
    const { got, counters } = await run();
    assert.deepEqual((await run()).got, got);
    assert.isTrue(counters.lost > 30 && counters.lost < 70, `${counters.lost} lost`);
    assert.isTrue(counters.duplicated > 5 && counters.duplicated < 30, `${counters.duplicated} repeated`);
    assert.equal(got.length, 200 - counters.lost + counters.duplicated);
    assert.notDeepEqual(
      got,
      got.toSorted((x, y) => x - y),
    );
  });

  it("one direction may have conditions of its own", async () => {
    const { clock, network, a, b, got, send } = setUp();
    const back: Peer[] = [];
    a.start((_, peer) => void back.push(peer));
    network.setConditionsFrom("192.0.2.1", 5683, { loss: 1 });
    send(1);
    b.send(Uint8Array.of(1), b.peerAt("192.0.2.1", 5683)!);
    await clock.advance(0);
    assert.lengthOf(got, 0);
    assert.lengthOf(back, 1);
  });

  it("tells who proved what", async () => {
    const { clock, network, b } = setUp();
    const identity = { kind: "psk", identity: "dev1" } as const;
    const secure = network.open("192.0.2.3", 5684, { scheme: "coaps", identity });
    const peers: Peer[] = [];
    const host = network.open("192.0.2.4", 5684);
    host.start((_, peer) => void peers.push(peer));
    secure.send(Uint8Array.of(1), secure.peerAt("192.0.2.4", 5684)!);
    await clock.advance(0);
    assert.deepEqual(peers[0]?.identity, identity);
    assert.equal(secure.scheme, "coaps");
    assert.equal(b.scheme, "coap");
  });

  it("counts what reaches nobody and what is sent after closing; a closed address is free again", async () => {
    const { clock, network, a, b, send, toB } = setUp();
    await b[Symbol.asyncDispose]();
    send(1);
    await clock.advance(0);
    assert.equal(network.counters.undeliverable, 1);
    await a[Symbol.asyncDispose]();
    a.send(Uint8Array.of(1), toB);
    assert.equal(a.counters.sendFailed, 1);
    assert.doesNotThrow(() => network.open("192.0.2.2", 5684));
    try {
      network.open("192.0.2.2", 5684);
      assert.fail("was opened twice");
    } catch (error) {
      assert.isTrue(isFailure(error, "CONFIG_INVALID"));
    }
  });
});
