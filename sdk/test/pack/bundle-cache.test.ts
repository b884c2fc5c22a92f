import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { bundleDecoder, cachedBundle } from "../../src/pack/index.ts";

describe("sdk/pack: bundles kept on disk", () => {
  let folder: string;
  let file: string;
  const kept = (): string => join(folder, "kept");
  const bundle = (): Promise<string> => cachedBundle(file, kept());
  /** What stands on disk, with a mark that only what is read from there can have. */
  const mark = (): void => {
    for (const name of readdirSync(kept())) {
      const entry = JSON.parse(readFileSync(join(kept(), name), "utf8"));
      writeFileSync(join(kept(), name), JSON.stringify({ ...entry, code: "marked" }));
    }
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mooring-cache-"));
    file = join(folder, "src", "decoder.ts");
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "src", "one.ts"), "export const one: number = 1;");
    writeFileSync(
      file,
      'import { ok } from "@mooring/sdk/bytes"; import { one } from "./one.ts";\nexport default { decode: () => ok({ message: String(one) }) };',
    );
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are what the bundler makes, and are taken while nothing changes", async () => {
    assert.equal(await bundle(), await bundleDecoder(file));
    mark();
    assert.equal(await bundle(), "marked");
  });

  it("are made anew when an imported file changes, or is gone", async () => {
    await bundle();
    mark();
    writeFileSync(join(folder, "src", "one.ts"), "export const one = 2;");
    assert.include(await bundle(), "one = 2");
    mark();
    rmSync(join(folder, "src", "one.ts"));
    let failure: unknown;
    await bundle().catch((error: unknown) => {
      failure = error;
    });
    assert.propertyVal(failure, "code", "DECODER_INVALID");
  });

  it("are made anew from what cannot be read, and go without a place to be kept", async () => {
    await bundle();
    for (const name of readdirSync(kept())) writeFileSync(join(kept(), name), "{");
    assert.equal(await bundle(), await bundleDecoder(file));
    assert.equal(await cachedBundle(file, join(file, "no folder")), await bundleDecoder(file));
  });
});
