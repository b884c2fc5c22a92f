/** Faults that were published of other DTLS implementations, each over the whole transport. */
import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { HANDSHAKE, writeFragment } from "../../../src/transport/dtls/handshake-message.ts";
import { CONTENT, readRecords, writePlainRecord } from "../../../src/transport/dtls/records.ts";
import { type Device, type DeviceOptions, type DtlsWorld, OPTIONS, openWorld } from "./support/dtls-world.ts";

const CID = Uint8Array.of(7);
const RECORD_HEADER = 13;

const textsOf = ({ got }: DtlsWorld): string[] => got.map(({ text }) => text);
const sealed = (device: Device, text: string): Uint8Array =>
  device.client.seal(CONTENT.applicationData, encodeUtf8(text));
const sayAll = async (world: DtlsWorld, device: Device, text: string): Promise<void> => {
  device.say(text);
  await world.settle();
};
/** Begun and neither done nor failed. */
const underWay = ({ dtls: { dtls } }: DtlsWorld): number =>
  dtls.handshakesBegun - dtls.handshakesDone - dtls.handshakesFailed;

describe("transport/dtls, published failures of others", () => {
  it("published failure, failing handshakes that exhaust state: room and timers are free again, whatever they failed of", async () => {
    const ROOM = 8;
    const ways: readonly (readonly [string, DeviceOptions])[] = [
      ["unknown identity", { identity: "unknown" }],
      ["wrong key", { psk: { identity: "device", key: encodeUtf8("another key 1234") } }],
      ["no common suite", { suites: [0xc02b] }],
      ["wrong Finished", { faults: { wrongFinished: true } }],
      ["no Finished", { faults: { noFinished: true } }],
    ];
    for (const [what, options] of ways) {
      const world = await openWorld({ maxHandshakes: ROOM });
      const timers = world.clock.pending;
      for (let n = 0; n < ROOM * 10; n++) {
        const failing = world.device({ ...options, address: `203.0.113.${n}`, maxRetransmissions: 1 });
        failing.connecting.catch(() => {});
        await world.clock.advance(400_000);
      }
      assert.equal(world.dtls.dtls.handshakesFailed, ROOM * 10, what);
      assert.equal(underWay(world), 0, what);
      assert.deepEqual(world.dtls.sessions, { live: 0, sleeping: 0 }, what);
      assert.isAtMost(world.clock.pending, timers + 1, what);
      const good = await world.connect({ cid: CID });
      await sayAll(world, good, "served");
      assert.deepEqual(textsOf(world), ["served"], what);
    }
  });

  it("published failure, resumption that skips verification: a hello with a session to resume needs its cookie too", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    const { session } = device.established;
    const before = { ...world.dtls.dtls };
    const resuming = world.wire.length;
    const again = world.device({ session, address: "203.0.113.1", maxRetransmissions: 0 });
    again.connecting.catch(() => {});
    await world.settle();
    const [hello] = world.wire.slice(resuming).filter(({ outgoing }) => !outgoing);
    const answered = world.wire.length;
    for (let n = 0; n < 50; n++) world.forge(hello!.bytes, `198.18.0.${n}`, 1024);
    const answers = world.wire.slice(answered).filter(({ outgoing }) => outgoing);
    assert.lengthOf(answers, 50);
    for (const { bytes } of answers) {
      assert.equal(readRecords(bytes, 0).records[0]!.fragment[0], HANDSHAKE.helloVerifyRequest);
      assert.isAtMost(bytes.length, hello!.bytes.length);
    }
    // The one that had its cookie.
    assert.equal(world.dtls.dtls.handshakesBegun, before.handshakesBegun + 1);
    assert.isTrue(again.client.isConnected);
  });

  it("published failure, resumption that skips verification: other parameters mean a whole handshake, with the key", async () => {
    const world = await openWorld();
    const { session } = (await world.connect({ suites: [0xc0a8] })).established;
    const other = { session, suites: [0xc0a4] };
    const stranger = world.device({ ...other, identity: "unknown", port: 2 });
    stranger.connecting.catch(() => {});
    await world.clock.advance(400_000);
    assert.isFalse(stranger.client.isConnected);
    assert.isFalse((await world.connect({ ...other, port: 3 })).established.resumed);
    assert.equal(world.dtls.dtls.handshakesResumed, 0);
  });

  it("published failure, allocation from an unchecked 24-bit length: neither before the cookie nor after it", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: CID });
    const before = process.memoryUsage().arrayBuffers;
    const part = { length: 0xffffff, offset: 0, body: new Uint8Array(40) };
    const messages = [HANDSHAKE.clientHello, HANDSHAKE.certificate, HANDSHAKE.clientKeyExchange].map((type, n) =>
      writePlainRecord(CONTENT.handshake, n, writeFragment({ ...part, type, sequence: n })),
    );
    for (let n = 0; n < 250; n++) for (const bytes of messages) world.forge(bytes, `203.0.113.${n}`, 1024);
    // In the middle of handshakes, from where they are made.
    for (let n = 0; n < 50; n++) {
      const place = { address: `198.18.0.${n}`, port: 40_000 };
      world.device({ ...place, faults: { noFinished: true }, maxRetransmissions: 0 }).connecting.catch(() => {});
      await world.settle();
      const next = { ...part, type: HANDSHAKE.certificate, sequence: 3 };
      world.forge(writePlainRecord(CONTENT.handshake, 9, writeFragment(next)), place.address, place.port);
    }
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 4_000_000);
    await world.clock.advance(400_000);
    assert.equal(underWay(world), 0);
    await sayAll(world, device, "still here");
    assert.deepEqual(textsOf(world), ["still here"]);
  });

  it("published failure, short AEAD records that end a session (RFC 6347 section 4.1.2.7): short and forged records are dropped", async () => {
    for (const cid of [undefined, CID]) {
      const world = await openWorld();
      const device = await world.connect({ cid });
      const record = sealed(device, "cut short");
      const headerBytes = RECORD_HEADER + (cid ? OPTIONS.cidLength : 0);
      for (let length = 0; length < record.length; length++) device.sendRaw(record.subarray(0, length));
      for (let length = 0; length < record.length - headerBytes; length++) {
        const short = Uint8Array.from(record.subarray(0, headerBytes + length));
        short[headerBytes - 1] = length;
        device.sendRaw(short);
      }
      for (let at = 11; at < record.length; at++) {
        const forged = Uint8Array.from(record);
        forged[at]! ^= 1;
        device.sendRaw(forged);
      }
      await world.settle();
      await sayAll(world, device, "still here");
      assert.deepEqual(textsOf(world), ["still here"]);
      assert.deepEqual(device.ends, []);
    }
  });

  it("published failure, over-long CIDs: the longest that a client may ask for is used, one in a record that is longer than ours finds nobody", async () => {
    const world = await openWorld();
    const device = await world.connect({ cid: new Uint8Array(255).fill(9) });
    await sayAll(world, device, "asked");
    world.dtls.send(encodeUtf8("answered"), world.got[0]!.peer);
    await world.settle();
    assert.deepEqual(device.got, ["answered"]);
    const record = sealed(device, "with more");
    const { cidLength } = OPTIONS;
    const atCid = RECORD_HEADER - 2;
    for (let more = 1; more <= 255; more++) {
      const longer = new Uint8Array(record.length + more);
      longer.set(record.subarray(0, atCid + cidLength));
      longer.set(record.subarray(atCid + cidLength), atCid + cidLength + more);
      device.sendRaw(longer);
    }
    await world.settle();
    await sayAll(world, device, "still here");
    assert.deepEqual(textsOf(world), ["asked", "still here"]);
  });
});
