import { assert } from "chai";
import { createSeededRandom, type Random } from "../../src/base/random.ts";
import { RESOURCE_TYPES, type ResourceValue, type ScalarValue } from "../../src/lwm2m/resource-value.ts";
import { effectRule } from "../../src/mapping/check-effect.ts";
import { map, ofKind, protocol } from "./support.ts";

const MESSAGES = 1000;
const EXTREMES: readonly ScalarValue[] = [
  "",
  "\0",
  "0x",
  "-029",
  "1e999",
  "__proto__",
  "x".repeat(70_000),
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  -0,
  Number.MAX_VALUE,
  2n ** 64n,
  -(2n ** 63n),
  true,
  new Uint8Array(0),
  new Uint8Array(40_000),
  { objectId: 65_534, instanceId: 0 },
];

const mapping = {
  measurementCreation: { type: "t", series: "a.b" },
  alarmCreation: { severity: "MINOR", type: "a", status: "CLEARED", text: "x" },
  eventCreation: { type: "e", text: "x" },
  customAction: { actionName: "decoder:any" },
} as const;
const protocols = [0, 3, 6, 9].map(id =>
  protocol(id, { 0: mapping, 5: mapping, 5518: { ...mapping, skipIfEmpty: true } }),
);

const oneOf = <T>(random: Random, items: readonly T[]): T => items[random.int(items.length)]!;

function randomValue(random: Random): ResourceValue {
  const path = [oneOf(random, [0, 3, 6, 9, 21, 77]), random.int(2), oneOf(random, [0, 1, 5, 5518, 6050])];
  if (random.int(3) === 0) path.push(random.int(3));
  const atMs = oneOf(random, [undefined, undefined, 1000, 2000.5, -1, 1e300, Number.NaN]);
  const value = oneOf(random, EXTREMES);
  return { path, type: oneOf(random, RESOURCE_TYPES), value, ...(atMs === undefined ? {} : { atMs }) };
}

describe("mapping/engine: whatever a device sends", () => {
  it(`${MESSAGES} random messages end as effects that can be stored, never as an exception`, () => {
    const random = createSeededRandom(5);
    for (let message = 0; message < MESSAGES; message++) {
      const values = Array.from({ length: 1 + random.int(12) }, () => randomValue(random));
      const result = map({ protocols }, values, {
        settings: { sourceTimes: random.int(2) === 0, defaultHandlers: true },
        fullRead: random.int(2) === 0,
        requestPath: values[0]!.path.slice(0, random.int(5)),
        openAlarms: new Set(["c8y_LWM2MNoMapping_9", "c8y_LWM2MMappingFailure_9_0"]),
      });
      for (const effect of result.effects) assert.isUndefined(effectRule(effect), JSON.stringify(values[0]?.path));
      const kept = values.filter(({ path }) => path[0] !== 0 && path[0] !== 21);
      const events = kept.filter(
        ({ path, value }) =>
          [3, 6, 9].includes(path[0]!) &&
          [0, 5, 5518].includes(path[2]!) &&
          !(path[2] === 5518 && (value === "" || value === "\0" || (value as Uint8Array).length === 0)),
      );
      assert.lengthOf(ofKind(result, "event"), events.length, "every mapped value once");
    }
  });
});
