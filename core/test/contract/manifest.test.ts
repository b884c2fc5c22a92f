import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { DecoderManifest } from "../../src/contract/decoder.ts";
import { checkDecoderManifest, checkDecoderResult } from "../../src/contract/manifest.ts";

/** The field and the rule that a refusal names. */
function refusal(run: () => unknown): { field: unknown; rule: unknown } {
  try {
    run();
  } catch (error) {
    assert.instanceOf(error, MooringError);
    assert.equal(error.code, "VALIDATION");
    return { field: error.details["field"], rule: error.details["rule"] };
  }
  return assert.fail("accepted");
}

const manifest = { key: "acme-meter", name: "ACME meter", version: "1.2.3" };
const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
const measurement = (more: object): object => ({
  success: true,
  measurements: [{ type: "t", values: [{ seriesName: "a", value: 1 }], ...more }],
});
const alarm = (more: object): object => ({
  success: true,
  alarms: [{ type: "t", text: "x", severity: "MINOR", ...more }],
});

describe("contract/manifest: decoder manifest", () => {
  it("takes the least, and everything", () => {
    assert.deepEqual(checkDecoderManifest(manifest), manifest);
    const full: DecoderManifest = {
      ...manifest,
      version: "1.2.3-rc.1+build.5",
      publisher: "ACME",
      deviceFragments: ["c8y_Hardware"],
      resources: ["/33456/*/123", "/33456/0/123/*"],
      format: "chirpstack-v4",
      uplink: {
        fPort: 0,
        fPorts: { "/33456/*/123": 255 },
        variables: { offset: "1" },
        measurementType: "acme",
        units: { "air.temperature": "°C" },
      },
    };
    assert.deepEqual(checkDecoderManifest(full), full);
  });

  const cases: [what: string, value: unknown, field: string][] = [
    ["no key", { name: "a", version: "1.0.0" }, "key"],
    ["capital letters in the key", { ...manifest, key: "Acme" }, "key"],
    ["a key of 65 characters", { ...manifest, key: "a".repeat(65) }, "key"],
    ["an empty name", { ...manifest, name: "" }, "name"],
    ["a version of two numbers", { ...manifest, version: "1.2" }, "version"],
    ["a version with a leading zero", { ...manifest, version: "01.2.3" }, "version"],
    ["a member that it does not know", { ...manifest, main: "x.js" }, "main"],
    ["a resource that is no path", { ...manifest, resources: ["33456/0"] }, "resources[0]"],
    ["a format that it does not know", { ...manifest, format: "ttn-v2" }, "format"],
    ["a port over 255", { ...manifest, uplink: { fPort: 256 } }, "uplink.fPort"],
    ["a port for what is no resource", { ...manifest, uplink: { fPorts: { "/33456": 1 } } }, "uplink.fPorts"],
    ["a variable that is no text", { ...manifest, uplink: { variables: { offset: 1 } } }, "uplink.variables.offset"],
    ["a text", "acme", "body"],
  ];
  for (const [what, value, field] of cases) {
    it(`refuses ${what} by name`, () => assert.equal(refusal(() => checkDecoderManifest(value)).field, field));
  }
});

describe("contract/manifest: decoder result", () => {
  it("agent specification 9.3: takes the documented response", () => {
    const result = {
      alarms: [
        { type: "t", text: "x", severity: "MINOR", status: "ACTIVE", time: "2020-03-03T12:03:23.845Z", any: "data" },
      ],
      alarmTypesToUpdate: { CLEARED: ["typeA"], ACKNOWLEDGED: ["typeB"] },
      events: [
        { type: "TestEvent 1", text: "Data was decoded", time: "2020-03-03T12:03:23.845+01:00", any: { a: [1] } },
      ],
      measurements: [
        {
          type: "c8y_x",
          series: "binaryValueSeries",
          time: "2019-02-07T11:05:55.272Z",
          fragmentsToCopyFromSourceDevice: ["IMEI"],
          deviceFragmentPrefix: null,
          deviceNameFragment: null,
          includeDeviceName: false,
          additionalProperties: { foo: "bar" },
          values: [{ seriesName: "byte 1", unit: "unknown", value: 11 }],
        },
      ],
      dataFragments: [
        { key: "/999/433/3", value: "12345" },
        { key: "/3/0/9", valueAsObject: { a: 1 } },
      ],
      message: null,
      success: true,
    };
    const { message: _, ...kept } = result;
    const { deviceFragmentPrefix: __, deviceNameFragment: ___, ...series } = result.measurements[0]!;
    assert.deepEqual(checkDecoderResult(result), { ...kept, measurements: [series] } as never);
  });

  it("agent specification 9.3: takes dataFragments as a map too", () => {
    assert.deepEqual(checkDecoderResult({ success: true, dataFragments: { "/1/0/2": "x", "/1/0/3": { a: 1 } } }), {
      success: true,
      dataFragments: [
        { key: "/1/0/2", value: "x" },
        { key: "/1/0/3", valueAsObject: { a: 1 } },
      ],
    });
  });

  it("agent specification 9.3: unknown members are no error", () => {
    assert.isTrue(checkDecoderResult({ success: true, later: 1 }).success);
  });

  const cases: [what: string, value: unknown, field: string][] = [
    ["nothing", undefined, "body"],
    ["a text", "x", "body"],
    ["a list", [], "body"],
    ["no success", {}, "success"],
    ["success as text", { success: "yes" }, "success"],
    [
      "a value that was NaN",
      measurement({ values: [{ seriesName: "a", value: null }] }),
      "measurements[0].values[0].value",
    ],
    ["a value as text", measurement({ values: [{ seriesName: "a", value: "1" }] }), "measurements[0].values[0].value"],
    ["a measurement without values", { success: true, measurements: [{ type: "t" }] }, "measurements[0].values"],
    ["101 measurements", { success: true, measurements: Array(101).fill({ type: "t", values: [] }) }, "measurements"],
    ["a measurement in the place of the time", measurement({ series: "time" }), "measurements[0].series"],
    ["a measurement type that is a member", measurement({ type: "source" }), "measurements[0].type"],
    [
      "a property that is a member",
      measurement({ additionalProperties: { id: "1" } }),
      "measurements[0].additionalProperties.id",
    ],
    [
      "a property that is no text",
      measurement({ additionalProperties: { a: 1 } }),
      "measurements[0].additionalProperties.a",
    ],
    [
      "a name in the place of the type",
      measurement({ deviceNameFragment: "type" }),
      "measurements[0].deviceNameFragment",
    ],
    ["a time without zone", measurement({ time: "2026-01-01T00:00:00" }), "measurements[0].time"],
    ["the 32nd of January", measurement({ time: "2026-01-32T00:00:00Z" }), "measurements[0].time"],
    ["a time before 1970", measurement({ time: "1969-12-31T23:59:59Z" }), "measurements[0].time"],
    ["an alarm time in words", alarm({ time: "now" }), "alarms[0].time"],
    ["a severity of its own", alarm({ severity: "BAD" }), "alarms[0].severity"],
    ["an alarm status of its own", alarm({ status: "OPEN" }), "alarms[0].status"],
    ["an event without text", { success: true, events: [{ type: "t" }] }, "events[0].text"],
    ["a status to update of its own", { success: true, alarmTypesToUpdate: { OPEN: [] } }, "alarmTypesToUpdate"],
    ["a data fragment without value", { success: true, dataFragments: [{ key: "/1/0/2" }] }, "dataFragments[0]"],
    ["a data fragment of an object", { success: true, dataFragments: { "/1/0": "x" } }, "dataFragments[0].key"],
    ["a data fragment of no path", { success: true, dataFragments: { temperature: "x" } }, "dataFragments[0].key"],
    ["a NUL", alarm({ any: "a\0b" }), "alarms[0].any"],
    ["half of a surrogate pair", alarm({ any: ["\ud800"] }), "alarms[0].any[0]"],
    [
      "a member __proto__",
      JSON.parse('{"success":true,"events":[{"type":"t","text":"x","__proto__":{}}]}'),
      "events[0].__proto__",
    ],
  ];
  for (const [what, value, field] of cases) {
    it(`refuses ${what} by name`, () => assert.equal(refusal(() => checkDecoderResult(value)).field, field));
  }

  it("refuses what is nested too deep for later recursion, and takes what is not", () => {
    assert.isTrue(checkDecoderResult(alarm({ any: deep(12) })).success);
    assert.match(String(refusal(() => checkDecoderResult(alarm({ any: deep(20_000 / 4) }))).rule), /16 levels/);
  });
});
