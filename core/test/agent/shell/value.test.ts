import { assert } from "chai";
import { parseCommand } from "../../../src/agent/shell/parse-command.ts";
import { readResources, readSingle, readValue } from "../../../src/agent/shell/value.ts";
import { fromHex } from "../../../src/base/bytes.ts";
import type { ModelView, ResourceModel } from "../../../src/lwm2m/model/object-model.ts";
import { formatPath, type Lwm2mPath } from "../../../src/lwm2m/path.ts";
import type { ResourceType } from "../../../src/lwm2m/resource-value.ts";
import { refusalOf } from "../support/refusal.ts";

const modelOf = (dataType: ResourceType | undefined, multiple = false): ModelView => {
  const resource = { ...(dataType && { dataType }), multiple } as ResourceModel;
  return { object: () => undefined, resource: () => resource };
};
/** Object 9: 1 an integer, 2 texts, 3 executable; others are not known. */
const MODELS: ModelView = {
  object: () => undefined,
  resource: (_object, id) =>
    [undefined, modelOf("INTEGER"), modelOf("STRING", true), modelOf(undefined)][id]?.resource(9, id),
};
const given = (text: string, path: Lwm2mPath = [9, 0, 1]) => ({ path, value: { text, at: 7, length: text.length } });

describe("agent/shell/value", () => {
  const good: readonly [type: ResourceType, text: string, value: unknown][] = [
    ["STRING", "a b", "a b"],
    ["STRING", "", ""],
    ["CORELINK", "</3/0>", "</3/0>"],
    ["INTEGER", "-42", -42],
    ["INTEGER", "9007199254740993", 9007199254740993n],
    ["UNSIGNED_INTEGER", "18446744073709551615", 18446744073709551615n],
    ["FLOAT", "21.5", 21.5],
    ["FLOAT", "-1e3", -1000],
    ["FLOAT", ".5", 0.5],
    ["BOOLEAN", "TRUE", true],
    ["BOOLEAN", "0", false],
    ["OPAQUE", "00aFff", fromHex("00afff")],
    ["TIME", "1700000000", 1700000000],
    ["TIME", "2026-01-02T03:04:05Z", Date.UTC(2026, 0, 2, 3, 4, 5) / 1000],
    ["TIME", "2026-01-02T03:04:05+01:00", Date.UTC(2026, 0, 2, 2, 4, 5) / 1000],
    ["TIME", "2026-01-02T03:04", Date.UTC(2026, 0, 2, 3, 4) / 1000],
    ["TIME", "2026-01-02", Date.UTC(2026, 0, 2) / 1000],
    ["OBJECTLINK", "3:0", { objectId: 3, instanceId: 0 }],
  ];
  for (const [type, text, value] of good) {
    it(`agent specification 10.3: ${type} ${text}`, () =>
      assert.deepEqual(readValue(given(text), modelOf(type)), [{ path: [9, 0, 1], type, value }] as never));
  }

  const bad: readonly [type: ResourceType, text: string][] = [
    ["INTEGER", "1.5"],
    ["INTEGER", "9223372036854775808"],
    ["INTEGER", "abc"],
    ["UNSIGNED_INTEGER", "-1"],
    ["FLOAT", "NaN"],
    ["FLOAT", "1,5"],
    ["BOOLEAN", "yes"],
    ["OPAQUE", "abc"],
    ["OPAQUE", "zz"],
    ["TIME", "yesterday"],
    ["TIME", "2026-13-01"],
    ["OBJECTLINK", "3"],
    ["OBJECTLINK", "3:99999"],
  ];
  for (const [type, text] of bad) {
    it(`bad input: ${type} ${text} is refused with its place and what it should be`, () => {
      const { code, message, details } = refusalOf(() => readValue(given(text), modelOf(type)));
      assert.include(message, `"${text}" is no ${type} for /9/0/1 (character 8): `);
      assert.deepInclude(details, { word: text, position: 8, length: text.length });
      assert.equal(code, "VALUE_TYPE");
    });
  }

  const pairs = (values: ReturnType<typeof readValue>) => values.map(({ path, value }) => [formatPath(path), value]);

  it("agent specification 10.3: several instances as a map", () => {
    const values = readValue(given('{"0":1,"5":"2"}'), modelOf("INTEGER", true));
    assert.deepEqual(pairs(values), [
      ["/9/0/1/0", 1],
      ["/9/0/1/5", 2],
    ]);
    assert.deepEqual(pairs(readValue(given("7", [9, 0, 1, 3]), modelOf("INTEGER", true))), [["/9/0/1/3", 7]]);
    const places = readValue(given("[1,null,3]"), modelOf("INTEGER", true));
    const sent = [
      ["/9/0/1/0", 1],
      ["/9/0/1/2", 3],
    ];
    assert.deepEqual(pairs(places), sent, "as the objects view sends them");
    const exact = readValue(given('{"0":18446744073709551615}'), modelOf("UNSIGNED_INTEGER", true));
    assert.deepEqual(pairs(exact), [["/9/0/1/0", 18446744073709551615n]]);
  });

  it("an instance as a map of its resources", () => {
    const values = readValue(given('{"2":{"0":"a","3":"b"},"1":5}', [9, 0]), MODELS);
    assert.deepEqual(pairs(values), [
      ["/9/0/1", 5],
      ["/9/0/2/0", "a"],
      ["/9/0/2/3", "b"],
    ]);
    assert.deepEqual(pairs(readResources([9], given("").value, { "1": 5 }, MODELS)), [["/9/0/1", 5]]);
  });

  for (const text of [
    "7",
    "[]",
    "[null]",
    "[[1]]",
    "[",
    "{}",
    "null",
    '{"a":1}',
    '{"70000":1}',
    '{"0":{}}',
    '{"0":null}',
    "{",
  ]) {
    it(`bad input: several instances as ${text}`, () => {
      const { details } = refusalOf(() => readValue(given(text), modelOf("INTEGER", true)));
      assert.isDefined(details["position"]);
    });
  }

  const maps: readonly [text: string, part: string][] = [
    ["{}", "has no resource"],
    ["5", "is no JSON object"],
    ['{"1":"x"}', "is no INTEGER for /9/0/1"],
    ['{"1":{"0":1}}', "it has one value"],
    ['{"2":"a"}', "it has several"],
    ['{"3":1}', "it is executed"],
    ['{"4":1}', "DDF"],
    ['{"x":1}', "is no resource id"],
  ];
  for (const [text, part] of maps) {
    it(`bad input: an instance as ${text}`, () =>
      assert.include(refusalOf(() => readValue(given(text, [9, 0]), MODELS)).message, part));
  }

  it("bad input: an executable resource and one without model", () => {
    assert.include(refusalOf(() => readValue(given("1", [9, 0, 3]), MODELS)).message, "executed");
    assert.include(refusalOf(() => readValue(given("1", [9, 0, 4]), MODELS)).message, "DDF");
  });

  it("one value each: several instances are named by paths of their own", () => {
    assert.equal(readSingle(given("a", [9, 0, 2, 1]), MODELS).value, "a");
    assert.include(refusalOf(() => readSingle(given('{"0":"a"}', [9, 0, 2]), MODELS)).message, "/9/0/2/0");
  });

  it("the place is that in the line of the command", () => {
    const command = parseCommand("  cwrite /9/0/1 5 /9/0/1 six");
    assert(command.kind === "cwrite");
    assert.equal(refusalOf(() => readSingle(command.values[1]!, MODELS)).details["position"], 26);
  });
});
