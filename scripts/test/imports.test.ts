import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "chai";
import { importsOf, type Layers, violationsIn } from "../imports.ts";

const layers = JSON.parse(readFileSync(join(import.meta.dirname, "../layers.json"), "utf8")) as Layers;

describe("scripts/imports", () => {
  it("finds static, type, re-export and dynamic imports, not those in comments", () => {
    const source = `import { a } from "x";\nimport type { B } from "./b.ts";\nexport { c } from "../c.ts";\nconst d = await import("d");\n// import "e"\n/* import "f" */\nimport "g";\nimport {\n  h,\n  i,\n} from "h";`;
    assert.deepEqual(importsOf(source).sort(), ["../c.ts", "./b.ts", "d", "g", "h", "x"]);
  });

  const cases: [what: string, file: string, source: string, refused: boolean][] = [
    ["a folder above", "core/src/coap/message.ts", `import "../base/bytes.ts";`, false],
    ["the own folder", "core/src/coap/message.ts", `import "./codes.ts";`, false],
    ["a folder below", "core/src/coap/message.ts", `import "../lwm2m/path.ts";`, true],
    ["a sub-folder below its parent", "core/src/lwm2m/path.ts", `import "./codecs/tlv.ts";`, true],
    ["a parent above its sub-folder", "core/src/lwm2m/codecs/tlv.ts", `import "../path.ts";`, false],
    ["the top from a folder", "core/src/rest/app.ts", `import "../server.ts";`, true],
    ["everything from the top", "core/src/server.ts", `import "./rest/app.ts";`, false],
    ["a library in its home", "core/src/rest/app.ts", `import Koa from "koa";`, false],
    ["a library outside its home", "core/src/platform/alarm.ts", `import Koa from "koa";`, true],
    ["a plugin from core", "core/src/server.ts", `import p from "@mooring/plugin-device";`, true],
    ["the sdk from a plugin", "plugins/device/src/index.ts", `import type { Plugin } from "@mooring/sdk";`, false],
    ["core from a plugin", "plugins/device/src/index.ts", `import "@mooring/core";`, true],
    ["the clock's own source", "core/src/base/clock.ts", `Date.now();`, false],
    ["time taken elsewhere", "core/src/coap/message.ts", `Date.now();`, true],
    ["time named in a comment", "core/src/coap/message.ts", `/* Date.now */ // setTimeout\n`, false],
    ["a folder that is not listed", "core/src/misc/a.ts", ``, true],
  ];
  for (const [what, file, source, refused] of cases) {
    it(`${refused ? "refuses" : "accepts"} ${what}`, () => {
      assert.equal(violationsIn(file, source, layers).length > 0, refused);
    });
  }
});
