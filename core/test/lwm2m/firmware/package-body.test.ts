import { assert } from "chai";
import { concatBytes } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import type { BodySource } from "../../../src/coap/endpoint.ts";
import { CONTENT_FORMAT } from "../../../src/lwm2m/codecs/codec.ts";
import { codecFor } from "../../../src/lwm2m/codecs/codec-table.ts";
import { packageBody } from "../../../src/lwm2m/firmware/package-body.ts";
import { modelsOf } from "../codecs/models.ts";

const PATH = [5, 0, 0];
const CONTEXT = { path: PATH, models: modelsOf({ 5: { resources: { 0: "OPAQUE" } } }), nowMs: 0 };

/** Fails where it is asked for what lies outside. */
const sourceOf = (bytes: Uint8Array): BodySource => ({
  length: bytes.length,
  async read(at, length) {
    assert.isAtLeast(at, 0);
    assert.isAtMost(at + length, bytes.length);
    return bytes.subarray(at, at + length);
  },
});

async function readInBlocks(body: BodySource, size: number): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size) blocks.push(await body.read(at, Math.min(size, body.length - at)));
  return concatBytes(blocks);
}

describe("lwm2m/firmware: the package as a body (agent specification 3.3, binaryDeliveryEncoding)", () => {
  const random = createSeededRandom(5);
  for (const name of ["OPAQUE", "TLV", "TEXT", "JSON"] as const) {
    const contentFormat = CONTENT_FORMAT[name];
    for (const length of [1, 2, 3, 7, 8, 255, 256, 1000, 70_001]) {
      it(`${name}, ${length} bytes: block by block what the codec makes of the whole`, async () => {
        const bytes = random.bytes(length);
        const body = packageBody(sourceOf(bytes), contentFormat, PATH, CONTEXT);
        const whole = codecFor(contentFormat).encode([{ path: PATH, type: "OPAQUE", value: bytes }], CONTEXT);
        assert.equal(body.length, whole.length);
        for (const size of [16, 64, 512]) {
          assert.isTrue(Buffer.from(await readInBlocks(body, size)).equals(whole), `blocks of ${size}`);
        }
        const [at, end] = [Math.floor(whole.length / 3), Math.ceil((whole.length * 2) / 3)];
        assert.deepEqual(await body.read(at, end - at), whole.slice(at, end));
      });
    }
  }

  it("bad input: too long for TLV, and a format that no package is written in", () => {
    const long = { length: 2 ** 24, read: async () => new Uint8Array(0) };
    assert.throws(() => packageBody(long, CONTENT_FORMAT.TLV, PATH, CONTEXT), "more than TLV can carry");
    assert.throws(() => packageBody(long, CONTENT_FORMAT.LINK, PATH, CONTEXT), "no package is written");
  });
});
