import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { encodeUtf8, toHex } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { createSystemRandom } from "../../../src/base/random.ts";
import { createSecretBox } from "../../../src/base/secret-box.ts";
import { DTLS_SESSIONS } from "../../../src/store/collections/devices.ts";
import { openSqlite } from "../../../src/store/sqlite/open-sqlite.ts";
import { readRecords } from "../../../src/transport/dtls/records.ts";
import { openSequenceJournal } from "../../../src/transport/dtls/sequence-journal.ts";
import { createSessionStore } from "../../../src/transport/dtls/session-store.ts";
import { type Device, type DtlsWorld, openWorld } from "./support/dtls-world.ts";
import { createKeptSessions } from "./support/kept-sessions.ts";

const CID = Uint8Array.of(7);

const textsOf = ({ got }: DtlsWorld): string[] => got.map(({ text }) => text);
const sayAll = async (world: DtlsWorld, device: Device, ...texts: string[]): Promise<void> => {
  for (const text of texts) device.say(text);
  await world.settle();
};
const answer = (world: DtlsWorld, text: string): void => world.dtls.send(encodeUtf8(text), world.got.at(-1)!.peer);

/** Explicit nonces of everything protected that the server has sent, to one device. */
function noncesOf({ wire }: DtlsWorld): string[] {
  const records = wire
    .filter(({ outgoing }) => outgoing)
    .flatMap(({ bytes }) => readRecords(bytes, CID.length).records);
  return records.filter(({ epoch }) => epoch === 1).map(({ fragment }) => toHex(fragment.subarray(0, 8)));
}

function assertNoNonceTwice(world: DtlsWorld): void {
  const nonces = noncesOf(world);
  assert.equal(new Set(nonces).size, nonces.length);
}

describe("transport/dtls, kept sessions", () => {
  for (const cid of [undefined, CID]) {
    describe(cid ? "with Connection ID" : "without Connection ID", () => {
      it("20-32: go on after a kill, without a handshake and under the same key of the peer", async () => {
        const kept = createKeptSessions();
        const world = await openWorld({}, kept);
        const device = await world.connect({ cid });
        await sayAll(world, device, "before");
        for (let i = 0; i < 5; i++) answer(world, `answer ${i}`);
        await world.settle();
        await world.restart();
        assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
        await sayAll(world, device, "after");
        assert.deepEqual(textsOf(world), ["before", "after"]);
        assert.deepEqual(world.got[1]!.peer, world.got[0]!.peer);
        answer(world, "answer after");
        await world.settle();
        assert.equal(device.got.at(-1), "answer after");
        assert.deepInclude(world.dtls.dtls, { handshakesBegun: 0, woken: 1 });
        assertNoNonceTwice(world);
      });

      it("the server may speak first after a kill", async () => {
        const kept = createKeptSessions();
        const world = await openWorld({}, kept);
        const device = await world.connect({ cid });
        await sayAll(world, device, "before");
        await world.restart();
        answer(world, "hello");
        await world.settle();
        assert.deepEqual(device.got, ["hello"]);
        assertNoNonceTwice(world);
      });

      it("records that were taken before the kill are not taken after it", async () => {
        const kept = createKeptSessions();
        const world = await openWorld({}, kept);
        const device = await world.connect({ cid });
        await sayAll(world, device, "a", "b", "c");
        await world.clock.advance(11_000);
        await sayAll(world, device, "d", "e");
        const recorded = world.wire.filter(({ outgoing }) => !outgoing).map(({ bytes }) => bytes);
        await world.restart();
        for (const bytes of recorded) device.sendRaw(bytes);
        await world.settle();
        assert.deepEqual(textsOf(world), ["a", "b", "c", "d", "e"]);
        await sayAll(world, device, "f");
        for (const bytes of recorded) device.sendRaw(bytes);
        await world.settle();
        assert.deepEqual(textsOf(world).slice(5), ["f"]);
      });
    });
  }

  it("go on over the embedded store and a journal on disk", async () => {
    const directory = mkdtempSync(join(tmpdir(), "dtls-restart-"));
    const store = await openSqlite({
      directory: undefined,
      collections: [DTLS_SESSIONS],
      clock: systemClock,
      host: "inline",
    });
    const box = createSecretBox(new Uint8Array(32), createSystemRandom());
    const world = await openWorld(
      {},
      {
        asSeenWhile: () => ({
          store: createSessionStore({ store, box, log: silentLog, node: "local", server: "server" }),
          journal: openSequenceJournal(join(directory, "sequences")),
        }),
      },
    );
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "a", "b");
    const recorded = world.wire.filter(({ outgoing }) => !outgoing).map(({ bytes }) => bytes);
    for (const text of ["c", "d", "e"]) {
      await world.restart();
      for (const bytes of recorded) device.sendRaw(bytes);
      await sayAll(world, device, text);
      answer(world, text);
      await world.settle();
    }
    assert.deepEqual(textsOf(world), ["a", "b", "c", "d", "e"]);
    assert.deepEqual(device.got, ["c", "d", "e"]);
    assertNoNonceTwice(world);
    await world.dtls[Symbol.asyncDispose]();
    await store.close();
    rmSync(directory, { recursive: true });
  });

  it("no nonce is used twice over many kills, however little was sent between them", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "x");
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 700 * (round % 2); i++) answer(world, "y");
      await world.settle();
      await world.restart();
      answer(world, "z");
      await world.settle();
    }
    assert.isAbove(noncesOf(world).length, 3000);
    assertNoNonceTwice(world);
    assert.equal(world.dtls.counters.sendFailed, 0);
  });

  it("a session goes on in memory while numbers are reserved, and waits where they run out", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "x");
    const release = kept.hold("update");
    for (let i = 0; i < 1030; i++) answer(world, `${i}`);
    await world.settle();
    assert.isBelow(device.got.length, 1030);
    const sent = device.got.length;
    release();
    await world.settle();
    assert.lengthOf(device.got, 1030);
    assert.deepEqual(
      device.got.slice(sent - 1),
      Array.from({ length: 1031 - sent }, (_, i) => `${sent - 1 + i}`),
    );
    assert.equal(world.dtls.counters.sendFailed, 0);
    assertNoNonceTwice(world);
  });

  it("what waits for numbers is bounded and counted, and goes out when the store works again", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "x");
    kept.failing.add("update");
    for (let i = 0; i < 2000; i++) answer(world, `${i}`);
    await world.clock.advance(5000);
    const { sent, sendFailed } = world.dtls.counters;
    assert.isAbove(sendFailed, 900);
    assert.equal(device.got.length, sent);
    kept.failing.clear();
    await world.clock.advance(5000);
    await world.settle();
    assert.equal(device.got.length, sent + 16);
    assert.equal(sent + 16 + sendFailed, 2000);
    assertNoNonceTwice(world);
  });

  describe("data of a new session", () => {
    it("is delivered once the session is stored, not before", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      const release = kept.hold("insert");
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "early", "too");
      assert.deepEqual(textsOf(world), []);
      release();
      await world.settle();
      assert.deepEqual(textsOf(world), ["early", "too"]);
      const recorded = world.wire.filter(({ outgoing }) => !outgoing).map(({ bytes }) => bytes);
      await world.restart();
      for (const bytes of recorded) device.sendRaw(bytes);
      await sayAll(world, device, "late");
      assert.deepEqual(textsOf(world), ["early", "too", "late"]);
    });

    it("waits while the store fails, and the older session stays until then", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "old");
      kept.failing.add("insert");
      const again = await world.connect({ cid: CID, port: 2 });
      await sayAll(world, again, "new");
      await sayAll(world, device, "old again");
      assert.deepEqual(textsOf(world), ["old", "old again"]);
      kept.failing.clear();
      await world.clock.advance(2000);
      await world.settle();
      assert.deepEqual(textsOf(world), ["old", "old again", "new"]);
      assert.lengthOf(world.superseded, 1);
    });

    it("the older one from the same address may wake meanwhile, and takes nothing of the new one", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({ sleepAfterMs: 60_000 }, kept);
      const device = await world.connect();
      await sayAll(world, device, "old");
      await world.clock.advance(80_000);
      const release = kept.hold("insert");
      const again = await world.connect();
      answer(world, "to the old one");
      await world.settle();
      again.say("new");
      release();
      await sayAll(world, again, "and more");
      assert.deepEqual(textsOf(world), ["old", "new", "and more"]);
      assert.equal(world.dtls.dtls.notAuthentic, 0);
    });

    it("comes after what the older session said before", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "old");
      const release = kept.hold("insert");
      const again = await world.connect({ cid: CID, port: 2 });
      again.say("new");
      await world.settle();
      device.say("last words");
      await Promise.resolve();
      release();
      await world.settle();
      assert.deepEqual(textsOf(world), ["old", "last words", "new"]);
    });

    it("a session that cannot be stored at all is ended, and its peer told", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      kept.failing.add("insert");
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "x");
      await world.clock.advance(60_000);
      await world.settle();
      assert.deepEqual(device.ends, ["internalError"]);
      assert.deepEqual(textsOf(world), []);
      assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 0 });
    });

    it("is lost with a kill before it is stored: nothing was delivered, and the peer begins anew", async () => {
      const kept = createKeptSessions();
      const world = await openWorld({}, kept);
      kept.hold("insert");
      const device = await world.connect({ cid: CID });
      await sayAll(world, device, "x");
      await world.restart();
      await sayAll(world, device, "y");
      assert.deepEqual(textsOf(world), []);
      assert.equal(world.dtls.dtls.unknownSession, 1);
    });
  });

  it("nothing is delivered that the journal does not hold", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    kept.failing.add("append");
    await sayAll(world, device, "lost on the way");
    assert.deepEqual(textsOf(world), []);
    assert.equal(world.dtls.counters.dropped, 1);
    kept.failing.clear();
    await sayAll(world, device, "said again");
    assert.deepEqual(textsOf(world), ["said again"]);
  });

  it("an address that changed is found again after a restart", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    device.moveTo("203.0.113.9", 1111);
    await sayAll(world, device, "moved");
    await world.dtls[Symbol.asyncDispose]();
    await world.restart();
    answer(world, "hello");
    await world.settle();
    assert.deepEqual(device.got, ["hello"]);
  });

  it("a disposed transport has stored everything: the journal is empty", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "a", "b");
    assert.equal(kept.journal.read().size, 1);
    await world.dtls[Symbol.asyncDispose]();
    assert.equal(kept.journal.read().size, 0);
    const [stored] = kept.stored.values();
    assert.equal(stored!.received, device.client.nextSequence - 1);
  });

  it("the journal is cleared only of what is stored", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await sayAll(world, device, "a");
    const release = kept.hold("update");
    await world.clock.advance(10_000);
    await sayAll(world, device, "b");
    release();
    await world.settle();
    assert.deepEqual([...kept.journal.read().values()], [device.client.nextSequence - 1]);
    await world.clock.advance(10_000);
    await world.settle();
    assert.equal(kept.journal.read().size, 0);
  });

  it("is resumed after a restart", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await world.restart();
    const again = await world.connect({ cid: CID, session: device.established.session, port: 2 });
    assert.isTrue(again.established.resumed);
    await sayAll(world, again, "x");
    assert.deepEqual(textsOf(world), ["x"]);
    assert.lengthOf(world.superseded, 1);
    assert.equal(kept.stored.size, 1);
  });

  it("of two stored sessions of one principal the newer one stays", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const older = await world.connect({ cid: CID });
    await world.clock.advance(1000);
    kept.failing.add("delete");
    const newer = await world.connect({ cid: CID, port: 2 });
    assert.equal(kept.stored.size, 2);
    kept.failing.clear();
    await world.restart();
    assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
    older.say("old");
    await sayAll(world, newer, "new");
    assert.deepEqual(textsOf(world), ["new"]);
    assert.equal(kept.stored.size, 1);
  });

  it("sessions whose Connection IDs have another length now, or that are too old, are forgotten", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    await world.connect({ cid: CID });
    await world.restart({ cidLength: 4 });
    await world.settle();
    assert.equal(kept.stored.size, 0);
    await world.connect({ cid: CID });
    await world.clock.advance(1000);
    await world.restart({ cidLength: 4, sessionLifetimeMs: 1000 });
    await world.settle();
    assert.equal(kept.stored.size, 0);
    assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 0 });
  });

  it("a session whose secrets cannot be read any more is forgotten, without harm to others", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const lost = await world.connect({ cid: CID });
    await world.restart();
    const [id] = kept.stored.keys();
    await kept.store.delete([id!]);
    lost.say("x");
    const fine = await world.connect({ cid: CID, identity: "fine", port: 2 });
    await sayAll(world, fine, "y");
    assert.deepEqual(textsOf(world), ["y"]);
    assert.deepInclude(world.dtls.sessions, { live: 1, sleeping: 0 });
  });

  it("while the store cannot be read a session stays asleep, and wakes with the next record", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const device = await world.connect({ cid: CID });
    await world.restart();
    kept.failing.add("find");
    await sayAll(world, device, "nobody hears");
    assert.deepInclude(world.dtls.sessions, { live: 0, sleeping: 1 });
    kept.failing.clear();
    await sayAll(world, device, "heard");
    assert.deepEqual(textsOf(world), ["heard"]);
  });
});
