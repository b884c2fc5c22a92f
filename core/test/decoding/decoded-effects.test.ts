import { assert } from "chai";
import type { DecoderResult } from "../../src/contract/decoder.ts";
import { type DecodedDevice, decodedEffects, needsDevice, signedEffects } from "../../src/decoding/decoded-effects.ts";

const AT_MS = Date.UTC(2026, 0, 1);
const device: DecodedDevice = {
  name: "meter 7",
  fragments: { IMEI: "35", c8y_Mobile: { cellId: "9" }, "x!IMEI": "prefixed" },
};
const values = [{ seriesName: "U", unit: "V", value: 230.5 }];
const effectsOf = (result: Partial<DecoderResult>, of = device) =>
  decodedEffects({ success: true, ...result }, of, AT_MS).effects;
const properties = (more: object): unknown => {
  const [effect] = effectsOf({ measurements: [{ type: "t", values, ...more }] });
  return effect?.kind === "measurement" ? effect.properties : assert.fail("no measurement");
};

describe("decoding/decoded-effects (agent specification 9.3)", () => {
  it("each value is fragment.series, the fragment being `series`", () => {
    const measurement = { type: "c8y_x", series: "meter", time: "2019-02-07T11:05:55.272Z" };
    const more = [
      ...values,
      { seriesName: "no unit", value: -0.001 },
      { seriesName: "empty unit", unit: "", value: 0 },
    ];
    assert.deepEqual(effectsOf({ measurements: [{ ...measurement, values: more }] }), [
      {
        kind: "measurement",
        type: "c8y_x",
        atMs: Date.UTC(2019, 1, 7, 11, 5, 55, 272),
        series: { meter: { U: { value: 230.5, unit: "V" }, "no unit": { value: -0.001 }, "empty unit": { value: 0 } } },
      },
    ]);
  });

  it("without `series` and `time`: the type, and the time of the value", () => {
    const [effect] = effectsOf({ measurements: [{ type: "c8y_x", values }] });
    assert.deepInclude(effect, { atMs: AT_MS, series: { c8y_x: { U: { value: 230.5, unit: "V" } } } });
    assert.notProperty(effect, "properties");
  });

  it("a measurement without values is none", () =>
    assert.deepEqual(effectsOf({ measurements: [{ type: "t", values: [] }] }), []));

  const propertyCases: [what: string, more: object, expected: unknown][] = [
    ["fragments to copy that the device has", { fragmentsToCopyFromSourceDevice: ["IMEI", "missing"] }, { IMEI: "35" }],
    [
      "with a prefix only prefixed fragments are looked up",
      { fragmentsToCopyFromSourceDevice: ["IMEI", "c8y_Mobile"], deviceFragmentPrefix: "x!" },
      { "x!IMEI": "prefixed" },
    ],
    ["nothing from a prototype", { fragmentsToCopyFromSourceDevice: ["toString"] }, undefined],
    ["the device's name", { includeDeviceName: true }, { "device!Name": "meter 7" }],
    ["the device's name elsewhere", { includeDeviceName: true, deviceNameFragment: "who" }, { who: "meter 7" }],
    ["no name unless asked for", { deviceNameFragment: "who" }, undefined],
    ["additional properties", { additionalProperties: { foo: "bar" } }, { foo: "bar" }],
  ];
  for (const [what, more, expected] of propertyCases) {
    it(what, () => assert.deepEqual(properties(more), expected as never));
  }

  it("a device without a name gives none", () => {
    const measurement = { type: "t", values, includeDeviceName: true };
    assert.notProperty(effectsOf({ measurements: [measurement] }, { fragments: {} })[0], "properties");
  });

  it("alarms and events keep their free fragments, but not what is the server's", () => {
    const free = {
      id: "1",
      self: "x",
      source: { id: "2" },
      creationTime: "x",
      lastUpdated: "x",
      decodedBy: "x",
      any: { a: [1] },
    };
    const effects = effectsOf({
      alarms: [
        { type: "a", text: "x", severity: "MINOR", count: 7, ...free },
        { type: "b", text: "y", severity: "MAJOR", status: "CLEARED", time: "2026-02-01T00:00:00+01:00" },
      ],
      events: [{ type: "e", text: "z", ...free }],
    });
    assert.deepEqual(effects, [
      { kind: "event", type: "e", text: "z", atMs: AT_MS, properties: { any: { a: [1] } } },
      {
        kind: "alarm",
        type: "a",
        text: "x",
        severity: "MINOR",
        status: "ACTIVE",
        atMs: AT_MS,
        properties: { any: { a: [1] } },
      },
      { kind: "alarm", type: "b", text: "y", severity: "MAJOR", status: "CLEARED", atMs: Date.UTC(2026, 0, 31, 23) },
    ]);
  });

  it("alarmTypesToUpdate: cleared ones are effects, others get their status", () => {
    const alarmTypesToUpdate = { CLEARED: ["a"], ACKNOWLEDGED: ["b", "c"], ACTIVE: ["d"] };
    const { effects, alarmStatuses } = decodedEffects({ success: true, alarmTypesToUpdate }, device, AT_MS);
    assert.deepEqual(
      effects.map(effect => effect.kind === "alarm" && [effect.type, effect.status]),
      [["a", "CLEARED"]],
    );
    assert.deepEqual(alarmStatuses, [
      { type: "d", status: "ACTIVE" },
      { type: "b", status: "ACKNOWLEDGED" },
      { type: "c", status: "ACKNOWLEDGED" },
    ]);
  });

  it("20-23: dataFragments are last values by path, text as it is", () => {
    const dataFragments = [
      { key: "/999/433/3", value: "12345" },
      { key: "/3/0/9", valueAsObject: { a: 1 } },
      { key: "/3/0/11/2", value: "" },
    ];
    assert.deepEqual(effectsOf({ dataFragments }), [
      { kind: "lastValue", path: [999, 433, 3], value: "12345", atMs: AT_MS },
      { kind: "lastValue", path: [3, 0, 9], value: { a: 1 }, atMs: AT_MS },
      { kind: "lastValue", path: [3, 0, 11, 2], value: "", atMs: AT_MS },
    ]);
  });

  it("success=false: alarms and events only", () => {
    const result: DecoderResult = {
      success: false,
      measurements: [{ type: "t", values }],
      alarms: [{ type: "a", text: "x", severity: "MINOR" }],
      events: [{ type: "e", text: "z" }],
      alarmTypesToUpdate: { CLEARED: ["b"], ACKNOWLEDGED: ["c"] },
      dataFragments: [{ key: "/3/0/9", value: "1" }],
    };
    const { effects, alarmStatuses } = decodedEffects(result, device, AT_MS);
    assert.deepEqual(
      effects.map(effect => "type" in effect && effect.type),
      ["e", "a"],
    );
    assert.deepEqual(alarmStatuses, []);
  });

  it("measurements, events and alarms name the decoder that made them", () => {
    const by = { key: "acme", version: "1.2.3" };
    const effects = effectsOf({
      measurements: [{ type: "t", values, additionalProperties: { foo: "bar" } }],
      events: [{ type: "e", text: "z" }],
      alarms: [{ type: "a", text: "x", severity: "MINOR" }],
      dataFragments: [{ key: "/3/0/9", value: "1" }],
    });
    assert.deepEqual(
      signedEffects(effects, by).map(effect => ("properties" in effect ? effect.properties : effect.kind)),
      [{ foo: "bar", decodedBy: by }, { decodedBy: by }, { decodedBy: by }, "lastValue"],
    );
  });

  it("looks at the device only where a measurement asks for it", () => {
    assert.isFalse(needsDevice({ success: true, measurements: [{ type: "t", values }] }));
    assert.isFalse(needsDevice({ success: false, measurements: [{ type: "t", values, includeDeviceName: true }] }));
    assert.isTrue(needsDevice({ success: true, measurements: [{ type: "t", values, includeDeviceName: true }] }));
    const copying = { type: "t", values, fragmentsToCopyFromSourceDevice: ["a"] };
    assert.isTrue(needsDevice({ success: true, measurements: [copying] }));
  });
});
