import { assert } from "chai";
import { createFrameReader, encodeFrame, type Frame } from "../../src/sandbox/frames.ts";

/** What a reader makes of `bytes`, handed over in pieces of `step` bytes. */
function read(bytes: Uint8Array, step = bytes.length, limitBytes = 1000): { frames: Frame[]; sound: boolean } {
  const frames: Frame[] = [];
  const reader = createFrameReader(limitBytes, frame => frames.push(frame));
  let sound = true;
  for (let at = 0; at < bytes.length; at += step) sound = reader.push(bytes.subarray(at, at + step));
  return { frames, sound };
}

const plain = ({ head, parts }: Frame): unknown => ({ head, parts: parts.map(part => Buffer.from(part).toString()) });

describe("sandbox/frames", () => {
  const first = encodeFrame({ kind: "a", n: 1 }, ["één", new Uint8Array([65, 66])]);
  const second = encodeFrame({ kind: "b" });
  const both = Buffer.concat([first, second, first]);
  const expected = [
    { head: { kind: "a", n: 1 }, parts: ["één", "AB"] },
    { head: { kind: "b" }, parts: [] },
    { head: { kind: "a", n: 1 }, parts: ["één", "AB"] },
  ];

  for (const step of [1, 2, 3, 5, 7, both.length]) {
    it(`reads frames that arrive in pieces of ${step} bytes`, () => {
      const { frames, sound } = read(both, step);
      assert.deepEqual(frames.map(plain), expected);
      assert.isTrue(sound);
    });
  }

  it("gives no frame for a part of one, cut anywhere", () => {
    for (let length = 0; length < first.length; length++) {
      assert.deepEqual(read(first.subarray(0, length)), { frames: [], sound: true });
    }
  });

  it("stops at a frame over the limit, before its body has come", () => {
    const { frames, sound } = read(first.subarray(0, 4), 4, first.length - 5);
    assert.deepEqual([frames.length, sound], [0, false]);
  });

  const broken: [what: string, body: number[]][] = [
    ["no part", [0]],
    ["a length past the end", [1, 0, 0, 0, 9, 65]],
    ["bytes that belong to no part", [1, 0, 0, 0, 1, 65, 66]],
    ["a list of lengths past the end", [2, 0, 0]],
  ];
  for (const [what, body] of broken) {
    it(`is malformed with ${what}, for good`, () => {
      const reader = createFrameReader(1000, () => assert.fail("read a frame"));
      assert.isFalse(reader.push(Buffer.from([0, 0, 0, body.length, ...body])));
      assert.isFalse(reader.push(second));
    });
  }

  it("leaves the head undefined where it is no JSON", () => {
    const body = Buffer.from([1, 0, 0, 0, 1, 0x7b]);
    assert.isUndefined(read(Buffer.from([0, 0, 0, body.length, ...body])).frames[0]!.head);
  });
});
