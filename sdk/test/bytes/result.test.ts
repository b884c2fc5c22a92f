import { checkDecoderResult } from "@mooring/sdk";
import {
  alarm,
  clearAlarms,
  event,
  lastValue,
  measurement,
  note,
  ok,
  orUndecodable,
  PayloadError,
  undecodable,
} from "@mooring/sdk/bytes";
import { createFakeDevice } from "@mooring/sdk/harness";
import { assert } from "chai";

const device = createFakeDevice();
const input = device.decoderInput(device.value("/33456/0/123", new Uint8Array()));

describe("sdk/bytes: results", () => {
  it("puts parts together as the contract has them", () => {
    const result = ok(
      measurement(
        "acme",
        { U: [230.1, "V"], n: 3, gone: undefined },
        { time: 0, fragment: "f", properties: { a: "b" } },
      ),
      measurement("acme", { T: [21.5, "°C"] }),
      measurement("none", { gone: undefined }),
      alarm("hot", "too hot", "MAJOR", { limit: 80, time: "2026-01-01T00:00:00Z" }),
      clearAlarms("cold"),
      clearAlarms("wet", "dry"),
      clearAlarms(),
      event("seen", "something", { at: { x: 1 }, time: new Date(1000) }),
      lastValue("/33456/0/124", "text"),
      lastValue("/33456/0/125", { a: 1 }),
      { message: "first" },
      note("second"),
    );
    assert.deepEqual(result, {
      success: true,
      measurements: [
        {
          type: "acme",
          series: "f",
          time: "1970-01-01T00:00:00.000Z",
          values: [
            { seriesName: "U", value: 230.1, unit: "V" },
            { seriesName: "n", value: 3 },
          ],
          additionalProperties: { a: "b" },
        },
        { type: "acme", values: [{ seriesName: "T", value: 21.5, unit: "°C" }] },
      ],
      alarms: [
        { type: "hot", text: "too hot", severity: "MAJOR", status: "ACTIVE", limit: 80, time: "2026-01-01T00:00:00Z" },
      ],
      events: [{ type: "seen", text: "something", at: { x: 1 }, time: "1970-01-01T00:00:01.000Z" }],
      dataFragments: [
        { key: "/33456/0/124", value: "text" },
        { key: "/33456/0/125", valueAsObject: { a: 1 } },
      ],
      message: "second",
      alarmTypesToUpdate: { CLEARED: ["cold", "wet", "dry"] },
    });
    assert.deepEqual(checkDecoderResult(JSON.parse(JSON.stringify(result))), result);
    assert.deepEqual(ok(), { success: true });
  });

  it("what is wrong with a payload is told, what is wrong with the decoder is thrown", () => {
    const failing = (error: Error) =>
      orUndecodable(() => {
        throw error;
      });
    assert.deepEqual(failing(new PayloadError("too short", 3))(input), undecodable("too short (byte 3)"));
    assert.throws(() => failing(new TypeError("a mistake"))(input), TypeError, "a mistake");
    assert.throws(() => measurement("a", { n: 1 }, { time: Number.NaN }), PayloadError, "NaN is no time");
    assert.deepEqual(orUndecodable(() => ok())(input), { success: true });
  });
});
