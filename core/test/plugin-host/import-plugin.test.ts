import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { createImporter } from "../../src/plugin-host/import-plugin.ts";
import { manifestOf } from "./support.ts";

describe("plugin-host/import-plugin", () => {
  let location: string;
  beforeEach(async () => {
    location = await mkdtemp(join(tmpdir(), "mooring-import-"));
    await mkdir(join(location, "src/deep"), { recursive: true });
  });
  afterEach(() => rm(location, { recursive: true }));

  const write = (file: string, text: string) => writeFile(join(location, file), text);
  const opened = (main = "src/index.ts") => {
    const load = createImporter(createSeededRandom(1));
    return async () => {
      const { default: value, resolving } = await load({ location, manifest: manifestOf({ main }) });
      return { value: value as { texts(): Promise<readonly string[]> }, resolving };
    };
  };

  it("the second import has changed code, also of what it imports from its own folder, at once and later; TypeScript as it is", async () => {
    const writeAll = async (version: string): Promise<void> => {
      await write(
        "src/index.ts",
        `import { near } from "./near.ts";
         const own: string = "own ${version}";
         export default { texts: async () => [own, near, (await import("./late.mjs")).late] };`,
      );
      await write(
        "src/near.ts",
        `import { deep } from "./deep/deep.ts"; export const near: string = "near ${version} " + deep;`,
      );
      await write(
        "src/deep/deep.ts",
        `import data from "../data.json" with { type: "json" }; export const deep = data.text;`,
      );
      await write("src/data.json", `{ "text": "data ${version}" }`);
      await write("src/late.mjs", `export const late = "late ${version}";`);
    };
    const load = opened();
    await writeAll("1");
    using first = (await load()).resolving;
    await writeAll("2");
    const { value, resolving } = await load();
    using _second = resolving;
    assert.deepEqual(await value.texts(), ["own 2", "near 2 data 2", "late 2"]);
    assert.isDefined(first);
  });

  it("a folder that is a link is imported anew as well", async () => {
    const link = `${location}-link`;
    await symlink(location, link);
    try {
      const load = createImporter(createSeededRandom(1));
      for (const text of ["1", "2"]) {
        await write("src/near.ts", `export const near = "near ${text}";`);
        await write("src/index.ts", `import { near } from "./near.ts"; export default near;`);
        const { default: value, resolving } = await load({
          location: link,
          manifest: manifestOf({ main: "src/index.ts" }),
        });
        using _done = resolving;
        assert.equal(value, `near ${text}`);
      }
    } finally {
      await rm(link);
    }
  });

  it("the SDK is there wherever the plugin lies, and is the host's own", async () => {
    await write(
      "src/index.ts",
      `import { MooringError } from "@mooring/sdk"; export default { error: new MooringError("NOT_FOUND", "x") };`,
    );
    const { value, resolving } = await opened()();
    using _done = resolving;
    const { MooringError } = await import("../../src/base/errors.ts");
    assert.instanceOf((value as unknown as { error: unknown }).error, MooringError);
  });

  for (const [what, text, rule] of [
    ["throws", `throw new Error("at import");`, /at import/],
    ["cannot be read", "export default {", /Unexpected|Expected|Expression/],
    ["imports what is not there", `import "./none.ts";`, /none\.ts/],
  ] as const) {
    it(`a module that ${what} is refused, and works once it is mended`, async () => {
      const load = opened();
      await write("src/index.ts", text);
      const error = await load().catch((failure: unknown) => failure);
      assert.match((error as Error).message, rule);
      await write("src/index.ts", `export default { texts: async () => ["mended"] };`);
      const { value, resolving } = await load();
      using _done = resolving;
      assert.deepEqual(await value.texts(), ["mended"]);
    });
  }
});
