import { fileURLToPath } from "node:url";
import { checkDecoderManifest } from "@mooring/sdk";
import { PayloadError } from "@mooring/sdk/bytes";
import { runDamaged, runVectors, runVectorsInSandbox } from "@mooring/sdk/harness";
import { assert } from "chai";
import manifest from "../manifest.json" with { type: "json" };
import decoder from "../src/decoder.ts";
import { parseXml } from "../src/xml.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const vectors = fileURLToPath(new URL("../vectors", import.meta.url));

describe("decoders/xml", () => {
  it("has a manifest that the host takes", () => void checkDecoderManifest(manifest));

  describe("called directly", () => runVectors(decoder, vectors));

  describe("in the sandbox", () => runVectorsInSandbox(folder));

  it("ends where there are more than 2000 elements", () => {
    const elements = (count: number): string => `<m>${"<a/>".repeat(count - 1)}</m>`;
    assert.lengthOf(parseXml(elements(2000)).children, 1999);
    assert.throws(() => parseXml(elements(2001)), PayloadError, "XML: more than 2000 elements (character 8000)");
  });

  it("takes no longer for a text of 64 KB that never ends", () => {
    const beginnings = [
      "<",
      "<a ",
      "<a b=",
      "<a b='",
      "<!--",
      "<![CDATA[",
      "<?",
      "</",
      "&",
      "&#1",
      "<a>",
      "]]>",
      " ",
      '<?xml version="',
      "é",
    ];
    for (const beginning of beginnings) {
      const text = `<m>${beginning.repeat(65_000 / beginning.length)}`;
      const from = process.cpuUsage();
      assert.throws(() => parseXml(text), PayloadError);
      assert.isBelow(process.cpuUsage(from).user / 1000, 500, beginning);
    }
  });

  describe("damaged", () => runDamaged(decoder, vectors));
});
