import { assert } from "chai";
import type { Effect } from "../../src/contract/action.ts";
import { effectRule } from "../../src/mapping/check-effect.ts";
import { value } from "./support.ts";

const measurement: Effect = { kind: "measurement", type: "t", atMs: 0, series: { f: { s: { value: 1, unit: "V" } } } };
const event: Effect = { kind: "event", type: "t", text: "x", atMs: 0 };
const alarm: Effect = { kind: "alarm", type: "t", text: "x", atMs: 0, severity: "MAJOR", status: "ACTIVE" };
const decode: Effect = { kind: "decode", decoder: "d", value: value("/9/0/1", 1), atMs: 0 };

function nested(depth: number): unknown {
  let inner: unknown = 1;
  for (let level = 0; level < depth; level++) inner = { inner };
  return inner;
}

describe("mapping/check-effect", () => {
  for (const [name, effect] of [
    ["measurement", measurement],
    ["event", { ...event, properties: { a: [null, true, { b: undefined }] } }],
    ["alarm", alarm],
    ["inventory", { kind: "inventory", set: { name: "x", "c8y_Hardware.model": "y", a: null } }],
    ["last value", { kind: "lastValue", path: [3, 0, 9], value: 1, atMs: 0 }],
    ["last value of an instance", { kind: "lastValue", path: [3, 0, 7, 1], value: { "0": 1 }, atMs: 0 }],
    ["decode", decode],
  ] as readonly (readonly [string, Effect])[]) {
    it(`accepts: ${name}`, () => assert.isUndefined(effectRule(effect)));
  }

  for (const [name, effect] of [
    ["nothing", undefined],
    ["unknown kind", { kind: "delete" }],
    ["empty type", { ...event, type: "" }],
    ["type with NUL", { ...event, type: "a\0" }],
    ["text with half a surrogate pair", { ...event, text: "\ud800" }],
    ["no time", { ...event, atMs: Number.NaN }],
    ["fraction of a millisecond", { ...event, atMs: 1.5 }],
    ["time before 1970", { ...event, atMs: -1 }],
    ["time after 9999", { ...event, atMs: 253_402_300_800_000 }],
    ["bigint in properties", { ...event, properties: { a: 1n } }],
    ["bytes in properties", { ...event, properties: { a: new Uint8Array(1) } }],
    ["function in properties", { ...event, properties: { a: () => 1 } }],
    ["NaN in properties", { ...event, properties: { a: Number.NaN } }],
    ["properties too deep", { ...event, properties: { a: nested(40) } }],
    ["properties that are a list", { ...event, properties: [] }],
    ["__proto__ in properties", { ...event, properties: JSON.parse('{"__proto__": 1}') }],
    ["measurement without series", { ...measurement, series: {} }],
    ["measurement with an empty fragment", { ...measurement, series: { f: {} } }],
    ["measurement with NaN", { ...measurement, series: { f: { s: { value: Number.NaN } } } }],
    ["measurement with text", { ...measurement, series: { f: { s: { value: "1" } } } }],
    ["measurement with an empty unit", { ...measurement, series: { f: { s: { value: 1, unit: "" } } } }],
    ["severity", { ...alarm, severity: "LOUD" }],
    ["status", { ...alarm, status: "OPEN" }],
    ["inventory path with an empty part", { kind: "inventory", set: { "a..b": 1 } }],
    ["inventory path with __proto__", { kind: "inventory", set: { "a.__proto__.b": 1 } }],
    ["inventory without set", { kind: "inventory" }],
    ["last value of an object instance", { kind: "lastValue", path: [3, 0], value: 1, atMs: 0 }],
    ["last value that is bytes", { kind: "lastValue", path: [3, 0, 1], value: new Uint8Array(1), atMs: 0 }],
    ["decode without decoder", { ...decode, decoder: "" }],
    ["decode without value", { ...decode, value: undefined }],
  ] as readonly (readonly [string, unknown])[]) {
    it(`refuses: ${name}`, () => assert.isString(effectRule(effect as Effect)));
  }
});
