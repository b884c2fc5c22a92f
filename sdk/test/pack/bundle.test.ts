import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DecoderResult, MooringError } from "@mooring/sdk";
import { createFakeDevice, openSandboxedDecoder } from "@mooring/sdk/harness";
import { bundleDecoder } from "@mooring/sdk/pack";
import { assert } from "chai";

const device = createFakeDevice();
const inputOf = (value: Uint8Array) => device.decoderInput(device.value("/33456/0/123", value));

describe("sdk/pack: bundles", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mooring-bundle-"));
    write({ "manifest.json": JSON.stringify({ key: "mine", name: "Mine", version: "1.0.0" }) });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
  }

  async function sandboxed(...values: readonly Uint8Array[]): Promise<DecoderResult[]> {
    await using decoder = await openSandboxedDecoder(folder);
    return await Promise.all(values.map(value => decoder.decode(inputOf(value))));
  }

  const bundled = (name = "decoder.ts"): Promise<string> => bundleDecoder(join(folder, "src", name));

  it("takes in the SDK's helpers, files beside it, JSON and packages of either kind, and runs in the sandbox", async () => {
    write({
      "src/decoder.ts": `
        import { defineDecoder, type DecoderInput } from "@mooring/sdk";
        import { createReader, measurement, ok, orUndecodable } from "@mooring/sdk/bytes";
        import { twice } from "cjs-one";
        import { half } from "esm-one";
        import { isBuffer } from "buffer";
        import table from "./table.json" with { type: "json" };
        import { unit } from "./units.ts";
        export default defineDecoder({
          decode: orUndecodable(({ value }: DecoderInput) =>
            ok(measurement("mine", { n: [isBuffer(value) ? 0 : half(twice(createReader(value).u16())) * table.factor, unit] }))),
        });`,
      "src/table.json": '{ "factor": 2 }',
      "src/units.ts": 'export const unit: string = "V"; export const unused = 1;',
      "node_modules/buffer/package.json": '{ "name": "buffer", "main": "index.js" }',
      "node_modules/buffer/index.js": "exports.isBuffer = () => false;",
      "node_modules/cjs-one/package.json": '{ "name": "cjs-one", "main": "index.js" }',
      "node_modules/cjs-one/index.js": "exports.twice = n => 2 * n;",
      "node_modules/esm-one/package.json":
        '{ "name": "esm-one", "exports": { ".": { "node": "./node.js", "import": "./index.mjs", "require": "./index.cjs" } } }',
      "node_modules/esm-one/index.mjs": "export const half = n => n / 2;",
    });
    const source = await bundled();
    assert.notMatch(source, /^import\b/m);
    assert.notInclude(source, "unused");
    assert.equal(await bundled(), source, "the same for the same files");
    const [whole, short] = await sandboxed(new Uint8Array([0, 21]), new Uint8Array([0]));
    assert.deepEqual(whole, {
      success: true,
      measurements: [{ type: "mine", values: [{ seriesName: "n", value: 42, unit: "V" }] }],
    });
    assert.deepEqual(short, { success: false, message: "2 bytes are to follow, 1 are left (byte 0)" });
  });

  it("everything of @mooring/sdk/bytes is ECMAScript alone", async () => {
    write({
      "src/decoder.js": `
        import * as bytes from "@mooring/sdk/bytes";
        export default { decode({ value }) {
          const { createReader, decodeUtf8, fromHex, ok, note, plainCbor, readCbor, toHex, measurement } = bytes;
          const frame = createReader(value);
          const seen = [frame.bits(4, 4), frame.bcd(1), frame.ascii(1), frame.f16(), String(frame.u64("little")), frame.slice(1).u8()];
          const cbor = plainCbor(readCbor(fromHex("a2016161c249010000000000000000f7")));
          return ok(note(JSON.stringify([...seen, decodeUtf8(fromHex("e282ac")), toHex(value.subarray(0, 2)), cbor])),
            measurement("t", { n: 1 }, { time: 0 }));
        } };`,
    });
    const value = new Uint8Array([0xa5, 0x42, 0x41, 0x3c, 0x00, 1, 0, 0, 0, 0, 0, 0, 0x80, 7]);
    const [decoded] = await sandboxed(value);
    assert.equal(
      decoded?.message,
      '[[10,5],"42","A",1,"9223372036854775809",7,"€","a542",{"1":"a","18446744073709551616":null}]',
    );
  });

  it("names file, line and rule of what it cannot take", async () => {
    const SANDBOX = "the sandbox has ECMAScript alone: no Node, no files, no network";
    const OWN = "of the SDK a decoder can have defineDecoder, and all of @mooring/sdk/bytes";
    const cases: [string, string][] = [
      ['import { readFileSync } from "node:fs";', `src/decoder.ts imports "node:fs": ${SANDBOX}`],
      ['import fs from "fs";', `src/decoder.ts imports "fs": ${SANDBOX}`],
      [
        'import x from "no-such-package";',
        'src/decoder.ts imports "no-such-package", which is no package in its node_modules',
      ],
      ['import x from "./nothing.ts";', 'src/decoder.ts: Could not resolve "./nothing.ts"'],
      ['\nimport { x } from "./other.ts";', "src/decoder.ts:2 imports x: src/other.ts does not export it"],
      ['import { checkDecoderResult } from "@mooring/sdk";', `src/decoder.ts:1 imports checkDecoderResult: ${OWN}`],
      ['import { runVectors } from "@mooring/sdk/harness";', `src/decoder.ts imports "@mooring/sdk/harness": ${OWN}`],
      ["\n\nenum A { a }", "src/decoder.ts:3: TypeScript enum is not supported in strip-only mode"],
      ["\nconst = 1;", "src/decoder.ts:2: Unexpected token `=`. Expected yield, an identifier, [ or {"],
      ['import "./broken.js";', "src/broken.js:3: Unexpected token `=`. Expected yield, an identifier, [ or {"],
    ];
    write({ "src/other.ts": "export const y = 1;", "src/broken.js": "\n\nconst = 1" });
    for (const [source, message] of cases) {
      write({
        "src/decoder.ts": `${source}\nexport default { decode: () => [readFileSync, fs, x, checkDecoderResult, runVectors, A] };`,
      });
      try {
        await bundled();
      } catch (error) {
        assert.instanceOf(error, MooringError);
        assert.deepEqual([error.code, error.message], ["DECODER_INVALID", message]);
        continue;
      }
      assert.fail(source);
    }
  });
});
