import { fileURLToPath } from "node:url";
import { checkDecoderManifest } from "@mooring/sdk";
import { runDamaged, runVectors, runVectorsInSandbox } from "@mooring/sdk/harness";
import { assert } from "chai";
import manifest from "../manifest.json" with { type: "json" };
import decoder from "../src/decoder.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const vectors = fileURLToPath(new URL("../vectors", import.meta.url));

const FIRST_GENERATION_BYTES = 4;

describe("decoders/acme-meter", () => {
  it("has a manifest that the host takes", () => void checkDecoderManifest(manifest));

  describe("called directly", () => runVectors(decoder, vectors));

  describe("in the sandbox", () => runVectorsInSandbox(folder));

  describe("damaged", () =>
    runDamaged(decoder, vectors, ({ success, message }, payload, { value, result }) => {
      const isSecondGeneration = result.success && result.dataFragments !== undefined;
      if (!isSecondGeneration || payload.length === FIRST_GENERATION_BYTES) return;
      assert.isFalse(success);
      if (payload.length === value.length) assert.match(String(message), /checksum/);
    }));
});
