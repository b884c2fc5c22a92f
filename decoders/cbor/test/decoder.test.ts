import { fileURLToPath } from "node:url";
import { checkDecoderManifest } from "@mooring/sdk";
import { runDamaged, runVectors, runVectorsInSandbox } from "@mooring/sdk/harness";
import manifest from "../manifest.json" with { type: "json" };
import decoder from "../src/decoder.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const vectors = fileURLToPath(new URL("../vectors", import.meta.url));

describe("decoders/cbor", () => {
  it("has a manifest that the host takes", () => void checkDecoderManifest(manifest));

  describe("called directly", () => runVectors(decoder, vectors));

  describe("in the sandbox", () => runVectorsInSandbox(folder));

  describe("damaged", () => runDamaged(decoder, vectors));
});
