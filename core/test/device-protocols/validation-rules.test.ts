import { assert } from "chai";
import { readResourceMappings } from "../../src/device-protocols/schema.ts";
import { parseLink, readRules } from "../../src/device-protocols/validation-rules.ts";
import type { ObjectModel } from "../../src/lwm2m/model/object-model.ts";
import { ddf, item, object, parseDdf } from "../fixtures/ddf.ts";
import { assertFails } from "../lwm2m/codecs/robust.ts";

const MODEL: ObjectModel = parseDdf(
  ddf(
    object({
      items: [
        item({ id: "1", operations: "RW", type: "Integer" }),
        item({ id: "2", operations: "W", type: "Float" }),
        item({ id: "3", operations: "RW", type: "Time" }),
        item({ id: "4", operations: "RW", type: "String" }),
        item({ id: "5", operations: "RW", type: "Boolean" }),
        item({ id: "6", operations: "RW", type: "Objlnk" }),
        item({ id: "7", operations: "RW", type: "Opaque" }),
        item({ id: "8", operations: "R", type: "Integer" }),
        item({ id: "9", operations: "E", type: "" }),
      ],
    }),
  ),
)[0]!;

const rule = (type: string, valueType: string, value: unknown) => ({ type, arg: { valueType, value } });
const rules = (...group: readonly unknown[]) => ({ type: "or", arg: [{ type: "and", arg: group }] });
const add = (resource: number, validation: unknown) => readResourceMappings({ [resource]: { validation } }, MODEL);
const refuses = (resource: number, validation: unknown, text: RegExp): void =>
  assertFails("VALIDATION", () => add(resource, validation), text);

describe("device-protocols/validation-rules (agent specification 12)", () => {
  it("the documented form, kept as it is", () => {
    const validation = {
      type: "or",
      arg: [
        { type: "and", arg: [rule("neq", "string", "test")] },
        { type: "and", arg: [rule("eq", "regex", ".*asd"), rule("eq", "objectLink", "/3/0/15")] },
      ],
    };
    assert.deepEqual(add(4, validation), { 4: { resourceID: 4, validation } } as never);
  });
  it("no groups stand for no rules", () => {
    for (const none of [null, { type: "or", arg: [] }]) {
      assert.deepEqual(add(4, none), { 4: { resourceID: 4, validation: null } } as never);
    }
    assert.deepEqual(add(4, undefined), { 4: { resourceID: 4, validation: undefined } } as never);
  });
  for (const [resource, given] of [
    [1, rule("gt", "number", "-5")],
    [1, rule("lte", "number", 5)],
    [2, rule("lt", "number", "-.5")],
    [2, rule("gte", "number", "17")],
    [2, rule("eq", "number", 1e-7)],
    [3, rule("gt", "date", "1736960596000")],
    [3, rule("neq", "objectLink", "/3/*/13")],
    [5, rule("eq", "string", "true")],
    [5, rule("neq", "string", false)],
    [6, rule("eq", "regex", "3:\\d")],
  ] as const) {
    it(`taken: ${JSON.stringify(given)} for a ${MODEL.resources[resource]!.dataType}`, () =>
      void add(resource, rules(given)));
  }

  describe("bad input names the field and the rule", () => {
    const at = "\\[\\d\\]\\.validation\\.arg\\[0\\]\\.arg\\[0\\]";
    for (const [name, resource, validation, text] of [
      ["text", 4, "x", /\[4\]\.validation/],
      ["and at the top", 4, { type: "and", arg: [] }, /\[4\]\.validation\.type/],
      ["rules without groups", 4, { type: "or", arg: [rule("eq", "string", "a")] }, /validation\.arg\[0\]\.type/],
      ["an empty group", 4, rules(), /validation\.arg\[0\]\.arg/],
      ["an unknown comparison", 4, rules(rule("like", "string", "a")), new RegExp(`${at}\\.type .*gt, lt`)],
      ["an unknown value type", 4, rules(rule("eq", "text", "a")), new RegExp(`${at}\\.arg\\.valueType`)],
      [
        "no value",
        4,
        rules({ type: "eq", arg: { valueType: "string" } }),
        new RegExp(`${at}\\.arg\\.value is missing`),
      ],
      ["an object as value", 4, rules(rule("eq", "string", {})), new RegExp(`${at}\\.arg\\.value`)],
      ["a misspelt member", 4, rules({ ...rule("eq", "string", "a"), not: true }), new RegExp(`${at}\\.not`)],
      [
        "an order of texts",
        4,
        rules(rule("gt", "string", "a")),
        new RegExp(`${at}\\.type must be one of eq, neq for STRING`),
      ],
      [
        "a number for a text",
        4,
        rules(rule("eq", "number", "1")),
        new RegExp(`${at}\\.arg\\.valueType must be one of string`),
      ],
      ["a date for an integer", 1, rules(rule("eq", "date", "1")), new RegExp(`${at}\\.arg\\.valueType`)],
      [
        "a fraction for an integer",
        1,
        rules(rule("eq", "number", "1.5")),
        new RegExp(`${at}\\.arg\\.value must be a whole number`),
      ],
      [
        "no decimal number",
        2,
        rules(rule("eq", "number", "1e5")),
        new RegExp(`${at}\\.arg\\.value must be a decimal number`),
      ],
      [
        "a date as people write it",
        3,
        rules(rule("gt", "date", "2024-01-01")),
        new RegExp(`${at}\\.arg\\.value must be milliseconds`),
      ],
      [
        "no truth value",
        5,
        rules(rule("eq", "string", "yes")),
        new RegExp(`${at}\\.arg\\.value must be true or false`),
      ],
      [
        "no pattern",
        4,
        rules(rule("eq", "regex", "(")),
        new RegExp(`${at}\\.arg\\.value must be a regular expression`),
      ],
      [
        "the link of an instance",
        4,
        rules(rule("eq", "objectLink", "/3/0")),
        new RegExp(`${at}\\.arg\\.value must be the path of a resource`),
      ],
      [
        "rules for what has no order at all",
        7,
        rules(rule("eq", "string", "a")),
        /\[7\]\.validation is not for resources of type OPAQUE/,
      ],
      [
        "rules for what is only read",
        8,
        rules(rule("eq", "number", "1")),
        /\[8\]\.validation is for resources that can be written only/,
      ],
      [
        "rules for what is executed",
        9,
        rules(rule("eq", "string", "a")),
        /\[9\]\.validation is for resources that can be written only/,
      ],
      [
        "a second rule",
        1,
        rules(rule("eq", "number", "1"), rule("eq", "number", "x")),
        /arg\[0\]\.arg\[1\]\.arg\.value/,
      ],
      [
        "far too many rules",
        1,
        rules(...Array.from({ length: 51 }, () => rule("eq", "number", 1))),
        /validation\.arg\[0\]\.arg .*50/,
      ],
      [
        "a pattern of 1,001 characters",
        4,
        rules(rule("eq", "regex", "x".repeat(1001))),
        new RegExp(`${at}\\.arg\\.value .*1000`),
      ],
    ] as const) {
      it(name, () => refuses(resource, validation, text));
    }
  });

  it("stored rules that no longer fit their resource are refused when they are read", () => {
    const stored = rules(rule("gt", "number", "1"));
    assert.deepEqual(readRules(stored, MODEL.resources[1]!), stored as never);
    assert.isNull(readRules(null, MODEL.resources[1]!));
    assertFails("VALIDATION", () => readRules(stored, MODEL.resources[4]!), /^validation\.arg\[0\]\.arg\[0\]\.type/);
    assertFails("VALIDATION", () => readRules({ anything: 1 }, MODEL.resources[4]!));
  });

  it("links name a resource, or one of its instances; * is any object instance", () => {
    assert.deepEqual(parseLink("/3/*/6/1"), {
      objectId: 3,
      instanceId: undefined,
      resourceId: 6,
      resourceInstanceId: 1,
    });
    assert.deepEqual(parseLink("/3/0/15"), {
      objectId: 3,
      instanceId: 0,
      resourceId: 15,
      resourceInstanceId: undefined,
    });
    for (const none of ["", "/", "/3", "/3/0", "3/0/15", "/*/0/15", "/3/0/*", "/3/0/65535", "/3/0/1/2/3", "/3/0/x"]) {
      assert.isUndefined(parseLink(none), none);
    }
  });
});
