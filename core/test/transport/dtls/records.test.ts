import { assert } from "chai";
import { concatBytes, EMPTY_BYTES, fromHex, toHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import {
  CONTENT,
  MAX_SEQUENCE,
  RECORD_HEADER_BYTES,
  readRecords,
  writeEpochSequence,
  writePlainRecord,
  writeRecordHeader,
} from "../../../src/transport/dtls/records.ts";

const PLAIN = fromHex("16fefd00000000000000070003616263");
const PROTECTED = fromHex("17fefd000100000000002a0004deadbeef");
const WITH_CID = fromHex("19fefd0001000000000007aabbcc0002beef");

/** A record of `length` zero bytes. */
function recordWith(type: number, epoch: number, length: number): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_BYTES + length);
  writeRecordHeader(record, type, epoch, 1, EMPTY_BYTES, length);
  return record;
}

describe("transport/dtls/records", () => {
  it("RFC 6347 section 4.1: reads type, epoch, sequence number and fragment", () => {
    const { records, malformed } = readRecords(PROTECTED, 0);
    assert.isFalse(malformed);
    assert.deepEqual(records, [{ type: 23, epoch: 1, sequence: 42, cid: EMPTY_BYTES, fragment: fromHex("deadbeef") }]);
  });

  it("RFC 9146 section 4: reads a Connection ID of the given length before the length field", () => {
    const { records, malformed } = readRecords(WITH_CID, 3);
    assert.isFalse(malformed);
    assert.deepEqual(records, [
      { type: CONTENT.cid, epoch: 1, sequence: 7, cid: fromHex("aabbcc"), fragment: fromHex("beef") },
    ]);
  });

  it("RFC 6347 section 4.1.1: reads all records of one datagram, as views on it", () => {
    const datagram = concatBytes([PLAIN, WITH_CID, PROTECTED]);
    const { records, malformed } = readRecords(datagram, 3);
    assert.isFalse(malformed);
    assert.deepEqual(
      records.map(record => [record.type, toHex(record.fragment)]),
      [
        [22, "616263"],
        [25, "beef"],
        [23, "deadbeef"],
      ],
    );
    for (const record of records) assert.strictEqual(record.fragment.buffer, datagram.buffer);
  });

  it("writes a record of epoch 0 that it reads back", () => {
    assert.equal(toHex(writePlainRecord(CONTENT.handshake, 7, fromHex("616263"))), toHex(PLAIN));
  });

  for (const sequence of [0, 1, 0xffff, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, MAX_SEQUENCE]) {
    it(`keeps the sequence number ${sequence}`, () => {
      const record = Uint8Array.from(PROTECTED);
      writeEpochSequence(record, 3, 0xfffe, sequence);
      assert.deepInclude(readRecords(record, 0).records[0]!, { epoch: 0xfffe, sequence });
    });
  }

  const VERSION_ROWS = [
    { name: "a ClientHello", hex: "16feff00000000000000000001aa", records: 1 },
    { name: "an alert before the version is agreed on", hex: "15feff000000000000000000020228", records: 1 },
    { name: "a handshake record of epoch 1", hex: "16feff00010000000000000001aa", records: 0 },
    { name: "ChangeCipherSpec", hex: "14feff0000000000000000000101", records: 0 },
    { name: "application data", hex: "17feff00010000000000000001aa", records: 0 },
  ];
  for (const { name, hex, records } of VERSION_ROWS) {
    it(`RFC 6347 section 4.2.1: DTLS 1.0 as the version of ${name}: ${records === 1 ? "read" : "refused"}`, () => {
      const read = readRecords(fromHex(hex), 0);
      assert.equal(read.records.length, records);
      assert.equal(read.malformed, records === 0);
    });
  }

  const MALFORMED = [
    { name: "nothing", bytes: EMPTY_BYTES },
    { name: "type 19", bytes: recordWith(19, 1, 4) },
    { name: "type 24", bytes: recordWith(24, 1, 4) },
    { name: "type 26", bytes: recordWith(26, 1, 4) },
    { name: "CoAP", bytes: fromHex("40017d34bb74656d7065726174757265") },
    { name: "TLS 1.2 as version", bytes: fromHex("16030300000000000000000001aa") },
    { name: "DTLS 1.3 as version", bytes: fromHex("16fefc00000000000000000001aa") },
    { name: "a fragment without bytes, epoch 0", bytes: recordWith(22, 0, 0) },
    { name: "a fragment without bytes, epoch 1", bytes: recordWith(23, 1, 0) },
    { name: "plaintext of 2^14 + 1 bytes", bytes: recordWith(22, 0, 2 ** 14 + 1) },
    { name: "ciphertext of 2^14 + 2049 bytes", bytes: recordWith(23, 1, 2 ** 14 + 2049) },
    { name: "a Connection ID where none was given out", bytes: WITH_CID, cidLength: 0 },
    { name: "a Connection ID without bytes", bytes: fromHex("19fefd00010000000000070002beef"), cidLength: 0 },
    { name: "a Connection ID in epoch 0", bytes: fromHex("19fefd0000000000000007aabbcc0002beef"), cidLength: 3 },
  ];
  for (const { name, bytes, cidLength = 3 } of MALFORMED) {
    it(`tells that a datagram is malformed: ${name}`, () => {
      assert.deepEqual(readRecords(bytes, cidLength), { records: [], malformed: true });
    });
    it(`reads what stands before it: ${name}`, () => {
      const { records, malformed } = readRecords(concatBytes([PROTECTED, bytes]), cidLength);
      assert.equal(records.length, 1);
      assert.equal(malformed, bytes.length > 0);
    });
  }

  it("RFC 5246 section 6.2: reads the longest plaintext and the longest ciphertext", () => {
    assert.isFalse(readRecords(recordWith(22, 0, 2 ** 14), 0).malformed);
    assert.isFalse(readRecords(recordWith(23, 1, 2 ** 14 + 2048), 0).malformed);
  });

  it("a datagram that is cut at any byte gives the whole records only", () => {
    const parts = [PLAIN, WITH_CID, PROTECTED];
    const datagram = concatBytes(parts);
    const ends = [PLAIN.length, PLAIN.length + WITH_CID.length, datagram.length];
    for (let length = 1; length <= datagram.length; length++) {
      const { records, malformed } = readRecords(datagram.subarray(0, length), 3);
      assert.equal(records.length, ends.filter(end => end <= length).length, `${length} bytes`);
      assert.equal(malformed, !ends.includes(length), `${length} bytes`);
    }
  });

  it("fuzz: random changes never throw, and what is read stands in the datagram in its order", () => {
    const random = createSeededRandom(6347);
    const whole = concatBytes([PLAIN, WITH_CID, PROTECTED, PLAIN]);
    for (let round = 0; round < 20_000; round++) {
      const datagram = round % 4 === 0 ? random.bytes(random.int(80)) : whole.slice(0, random.int(whole.length + 1));
      for (let i = random.int(4); i > 0 && datagram.length > 0; i--) {
        datagram[random.int(datagram.length)] = random.int(256);
      }
      const { records, malformed } = readRecords(datagram, random.int(5));
      let at = 0;
      for (const { type, epoch, sequence, cid, fragment } of records) {
        const written = new Uint8Array(RECORD_HEADER_BYTES + cid.length + fragment.length);
        writeRecordHeader(written, type, epoch, sequence, cid, fragment.length);
        written[2] = datagram[at + 2]!;
        written.set(fragment, RECORD_HEADER_BYTES + cid.length);
        assert.equal(toHex(datagram.subarray(at, at + written.length)), toHex(written));
        at += written.length;
      }
      assert.equal(malformed, at < datagram.length || at === 0);
    }
  });
});
