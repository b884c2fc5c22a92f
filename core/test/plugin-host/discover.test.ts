import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assert } from "chai";
import { discoverPlugins, type PluginPlaces } from "../../src/plugin-host/discover.ts";
import { manifestOf } from "./support.ts";

describe("plugin-host/discover", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "mooring-plugins-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function write(file: string, content: unknown): Promise<void> {
    const path = join(root, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  }
  /** Code that nobody may run. */
  async function folder(name: string, manifest: unknown): Promise<void> {
    await write(`plugins/${name}/mooring-plugin.json`, manifest);
    await write(`plugins/${name}/index.js`, "process.exit(99);");
  }
  const find = (over: Partial<PluginPlaces> = {}) =>
    discoverPlugins({
      shipped: [],
      packages: [],
      paths: [],
      folder: join(root, "plugins"),
      packageBases: [join(root, "app")],
      ...over,
    });
  const faults = async (over: Partial<PluginPlaces> = {}) =>
    Object.fromEntries((await find(over)).map(({ name, fault }) => [name, fault]));

  it("folders with a manifest, in the order of their names; others are passed over", async () => {
    const manifest = manifestOf({ name: "acme", configuration: { type: "object" }, dependencies: { base: "^1.0.0" } });
    await folder("b", manifest);
    await folder("a", manifestOf({ name: "other" }));
    await write("plugins/node_modules/x/package.json", {});
    await write("plugins/notes.txt", "none");
    assert.deepEqual(await find(), [
      { name: "other", origin: "folder", location: join(root, "plugins/a"), manifest: manifestOf({ name: "other" }) },
      { name: "acme", origin: "folder", location: join(root, "plugins/b"), manifest },
    ]);
    assert.isEmpty(await find({ folder: join(root, "nowhere") }));
  });

  it("packages by name, below or above where they are looked for, with the version of the package", async () => {
    const { version: _version, ...mooring } = manifestOf({ name: "acme" });
    await write("app/node_modules/@acme/plugin/package.json", { name: "@acme/plugin", version: "3.2.1", mooring });
    await write("app/node_modules/@acme/plugin/index.js", "");
    await write("node_modules/upper/package.json", { version: "1.0.0", mooring: manifestOf({ name: "upper" }) });
    await write("node_modules/upper/index.js", "");
    await write("node_modules/plain/package.json", { version: "1.0.0" });
    const [acme, upper, plain, absent] = await find({ packages: ["@acme/plugin", "upper", "plain", "absent"] });
    assert.deepInclude(acme, { name: "acme", origin: "package" });
    assert.equal(acme?.manifest?.version, "3.2.1");
    assert.deepInclude(upper, { name: "upper", location: join(root, "node_modules/upper") });
    assert.equal(plain?.fault, "has neither mooring-plugin.json nor a member mooring in package.json");
    assert.match(absent?.fault ?? "", /^no package absent is installed for .*app$/);
  });

  it("paths; of two of one name the first counts: shipped, paths, packages, folder", async () => {
    await folder("a", manifestOf({ name: "acme" }));
    await write("own/mooring-plugin.json", manifestOf({ name: "acme" }));
    await write("own/index.js", "");
    const [first, second] = await find({ paths: [join(root, "own")] });
    assert.deepInclude(first, { name: "acme", origin: "path" });
    assert.isDefined(first?.manifest);
    assert.equal(second?.fault, `its name is taken by the plugin in ${join(root, "own")}`);
    assert.isUndefined(second?.manifest);
    const [missing] = await find({ paths: [join(root, "gone")], folder: join(root, "nowhere") });
    assert.deepInclude(missing, { name: "gone", location: join(root, "gone") });
    assert.isDefined(missing?.fault);
  });

  for (const [what, manifest, fault] of [
    ["no JSON", "{", "mooring-plugin.json is no JSON"],
    ["a list", "[]", "body must be object"],
    ["a capital in its name", manifestOf({ name: "Acme" }), "name must be 1 to 64 of a-z, 0-9 and -"],
    ["a short version", manifestOf({ version: "1.0" }), "version must be a semantic version such as 1.0.0"],
    ["no range", manifestOf({ contract: "1.0.0" }), "contract must be a caret range such as ^1.0.0"],
    ["a later contract", manifestOf({ contract: "^99.0.0" }), "contract ^99.0.0 does not take this host's contract"],
    ["a main outside", manifestOf({ main: "../index.js" }), "main must be a path below the plugin's folder"],
    ["an absolute main", manifestOf({ main: "/index.js" }), "main must be a path below the plugin's folder"],
    ["a main that is not there", manifestOf({ main: "x.js" }), "main x.js is not there"],
    ["a permission that there is none of", { ...manifestOf(), permissions: ["root"] }, "permissions[0] must be one of"],
    ["no permissions", { ...manifestOf(), permissions: undefined }, "permissions is missing"],
    ["a member too many", { ...manifestOf(), hooks: 1 }, "hooks is not known here"],
    [
      "a pattern",
      manifestOf({ configuration: { type: "object", pattern: "x" } }),
      "configuration.pattern is not known",
    ],
    ["a wrong dependency", manifestOf({ dependencies: { base: "*" } }), "dependencies.base must be a caret range"],
    ["megabytes", `{"x": "${"y".repeat(300_000)}"}`, "is larger than 262144 bytes"],
  ] as const) {
    it(`bad input: ${what}; the others are found`, async () => {
      await folder("broken", manifest);
      await folder("sound", manifestOf({ name: "sound" }));
      const found = await faults();
      assert.isUndefined(found["sound"]);
      assert.include(found["broken"] ?? found["one"], fault);
      assert.lengthOf(Object.keys(found), 2);
    });
  }
});
