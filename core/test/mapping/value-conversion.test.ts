import { assert } from "chai";
import type { ResourceType, ScalarValue } from "../../src/lwm2m/resource-value.ts";
import { isEmptyValue, toJsonValue, toMeasurementNumber } from "../../src/mapping/value-conversion.ts";

const TEXTS: readonly [text: string, number: number | undefined][] = [
  // 1 hexadecimal
  ["0x23F3D5C1", 0x23f3d5c1],
  ["-0x42a3b3d1", -0x42a3b3d1],
  ["+0x10", 16],
  ["0Xff", 255],
  ["0x0", 0],
  ["0xFFFFFFFFFFFFFFFF", 2 ** 64],
  ["0x", undefined],
  ["0xG1", undefined],
  ["x10", undefined],
  ["0x1.8", undefined],
  // 2 octal
  ["010", 8],
  ["-017", -15],
  ["+007", 7],
  ["00", 0],
  ["0777777", 0o777777],
  ["-029", undefined],
  ["08", undefined],
  ["0189", undefined],
  ["0o17", undefined],
  // 3 integer and float
  ["12", 12],
  ["0", 0],
  ["-0", 0],
  ["+5", 5],
  ["0.5", 0.5],
  [".5", 0.5],
  ["-.25", -0.25],
  ["7.", 7],
  ["010.5", 10.5],
  ["9223372036854775807", 2 ** 63],
  ["-9223372036854775808", -(2 ** 63)],
  ["1,5", undefined],
  ["1.2.3", undefined],
  ["--1", undefined],
  ["1 2", undefined],
  [".", undefined],
  ["+", undefined],
  // 4 scientific
  ["1.23E10", 1.23e10],
  ["3.57e+5", 357000],
  ["9.8e-4", 0.00098],
  ["-1e3", -1000],
  [".5e1", 5],
  ["0e0", 0],
  ["0.1e2", 10],
  ["010e2", undefined],
  ["1e", undefined],
  ["e5", undefined],
  ["1e400", undefined],
  ["1e2.5", undefined],
  // trimming and the rest
  ["  42\t\n", 42],
  ["", undefined],
  ["   ", undefined],
  ["NaN", undefined],
  ["Infinity", undefined],
  ["-Infinity", undefined],
  ["true", undefined],
  ["20.6 Cel", undefined],
  ["0b101", undefined],
  ["١٢", undefined],
  ["9".repeat(400), undefined],
];

const TYPED: readonly [type: ResourceType, value: ScalarValue, number: number | undefined][] = [
  ["BOOLEAN", true, 1],
  ["BOOLEAN", false, 0],
  ["FLOAT", 21.3, 21.3],
  ["FLOAT", -0, 0],
  ["FLOAT", Number.NaN, undefined],
  ["FLOAT", Number.POSITIVE_INFINITY, undefined],
  ["FLOAT", Number.NEGATIVE_INFINITY, undefined],
  ["INTEGER", -40, -40],
  ["INTEGER", -(2n ** 63n), -(2 ** 63)],
  ["INTEGER", 2n ** 63n - 1n, 2 ** 63],
  ["UNSIGNED_INTEGER", 2n ** 64n - 1n, 2 ** 64],
  ["UNSIGNED_INTEGER", 4294967295, 4294967295],
  ["TIME", 1736960633, 1736960633],
  ["TIME", 1736960633.9, 1736960633],
  ["TIME", -1, -1],
  ["CORELINK", "12", undefined],
  ["OBJECTLINK", { objectId: 3, instanceId: 0 }, undefined],
  ["OPAQUE", Uint8Array.of(0x31), undefined],
];

describe("mapping/value-conversion (agent specification 8.1)", () => {
  for (const [text, number] of TEXTS) {
    const shown = text.length > 30 ? `${text.slice(0, 30)}...` : text;
    it(`text ${JSON.stringify(shown)} is ${number ?? "no number"}`, () => {
      const converted = toMeasurementNumber(text, "STRING");
      assert.strictEqual(converted, number);
      if (number === 0) assert.isTrue(Object.is(converted, 0), "0, not -0");
    });
  }

  for (const [type, value, number] of TYPED) {
    const shown = typeof value === "bigint" ? `${value}n` : JSON.stringify(value);
    it(`${type} ${shown} is ${number ?? "no number"}`, () =>
      assert.strictEqual(toMeasurementNumber(value, type), number));
  }

  it("21 -029: read as decimal when lenientOctal says so", () => {
    assert.strictEqual(toMeasurementNumber("-029", "STRING", { lenientOctal: true }), -29);
    assert.strictEqual(toMeasurementNumber("010", "STRING", { lenientOctal: true }), 8);
  });

  it("16.1: 64-bit integers stay exact as JSON text, bytes are hexadecimal, links have a colon", () => {
    assert.strictEqual(toJsonValue(2n ** 64n - 1n), "18446744073709551615");
    assert.strictEqual(toJsonValue(Uint8Array.of(0, 0xab)), "00ab");
    assert.strictEqual(toJsonValue({ objectId: 3, instanceId: 0 }), "3:0");
    assert.strictEqual(toJsonValue("x"), "x");
    assert.strictEqual(toJsonValue(false), false);
    assert.isNull(toJsonValue(Number.NaN));
  });

  it("7.3: empty is text or bytes of length 0, never a number", () => {
    assert.isTrue(isEmptyValue(""));
    assert.isTrue(isEmptyValue(new Uint8Array(0)));
    for (const value of [" ", 0, false, 0n, Uint8Array.of(0)]) assert.isFalse(isEmptyValue(value));
  });
});
