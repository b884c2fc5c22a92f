import { assert } from "chai";
import { readValue } from "../../src/agent/command-value.ts";
import { type Command, parseCommand } from "../../src/agent/commands.ts";
import { linksText, statusText, valuesText } from "../../src/agent/response-text.ts";
import { fromHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import type { ModelView, ResourceModel } from "../../src/lwm2m/model/object-model.ts";
import { formatPath, parsePath } from "../../src/lwm2m/path.ts";
import type { ResourceType } from "../../src/lwm2m/resource-value.ts";

describe("agent/commands", () => {
  const good: readonly [text: string, command: Command][] = [
    ["read /3", { kind: "read", path: [3] }],
    ["read /3/0", { kind: "read", path: [3, 0] }],
    ["read /3/0/0", { kind: "read", path: [3, 0, 0] }],
    ["read /5/0/8/0", { kind: "read", path: [5, 0, 8, 0] }],
    ["READ 3/0/0", { kind: "read", path: [3, 0, 0] }],
    ["  observe\t/3303/0/5700  ", { kind: "observe", path: [3303, 0, 5700] }],
    ["discover /3/0/9", { kind: "discover", path: [3, 0, 9] }],
    ["write /3/0/15 Europe/Berlin", { kind: "write", path: [3, 0, 15], value: "Europe/Berlin" }],
    ["Write /3/0/14  two  words", { kind: "write", path: [3, 0, 14], value: "two  words" }],
    ['write /16/0/0 {"0":"a b","1":"c"}', { kind: "write", path: [16, 0, 0], value: '{"0":"a b","1":"c"}' }],
    ["execute /3/0/4", { kind: "execute", path: [3, 0, 4], args: "" }],
    ["execute /5/0/2 0='http://a/b',1", { kind: "execute", path: [5, 0, 2], args: "0='http://a/b',1" }],
  ];
  for (const [text, command] of good) {
    it(`agent specification 10.3: ${JSON.stringify(text)}`, () => assert.deepEqual(parseCommand(text), command));
  }

  const bad: readonly [text: string, code: string, word: string][] = [
    ["", "VALIDATION", ""],
    ["   ", "VALIDATION", ""],
    ["reed /3", "VALIDATION", "reed"],
    ["read", "VALIDATION", ""],
    ["read /x/0", "VALIDATION", "/x/0"],
    ["read /", "VALIDATION", "/"],
    ["read /3/0/0/0/0", "VALIDATION", "/3/0/0/0/0"],
    ["read /70000", "VALIDATION", "/70000"],
    ["read /3/0 /4", "VALIDATION", "/4"],
    ["discover /3/0/9/0", "VALIDATION", "/3/0/9/0"],
    ["write /3/0/15", "VALIDATION", ""],
    ["write /3/0 x", "VALIDATION", "/3/0"],
    ["execute /3/0", "VALIDATION", "/3/0"],
    ["execute /3/0/4 a=1", "VALIDATION", "a=1"],
    ["execute /3/0/4 0='a", "VALIDATION", "0='a"],
    ["cread /3 /4", "UNSUPPORTED", "cread"],
    ["FwUpdate a;b;c", "UNSUPPORTED", "FwUpdate"],
    ["constructor /3", "VALIDATION", "constructor"],
  ];
  for (const [text, code, word] of bad) {
    it(`bad input: ${JSON.stringify(text)} is refused at "${word}"`, () => {
      try {
        parseCommand(text);
      } catch (error) {
        assert(isFailure(error));
        assert.equal(error.code, code);
        assert.equal(error.details["word"], word);
        if (word) assert.include(error.message, word);
        return;
      }
      assert.fail("was taken");
    });
  }

  it("bad input: several lines are refused as such", () => {
    assert.throws(() => parseCommand("read /3\nread /4"), /several lines/);
  });
});

const modelOf = (dataType: ResourceType | undefined, multiple = false): ModelView => {
  const resource = { ...(dataType && { dataType }), multiple } as ResourceModel;
  return { object: () => undefined, resource: () => resource };
};

describe("agent/command-value", () => {
  const good: readonly [type: ResourceType, text: string, value: unknown][] = [
    ["STRING", "a b", "a b"],
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
      assert.deepEqual(readValue([9, 0, 1], text, modelOf(type)), [{ path: [9, 0, 1], type, value }] as never));
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
  ];
  for (const [type, text] of bad) {
    it(`bad input: ${type} ${text}`, () =>
      assert.throws(() => readValue([9, 0, 1], text, modelOf(type)), new RegExp(`"${text}" is no ${type} for /9/0/1`)));
  }

  it("agent specification 10.3: several instances as a map", () => {
    const values = readValue([9, 0, 1], '{"0":1,"5":"2"}', modelOf("INTEGER", true));
    assert.deepEqual(
      values.map(({ path, value }) => [formatPath(path), value]),
      [
        ["/9/0/1/0", 1],
        ["/9/0/1/5", 2],
      ],
    );
    assert.deepEqual(
      readValue([9, 0, 1, 3], "7", modelOf("INTEGER", true)).map(({ value }) => value),
      [7],
    );
  });

  for (const text of ["7", "[1]", "{}", "null", '{"a":1}', '{"0":{}}', '{"0":null}', "{"]) {
    it(`bad input: several instances as ${text}`, () =>
      assert.throws(() => readValue([9, 0, 1], text, modelOf("INTEGER", true)), /several instances/));
  }

  it("bad input: an executable resource and one without model", () => {
    assert.throws(() => readValue([3, 0, 4], "1", modelOf(undefined)), /executed/);
    const nothing = { object: () => undefined, resource: () => undefined };
    assert.throws(() => readValue([33_456, 0, 1], "1", nothing), /DDF/);
  });
});

describe("agent/response-text", () => {
  it("agent specification 10.3: status line and values", () => {
    assert.equal(statusText({ code: 69, text: undefined }), "2.05 Content");
    assert.equal(statusText({ code: 132, text: "gone" }), "4.04 Not Found: gone");
    assert.equal(statusText({ code: 64, text: undefined }), "2.00");
    const values = [
      { path: parsePath("/3/0/0"), type: "STRING", value: "ACME" },
      { path: parsePath("/3/0/13"), type: "TIME", value: 1_700_000_000n },
      { path: parsePath("/9/0/1"), type: "OPAQUE", value: fromHex("00ff") },
    ] as const;
    assert.equal(valuesText(values), '{"/3/0/0":"ACME","/3/0/13":"1700000000","/9/0/1":"00ff"}');
    assert.equal(linksText([{ path: [3, 0], attributes: { pmin: "1" } }]), '{"/3/0":{"pmin":"1"}}');
  });
});
