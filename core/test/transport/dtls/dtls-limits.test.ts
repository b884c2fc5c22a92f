import { assert } from "chai";
import { concatBytes, encodeUtf8 } from "../../../src/base/bytes.ts";
import { HANDSHAKE } from "../../../src/transport/dtls/handshake-message.ts";
import { CONTENT, RECORD_HEADER_BYTES as FIRST_MESSAGE_AT } from "../../../src/transport/dtls/records.ts";
import { type Device, type DeviceOptions, type DtlsWorld, openWorld } from "./support/dtls-world.ts";
import { createKeptSessions } from "./support/kept-sessions.ts";

const CID = Uint8Array.of(7);
const RATE = { perSecond: 0.001, burst: 1 };

const textsOf = ({ got }: DtlsWorld): string[] => got.map(({ text }) => text);
const sayAll = async (world: DtlsWorld, device: Device, ...texts: string[]): Promise<void> => {
  for (const text of texts) device.say(text);
  await world.settle();
};
const answer = (world: DtlsWorld, text: string, at = -1): void =>
  world.dtls.send(encodeUtf8(text), world.got.at(at)!.peer);
/** An authentic record with a bit changed. */
function forgedBy(device: Device, text = "forged"): Uint8Array {
  const bytes = device.client.seal(CONTENT.applicationData, encodeUtf8(text), 1_000_000);
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
}
/** A device that does not wait for its answer. */
async function tryToConnect(world: DtlsWorld, options: DeviceOptions): Promise<Device> {
  const device = world.device({ maxRetransmissions: 0, ...options });
  device.connecting.catch(() => {});
  await world.settle();
  return device;
}
const connectMany = (world: DtlsWorld, count: number, options: DeviceOptions = {}): Promise<Device[]> =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      world.connect({ cid: CID, identity: `d${n}`, address: `198.51.100.${n + 1}`, ...options }),
    ),
  );

describe("transport/dtls, limits", () => {
  it("hellos from forged addresses leave nothing behind, and a session is served meanwhile", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    const hello = world.wire.find(({ outgoing }) => !outgoing)!.bytes;
    const before = { ...world.dtls.dtls };
    const timers = world.clock.pending;
    for (let n = 0; n < 5000; n++) world.forge(hello, `203.0.${n >> 8}.${n & 255}`, 1024);
    await sayAll(world, device, "still here");
    assert.deepEqual(textsOf(world), ["still here"]);
    assert.equal(world.dtls.dtls.helloVerifyRequests - before.helloVerifyRequests, 5000);
    assert.equal(world.dtls.dtls.handshakesBegun, 1);
    assert.equal(world.clock.pending, timers);
  });

  it("RFC 6347 section 4.2.1: many hellos in one datagram are answered once", async () => {
    const world = await openWorld();
    await world.connect({ cid: CID });
    const hello = world.wire.find(({ outgoing }) => !outgoing)!.bytes;
    const sent = () => world.wire.filter(({ outgoing }) => outgoing).length;
    const before = sent();
    world.forge(concatBytes(Array.from({ length: 50 }, () => hello)), "203.0.113.1", 1024);
    assert.equal(sent(), before + 1);
  });

  describe("handshakes", () => {
    it("no more under way than there is room for, and a client that was refused tries again", async () => {
      const world = await openWorld({ maxHandshakes: 4 });
      const stuck = Array.from({ length: 8 }, (_, n) =>
        world.device({ identity: `d${n}`, port: 1000 + n, faults: { noFinished: true }, maxRetransmissions: 1 }),
      );
      for (const { connecting } of stuck) connecting.catch(() => {});
      await world.settle();
      assert.deepInclude(world.dtls.dtls, { handshakesBegun: 3, handshakesRefused: 5 });
      const fine = world.device({ identity: "fine", port: 1, maxRetransmissions: 12 });
      await world.clock.advance(600_000);
      assert.isTrue(fine.client.isConnected);
    });

    it("in a herd they begin in turns: few at once, all in the end", async () => {
      const world = await openWorld();
      const herd = Array.from({ length: 20 }, (_, n) => world.device({ identity: `d${n}`, port: 1000 + n }));
      const serverHellos = () =>
        world.wire.filter(({ outgoing, bytes }) => outgoing && bytes[FIRST_MESSAGE_AT] === HANDSHAKE.serverHello)
          .length;
      while (world.dtls.dtls.handshakesBegun < herd.length) await Promise.resolve();
      assert.equal(serverHellos(), 4);
      await Promise.all(herd.map(({ connecting }) => connecting));
      assert.equal(serverHellos(), herd.length);
    });

    it("no more begun than the rates in all and for each address allow", async () => {
      const all = await openWorld({ handshakeRate: RATE });
      await all.connect({ identity: "one" });
      await tryToConnect(all, { identity: "two", address: "198.51.100.2" });
      assert.deepInclude(all.dtls.dtls, { handshakesBegun: 1, handshakesRefused: 1 });
      const each = await openWorld({ handshakeRatePerAddress: RATE });
      await each.connect({ identity: "one" });
      await tryToConnect(each, { identity: "two", port: 2 });
      await each.connect({ identity: "three", address: "198.51.100.2" });
      assert.deepInclude(each.dtls.dtls, { handshakesBegun: 2, handshakesDone: 2, handshakesRefused: 1 });
    });

    it("the addresses of one IPv6 network count as one", async () => {
      const world = await openWorld({ handshakeRatePerAddress: RATE });
      await world.connect({ identity: "one", address: "2001:db8::1" });
      for (let n = 2; n < 10; n++) await tryToConnect(world, { identity: `d${n}`, address: `2001:db8::${n}` });
      assert.deepInclude(world.dtls.dtls, { handshakesBegun: 1, handshakesRefused: 8 });
      await world.connect({ identity: "two", address: "2001:db8:0:1::1" });
    });

    it("a part of room and rate is for those who are known, by address or by a session to resume", async () => {
      const world = await openWorld({ handshakeRate: { perSecond: 0.001, burst: 8 } });
      const [known, movable] = await connectMany(world, 2);
      for (let n = 0; n < 10; n++) await tryToConnect(world, { identity: `s${n}`, address: `203.0.113.${n}` });
      // Six for strangers, two of them were the known ones when they came first.
      assert.deepInclude(world.dtls.dtls, { handshakesDone: 6, handshakesRefused: 6 });
      const again = await world.connect({ identity: "d0", cid: CID, address: "198.51.100.1", port: 7 });
      const moved = await world.connect({ cid: CID, session: movable!.established.session, address: "192.0.2.77" });
      assert.isTrue(again.client.isConnected && moved.established.resumed);
      assert.isTrue(known!.client.isConnected);
    });

    it("sessions that the store does not take hold their room", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({ maxHandshakes: 4 }, kept);
      kept.hold("insert");
      for (let n = 0; n < 8; n++) await tryToConnect(world, { identity: `d${n}`, port: 1000 + n });
      assert.equal(world.dtls.dtls.handshakesDone, 4, "the last one by the address that is known then");
    });
  });

  describe("mute", () => {
    const MUTE = { muteAfter: { perSecond: 0.001, burst: 5 }, muteMs: 30_000 };

    it("a source of bad records is not listened to for a while", async () => {
      const world = await openWorld(MUTE);
      const bad = world.from("203.0.113.66", 6666);
      for (let i = 0; i < 6; i++) bad.send(Uint8Array.of(1, 2, 3));
      const device = world.device({ address: "203.0.113.66", port: 6666, retransmissionTimeoutMs: 25_000 });
      await world.settle();
      assert.isFalse(device.client.isConnected);
      assert.equal(world.dtls.dtls.muted, 1);
      await world.connect({ address: "203.0.113.66", port: 6667, identity: "beside it" });
      await world.clock.advance(80_000);
      assert.isTrue(device.client.isConnected);
    });

    it("whose credentials are wrong again and again is not listened to for a while", async () => {
      const world = await openWorld(MUTE);
      for (let n = 0; n < 6; n++) {
        const wrong = world.device({ identity: "unknown", cid: CID });
        wrong.connecting.catch(() => {});
        await world.clock.advance(1000);
      }
      assert.equal(world.dtls.dtls.handshakesFailed, 6);
      await tryToConnect(world, { identity: "unknown" });
      assert.equal(world.dtls.dtls.muted, 1);
    });

    it("forged records from a peer's address mute neither its session nor its handshake", async () => {
      for (const cid of [undefined, CID]) {
        const world = await openWorld(MUTE);
        const device = await world.connect({ cid });
        for (let i = 0; i < 100; i++) {
          device.sendRaw(forgedBy(device));
          device.sendRaw(Uint8Array.of(1, 2, 3));
        }
        await sayAll(world, device, "still here");
        assert.deepEqual(textsOf(world), ["still here"]);
        const again = await world.connect({ cid });
        await sayAll(world, again, "again");
        assert.deepEqual(textsOf(world), ["still here", "again"]);
      }
    });

    it("a muted source cannot move a session, its own peer's address goes on", async () => {
      const world = await openWorld(MUTE);
      const device = await world.connect({ cid: CID });
      const bad = world.from("203.0.113.66", 6666);
      for (let i = 0; i < 6; i++) bad.send(forgedBy(device));
      await world.settle();
      bad.send(device.client.seal(CONTENT.applicationData, encodeUtf8("stolen")));
      await sayAll(world, device, "mine");
      assert.deepEqual(textsOf(world), ["mine"]);
      assert.equal(world.dtls.dtls.muted, 1);
    });
  });

  describe("sleep", () => {
    const SLEEP = { sleepAfterMs: 60_000 };

    it("a silent session leaves memory, and wakes with a record of its peer", async () => {
      for (const cid of [undefined, CID]) {
        const world = await openWorld(SLEEP, createKeptSessions());
        const device = await world.connect({ cid });
        await sayAll(world, device, "before");
        await world.clock.advance(80_000);
        assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
        await sayAll(world, device, "after", "and more");
        assert.deepEqual(textsOf(world), ["before", "after", "and more"]);
        assert.deepEqual(world.got[1]!.peer, world.got[0]!.peer);
        assert.equal(world.dtls.dtls.woken, 1);
        answer(world, "answer");
        await world.settle();
        assert.deepEqual(device.got, ["answer"]);
      }
    });

    it("wakes to send, in order", async () => {
      const world = await openWorld(SLEEP, createKeptSessions());
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "before");
      await world.clock.advance(80_000);
      for (let i = 0; i < 4; i++) answer(world, `${i}`);
      await world.settle();
      assert.deepEqual(device.got, ["0", "1", "2", "3"]);
    });

    it("what waits for one to wake is bounded and counted", async () => {
      const kept = createKeptSessions();
      const world = await openWorld(SLEEP, kept);
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "before");
      await world.clock.advance(80_000);
      const release = kept.hold("find");
      for (let i = 0; i < 20; i++) answer(world, `${i}`);
      assert.equal(world.dtls.counters.sendFailed, 12);
      release();
      await world.settle();
      assert.lengthOf(device.got, 8);
    });

    it("also without a store, and is resumed from there", async () => {
      const world = await openWorld(SLEEP);
      const device = await world.connect({ cid: CID });
      await world.clock.advance(80_000);
      assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
      await sayAll(world, device, "after");
      assert.deepEqual(textsOf(world), ["after"]);
      await world.clock.advance(80_000);
      const again = await world.connect({ cid: CID, session: device.established.session, port: 2 });
      assert.isTrue(again.established.resumed);
    });

    it("records taken before it slept are not taken after it woke", async () => {
      const world = await openWorld(SLEEP, createKeptSessions());
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "a", "b");
      const recorded = world.wire.filter(({ outgoing }) => !outgoing).map(({ bytes }) => bytes);
      await world.clock.advance(80_000);
      for (const bytes of recorded) device.sendRaw(bytes);
      await world.settle();
      assert.equal(world.dtls.dtls.woken, 0, "that is seen without waking it");
      await sayAll(world, device, "c");
      for (const bytes of recorded) device.sendRaw(bytes);
      await world.settle();
      assert.deepEqual(textsOf(world), ["a", "b", "c"]);
    });

    it("a forged record wakes a session for a short time only", async () => {
      const world = await openWorld(SLEEP, createKeptSessions());
      const device = await world.connect({ cid: CID });
      await world.clock.advance(80_000);
      world.from("203.0.113.66", 6666).send(forgedBy(device));
      await world.settle();
      assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
      await world.clock.advance(20_000);
      assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
    });

    it("a new handshake from the address of a sleeping session without Connection ID", async () => {
      const world = await openWorld(SLEEP, createKeptSessions());
      const device = await world.connect();
      await sayAll(world, device, "old");
      await world.clock.advance(80_000);
      const again = await world.connect();
      await sayAll(world, again, "new");
      assert.deepEqual(textsOf(world), ["old", "new"]);
      assert.lengthOf(world.superseded, 1);
      assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
    });
  });

  it("the longest silent sessions sleep where there are more than may be live", async () => {
    const world = await openWorld({ maxLiveSessions: 3 }, createKeptSessions());
    const devices: Device[] = [];
    for (let n = 0; n < 5; n++) {
      devices.push(await world.connect({ cid: CID, identity: `d${n}`, port: 1000 + n }));
      await world.clock.advance(1000);
    }
    assert.deepInclude(world.dtls.sessions, { live: 3, sleeping: 2 });
    await sayAll(world, devices[0]!, "awake again");
    assert.deepEqual(textsOf(world), ["awake again"]);
    assert.deepInclude(world.dtls.sessions, { live: 3, sleeping: 2 });
    await sayAll(world, devices[2]!, "this one slept for it");
    assert.equal(world.dtls.dtls.woken, 2);
    for (const device of devices) device.say("all");
    await world.settle();
    assert.lengthOf(world.got, 7);
  });

  it("the longest silent session goes where there are too many, also from the store", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({ maxSessions: 3 }, kept);
    const devices: Device[] = [];
    for (let n = 0; n < 3; n++) {
      devices.push(await world.connect({ cid: CID, identity: `d${n}`, port: 1000 + n }));
      await world.clock.advance(1000);
    }
    await sayAll(world, devices[0]!, "not me");
    await world.connect({ cid: CID, identity: "one more", port: 1 });
    for (const device of devices) device.say("here");
    await world.settle();
    assert.deepEqual(textsOf(world), ["not me", "here", "here"]);
    assert.equal(kept.stored.size, 3);
    assert.deepInclude(world.dtls.dtls, { evicted: 1 });
  });

  it("a session that is silent for its lifetime is forgotten", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({ sessionLifetimeMs: 100_000, sleepAfterMs: 10_000 }, kept);
    const device = await world.connect({ cid: CID });
    await world.clock.advance(90_000);
    await sayAll(world, device, "in time");
    await world.clock.advance(90_000);
    assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
    await world.clock.advance(40_000);
    assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 0 });
    assert.equal(kept.stored.size, 0);
  });

  it("short Connection IDs hold as many sessions as they can tell apart", async () => {
    const world = await openWorld({ cidLength: 1 });
    for (let n = 0; n < 80; n++) await world.connect({ cid: CID, identity: `d${n}`, port: 1000 + n });
    assert.equal(world.dtls.sessions.live, 64);
    assert.equal(world.dtls.dtls.handshakesDone, 80);
  });
});
