import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { createFlights, datagramBytes, type FlightItem, packRecords } from "../../../src/transport/dtls/flights.ts";
import { HANDSHAKE, readFragments } from "../../../src/transport/dtls/handshake-message.ts";
import type { RecordProtection } from "../../../src/transport/dtls/protection.ts";
import { CONTENT, readRecords, writePlainRecord } from "../../../src/transport/dtls/records.ts";

const timing = { retransmissionTimeoutMs: 1000, maxRetransmissionTimeoutMs: 60_000, maxRetransmissions: 2 };
const message = (sequence: number, bytes: number, epoch: 0 | 1 = 0): FlightItem => ({
  epoch,
  message: { type: HANDSHAKE.certificate, sequence, body: new Uint8Array(bytes).fill(sequence) },
});

/** Seals by writing a plain record of epoch 1. */
const protection: RecordProtection = {
  overhead: 29,
  seal(type, epoch, sequence, _cid, content) {
    const record = writePlainRecord(type, sequence, content);
    record[4] = epoch;
    return record;
  },
  open: () => undefined,
};

function createFixture(maxDatagramBytes = 300) {
  const clock = createManualClock();
  const sent: Uint8Array[] = [];
  let gaveUp = 0;
  const flights = createFlights({
    clock,
    random: { fraction: () => 0 },
    timing,
    maxDatagramBytes,
    firstSequence: 7,
    send: datagram => void sent.push(datagram),
    gaveUp: () => void gaveUp++,
  });
  const records = () => sent.flatMap(datagram => readRecords(datagram, 0).records);
  return { clock, flights, sent, records, gaveUp: () => gaveUp };
}

describe("dtls/flights", () => {
  it("RFC 6347 4.2.3: several records share a datagram, in order, as long as they fit", () => {
    const records = [40, 40, 40, 200, 10, 90].map(length => new Uint8Array(length).fill(length));
    assert.deepEqual(
      packRecords(records, 100).map(({ length }) => length),
      [80, 40, 200, 100],
    );
    assert.isEmpty(packRecords([], 100));
  });

  it("RFC 6347 4.1.1.1: datagrams get smaller from the second repetition on, down to 256 bytes", () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map(n => datagramBytes(1200, n)),
      [1200, 1200, 600, 300, 256, 256],
    );
    assert.deepEqual(
      [0, 4].map(n => datagramBytes(100, n)),
      [100, 100],
    );
  });

  it("RFC 6347 4.2.3: a long message is cut to the datagram, each fragment a record", () => {
    const { flights, sent, records } = createFixture();
    flights.begin([message(1, 700), message(2, 0)]);
    for (const { length } of sent) assert.isAtMost(length, 300);
    assert.deepEqual(
      records().map(({ sequence }) => sequence),
      [7, 8, 9, 10],
    );
    assert.deepEqual(
      records().flatMap(({ fragment }) => readFragments(fragment).map(({ offset, length }) => [offset, length])),
      [
        [0, 700],
        [275, 700],
        [550, 700],
        [0, 0],
      ],
    );
  });

  it("RFC 6066 4: records hold no more plaintext than the peer takes", () => {
    const { flights, records } = createFixture(1200);
    flights.limitPlaintext(64);
    flights.begin([message(1, 200)]);
    for (const { fragment } of records()) assert.isAtMost(fragment.length, 64);
  });

  it("RFC 6347 4.2.4: repeats the flight with fresh sequence numbers, then gives up", async () => {
    const { clock, flights, records, gaveUp } = createFixture();
    flights.protect(protection, new Uint8Array(0));
    flights.begin([message(1, 10), "changeCipherSpec", message(2, 10, 1)]);
    await clock.advance(1000 + 2000);
    assert.deepEqual(
      records().map(({ type, epoch, sequence }) => [type, epoch, sequence]),
      [
        [CONTENT.handshake, 0, 7],
        [CONTENT.changeCipherSpec, 0, 8],
        [CONTENT.handshake, 1, 0],
        [CONTENT.handshake, 0, 9],
        [CONTENT.changeCipherSpec, 0, 10],
        [CONTENT.handshake, 1, 1],
        [CONTENT.handshake, 0, 11],
        [CONTENT.changeCipherSpec, 0, 12],
        [CONTENT.handshake, 1, 2],
      ],
    );
    assert.equal(gaveUp(), 0);
    await clock.advance(4000);
    assert.equal(gaveUp(), 1);
    assert.equal(clock.pending, 0);
  });

  it("RFC 6347 4.2.4: repeats at once when the peer does, but not for each copy", async () => {
    const { clock, flights, sent } = createFixture();
    flights.repeat();
    flights.begin([message(1, 10)]);
    flights.repeat();
    assert.equal(sent.length, 1);
    await clock.advance(150);
    flights.repeat();
    flights.repeat();
    assert.equal(sent.length, 2);
    await clock.advance(900);
    assert.equal(sent.length, 2, "the timer begins anew");
    await clock.advance(100);
    assert.equal(sent.length, 3);
  });

  it("a peer that repeats itself for ever is given up as well", async () => {
    const { clock, flights, gaveUp } = createFixture();
    flights.begin([message(1, 10)]);
    for (let n = 0; n < 100 && gaveUp() === 0; n++) {
      flights.repeat();
      await clock.advance(500);
    }
    assert.equal(gaveUp(), 1);
    assert.isAtMost(clock.monotonic(), 2 * 7000 + 500);
    assert.equal(clock.pending, 0);
  });

  it("a timer waits up to a quarter longer", async () => {
    const clock = createManualClock();
    const sent: Uint8Array[] = [];
    const parts = { clock, timing, maxDatagramBytes: 300, firstSequence: 0, gaveUp: () => {} };
    const send = (datagram: Uint8Array): void => void sent.push(datagram);
    createFlights({ ...parts, random: { fraction: () => 0.96 }, send }).begin([message(1, 10)]);
    await clock.advance(1239);
    assert.equal(sent.length, 1);
    await clock.advance(1);
    assert.equal(sent.length, 2);
  });

  it("RFC 6347 4.2.4: the last flight is sent once, and handed over to be repeated", async () => {
    const { clock, flights, sent } = createFixture();
    flights.begin([message(1, 10)]);
    flights.protect(protection, new Uint8Array(0));
    flights.finish(["changeCipherSpec", message(2, 12, 1)]);
    await clock.advance(100_000);
    assert.equal(sent.length, 2);
    assert.equal(flights.nextSequence, 1);
    const [change, finished] = flights.records();
    const [record] = readRecords(change!.content, 0).records;
    assert.deepEqual([change!.epoch, record!.type, record!.sequence], [0, CONTENT.changeCipherSpec, 9]);
    assert.deepEqual([finished!.epoch, finished!.type], [1, CONTENT.handshake]);
    assert.equal(readFragments(finished!.content)[0]!.sequence, 2);
  });

  it("an alert goes out in the epoch that the peer reads", () => {
    const { flights, records } = createFixture();
    flights.begin([message(1, 10)]);
    flights.alert("decodeError");
    flights.protect(protection, new Uint8Array(0));
    flights.begin([message(2, 10), "changeCipherSpec"]);
    flights.alert("decodeError");
    assert.deepEqual(
      records().flatMap(({ type, epoch }) => (type === CONTENT.alert ? [epoch] : [])),
      [0, 1],
    );
  });
});
