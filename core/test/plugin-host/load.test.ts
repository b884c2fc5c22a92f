import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { CONTRACT_VERSION } from "../../src/contract/plugin.ts";
import { checkPlugin, satisfiesCaret } from "../../src/plugin-host/load.ts";

const good = { name: "acme-1", version: "1.2.3", contract: `^${CONTRACT_VERSION}`, activate: () => {} };

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

describe("plugin-host/load: checkPlugin", () => {
  it("gives a good plugin back as it is", () => assert.strictEqual(checkPlugin(good), good));

  for (const [name, value, field] of [
    ["nothing", undefined, "value"],
    ["a function", () => {}, "value"],
    ["no name", { ...good, name: undefined }, "name"],
    ["name with a capital", { ...good, name: "Acme" }, "name"],
    ["long name", { ...good, name: "x".repeat(65) }, "name"],
    ["no version", { ...good, version: undefined }, "version"],
    ["two-part version", { ...good, version: "1.0" }, "version"],
    ["no contract", { ...good, contract: undefined }, "contract"],
    ["contract of the next major version", { ...good, contract: "^99.0.0" }, "contract"],
    ["no activate", { ...good, activate: "yes" }, "activate"],
  ] as const) {
    it(`refuses ${name}, naming ${field}`, () => {
      try {
        checkPlugin(value);
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
