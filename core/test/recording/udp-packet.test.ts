import { assert } from "chai";
import { encodeUtf8, fromHex, toHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { type UdpPacket, unwrapUdp, wrapUdp } from "../../src/recording/udp-packet.ts";

/** Sum of all 16-bit words with the end-around carry; a good checksum makes it 0xffff (RFC 1071). */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

const V4: UdpPacket = {
  from: { address: "192.0.2.7", port: 5683 },
  to: { address: "198.51.100.20", port: 40_000 },
  payload: encodeUtf8("abc"),
};
const V6: UdpPacket = {
  from: { address: "2001:db8::7:0:1", port: 1 },
  to: { address: "fe80::1", port: 65_535 },
  payload: fromHex("40010001"),
};

describe("recording/udp-packet", () => {
  it("IPv4: header (RFC 791 section 3.1) and datagram (RFC 768)", () => {
    const bytes = wrapUdp(V4);
    assert.equal(toHex(bytes.subarray(0, 10)), "4500001f000000004011");
    assert.equal(toHex(bytes.subarray(12, 26)), "c0000207c633641416339c40000b");
    assert.equal(toHex(bytes.subarray(28)), "616263");
  });

  it("checksums of header and datagram hold", () => {
    const v4 = wrapUdp(V4);
    assert.equal(sumOf(v4.subarray(0, 20)), 0xffff);
    const pseudo = (addresses: Uint8Array, length: number) =>
      Uint8Array.of(...addresses, 0, 17, length >> 8, length & 0xff);
    assert.equal(sumOf(Uint8Array.of(...pseudo(v4.subarray(12, 20), 11), ...v4.subarray(20))), 0xffff);
    const v6 = wrapUdp(V6);
    assert.equal(sumOf(Uint8Array.of(...pseudo(v6.subarray(8, 40), 12), ...v6.subarray(40))), 0xffff);
  });

  for (const packet of [V4, V6, { ...V4, payload: new Uint8Array(0) }]) {
    it(`${packet.from.address}, ${packet.payload.length} bytes: what is wrapped is unwrapped`, () => {
      assert.deepEqual(unwrapUdp(wrapUdp(packet)), packet);
    });
  }

  it("an IPv4 address in IPv6 form is IPv4", () => {
    const mapped = { ...V4, from: { address: "::ffff:192.0.2.7", port: 5683 } };
    assert.deepEqual(unwrapUdp(wrapUdp(mapped)), V4);
  });

  it("anything else is refused: cut at any byte, another protocol, another version", () => {
    for (const packet of [V4, V6]) {
      const bytes = wrapUdp(packet);
      for (let length = 0; length < bytes.length; length++) {
        try {
          unwrapUdp(bytes.subarray(0, length));
          assert.fail(`${length} bytes were taken`);
        } catch (error) {
          assert.isTrue(isFailure(error, "MALFORMED"), `${length} bytes: ${error}`);
        }
      }
    }
    const tcp = Uint8Array.from(wrapUdp(V4));
    tcp[9] = 6;
    assert.throws(() => unwrapUdp(tcp), /another protocol/);
    assert.throws(() => unwrapUdp(Uint8Array.of(0x50)), /neither/);
  });
});
