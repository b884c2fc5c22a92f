import { assert } from "chai";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  cutMessage,
  HANDSHAKE,
  HANDSHAKE_HEADER_BYTES,
  readFragments,
  writeFragment,
  writeMessage,
} from "../../../src/transport/dtls/handshake-message.ts";

const message = { type: HANDSHAKE.certificate, sequence: 258, body: Uint8Array.from({ length: 100 }, (_, i) => i) };

describe("dtls/handshake-message", () => {
  it("RFC 6347 4.2.2: the header of a whole message", () =>
    assert.equal(toHex(writeMessage(message).subarray(0, HANDSHAKE_HEADER_BYTES)), "0b0000640102000000000064"));

  it("RFC 6347 4.2.2: fragments keep the message's length and say where they stand", () => {
    const fragments = cutMessage(message, 12 + 40);
    assert.deepEqual(
      fragments.map(({ offset, length, body }) => [offset, length, body.length]),
      [
        [0, 100, 40],
        [40, 100, 40],
        [80, 100, 20],
      ],
    );
    assert.deepEqual(
      fragments.flatMap(fragment => readFragments(writeFragment(fragment))),
      fragments,
    );
    assert.deepEqual(concatBytes(fragments.map(({ body }) => body)), message.body);
  });

  it("RFC 6347 4.2.2: an empty message is one empty fragment", () => {
    const [only, ...others] = cutMessage({ ...message, body: new Uint8Array(0) }, 50);
    assert.deepEqual([only!.length, only!.body.length, others.length], [0, 0, 0]);
  });

  it("RFC 6347 4.2.3: several messages in one record are read in order", () => {
    const done = { type: HANDSHAKE.serverHelloDone, sequence: 3, body: new Uint8Array(0) };
    const read = readFragments(concatBytes([writeMessage(message), writeMessage(done)]));
    assert.deepEqual(
      read.map(({ type, sequence }) => [type, sequence]),
      [
        [HANDSHAKE.certificate, 258],
        [HANDSHAKE.serverHelloDone, 3],
      ],
    );
  });

  const REFUSED: readonly [string, string][] = [
    ["a record without a message", ""],
    ["a header that is cut short", "0b00006401020000000000"],
    ["a fragment past its record", "0b000064010200000000000aff"],
    ["a fragment past its message", "0b0000010000000001000001ff"],
    ["an offset past the message", "0b000001000000ffff000000"],
    ["a byte behind the last fragment", "0e0000000003000000000000ff"],
  ];
  for (const [what, hex] of REFUSED)
    it(`refuses ${what}`, () => assert.throws(() => readFragments(fromHex(hex)), /handshake record/));
});
