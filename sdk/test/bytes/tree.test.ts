import { assert } from "chai";
import {
  createCollector,
  PayloadError,
  Quantity,
  type Tree,
  timeMsOf,
  treeOptions,
  treeResult,
} from "../../src/bytes/index.ts";
import { checkDecoderResult, type DecoderResult } from "../../src/index.ts";

const options = { type: "t" };
/** `fragment.series` to value, measurement by measurement. */
const pointsOf = ({ measurements = [] }: DecoderResult): Record<string, number>[] =>
  measurements.map(({ type, series = type, values }) =>
    Object.fromEntries(values.map(({ seriesName, value }) => [`${series}.${seriesName}`, value])),
  );
const points = (tree: Tree): Record<string, number>[] => pointsOf(checkDecoderResult(treeResult(tree, options)));

describe("sdk/bytes: trees", () => {
  const cases: [what: string, tree: Tree, points: Record<string, number>[]][] = [
    ["numbers", { a: 1, b: -2n, c: true, d: false }, [{ "t.a": 1, "t.b": -2, "t.c": 1, "t.d": 0 }]],
    ["objects", { a: { b: 1, c: { d: 2 } }, e: 3 }, [{ "t_a.b": 1 }, { "t_a_c.d": 2 }, { "t.e": 3 }]],
    ["arrays", { a: [1, [2]], b: [] }, [{ "t_a.0": 1 }, { "t_a_1.0": 2 }]],
    ["one number", 7, [{ "t.value": 7 }]],
    ["nothing", { a: null, b: undefined, c: {} }, []],
    ["names of prototypes", { constructor: 1, toString: 2 }, [{ "t.constructor": 1, "t.toString": 2 }]],
  ];
  for (const [what, tree, expected] of cases) it(what, () => assert.deepEqual(points(tree), expected));

  it("a time is that of its object and of what is below; samples keep the name of their array", () => {
    const at = (seconds: number): Date => new Date(seconds * 1000);
    const tree = { a: 1, log: [{ at: at(10), b: 1, in: { c: 2 } }, { at: at(20), b: 3 }, { b: 4 }] };
    const { measurements = [] } = checkDecoderResult(treeResult(tree, options));
    assert.deepEqual(
      measurements.map(({ series, time, values }) => [series, time, values.map(({ value }) => value)]),
      [
        [undefined, undefined, [1]],
        ["t_log", "1970-01-01T00:00:10.000Z", [1]],
        ["t_log_in", "1970-01-01T00:00:10.000Z", [2]],
        ["t_log", "1970-01-01T00:00:20.000Z", [3]],
        ["t_log_2", undefined, [4]],
      ],
    );
  });

  it("texts are properties of the first measurement of their time, else of an event", () => {
    const result = checkDecoderResult(
      treeResult({ a: 1, b: "x\0\ud800", c: { at: new Date(1000), d: "y", e: "z" } }, options),
    );
    assert.deepEqual(result.measurements?.[0]?.additionalProperties, { t_b: "x\ufffd" });
    const event = { type: "t", text: "c_d: y, c_e: z", t_c_d: "y", t_c_e: "z", time: "1970-01-01T00:00:01.000Z" };
    assert.deepEqual(result.events, [event]);
  });

  it("units come with the value, or from the options, by path", () => {
    const units = { "a.b": "V", "list.*": "A" };
    const { measurements = [] } = treeResult({ a: { b: 1 }, list: [2], q: new Quantity(3, "W") }, { type: "t", units });
    assert.deepEqual(
      measurements.map(({ values }) => values[0]?.unit),
      ["V", "A", "W"],
    );
  });

  it("nothing is written over: a series, or a text, that comes again at the same time", () => {
    const collector = createCollector(options);
    collector.number(["a", "b"], 1);
    collector.number(["a", "b"], 2);
    collector.number(["a", "c"], 3);
    collector.text(["n"], "one");
    collector.text(["n"], "two");
    const result = collector.result();
    assert.deepEqual(pointsOf(result), [{ "t_a.b": 1 }, { "t_a.b": 2, "t_a.c": 3 }]);
    assert.equal(result.message, "left out: n");
    assert.deepEqual(result.measurements?.[0]?.additionalProperties, { t_n: "one" });
  });

  it("a text whose property would hide a fragment is left out", () => {
    const result = treeResult({ a_b: "x", a: { b: { c: 1 } } }, options);
    assert.equal(result.message, "left out: a_b");
    assert.notProperty(result.measurements?.[0], "additionalProperties");
  });

  it("refuses what no store takes", () => {
    const refusal = (tree: Tree, rule: RegExp): void => {
      assert.throws(() => treeResult(tree, options), PayloadError, rule);
    };
    refusal({ "": 1 }, /"" cannot be a name/);
    refusal({ ["__proto__"]: 1 }, /"__proto__" cannot be a name/);
    refusal({ ["a".repeat(257)]: 1 }, /cannot be a name/);
    refusal({ "\ud800": { a: 1 } }, /cannot be a name/);
    refusal({ at: new Date(-1), a: 1 }, /not between 1970 and 9999/);
    refusal({ at: new Date(Number.NaN), a: 1 }, /not between 1970 and 9999/);
    refusal(
      Array.from({ length: 101 }, () => ({ a: 1 })),
      /more than 100 measurements/,
    );
    refusal(
      Array.from({ length: 1001 }, () => 1),
      /more than 1000 series/,
    );
  });

  it("what is no number is left out, and said", () => {
    const tree = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`n${at}`, Number.NaN]));
    assert.match(String(treeResult(tree, options).message), /^left out: n0 \(NaN\), .*n9 \(NaN\) and 2 more$/);
  });

  it("a device says what is meant, as far as it is usable", () => {
    const fragment = { type: "e", names: { 1: "u", 2: 5 }, units: { u: "V" }, time: "2", more: 1 };
    const given = treeOptions(fragment, "t");
    assert.deepEqual(given, { type: "e", names: { 1: "u" }, units: { u: "V" }, time: "2" });
    const result = treeResult({ 1: 5, 2: 1_767_225_600 }, given);
    const values = [{ seriesName: "u", unit: "V", value: 5 }];
    assert.deepEqual(result.measurements, [{ type: "e", time: "2026-01-01T00:00:00.000Z", values }]);
    assert.throws(() => treeResult({ 2: "soon" }, given), PayloadError, "2 is no time");
    for (const none of [undefined, null, "x", [], { type: "", names: 1, units: null, time: 2 }]) {
      assert.deepEqual(treeOptions(none, "t"), { type: "t", names: {}, units: {}, time: undefined });
    }
  });

  const times: [value: unknown, time: string | undefined][] = [
    ["2026-01-01T06:00:00Z", "2026-01-01T06:00:00.000Z"],
    ["2026-01-01T06:00:00.5+01:30", "2026-01-01T04:30:00.500Z"],
    ["2026-01-01t06:00z", "2026-01-01T06:00:00.000Z"],
    ["2026-01-01 06:00:00", "2026-01-01T06:00:00.000Z"],
    ["2026-01-01", "2026-01-01T00:00:00.000Z"],
    ["1767225600", "2026-01-01T00:00:00.000Z"],
    [1767225600.25, "2026-01-01T00:00:00.250Z"],
    [1767225600000, "2026-01-01T00:00:00.000Z"],
    ["2026-13-01", undefined],
    ["2026-01-01T25:00:00Z", undefined],
    ["January 2026", undefined],
    ["", undefined],
    [0, undefined],
    [-5, undefined],
    [Number.NaN, undefined],
    [null, undefined],
    [{}, undefined],
  ];
  for (const [value, time] of times) {
    it(`time ${JSON.stringify(value)}`, () => {
      const timeMs = timeMsOf(value);
      assert.equal(timeMs === undefined ? undefined : new Date(timeMs).toISOString(), time);
    });
  }
});
