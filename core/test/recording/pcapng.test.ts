import { assert } from "chai";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { type Capture, readPcapng, writePcapng } from "../../src/recording/pcapng.ts";

const CAPTURE: Capture = {
  application: "m 1",
  comment: "all",
  packets: [
    { atMs: 1_700_000_000_123.456, direction: "inbound", bytes: fromHex("450001"), comments: ["a", "of 7 by"] },
    { atMs: 0, direction: "outbound", bytes: fromHex("60000000"), comments: [] },
  ],
};

const SECTION = [
  "0a0d0d0a 30000000 4d3c2b1a 0100 0000 ffffffffffffffff",
  "0100 0300 616c6c00", // comment
  "0400 0300 6d203100", // application
  "0000 0000",
  "30000000",
];
const INTERFACE = ["01000000 14000000 6500 0000 00000000 14000000"];
/** 1,700,000,000,123,456 us since the epoch: 0x00060a24, 0x18202240. */
const FIRST = [
  "06000000 44000000 00000000 240a0600 40222018",
  "03000000 03000000 45000100",
  "0200 0400 01000000", // inbound
  "0100 0100 61000000",
  "0100 0700 6f66203720627900",
  "0000 0000",
  "44000000",
];

describe("recording/pcapng (draft-ietf-opsawg-pcapng-02)", () => {
  const written = writePcapng(CAPTURE);

  it("section, interface and packets lie as the draft has them", () => {
    const expected = [...SECTION, ...INTERFACE].join("").replaceAll(" ", "");
    assert.equal(toHex(written.subarray(0, expected.length / 2)), expected);
  });

  it("a packet holds its time in microseconds, its direction and its comments", () => {
    const [first, ...rest] = FIRST;
    const text = toHex(written);
    assert.include(text, rest.join("").replaceAll(" ", ""));
    assert.include(text, first!.replaceAll(" ", ""));
  });

  it("what is written is read", () => {
    assert.deepEqual(readPcapng(written), CAPTURE);
  });

  it("a file that is cut is refused, wherever it is cut between blocks' ends", () => {
    const ends = new Set<number>();
    for (let at = 0; at < written.length; at += new DataView(written.buffer).getUint32(at + 4, true)) ends.add(at);
    for (let length = 0; length < written.length; length++) {
      if (ends.has(length) && length > 0) continue;
      assert.throws(() => readPcapng(written.subarray(0, length)), /no capture file of this kind/, `${length} bytes`);
    }
  });

  it("a file that is changed at any byte is read or refused, nothing else", () => {
    for (let at = 0; at < written.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const changed = Uint8Array.from(written);
        changed[at]! ^= change;
        try {
          readPcapng(changed);
        } catch (error) {
          assert.isTrue(isFailure(error, "MALFORMED"), `byte ${at}: ${error}`);
        }
      }
    }
  });

  for (const [what, changed] of [
    ["big-endian", ["4d3c2b1a", "1a2b3c4d"]],
    ["another version", ["0100 0000 ffff", "0200 0000 ffff"]],
    ["Ethernet frames", ["14000000 6500", "14000000 0100"]],
  ] as const) {
    it(`${what} is refused`, () => {
      const [from, to] = changed.map(text => text.replaceAll(" ", ""));
      assert.throws(() => readPcapng(fromHex(toHex(written).replace(from!, to!))), /no capture file of this kind/);
    });
  }
});
