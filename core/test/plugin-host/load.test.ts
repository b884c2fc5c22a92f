import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { CONTRACT_VERSION } from "../../src/contract/plugin.ts";
import { checkPlugin, contractFault, satisfiesCaret } from "../../src/plugin-host/load.ts";
import { manifestOf } from "./support.ts";

const MANIFEST = manifestOf({ name: "acme-1", version: "1.2.3" });
const good = { activate: () => {} };

describe("plugin-host/load: caret ranges (semantic versioning)", () => {
  for (const [version, range, holds] of [
    ["1.0.0", "^1.0.0", true],
    ["1.9.9", "^1.0.0", true],
    ["1.2.3", "^1.2.3", true],
    ["1.2.2", "^1.2.3", false],
    ["1.1.9", "^1.2.0", false],
    ["2.0.0", "^1.2.3", false],
    ["0.9.0", "^1.0.0", false],
    ["0.2.9", "^0.2.3", true],
    ["0.3.0", "^0.2.3", false],
    ["0.0.3", "^0.0.3", true],
    ["0.0.4", "^0.0.3", false],
    ["0.0.0", "^0.0.0", true],
    ["1.0.0", "1.0.0", undefined],
    ["1.0.0", "~1.0.0", undefined],
    ["1.0.0", "^1.0", undefined],
    ["1.0.0", "^1.0.0 || ^2.0.0", undefined],
  ] as const) {
    it(`${version} in ${range}: ${holds ?? "no range"}`, () =>
      assert.strictEqual(satisfiesCaret(version, range), holds));
  }
});

describe("plugin-host/load: contractFault", () => {
  it("takes ranges of this version's major", () => {
    assert.isUndefined(contractFault("^1.0.0"));
    assert.isUndefined(contractFault(`^${CONTRACT_VERSION}`));
    assert.equal(contractFault("^2.0.0", "1.9.0"), "contract ^2.0.0 does not take this host's contract version 1.9.0");
  });
});

describe("plugin-host/load: checkPlugin", () => {
  it("gives a good plugin back as it is", () => {
    assert.strictEqual(checkPlugin(good, MANIFEST), good);
    const { name, version, contract } = MANIFEST;
    checkPlugin({ ...good, name, version, contract }, MANIFEST);
  });

  for (const [name, value, field] of [
    ["nothing", undefined, "default export"],
    ["a function", () => {}, "default export"],
    ["another name than its manifest's", { ...good, name: "acme-2" }, "name"],
    ["another version than its manifest's", { ...good, version: "1.2.4" }, "version"],
    ["another contract than its manifest's", { ...good, contract: "^0.1.0" }, "contract"],
    ["no activate", { activate: "yes" }, "activate"],
  ] as const) {
    it(`refuses ${name}, naming ${field}`, () => {
      try {
        checkPlugin(value, MANIFEST);
      } catch (error) {
        assert.instanceOf(error, MooringError);
        assert.equal((error as MooringError).code, "PLUGIN_INVALID");
        assert.equal((error as MooringError).details["field"], field);
        return;
      }
      assert.fail("was accepted");
    });
  }
});
