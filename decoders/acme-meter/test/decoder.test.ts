import { fileURLToPath } from "node:url";
import { checkDecoderManifest } from "@mooring/sdk";
import { openSandboxedDecoder, readVectors, runVectors, type SandboxedDecoder } from "@mooring/sdk/harness";
import { assert } from "chai";
import manifest from "../manifest.json" with { type: "json" };
import decoder from "../src/decoder.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const vectors = fileURLToPath(new URL("../vectors", import.meta.url));

describe("decoders/acme-meter", () => {
  it("has a manifest that the host takes", () => void checkDecoderManifest(manifest));

  describe("called directly", () => runVectors(decoder, vectors));

  describe("in the sandbox", () => {
    let sandboxed: SandboxedDecoder;
    before(async () => {
      sandboxed = await openSandboxedDecoder(folder);
    });
    after(() => sandboxed?.[Symbol.asyncDispose]());
    runVectors(() => sandboxed, vectors);
  });

  it("says what is wrong with any frame that is cut short or changed, and never throws", () => {
    const decode = (value: Uint8Array) =>
      decoder.decode({
        value,
        valueHex: "",
        resourcePath: "/33456/0/123",
        resourceType: "OPAQUE",
        receivedAt: "2026-01-01T00:00:00.000Z",
        sourceDeviceId: "1",
        device: {},
      });
    for (const { value } of readVectors(vectors).filter(({ result }) => result.success && result.dataFragments)) {
      for (let length = 0; length < value.length; length++) {
        if (length !== 4) assert.isFalse(decode(value.subarray(0, length)).success);
      }
      for (let bit = 0; bit < 8 * value.length; bit++) {
        const changed = value.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        assert.match(String(decode(changed).message), /checksum/);
      }
    }
  });
});
