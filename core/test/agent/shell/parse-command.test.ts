import { assert } from "chai";
import type { Command } from "../../../src/agent/shell/command.ts";
import { COMMANDS } from "../../../src/agent/shell/grammar.ts";
import { helpText } from "../../../src/agent/shell/help.ts";
import { neededVersion } from "../../../src/agent/shell/needed-version.ts";
import { linesOf, parseCommand } from "../../../src/agent/shell/parse-command.ts";
import { pointed } from "../../../src/agent/shell/words.ts";
import { fromHex } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { refusalOf } from "../support/refusal.ts";

const refused = (text: string) => refusalOf(() => parseCommand(text));
const word = (text: string, at: number, length = text.length) => ({ text, at, length });

describe("agent/shell/parse-command", () => {
  const good: readonly [text: string, command: Command][] = [
    ["read /3", { kind: "read", path: [3] }],
    ["read /5/0/8/0", { kind: "read", path: [5, 0, 8, 0] }],
    ["READ 3/0/0", { kind: "read", path: [3, 0, 0] }],
    ["  observe\t/3303/0/5700  ", { kind: "observe", path: [3303, 0, 5700] }],
    ["discover /3/0/9", { kind: "discover", path: [3, 0, 9] }],
    ["cread /", { kind: "cread", paths: [[]] }],
    [
      "cread /3/0/0 /1/0",
      {
        kind: "cread",
        paths: [
          [3, 0, 0],
          [1, 0],
        ],
      },
    ],
    ["CObserve /3303/0/5700 /3304", { kind: "cobserve", paths: [[3303, 0, 5700], [3304]] }],
    ["cancelobservation /3/0/9", { kind: "cancelobservation", paths: [[3, 0, 9]] }],
    ["cancelobservation /3/0/9 /4", { kind: "cancelobservation", paths: [[3, 0, 9], [4]] }],
    ["cancelobserve /3/0/9", { kind: "cancelobserve", path: [3, 0, 9] }],
    ["cancelCompositeObserve /3/0/9 /4", { kind: "cancelcompositeobserve", paths: [[3, 0, 9], [4]] }],
    ["write /3/0/15 Europe/Berlin", { kind: "write", path: [3, 0, 15], value: word("Europe/Berlin", 14) }],
    ["Write /3/0/14  two  words", { kind: "write", path: [3, 0, 14], value: word("two  words", 15) }],
    ['write /3/0/15 ""', { kind: "write", path: [3, 0, 15], value: word("", 14, 2) }],
    ['write /3/0/15 " a \\"b\\" \\\\"', { kind: "write", path: [3, 0, 15], value: word(' a "b" \\', 14, 13) }],
    ['write /3/0/15 "a" and "b"', { kind: "write", path: [3, 0, 15], value: word('"a" and "b"', 14) }],
    ['write /1/0 {"1":60}', { kind: "write", path: [1, 0], value: word('{"1":60}', 11) }],
    ['writep /1/0 {"1":60}', { kind: "writep", path: [1, 0], value: word('{"1":60}', 12) }],
    [
      'cwrite /1/0/1 60 /3/0/14 "+01:00 x" /16/0/0/1 b',
      {
        kind: "cwrite",
        values: [
          { path: [1, 0, 1], value: word("60", 14) },
          { path: [3, 0, 14], value: word("+01:00 x", 25, 10) },
          { path: [16, 0, 0, 1], value: word("b", 46) },
        ],
      },
    ],
    ["writeb /19/0/0 00fF17", { kind: "writeb", path: [19, 0, 0], bytes: fromHex("00ff17") }],
    ["writeb /19/0/0 Binary:1042", { kind: "writeb", path: [19, 0, 0], fileId: word("1042", 22) }],
    ["execute /3/0/4", { kind: "execute", path: [3, 0, 4], args: "" }],
    ["execute /5/0/2 0='http://a/b',1", { kind: "execute", path: [5, 0, 2], args: "0='http://a/b',1" }],
    ["execute /5/0/2 5,0='',7='a&b'", { kind: "execute", path: [5, 0, 2], args: "5,0='',7='a&b'" }],
    ["executelegacy /3/0/4 do it", { kind: "executelegacy", path: [3, 0, 4], args: "do it" }],
    ["delete /3311/1", { kind: "delete", path: [3311, 1] }],
    ["create /3311", { kind: "create", objectId: 3311, resources: {}, json: word("", 12) }],
    [
      'create /3311 {"5850":true}',
      { kind: "create", objectId: 3311, resources: { "5850": true }, json: word('{"5850":true}', 13) },
    ],
    [
      'create 3311 {"id":1, "resources":{"5851":18446744073709551615}}',
      {
        kind: "create",
        objectId: 3311,
        instanceId: 1,
        resources: { "5851": 18446744073709551615n },
        json: word('{"id":1, "resources":{"5851":18446744073709551615}}', 12),
      },
    ],
    [
      "writeattr /3303/0/5700 pmin=10&PMAX=60&gt=20.5&lt=-.5&cancel",
      {
        kind: "writeattr",
        path: [3303, 0, 5700],
        attributes: { pmin: 10, pmax: 60, gt: 20.5, lt: -0.5 },
        cancel: true,
      },
    ],
    [
      "writeattr /3 pmin=&epmax",
      { kind: "writeattr", path: [3], attributes: { pmin: null, epmax: null }, cancel: false },
    ],
    ["serialization senml_cbor", { kind: "serialization", format: "SENML_CBOR" }],
    ["serialization Default", { kind: "serialization", format: undefined }],
    ["fwupdate a;1.0;coap://h/a;b", { kind: "fwupdate", name: "a", version: "1.0", url: "coap://h/a;b" }],
    ["help", { kind: "help", about: undefined }],
    ["help CancelCompositeObserve", { kind: "help", about: "cancelcompositeobserve" }],
  ];
  for (const [text, command] of good) {
    it(`agent specification 10.3: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseCommand(text), command);
    });
  }

  /** Text, what is offending in it, and the rule that is named. */
  const bad: readonly [text: string, word: string, part: string][] = [
    ["", "", "a command is missing"],
    ["   ", "", "a command is missing"],
    ["reed /3", "reed", 'perhaps "read"'],
    ["constructor /3", "constructor", "is no command"],
    ["read", "", "a path is missing"],
    ["read /x/0", "/x/0", "is no path"],
    ["read /", "/", "has 0 levels"],
    ["read /3/0/0/0/0", "/3/0/0/0/0", "is no path"],
    ["read /70000", "/70000", "is no path"],
    ["read /03", "/03", "is no path"],
    ["read /3/0 /4", "/4", "is too much"],
    ["discover /3/0/9/0", "/3/0/9/0", "has 4 levels"],
    ["delete /3", "/3", "has 1 level"],
    ["cread", "", "a path is missing"],
    ["cread /3 /3/", "/3/", "is there already"],
    ["cread /3, /4", "/3,", "is no path"],
    ["cancelobserve /3 /4", "/4", "is too much"],
    ["write /3/0/15", "", "a value is missing"],
    ["write /3 x", "/3", "has 1 level"],
    ["cwrite /1/0/1", "", "a value is missing"],
    ["cwrite /1/0/1 60 /3/0", "/3/0", "has 2 levels"],
    ['cwrite /1/0/1 "60', '"60', "has no end"],
    ['cwrite /1/0/1 "60"x', '"60"x', "goes on after its end"],
    ["writeb /19/0/0", "", "a value is missing"],
    ["writeb /19/0/0 00f", "00f", "has 3 digits"],
    ["writeb /19/0/0 00x1", "x", "is no hexadecimal digit"],
    ["writeb /19/0/0 binary:", "binary:", "is no id of a file"],
    ["writeb /19/0/0 binary:../x", "../x", "is no id of a file"],
    ["writeb /19/0/0 00 11", "11", "is too much"],
    ["execute /3/0", "/3/0", "has 2 levels"],
    ["execute /3/0/4 a=1", "a=1", "executelegacy"],
    ["execute /3/0/4 0='a", "='a", "does not belong here"],
    ["execute /3/0/4 0,", "", "is no argument"],
    ["execute /3/0/4 0='a b'", "='a b'", "does not belong here"],
    ["execute /3/0/4 12", "2", "does not belong here"],
    ["create /3311/1", "/3311/1", "has 2 levels"],
    ["create /3311 x", "x", "does not belong into the JSON"],
    ['create /3311 {"5850":tru}', "}", "does not belong into the JSON"],
    ['create /3311 {"5850":1', "", "the JSON ends too early"],
    ["create /3311 []", "[]", "is no JSON object"],
    ['create /3311 {"a":1}', '{"a":1}', "is no resource id"],
    ['create /3311 {"__proto__":1}', '{"__proto__":1}', "is no JSON object"],
    ['create /3311 {"1":null}', '{"1":null}', "has no value for resource 1"],
    ['create /3311 {"id":-1,"resources":{}}', '{"id":-1,"resources":{}}', "has an id that is none"],
    ['create /3311 {"resources":3}', '{"resources":3}', "no JSON object"],
    ['create /3311 {"id":1,"5":3}', '{"id":1,"5":3}', "beside id and resources"],
    ["writeattr /3/0/9", "", "attributes are missing"],
    ["writeattr /3/0/9 pmin=1.5", "1.5", "is no pmin"],
    ["writeattr /3/0/9 st=-1", "-1", "is no st"],
    ["writeattr /3/0/9 pmin=1&pmin=2", "pmin=2", "is there already"],
    ["writeattr /3/0/9 pmin=1&x=2", "x=2", "is no attribute"],
    ["writeattr /3/0/9 pmin=1&&cancel", "", "is no attribute"],
    ["writeattr /3/0/9 gt=5&lt=5", "gt=5&lt=5", "lt + 2 * st"],
    ["writeattr /3/0/9 gt=5 lt=5", "lt=5", "is too much"],
    ["serialization", "", "a format is missing"],
    ["serialization XML", "XML", "SENML_CBOR"],
    ["serialization LINK", "LINK", "is no format"],
    ["fwupdate a;1.0", "a;1.0", "<name>;<version>;<url>"],
    ["fwupdate a;1.0; ftp://h/a", "ftp://h/a", "is no address of a firmware"],
    ["fwupdate a;1.0;firmware.bin", "firmware.bin", "is no address of a firmware"],
    ["help reed", "reed", "is no command"],
    ["help read write", "write", "is too much"],
    ["coap", "", "JSON"],
    ['coap {"method":"get"', "", "the JSON ends too early"],
    ['coap {"method":"trace"}', '{"method":"trace"}', "method must be one of"],
    ['coap {"uri":"/3"}', '{"uri":"/3"}', "method is missing"],
    ['coap {"method":"get","path":"/3"}', '{"method":"get","path":"/3"}', "path is not known here"],
    ['coap {"method":"put","payloadHex":"abc"}', '{"method":"put","payloadHex":"abc"}', "even number"],
    ['coap {"method":"put","payloadHex":"xy"}', '{"method":"put","payloadHex":"xy"}', "payloadHex"],
    ['coap {"method":"get","accept":"text/html"}', '{"method":"get","accept":"text/html"}', "application/senml+json"],
    ['coap {"method":"get","accept":70000}', '{"method":"get","accept":70000}', "accept"],
    ['coap {"method":"get","uri":"/%zz"}', '{"method":"get","uri":"/%zz"}', "uri"],
    ["read /3\nread /4", "", "several lines"],
  ];
  for (const [text, offending, rule] of bad) {
    it(`bad input: ${JSON.stringify(text)} is refused at "${offending}"`, () => {
      const { code, message, details } = refused(text);
      assert.equal(code, "VALIDATION");
      assert.equal(details["word"], offending);
      assert.include(message, rule);
      const at = (details["position"] as number) - 1;
      if (offending) assert.equal(text.slice(at, at + (details["length"] as number)), offending);
    });
  }

  const requests: readonly [json: string, request: object][] = [
    [
      '{"method":"get","uri":"/3/0?a=1&b","accept":11542}',
      { method: "GET", path: ["3", "0"], query: ["a=1", "b"], accept: 11542 },
    ],
    [
      '{"method":"IPATCH","uri":null,"contentFormat":"application/senml+json","payloadHex":"5b5D"}',
      { method: "IPATCH", path: [], query: [], contentFormat: 110, payload: fromHex("5b5d") },
    ],
    [
      '{"method":"fetch","uri":"a%2Fb","contentFormat":"Text/Plain; charset=UTF-8","accept":null,"payloadHex":null}',
      { method: "FETCH", path: ["a/b"], query: [], contentFormat: 0 },
    ],
  ];
  for (const [json, request] of requests) {
    it(`agent specification 10.3: coap ${json}`, () => {
      const command = parseCommand(`coap ${json}`);
      assert.deepEqual(command, { kind: "coap", request: { payload: new Uint8Array(0), ...request } } as Command);
    });
  }

  it("lines are without blanks around them, and none is empty", () => {
    assert.deepEqual(linesOf("\n read /3 \r\n\n\t\nread /4\r read /5"), ["read /3", "read /4", "read /5"]);
    assert.deepEqual(linesOf(" \n "), []);
  });

  it("every example of the grammar is a command of its row, and help shows it", () => {
    for (const row of COMMANDS.values()) {
      for (const example of row.examples) assert.equal(parseCommand(example).kind, row.kind, example);
      assert.include(helpText(row.kind), row.usage);
      assert.include(helpText(undefined), row.name);
    }
  });

  it("every cut and every changed character of every example is a command or refused, nothing else", () => {
    const strange = ["\0", '"', "'", "{", "/", " ", "\ud800", "9", "=", "&"];
    const texts = [...COMMANDS.values()].flatMap(({ examples }) => examples);
    let count = 0;
    for (const text of texts) {
      for (let at = 0; at <= text.length; at++) {
        for (const changed of [
          text.slice(0, at),
          ...strange.map(each => text.slice(0, at) + each + text.slice(at + 1)),
        ]) {
          try {
            parseCommand(changed);
          } catch (error) {
            assert(isFailure(error, "VALIDATION"), `${changed}: ${error}`);
            pointed(changed, error);
            count++;
          }
        }
      }
    }
    assert.isAbove(count, 1000);
  });
});

describe("agent/shell/words: refusals as a picture", () => {
  const picture = (text: string): string[] => pointed(text, refused(text)).split("\n");

  it("carets stand under the word, tabs stay tabs", () => {
    assert.deepEqual(picture("read /3/0 /x").slice(0, 2), ["read /3/0 /x", "          ^^"]);
    assert.deepEqual(picture("read\t/x").slice(0, 2), ["read\t/x", "    \t^^"]);
    assert.deepEqual(picture("write /3/0/15 ").slice(1, 2), ["              ^"]);
    assert.match(picture("read /3/0 /x")[2]!, /^"\/x" is too much \(character 11\): read/);
  });

  it("a long line is shown around the word", () => {
    const [line, carets] = picture(`writeb /19/0/0 ${"00".repeat(500)}x`);
    assert.isAtMost(line!.length, 110);
    assert.equal(line![carets!.indexOf("^")], "x");
  });
});

describe("agent/shell/needed-version", () => {
  const cases: readonly [text: string, what: string | undefined][] = [
    ["read /3/0/0", undefined],
    ["read /5/0/8/0", "the resource instance /5/0/8/0 needs"],
    ["write /16/0/0/1 a", "the resource instance /16/0/0/1 needs"],
    ["writep /1/0/1 5", undefined],
    ["cread /3", "cread needs"],
    ["cwrite /3/0/15 a", "cwrite needs"],
    ["cancelobserve /3", "cancelobserve needs"],
    ["cancelobservation /3", undefined],
    ["cancelobservation /3/0/11/0", "the resource instance /3/0/11/0 needs"],
    ["writeattr /3/0/9 epmin=5", "epmin and epmax need"],
    ["writeattr /3/0/9 pmin=5", undefined],
  ];
  for (const [text, what] of cases) {
    it(`20-29: ${text} on a device of 1.0: ${what ?? "no objection"}`, () => {
      assert.equal(neededVersion(parseCommand(text), "1.0")?.what, what);
      assert.isUndefined(neededVersion(parseCommand(text), "1.1"));
    });
  }
});
