import { assert } from "chai";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { DecoderRuntime } from "../../src/sandbox/decoder-runtime.ts";
import { ENGINES } from "../../src/sandbox/engine.ts";
import { createIsolateRuntime, type IsolateRuntime } from "../../src/sandbox/isolate-runtime.ts";
import { decoder, input, install, loadFailure, reasonOf, returning } from "./support/decoders.ts";

/** Loads a decoder that says in `message` what `expression` gives, and decodes with it. */
async function message(runtime: DecoderRuntime, expression: string, given = input()): Promise<unknown> {
  await install(runtime, returning("probe", `{ success: true, message: String(${expression}) }`));
  const outcome = await runtime.decode("probe", given);
  return outcome.ok ? outcome.result.message : outcome;
}

for (const engine of ENGINES) {
  describe(`sandbox/isolate-runtime: ${engine}`, () => {
    let runtime: IsolateRuntime;
    before(async () => {
      runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, engine, limits: { hosts: 1 } });
      await runtime.start();
    });
    after(() => runtime[Symbol.asyncDispose]());

    describe("what a decoder is given", () => {
      const cases: [expression: string, expected: string][] = [
        ["input.value.constructor.name + [...input.value]", "Uint8Array1,2,255"],
        ["input.value.buffer.byteLength", "3"],
        ["input.valueHex", "0102ff"],
        ["input.resourcePath + input.resourceType + input.receivedAt", "/33456/0/123OPAQUE2026-01-01T00:00:00.000Z"],
        ["input.sourceDeviceId + input.device.c8y_Hardware.model", "4711M-100"],
        ["Object.keys({ ...input })", "value,valueHex,resourcePath,resourceType,receivedAt,sourceDeviceId,device"],
        ["this.decode === undefined", "false"],
        ["console.log('x')", "undefined"],
      ];
      for (const [expression, expected] of cases) {
        it(expression, async () => assert.equal(await message(runtime, expression), expected));
      }

      it("all 256 bytes, and none at all", async () => {
        const all = Array.from({ length: 256 }, (_, byte) => byte);
        assert.equal(await message(runtime, "[...input.value]", input(all)), String(all));
        assert.equal(await message(runtime, "input.value.length + input.valueHex", input([])), "0");
      });
    });

    describe("what a decoder does not find", () => {
      const names = [
        "process",
        "require",
        "module",
        "Buffer",
        "fetch",
        "setTimeout",
        "WebAssembly",
        "SharedArrayBuffer",
      ];
      for (const name of [...names, "Atomics", "FinalizationRegistry", "WeakRef", "URL", "globalThis.ivm"]) {
        it(name, async () => assert.equal(await message(runtime, `typeof ${name}`), "undefined"));
      }
      it("a way out through constructors", async () => {
        const hunt = "input.constructor.constructor('return typeof process + typeof require')()";
        assert.equal(await message(runtime, hunt), "undefinedundefined");
      });
    });

    it("types are stripped, and lines of messages stay true", async () => {
      const source = [
        'import type { Decoder } from "@mooring/sdk";',
        "interface Frame { readonly volts: number }",
        "const read = (value: Uint8Array): Frame => ({ volts: value[2]! });",
        "export default { decode({ value }) { return { success: true, message: String(read(value).volts) }; } } satisfies Decoder;",
      ].join("\n");
      await install(runtime, { ...decoder("typed", source), language: "typescript" });
      const outcome = await runtime.decode("typed", input());
      assert.isTrue(outcome.ok && outcome.result.message === "255");
    });

    describe("what is refused when it is loaded", () => {
      const cases: [what: string, source: string, why: RegExp][] = [
        ["broken syntax", "export default {", /SyntaxError/],
        ["an import", 'import fs from "node:fs"; export default { decode() {} };', /imports "node:fs"/],
        [
          "the import of our own guest",
          'import { accept } from "guest"; export default { decode() {} };',
          /imports "guest"/,
        ],
        ["no default export", "export const decode = () => ({});", /no default export/],
        ["a default export without decode", "export default {};", /no function `decode`/],
        ["a function as default export", "export default () => ({});", /no default export of the form/],
        ["CommonJS", "module.exports = { decode() {} };", /module is not defined/],
        ["an exception on the top level", "throw new RangeError('no'); export default {};", /RangeError: no/],
        ["an endless loop on the top level", "while (true); export default {};", /time limit|no answer/],
        ["a top level that never ends", "await new Promise(() => {}); export default { decode() {} };", /run|waits/],
        ["a source over the limit", `//${"x".repeat(512 * 1024)}`, /over 524288 characters/],
      ];
      for (const [what, source, why] of cases) {
        it(what, async () => {
          const error = await loadFailure(runtime, decoder("refused", source));
          assert.equal(error.code, "DECODER_INVALID");
          assert.match(error.message, why);
          assert.isFalse(runtime.has("refused"));
        });
      }
      it("types that cannot be stripped", async () => {
        const source = "enum Kind { A } export default { decode() { return { success: Kind.A === 0 }; } };";
        const error = await loadFailure(runtime, { ...decoder("refused", source), language: "typescript" });
        assert.match(error.message, /enum/);
      });
      it("a manifest that is wrong", async () => {
        const error = await loadFailure(
          runtime,
          decoder("wrong", "export default { decode() {} }", { version: "one" }),
        );
        assert.deepEqual([error.code, error.details["field"]], ["VALIDATION", "version"]);
      });
      it("and nothing of it stays: its id can be loaded with something better", async () => {
        await loadFailure(runtime, decoder("kept", "nonsense"));
        assert.isFalse(runtime.has("kept"));
        await runtime.load("kept", returning("kept", "{ success: true }"));
        assert.equal(reasonOf(await runtime.decode("kept", input())), "ok");
      });
    });

    describe("what ends as a failure of the one payload", () => {
      const cases: [what: string, body: string, reason: string, message: RegExp][] = [
        ["an exception", "throw new TypeError('frame of 3 bytes')", "threw", /^TypeError: frame of 3 bytes$/],
        ["a thrown text", "throw 'plain'", "threw", /^thrown: plain$/],
        ["a long message", "throw new Error('x'.repeat(5000))", "threw", /^Error: x{293}$/],
        ["a thrown null", "throw null", "threw", /null/],
        ["half a character in a message", "throw new Error('\\ud83d')", "threw", /Error/],
        ["an endless loop", "while (true);", "timeout", /time limit/],
        ["no result", "return", "invalidResult", /must return an object, not undefined/],
        ["null", "return null", "invalidResult", /not null/],
        ["a list", "return []", "invalidResult", /no JSON object/],
        ["a promise", "return Promise.resolve({ success: true })", "invalidResult", /not a promise/],
        ["a rejected promise", "return (async () => { throw 1; })()", "invalidResult", /not a promise/],
        ["no success", "return {}", "invalidResult", /success is missing/],
        ["a BigInt", "return { success: true, message: 1n }", "invalidResult", /BigInt/],
        ["a cyclic result", "const a = { success: true }; a.a = a; return a", "invalidResult", /16 levels/],
        ["a result over 64 K", "return { success: true, message: 'x'.repeat(66000) }", "invalidResult", /larger than/],
        ["a number from toJSON", "return { success: true, toJSON: () => -5 }", "invalidResult", /no JSON object/],
        ["a function from toJSON", "return { toJSON: () => () => 1 }", "invalidResult", /no JSON object/],
      ];
      for (const [what, body, reason, expected] of cases) {
        it(what, async () => {
          await install(runtime, decoder("faulty", `export default { decode() { ${body} } };`));
          const outcome = await runtime.decode("faulty", input());
          assert.equal(reasonOf(outcome), reason);
          assert.match(outcome.ok ? "" : outcome.message, expected);
        });
      }
      it("a payload over the limit is not even tried", async () => {
        await install(runtime, returning("any", "{ success: true }"));
        assert.equal(reasonOf(await runtime.decode("any", input(new Array(65_537).fill(0)))), "inputTooLarge");
        assert.equal(reasonOf(await runtime.decode("any", input(new Array(65_536).fill(0)))), "ok");
      });
      it("an unknown decoder", async () =>
        assert.equal(reasonOf(await runtime.decode("nobody", input())), "unavailable"));
    });

    it("a thousand decodes at once give each its own answer, in order of the calls", async () => {
      await install(runtime, returning("echo", "{ success: true, message: input.valueHex }"));
      const values = Array.from({ length: 1000 }, (_, index) => [index >> 8, index & 255]);
      const outcomes = await Promise.all(values.map(value => runtime.decode("echo", input(value))));
      const hex = values.map(value => Buffer.from(value).toString("hex"));
      assert.deepEqual(
        outcomes.map(outcome => outcome.ok && outcome.result.message),
        hex,
      );
      assert.equal(runtime.stats().decoders.find(({ key }) => key === "echo")!.decoded, 1000);
    });

    it("only the poisonous payload of a batch fails", async () => {
      await install(
        runtime,
        returning("picky", "{ success: true, message: input.value[0] === 7 ? (() => { for (;;); })() : 'fine' }"),
      );
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => runtime.decode("picky", input([index]))),
      );
      const expected = Array.from({ length: 20 }, (_, index) => (index === 7 ? "timeout" : "ok"));
      assert.deepEqual(outcomes.map(reasonOf), expected);
    });

    it("decoders share nothing: what one changes, another does not see", async () => {
      const spoil =
        "Array.prototype.join = JSON.stringify = String.prototype.slice = () => 'spoilt'; globalThis.mine = 1;";
      await install(
        runtime,
        decoder("spoiler", `try { ${spoil} } catch {} export default { decode: () => ({ success: true }) };`),
      );
      assert.equal(reasonOf(await runtime.decode("spoiler", input())), "ok");
      assert.equal(await message(runtime, "[1, 2].join() + typeof mine"), "1,2undefined");
    });

    it("two versions run side by side, and what stands under an id never changes", async () => {
      const saying = (text: string, version: string) =>
        decoder("versions", `export default { decode: () => ({ success: true, message: '${text}' }) };`, { version });
      await runtime.load("versions@1", saying("one", "1.0.0"));
      const early = Array.from({ length: 100 }, () => runtime.decode("versions@1", input()));
      await Promise.all([
        runtime.load("versions@2", saying("two", "2.0.0")),
        runtime.load("versions@2", saying("two", "2.0.0")),
      ]);
      await runtime.load("versions@1", saying("another", "1.0.0"));
      early.push(runtime.decode("versions@1", input()));
      for (const outcome of await Promise.all(early)) {
        assert.isTrue(outcome.ok && outcome.version === "1.0.0" && outcome.result.message === "one");
      }
      const late = await runtime.decode("versions@2", input());
      assert.isTrue(late.ok && late.version === "2.0.0" && late.result.message === "two");
      assert.deepEqual(
        runtime.stats().decoders.flatMap(({ id, key }) => (key === "versions" ? [id] : [])),
        ["versions@1", "versions@2"],
      );
    });

    describe("what a decoder prints", () => {
      const printed = async (body: string): Promise<unknown> => {
        await install(runtime, decoder("printer", `export default { decode(input) { ${body} } };`));
        return (await runtime.decode("printer", input(), { console: true })).console;
      };
      const cases: [what: string, body: string, lines: unknown][] = [
        [
          "texts and values",
          "console.log('a', 1, null, undefined, 2n, [1, { b: 2 }]); return {}",
          [`a 1 null undefined 2 [1,{"b":2}]`],
        ],
        [
          "every method, also before an exception",
          "console.warn('a'); console.error(new TypeError('b')); throw 1",
          ["a", "TypeError: b"],
        ],
        ["before it runs out of time", "console.log('here'); for (;;);", ["here"]],
        [
          "what cannot be shown",
          "const a = {}; a.a = a; console.log(a, { get b() { throw 1 } }, Symbol('s')); return {}",
          ["(a value too large or too deep to print) (a value that cannot be shown) Symbol(s)"],
        ],
        [
          "a proxy without end",
          "console.log('a'); console.log(new Proxy({}, { get() { for (;;); } })); return {}",
          ["a"],
        ],
        ["nothing", "return { success: true }", []],
        [
          "with everything replaced",
          "Array.prototype.toJSON = String.prototype.toJSON = JSON.stringify = () => 7; Object.defineProperty(Array.prototype, '0', { set() { throw 1 } }); console.log('a'); return {}",
          ["a"],
        ],
      ];
      for (const [what, body, lines] of cases) {
        it(what, async () => assert.deepEqual(await printed(body), lines));
      }
      it("no more than 100 lines and 8 K characters", async () => {
        const lines = (await printed("for (let i = 0; i < 200; i++) console.log(i); return {}")) as string[];
        assert.deepEqual([lines.length, lines[98], lines[99]], [100, "98", "(more was printed)"]);
        const [long, end] = (await printed("console.log('x'.repeat(2 ** 20)); return {}")) as string[];
        assert.deepEqual([long!.length, end], [8192, "(more was printed)"]);
      });
      it("of its own decode only, and only where it was asked for", async () => {
        await install(
          runtime,
          decoder(
            "printer",
            "export default { decode({ value }) { console.log(value[0]); return { success: true }; } };",
          ),
        );
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, at) => runtime.decode("printer", input([at]), { console: at % 3 === 0 })),
        );
        const expected = outcomes.map((_, at) => (at % 3 === 0 ? [String(at)] : undefined));
        assert.deepEqual(
          outcomes.map(({ console }) => console),
          expected,
        );
      });
    });

    it("what runs in the background waits for everything live, and comes then", async () => {
      await install(runtime, returning("shadow", "{ success: true }"));
      await install(runtime, returning("shown", "{ success: true }"));
      const order: string[] = [];
      const run = async (id: string, urgency: "live" | "background"): Promise<void> => {
        const outcome = await runtime.decode(id, input(), { urgency });
        order.push(outcome.ok ? urgency : outcome.reason);
      };
      const background = ["shadow", "shown"].flatMap(id => Array.from({ length: 100 }, () => run(id, "background")));
      const live = Array.from({ length: 500 }, () => run("shown", "live"));
      await Promise.all([...background, ...live]);
      assert.isAtLeast(order.lastIndexOf("live"), 499);
      assert.isBelow(order.lastIndexOf("live"), 500 + 32, "at most two small batches went before the last live one");
      assert.equal(order.filter(ended => ended === "background").length, 200);
      const measured = Object.fromEntries(runtime.stats().decoders.map(({ key, durations }) => [key, durations.count]));
      assert.deepInclude(measured, { shadow: 0, shown: 500 });
    });

    it("a poisonous payload in the background does not hold up what is live", async () => {
      await install(
        runtime,
        returning("mixed", "{ success: true, message: input.value[0] === 7 ? (() => { for (;;); })() : '' }"),
      );
      const poison = Array.from({ length: 10 }, () => runtime.decode("mixed", input([7]), { urgency: "background" }));
      assert.equal(reasonOf(await Promise.race(poison)), "timeout");
      assert.equal(reasonOf(await runtime.decode("mixed", input([1]))), "ok");
      const expected = Array.from({ length: 10 }, (_, at) => (at < 5 ? "timeout" : "unavailable"));
      assert.deepEqual((await Promise.all(poison)).map(reasonOf), expected);
      assert.equal(
        reasonOf(await runtime.decode("mixed", input([1]))),
        "ok",
        "its live decodes have a breaker of their own",
      );
    });

    it("unload ends what waits as unavailable, and the id is unknown then", async () => {
      await install(runtime, returning("leaving", "{ success: true }"));
      const waiting = runtime.decode("leaving", input());
      runtime.unload("leaving");
      runtime.unload("leaving");
      assert.equal(reasonOf(await waiting), "unavailable");
      assert.isFalse(runtime.has("leaving"));
    });

    it("a host that is ended from outside costs nothing but time", async () => {
      await install(runtime, returning("survivor", "{ success: true, message: input.valueHex }"));
      const deaths = runtime.stats().hostDeaths;
      const decodes = Array.from({ length: 300 }, (_, index) => runtime.decode("survivor", input([index & 255])));
      await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
      process.kill(runtime.stats().hostPids[0]!, "SIGKILL");
      const outcomes = await Promise.all(decodes);
      assert.deepEqual(new Set(outcomes.map(reasonOf)), new Set(["ok"]));
      assert.isAbove(runtime.stats().hostDeaths, deaths);
    });
  });
}
