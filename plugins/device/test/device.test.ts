import { assert } from "chai";
import { mapWithPlugin, ofKind, protocol, value } from "../../../core/test/mapping/support.ts";
import deviceInformation from "../src/index.ts";

const CASES = [
  ["device:updateManufacturer", "/3/0/0", { name: "LWM2M ACME urn:dev:1" }],
  ["device:updateModelNumber", "/3/0/1", { "c8y_Hardware.model": "ACME" }],
  ["device:updateSerialNumber", "/3/0/2", { "c8y_Hardware.serialNumber": "ACME" }],
  ["device:updateFirmwareVersion", "/3/0/3", { "c8y_Hardware.revision": "ACME" }],
] as const;

describe("plugin device", () => {
  for (const [actionName, path, set] of CASES) {
    it(`8.4 ${actionName} sets ${Object.keys(set)[0]}`, async () => {
      const mapped = protocol(9, { 1: { customAction: { actionName } } });
      const result = await mapWithPlugin(deviceInformation, [mapped], [value("/9/0/1", "ACME")]);
      assert.deepEqual(result.failures, []);
      assert.deepEqual<unknown>(ofKind(result, "inventory"), [{ kind: "inventory", set }]);
    });

    it(`1.1 ${path} does the same without a mapping`, async () => {
      const result = await mapWithPlugin(deviceInformation, [protocol(3)], [value(path, "ACME")]);
      assert.deepEqual<unknown>(ofKind(result, "inventory"), [{ kind: "inventory", set }]);
    });
  }

  it("a whole object: one effect per known resource, other resources none", async () => {
    const values = [0, 1, 2, 3, 9, 13].map(id => value(`/3/0/${id}`, `v${id}`));
    assert.lengthOf(ofKind(await mapWithPlugin(deviceInformation, [protocol(3)], values), "inventory"), 4);
  });

  for (const empty of ["", "  ", new Uint8Array(2)]) {
    it(`${JSON.stringify(empty)} changes nothing`, async () => {
      const result = await mapWithPlugin(
        deviceInformation,
        [protocol(3)],
        [value("/3/0/0", empty), value("/3/0/1", empty)],
      );
      assert.isEmpty(ofKind(result, "inventory"));
    });
  }

  it("a name with C's end mark and blanks is trimmed", async () => {
    const [made] = ofKind(
      await mapWithPlugin(deviceInformation, [protocol(3)], [value("/3/0/0", " ACME \0")]),
      "inventory",
    );
    assert.deepEqual<unknown>(made?.set, { name: "LWM2M ACME urn:dev:1" });
  });
});
