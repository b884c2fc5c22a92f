import { assert } from "chai";
import { device, mapWithPlugin, NOW_MS, ofKind, protocol, value } from "../../../core/test/mapping/support.ts";
import connectivity from "../src/index.ts";

const mobile = { cellId: "1", mnc: "01", mcc: "262" };
const view = { ...device, fragments: { c8y_Mobile: mobile } };
const custom = (actionName: string) => [protocol(9, { 1: { customAction: { actionName } } })];

describe("plugin connectivity: actions (agent specification 8.4)", () => {
  for (const [action, member] of [
    ["connectivity:updateCellId", "cellId"],
    ["connectivity:updateSmnc", "mnc"],
    ["connectiviy:updateSmnc", "mnc"],
    ["connectivity:updateSmcc", "mcc"],
  ] as const) {
    it(`${action} sets c8y_Mobile.${member}`, async () => {
      const result = await mapWithPlugin(connectivity, custom(action), [value("/9/0/1", 262)]);
      assert.deepEqual(result.failures, []);
      assert.deepEqual(ofKind(result, "inventory"), [{ kind: "inventory", set: { [`c8y_Mobile.${member}`]: "262" } }]);
    });
  }

  it("a 64-bit cell id keeps all its digits", async () => {
    const result = await mapWithPlugin(connectivity, custom("connectivity:updateCellId"), [value("/9/0/1", 2n ** 63n)]);
    assert.deepEqual(ofKind(result, "inventory")[0]?.set, { "c8y_Mobile.cellId": "9223372036854775808" });
  });

  it("connectivity:updateRssi makes a c8y_SignalStrength measurement", async () => {
    const result = await mapWithPlugin(connectivity, custom("connectivity:updateRssi"), [value("/9/0/1", -85)], {
      device: view,
    });
    assert.deepEqual(ofKind(result, "measurement"), [
      {
        kind: "measurement",
        type: "c8y_SignalStrength",
        atMs: NOW_MS,
        series: { c8y_SignalStrength: { rssi: { value: -85, unit: "dBm" } } },
        properties: {
          resourcePath: "/9/0/1",
          "objectResourcePath_/9/0/1": {},
          "device!Name": "meter 7",
          "device!c8y_Mobile": mobile,
        },
      },
    ]);
  });

  it("connectivity:updateRssi without c8y_Mobile copies none; text is no signal strength", async () => {
    const actions = custom("connectivity:updateRssi");
    const [made] = ofKind(await mapWithPlugin(connectivity, actions, [value("/9/0/1", -85)]), "measurement");
    assert.notProperty(made?.properties, "device!c8y_Mobile");
    assert.isEmpty(ofKind(await mapWithPlugin(connectivity, actions, [value("/9/0/1", "strong")]), "measurement"));
  });
});

describe("plugin connectivity: object 4 without a mapping (agent specification 1.1)", () => {
  const values = [value("/4/0/2", -85), value("/4/0/8", 1234), value("/4/0/9", 1), value("/4/0/10", 262)];

  it("cell id, network codes and signal strength of a whole object, each once", async () => {
    const result = await mapWithPlugin(connectivity, [protocol(4)], values);
    assert.deepEqual(
      ofKind(result, "inventory").map(({ set }) => set),
      [{ "c8y_Mobile.cellId": "1234" }, { "c8y_Mobile.mnc": "1" }, { "c8y_Mobile.mcc": "262" }],
    );
    assert.lengthOf(ofKind(result, "measurement"), 1);
  });

  it("20-11: a mapping with connectivity:updateRssi on /4/0/2 makes no second measurement", async () => {
    const mapped = protocol(4, { 2: { customAction: { actionName: "connectivity:updateRssi" } } });
    assert.lengthOf(ofKind(await mapWithPlugin(connectivity, [mapped], values), "measurement"), 1);
  });

  it("other resources of object 4 do nothing", async () => {
    const result = await mapWithPlugin(
      connectivity,
      [protocol(4)],
      [value("/4/0/0", 41), value("/4/0/4/0", "10.0.0.1")],
    );
    assert.deepEqual(new Set(result.effects.map(({ kind }) => kind)), new Set(["lastValue"]));
  });

  it("disableObjectInstanceActions switches it off, the actions stay", async () => {
    const over = { settings: { sourceTimes: false, defaultHandlers: false } };
    const mapped = protocol(4, { 2: { customAction: { actionName: "connectivity:updateRssi" } } });
    const result = await mapWithPlugin(connectivity, [mapped], values, over);
    assert.isEmpty(ofKind(result, "inventory"));
    assert.lengthOf(ofKind(result, "measurement"), 1);
  });
});
