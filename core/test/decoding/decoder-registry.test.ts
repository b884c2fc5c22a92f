import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createDecoderRegistry, decoderFolders, loadDecoderFolder } from "../../src/decoding/decoder-registry.ts";

describe("decoding/decoder-registry", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "mooring-decoders-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function folder(name: string, files: Readonly<Record<string, string>>): string {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(root, name, file, ".."), { recursive: true });
      writeFileSync(join(root, name, file), text);
    }
    return join(root, name);
  }
  const manifest = JSON.stringify({ key: "acme", name: "ACME", version: "1.0.0" });

  it("reads manifest and source, and knows the language by the file", async () => {
    const typed = await loadDecoderFolder(folder("a", { "manifest.json": manifest, "src/decoder.ts": "let a: 1;" }));
    assert.deepEqual(typed, { manifest: JSON.parse(manifest), source: "let a: 1;", language: "typescript" });
    const plain = await loadDecoderFolder(folder("b", { "manifest.json": manifest, "src/decoder.js": "let a;" }));
    assert.equal(plain.language, "javascript");
  });

  const broken: [what: string, files: Record<string, string>, why: RegExp][] = [
    ["no manifest", { "src/decoder.ts": "" }, /broken: manifest.json cannot be read/],
    ["a manifest that is no JSON", { "manifest.json": "{" }, /broken: manifest.json is no JSON/],
    [
      "a manifest with a wrong field",
      { "manifest.json": '{"key":"A","name":"a","version":"1.0.0"}' },
      /manifest.json: key must match/,
    ],
    ["no source", { "manifest.json": manifest }, /neither src\/decoder.ts nor src\/decoder.js/],
  ];
  for (const [what, files, why] of broken) {
    it(`refuses ${what} and names it`, async () => {
      try {
        await loadDecoderFolder(folder("broken", files));
      } catch (error) {
        assert.isTrue(isFailure(error, "DECODER_INVALID"));
        assert.match((error as MooringError).message, why);
        return;
      }
      assert.fail("loaded");
    });
  }

  it("has a source bundled that imports something, and no other", async () => {
    const bundle = (file: string): Promise<string> => Promise.resolve(`bundle of ${file}`);
    const loaded = async (source: string) => {
      const made = folder("bundled", { "manifest.json": manifest, "src/decoder.ts": source });
      return (await loadDecoderFolder(made, bundle)).source === `bundle of ${join(made, "src/decoder.ts")}`;
    };
    const bundled = [
      'import a from "b";',
      'let c; import "d"',
      'export { e } from "f"',
      'export * from "g"',
      "import {\nh } from 'i'",
    ];
    for (const source of bundled) assert.isTrue(await loaded(source), source);
    const alone = [
      'import type { A } from "b";',
      "import type {\nA } from 'b'",
      "let important = 1;",
      "export default {};",
      "// import x",
    ];
    for (const source of alone) assert.isFalse(await loaded(source), source);
  });

  it("finds the folders that have a manifest; none where there is no such folder", async () => {
    const a = folder("b-two", { "manifest.json": manifest });
    const b = folder("a-one", { "manifest.json": manifest });
    folder("no-decoder", { "readme.md": "" });
    writeFileSync(join(root, "manifest.json"), manifest);
    assert.deepEqual(await decoderFolders(root), [b, a]);
    assert.deepEqual(await decoderFolders(join(root, "nowhere")), []);
  });

  it("a broken decoder harms no other: it is left out, with a line in the log", async () => {
    const loaded: string[] = [];
    const runtime = {
      async load(id: string, decoder: { source: string }) {
        if (decoder.source === "bad") throw new MooringError("DECODER_INVALID", "does not compile");
        loaded.push(id);
      },
      decode: () => assert.fail("nothing is decoded here"),
    };
    const log = createRecordingLog();
    const registry = createDecoderRegistry({ runtime, log });
    const failures = await registry.loadFolders([
      folder("bad", { "manifest.json": manifest, "src/decoder.js": "bad" }),
      folder("worse", { "manifest.json": "[" }),
      folder("good", { "manifest.json": manifest, "src/decoder.js": "good" }),
    ]);
    assert.deepEqual(registry.keys(), ["acme"]);
    assert.deepEqual(loaded, ["/acme@1.0.0"]);
    assert.equal(registry.find("any", "acme")?.id, "/acme@1.0.0");
    assert.deepEqual(
      registry.list("any").map(({ manifest: { name } }) => name),
      ["ACME"],
    );
    assert.deepEqual(
      failures.map(({ code }) => code),
      ["DECODER_INVALID", "DECODER_INVALID"],
    );
    assert.lengthOf(
      log.lines.filter(({ event }) => event === "decoder.notLoaded"),
      2,
    );
  });
});
