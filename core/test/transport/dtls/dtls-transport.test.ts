import { assert } from "chai";
import { concatBytes, encodeUtf8 } from "../../../src/base/bytes.ts";
import { writeAlert } from "../../../src/transport/dtls/alert.ts";
import { CONTENT, writePlainRecord } from "../../../src/transport/dtls/records.ts";
import { type Device, type DtlsWorld, openWorld } from "./support/dtls-world.ts";
import { createKeptSessions } from "./support/kept-sessions.ts";

const CID = Uint8Array.of(7);

const textsOf = ({ got }: DtlsWorld): string[] => got.map(({ text }) => text);
const sayAll = async (world: DtlsWorld, device: Device, ...texts: string[]): Promise<void> => {
  for (const text of texts) device.say(text);
  await world.settle();
};
const sealed = (device: Device, text: string, sequence?: number): Uint8Array =>
  device.client.seal(CONTENT.applicationData, encodeUtf8(text), sequence);
const answer = (world: DtlsWorld, text: string, at = -1): void =>
  world.dtls.send(encodeUtf8(text), world.got.at(at)!.peer);

describe("transport/dtls", () => {
  it("a handshake, then datagrams both ways with a peer whose identity was proved", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "hello");
    const [first] = world.got;
    assert.deepInclude(first!.peer, {
      address: "198.51.100.1",
      port: 40_000,
      identity: { kind: "psk", identity: "device" },
    });
    assert.match(first!.peer.key, /^dtls:[0-9a-f]{16}$/);
    answer(world, "answer");
    await world.settle();
    assert.deepEqual(device.got, ["answer"]);
    assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
    assert.deepInclude(world.dtls.dtls, { handshakesDone: 1, handshakesFailed: 0, notAuthentic: 0 });
    assert.deepInclude(world.dtls.counters, { received: 1, sent: 1, sendFailed: 0 });
  });

  it("one value of a peer for each session and address", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "a", "b");
    assert.strictEqual(world.got[0]!.peer, world.got[1]!.peer);
    device.moveTo("203.0.113.9", 1111);
    await sayAll(world, device, "c", "d");
    assert.strictEqual(world.got[2]!.peer, world.got[3]!.peer);
    assert.notStrictEqual(world.got[1]!.peer, world.got[2]!.peer);
    assert.equal(world.got[1]!.peer.key, world.got[2]!.peer.key);
  });

  it("RFC 6347 section 4.1.1: several records in one datagram are taken one by one", async () => {
    const world = await openWorld();
    const device = await world.connect();
    device.client.sendTogether(["a", "b", "c"].map(encodeUtf8));
    await world.settle();
    assert.deepEqual(textsOf(world), ["a", "b", "c"]);
  });

  it("RFC 6347 section 4.1.2.6: a repeated record is taken once", async () => {
    const world = await openWorld();
    const device = await world.connect();
    const record = sealed(device, "once");
    for (const bytes of [record, record, sealed(device, "twice"), record]) device.sendRaw(bytes);
    await world.settle();
    assert.deepEqual(textsOf(world), ["once", "twice"]);
    assert.equal(world.dtls.dtls.replayed, 2);
  });

  it("sends no more than the peer takes in one record (RFC 8449), and nothing to whom it does not know", async () => {
    const world = await openWorld();
    const device = await world.connect({ recordSizeLimit: 65, cid: CID });
    await sayAll(world, device, "small");
    world.dtls.send(new Uint8Array(64), world.got[0]!.peer);
    assert.deepInclude(world.dtls.counters, { sent: 1, sendFailed: 0 });
    world.dtls.send(new Uint8Array(66), world.got[0]!.peer);
    world.dtls.send(encodeUtf8("x"), { key: "dtls:0000000000000000", address: "198.51.100.1", port: 40_000 });
    assert.deepInclude(world.dtls.counters, { sent: 1, sendFailed: 2 });
    assert.isUndefined(world.dtls.peerAt("198.51.100.1", 40_000));
  });

  it("what is sent may be used again after the call", async () => {
    const world = await openWorld();
    const device = await world.connect();
    await sayAll(world, device, "a");
    const bytes = encodeUtf8("first");
    world.dtls.send(bytes, world.got[0]!.peer);
    bytes.fill(0);
    await world.settle();
    assert.deepEqual(device.got, ["first"]);
  });

  describe("RFC 9146 section 6: the address of a peer", () => {
    it("changes with an authentic record that is the newest", async () => {
      const world = await openWorld();
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "here");
      device.moveTo("203.0.113.9", 1111);
      await sayAll(world, device, "there");
      assert.deepInclude(world.got[1]!.peer, { key: world.got[0]!.peer.key, address: "203.0.113.9", port: 1111 });
      answer(world, "found", 0);
      await world.settle();
      assert.deepEqual(device.got, ["found"]);
      assert.equal(world.dtls.dtls.addressChanges, 1);
    });

    it("does not change with a record that is old, repeated or forged", async () => {
      const world = await openWorld();
      const device = await world.connect({ cid: CID });
      const [held, taken] = [sealed(device, "held back"), sealed(device, "taken")];
      device.sendRaw(taken);
      await world.settle();
      const forged = Uint8Array.from(sealed(device, "forged"));
      forged[forged.length - 1]! ^= 1;
      const elsewhere = world.from("203.0.113.66", 6666);
      for (const bytes of [held, taken, forged]) elsewhere.send(bytes);
      await world.settle();
      assert.deepEqual(textsOf(world), ["taken", "held back"]);
      answer(world, "answer");
      await world.settle();
      assert.deepEqual(device.got, ["answer"], "to where the newest record came from");
      assert.equal(world.dtls.dtls.addressChanges, 0);
    });

    it("does not change without a Connection ID: a record from elsewhere is of nobody", async () => {
      const world = await openWorld();
      const device = await world.connect();
      device.moveTo("203.0.113.9", 1111);
      await sayAll(world, device, "there");
      assert.deepEqual(textsOf(world), []);
      assert.equal(world.dtls.dtls.unknownSession, 1);
    });
  });

  it("RFC 9146 section 3: where a Connection ID was agreed on, a record without it is not taken", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    const other = await world.connect({ identity: "other", address: "198.51.100.2" });
    device.sendRaw(sealed(other, "without"));
    await world.settle();
    assert.deepEqual(textsOf(world), []);
  });

  describe("alerts", () => {
    it("RFC 5246 section 7.2.1: close_notify is answered and ends the session", async () => {
      for (const cid of [undefined, CID]) {
        const kept = createKeptSessions();
        const world = await openWorld({}, kept);
        const device = await world.connect({ cid });
        await sayAll(world, device, "bye");
        world.wire.length = 0;
        device.client.close();
        await world.settle();
        assert.lengthOf(
          world.wire.filter(({ outgoing }) => outgoing),
          1,
        );
        assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 0 });
        device.sendRaw(sealed(device, "after"));
        answer(world, "after");
        await world.settle();
        assert.deepEqual(textsOf(world), ["bye"]);
        assert.equal(world.dtls.counters.sendFailed, 1);
        await world.restart();
        device.sendRaw(sealed(device, "after the restart"));
        await world.settle();
        assert.deepEqual(textsOf(world), ["bye"]);
        assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 0 });
      }
    });

    it("RFC 5246 section 7.2.1: a session that was closed may be resumed", async () => {
      const world = await openWorld();
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "first");
      device.client.close();
      await world.settle();
      const again = await world.connect({ cid: CID, session: device.established.session, port: 40_001 });
      await sayAll(world, again, "second");
      assert.isTrue(again.established.resumed);
      assert.deepEqual(world.superseded, [[world.got[0]!.peer.key, world.got[1]!.peer.key]]);
    });

    it("RFC 5246 section 7.2.2: a fatal alert ends the session for good", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      const device = await world.connect({ cid: CID });
      device.sendRaw(device.client.seal(CONTENT.alert, writeAlert("internalError")));
      await world.settle();
      assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 0 });
      assert.equal(kept.stored.size, 0);
      const again = await world.connect({ cid: CID, session: device.established.session });
      assert.isFalse(again.established.resumed);
    });

    it("in plaintext, of a stranger or in another form they change nothing", async () => {
      const world = await openWorld();
      const device = await world.connect();
      for (const name of ["closeNotify", "internalError"] as const) {
        device.sendRaw(writePlainRecord(CONTENT.alert, 9, writeAlert(name)));
        world.from("203.0.113.66", 6666).send(writePlainRecord(CONTENT.alert, 9, writeAlert(name)));
      }
      device.sendRaw(device.client.seal(CONTENT.alert, Uint8Array.of(2)));
      device.sendRaw(device.client.seal(CONTENT.alert, Uint8Array.of(1, 90)));
      await world.settle();
      await sayAll(world, device, "still here");
      assert.deepEqual(textsOf(world), ["still here"]);
    });
  });

  describe("handshake records within a session", () => {
    it("RFC 6347 section 4.2.4: our last flight again for a client that repeats its own, a few times a second at most", async () => {
      const world = await openWorld();
      const device = world.device({ cid: CID, retransmissionTimeoutMs: 1000, maxRetransmissions: 10 });
      // The flight with the server's Finished is lost: the third that it sends.
      let sent = 0;
      const original = device.client.receive;
      Object.assign(device.client, {
        receive(bytes: Uint8Array) {
          if (++sent !== 3) original(bytes);
        },
      });
      await world.settle();
      assert.isFalse(device.client.isConnected);
      assert.equal(world.dtls.dtls.handshakesDone, 1);
      await world.clock.advance(1000);
      await world.settle();
      assert.isTrue(device.client.isConnected);
      await sayAll(world, device, "got it");
      assert.deepEqual(textsOf(world), ["got it"]);
      // Its data shows that it has the flight.
      world.wire.length = 0;
      device.sendRaw(device.client.seal(CONTENT.handshake, Uint8Array.of(20, 0, 0, 0)));
      await world.settle();
      assert.lengthOf(
        world.wire.filter(({ outgoing }) => outgoing),
        0,
      );
    });

    it("RFC 5246 section 7.2.2: no_renegotiation for a ClientHello, a few times a second at most", async () => {
      const world = await openWorld();
      const device = await world.connect({ cid: CID });
      world.wire.length = 0;
      for (let i = 0; i < 20; i++) device.sendRaw(device.client.seal(CONTENT.handshake, Uint8Array.of(1, 0, 0, 0)));
      await world.settle();
      assert.lengthOf(
        world.wire.filter(({ outgoing }) => outgoing),
        1,
      );
      await sayAll(world, device, "still here");
      assert.deepEqual(textsOf(world), ["still here"]);
      assert.deepEqual(device.ends, [], "a warning");
    });
  });

  describe("RFC 6347 section 4.2.8: a new handshake from a known address", () => {
    it("a hello that was forged, even with its cookie's echo missing, harms nothing", async () => {
      for (const cid of [undefined, CID]) {
        const world = await openWorld();
        const device = await world.connect({ cid });
        const hello = world.wire.find(({ outgoing }) => !outgoing)!.bytes;
        for (let i = 0; i < 50; i++) world.from("198.51.100.1", 40_000).send(hello);
        await sayAll(world, device, "still here");
        answer(world, "and you");
        await world.settle();
        assert.deepEqual(textsOf(world), ["still here"]);
        assert.deepEqual(device.got, ["and you"]);
        assert.equal(world.dtls.dtls.handshakesBegun, 1);
      }
    });

    it("goes beside the old session, which stays when the new one fails", async () => {
      const world = await openWorld();
      const device = await world.connect();
      const wrong = world.device({ psk: { identity: "device", key: encodeUtf8("a wrong key 1234") } });
      const outcome = await Promise.race([
        wrong.connecting.then(
          () => "connected",
          () => "refused",
        ),
        world.clock.advance(60_000).then(() => "no answer"),
      ]);
      assert.notEqual(outcome, "connected");
      await world.settle();
      // The same socket speaks for the old session again.
      device.moveTo("198.51.100.1", 40_000);
      await sayAll(world, device, "still here");
      assert.deepEqual(textsOf(world), ["still here"]);
      assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
    });

    it("replaces the old session when its Finished is verified", async () => {
      for (const cid of [undefined, CID]) {
        const world = await openWorld();
        const device = await world.connect({ cid });
        await sayAll(world, device, "old");
        const again = await world.connect({ cid });
        await sayAll(world, again, "new");
        assert.deepEqual(textsOf(world), ["old", "new"]);
        assert.deepEqual(world.superseded, [[world.got[0]!.peer.key, world.got[1]!.peer.key]]);
        assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
      }
    });

    it("of another peer takes the address of a session without Connection ID, which nothing can reach any more", async () => {
      const world = await openWorld();
      await world.connect({ identity: "one" });
      const other = await world.connect({ identity: "two" });
      await sayAll(world, other, "mine");
      assert.deepEqual(textsOf(world), ["mine"]);
      assert.deepEqual(world.superseded, []);
      assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
    });

    it("replaces the one under way only where its cookie came back", async () => {
      const world = await openWorld();
      const first = world.device();
      first.isDeaf = true;
      await world.settle();
      // Deaf before it had its cookie: nothing is kept of it.
      assert.equal(world.dtls.dtls.handshakesBegun, 0);
      const second = world.device();
      await world.settle();
      assert.isTrue(second.client.isConnected);
      first.connecting.catch(() => {});
      await world.clock.advance(120_000);
      assert.equal(world.dtls.dtls.handshakesBegun, 1);
    });
  });

  describe("one session for each principal", () => {
    it("the newer one is told of before its first datagram, and the older one is gone from memory and store", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "old");
      const again = world.device({ cid: CID, address: "203.0.113.9" });
      await again.connecting;
      again.say("new");
      const seenBefore = world.superseded.length;
      await world.settle();
      assert.equal(seenBefore, 0);
      const [older, newer] = world.got.map(({ peer }) => peer.key) as [string, string];
      assert.deepEqual(world.superseded, [[older, newer]]);
      assert.deepEqual([...kept.stored.keys()], [newer.slice(5)]);
      device.say("from the grave");
      answer(world, "to the grave", 0);
      await world.settle();
      assert.deepEqual(textsOf(world), ["old", "new"]);
      assert.deepInclude(world.dtls.dtls, { superseded: 1, unknownSession: 1 });
    });

    it("a resumed session replaces the one it came from", async () => {
      const world = await openWorld();
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "old");
      const again = await world.connect({ cid: CID, session: device.established.session, address: "203.0.113.9" });
      await sayAll(world, again, "new");
      assert.isTrue(again.established.resumed);
      assert.lengthOf(world.superseded, 1);
      assert.deepInclude(world.dtls.dtls, { handshakesResumed: 1, superseded: 1 });
      const third = await world.connect({ cid: CID, session: again.established.session });
      assert.isTrue(third.established.resumed, "the same Session ID goes on");
    });
  });

  it("ends the sessions of peers that may not come any more", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const gone = await world.connect({ cid: CID, identity: "gone" });
    const stays = await world.connect({ cid: CID, identity: "stays", port: 2 });
    const ended = await world.dtls.endSessions(identity => identity.kind === "psk" && identity.identity === "gone");
    assert.equal(ended, 1);
    assert.lengthOf(
      [...kept.stored.values()].filter(({ principal }) => principal.includes("gone")),
      0,
    );
    await world.settle();
    assert.deepEqual(gone.ends, ["closed"]);
    gone.sendRaw(sealed(gone, "I am not gone"));
    await sayAll(world, stays, "here");
    assert.deepEqual(textsOf(world), ["here"]);
    const again = await world.connect({ cid: CID, identity: "gone", session: gone.established.session, port: 3 });
    assert.isFalse(again.established.resumed);
  });

  it("works with loss and reordering both ways", async () => {
    const world = await openWorld();
    world.network.setConditions({ loss: 0.2, duplication: 0.1, delayMs: [0, 50] });
    const devices = Array.from({ length: 20 }, (_, n) =>
      world.device({ identity: `d${n}`, port: 1000 + n, maxRetransmissions: 12, ...(n % 2 && { cid: CID }) }),
    );
    await world.clock.advance(600_000);
    assert.isTrue(devices.every(({ client }) => client.isConnected));
    world.network.setConditions({});
    for (const device of devices) device.say("x");
    await world.settle();
    assert.equal(new Set(world.got.map(({ peer }) => peer.key)).size, 20);
    assert.equal(world.dtls.sessions.live, 20);
  });

  it("disposes quietly: nothing is sent, delivered or left behind", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "before");
    world.wire.length = 0;
    await world.dtls[Symbol.asyncDispose]();
    await world.dtls[Symbol.asyncDispose]();
    answer(world, "after");
    await world.settle();
    assert.deepEqual(world.wire, [], "no close_notify: the session goes on in the next process");
    assert.equal(world.dtls.counters.sendFailed, 1);
    assert.equal(world.clock.pending, 0);
  });

  it("the same bytes twice in one datagram, and rubbish behind a record", async () => {
    const world = await openWorld();
    const device = await world.connect();
    const record = sealed(device, "a");
    device.sendRaw(concatBytes([record, record, Uint8Array.of(1, 2, 3)]));
    await world.settle();
    assert.deepEqual(textsOf(world), ["a"]);
    assert.deepInclude(world.dtls.dtls, { replayed: 1, malformed: 1 });
  });
});
