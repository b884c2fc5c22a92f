import { readFileSync } from "node:fs";
import { assert } from "chai";
import { createManualClock, systemClock } from "../../src/base/clock.ts";
import { isFailure, type MooringError } from "../../src/base/errors.ts";
import { createRecordingLog, silentLog } from "../../src/base/log.ts";
import type {
  DecodeOutcome,
  DecoderRuntime,
  DecoderSource,
  DecoderStateChange,
  RuntimeInput,
} from "../../src/sandbox/decoder-runtime.ts";
import { ENGINES } from "../../src/sandbox/engine.ts";
import { type HostCommand, hostCommands } from "../../src/sandbox/host-command.ts";
import {
  createIsolateRuntime,
  type IsolateRuntime,
  openDecoderRuntime,
  type RuntimeParts,
} from "../../src/sandbox/isolate-runtime.ts";

const input = (value: readonly number[] = [1, 2, 255]): RuntimeInput => ({
  value: Uint8Array.from(value),
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "4711",
  device: { c8y_Hardware: { model: "M-100" } },
});

const decoder = (key: string, source: string, more: object = {}): DecoderSource => ({
  manifest: { key, name: key, version: "1.0.0", ...more },
  source,
  language: "javascript",
});
const returning = (key: string, expression: string): DecoderSource =>
  decoder(key, `export default { decode(input) { return ${expression}; } };`);

/** What stood under its key goes. */
async function install(runtime: DecoderRuntime, source: DecoderSource): Promise<void> {
  runtime.unload(source.manifest.key);
  await runtime.load(source.manifest.key, source);
}

/** Loads a decoder that says in `message` what `expression` gives, and decodes with it. */
async function message(runtime: DecoderRuntime, expression: string, given = input()): Promise<unknown> {
  await install(runtime, returning("probe", `{ success: true, message: String(${expression}) }`));
  const outcome = await runtime.decode("probe", given);
  return outcome.ok ? outcome.result.message : outcome;
}

async function loadFailure(runtime: DecoderRuntime, source: DecoderSource): Promise<MooringError> {
  try {
    await install(runtime, source);
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  return assert.fail("loaded");
}

const reasonOf = (outcome: DecodeOutcome): string => (outcome.ok ? "ok" : outcome.reason);

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

describe("sandbox/isolate-runtime: limits and places", () => {
  it("refuses more waiting decodes than its queue holds, and says so", async () => {
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits: { queuedPerDecoder: 2 } });
    await install(runtime, returning("narrow", "{ success: true }"));
    const outcomes = await Promise.all([1, 2, 3].map(() => runtime.decode("narrow", input())));
    assert.deepEqual(outcomes.map(reasonOf), ["ok", "ok", "unavailable"]);
  });

  it("a decoder over its memory is told so, and comes back with a fresh isolate", async () => {
    const limits = { decodeMs: 8000, hostWallMs: 9000 };
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits });
    const grow = "const all = []; for (;;) all.push({ a: 1, b: [1, 2] });";
    const source = `export default { decode({ value }) { if (value[0]) { ${grow} } return { success: true }; } };`;
    await install(runtime, decoder("greedy", source));
    assert.equal(reasonOf(await runtime.decode("greedy", input([1]))), "memory");
    assert.equal(reasonOf(await runtime.decode("greedy", input([0]))), "ok");
  }).timeout(8000);

  describe("a decoder that harms", () => {
    const source = `export default { decode({ value }) {
      if (value[0] === 1) for (;;);
      if (value[0] === 2) 'x'.repeat(2 ** 29 - 30).split('');
      if (value[0] === 3) throw new Error('no such frame');
      return { success: true };
    } };`;
    const open = async (onState: (change: DecoderStateChange) => void, more: Partial<RuntimeParts> = {}) => {
      const opened = createIsolateRuntime({ clock: systemClock, log: silentLog, onState, ...more });
      await install(opened, decoder("harmful", source));
      return opened;
    };

    it("by running out of time gets a rest, in which its payloads wait and tests still run", async () => {
      const changes: DecoderStateChange[] = [];
      await using runtime = await open(change => void changes.push(change));
      for (let at = 0; at < 5; at++) assert.equal(reasonOf(await runtime.decode("harmful", input([1]))), "timeout");
      const refused = await runtime.decode("harmful", input([0]));
      assert.isFalse(refused.ok);
      if (!refused.ok) assert.approximately(refused.retryAtMs! - systemClock.now(), 30_000, 2000);
      const { state, ...breaker } = runtime.stats().decoders[0]!.breaker!;
      assert.equal(state, "open");
      assert.match(breaker.why!, /time limit/);
      assert.deepInclude(changes[0], { id: "harmful", key: "harmful", owner: "", state: "open", urgency: "live" });
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]), { console: true })), "ok");
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]), { urgency: "background" })), "ok");
      runtime.release("harmful");
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]))), "ok");
      assert.deepEqual(
        changes.map(({ state }) => state),
        ["open", "closed"],
      );
    }).timeout(8000);

    it("runs alone, apart from others, until it has gone on for a while without harm", async () => {
      await using runtime = await open(() => {});
      const isApart = (): boolean => runtime.stats().decoders[0]!.onProbation;
      await runtime.decode("harmful", input([0]));
      assert.isFalse(isApart());
      await runtime.decode("harmful", input([1]));
      assert.isTrue(isApart());
      // What throws does no harm.
      for (let at = 0; at < 20; at++) {
        assert.isTrue(isApart());
        await runtime.decode("harmful", input([at % 2 === 0 ? 0 : 3]));
      }
      assert.isFalse(isApart());
    });

    it("is tried with one payload after its rest, and works again when that goes well", async () => {
      // Only the wall clock of this one is ours: timers run.
      let aheadMs = 0;
      const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
      await using runtime = await open(() => {}, { clock });
      for (let at = 0; at < 5; at++) await runtime.decode("harmful", input([1]));
      aheadMs = 30_000;
      const outcomes = await Promise.all([1, 2, 3].map(() => runtime.decode("harmful", input([0]))));
      assert.deepEqual(outcomes.map(reasonOf), ["ok", "unavailable", "unavailable"]);
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]))), "ok");
    }).timeout(8000);

    it("by ending two hosts comes into quarantine until it is released, and its tests end no host of others", async () => {
      const changes: DecoderStateChange[] = [];
      // So much time that it is never over before the memory is.
      const limits = { decodeMs: 8000 };
      await using runtime = await open(change => void changes.push(change), { limits });
      for (const _ of [1, 2]) assert.match(reasonOf(await runtime.decode("harmful", input([2]))), /memory|hostDied/);
      const refused = await runtime.decode("harmful", input([0]));
      assert.match(refused.ok ? "" : refused.message, /quarantine/);
      assert.deepInclude(changes[0], { state: "quarantined" });
      runtime.release("harmful");
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]))), "ok");
      assert.equal(runtime.stats().decoders[0]!.hostDeaths, 2);
    }).timeout(10_000);

    it("nobody, by throwing at every payload, goes on", async () => {
      await using runtime = await open(() => {});
      for (let at = 0; at < 50; at++) assert.equal(reasonOf(await runtime.decode("harmful", input([3]))), "threw");
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]))), "ok");
    });
  });

  it("a partner that has used up its processor time waits for others, and is told when to come back", async () => {
    const limits = { hosts: 1, partnerBurstMs: 1, partnerCpuPercent: 0.1, queuedOverBudget: 100, batchesPerDecoder: 1 };
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits });
    const work =
      "{ success: true, message: String((() => { let x = 0; for (let i = 0; i < 1e6; i++) x += i % 7; return x; })()) }";
    await install(runtime, decoder("heavy", `export default { decode: () => (${work}) };`, { publisher: "heavy" }));
    await install(
      runtime,
      decoder("light", "export default { decode: () => ({ success: true }) };", { publisher: "light" }),
    );
    const run = (id: string) => runtime.decode(id, input());
    await Promise.all(Array.from({ length: 10 }, () => run("heavy")));
    assert.equal(reasonOf(await run("heavy")), "ok", "alone it may use what is idle");
    const order: string[] = [];
    const all = ["heavy", "heavy", "light"].flatMap(id =>
      Array.from({ length: 90 }, () => run(id).then(outcome => void order.push(`${id} ${reasonOf(outcome)}`))),
    );
    await Promise.all(all);
    const told = new Set(order);
    assert.isTrue(told.has("light ok") && !told.has("light unavailable"));
    assert.isBelow(order.lastIndexOf("light ok"), order.lastIndexOf("heavy ok"));
  }).timeout(8000);

  it("keeps no more isolates than it may, and brings one back when it is needed", async () => {
    const limits = { isolatesPerHost: 2 };
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits });
    for (const key of ["a", "b", "c"]) await install(runtime, returning(key, `{ success: true, message: '${key}' }`));
    for (const key of ["a", "b", "c", "a"]) {
      const outcome = await runtime.decode(key, input());
      assert.isTrue(outcome.ok && outcome.result.message === key);
    }
  });

  it("closes what was not used for 10 minutes, and opens it again when it is needed", async () => {
    const clock = createManualClock();
    await using runtime = createIsolateRuntime({ clock, log: silentLog });
    await install(runtime, returning("calm", "{ success: true }"));
    await clock.advance(300_000);
    assert.equal(reasonOf(await runtime.decode("calm", input())), "ok");
    await clock.advance(599_000);
    assert.equal(runtime.stats().isolatesOpen, 1);
    await clock.advance(61_000);
    assert.deepInclude(runtime.stats(), { isolatesOpen: 0, evictions: 1 });
    assert.equal(reasonOf(await runtime.decode("calm", input())), "ok");
    assert.equal(runtime.stats().isolatesOpen, 1);
  });

  it("opens a decoder afresh that has run often enough, without losing a decode", async () => {
    const limits = { isolateDecodes: 100 };
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits });
    await install(
      runtime,
      decoder("counting", "let n = 0; export default { decode: () => ({ success: true, message: String(++n) }) };"),
    );
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => runtime.decode("counting", input())));
    assert.deepEqual(new Set(outcomes.map(reasonOf)), new Set(["ok"]));
    const counts = outcomes.map(outcome => (outcome.ok ? Number(outcome.result.message) : 0));
    assert.isAtMost(Math.max(...counts), 100 + 3 * 64);
    assert.isAtLeast(runtime.stats().evictions, 3);
  });

  it("ends the trial host when there is nothing to try", async () => {
    const clock = createManualClock();
    await using runtime = createIsolateRuntime({ clock, log: silentLog });
    await install(runtime, returning("calm", "{ success: true }"));
    assert.lengthOf(runtime.stats().hostPids, 2);
    await clock.advance(10_000);
    assert.lengthOf(runtime.stats().hostPids, 1);
    assert.equal(reasonOf(await runtime.decode("calm", input())), "ok");
  });

  it("leaves no process behind, and answers everything, when it is closed", async () => {
    const runtime = createIsolateRuntime({ clock: systemClock, log: silentLog });
    await install(runtime, decoder("slow", "export default { decode() { while (true); } };"));
    const decodes = Array.from({ length: 100 }, () => runtime.decode("slow", input()));
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    const pids = runtime.stats().hostPids;
    await runtime[Symbol.asyncDispose]();
    for (const outcome of await Promise.all(decodes)) assert.isFalse(outcome.ok);
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
    assert.equal(reasonOf(await runtime.decode("slow", input())), "unavailable");
    assert.equal((await loadFailure(runtime, returning("late", "{}"))).code, "DECODER_UNAVAILABLE");
    assert.deepEqual(runtime.stats().hostPids, []);
  });

  const node = (script: string, confined: boolean): HostCommand => ({
    file: process.execPath,
    args: ["-e", script],
    cwd: "/",
    confined,
  });

  it("runs without the permission model where that does not start, and says so", async () => {
    const log = createRecordingLog();
    const commands = [node("process.exit(9)", true), hostCommands()[1]!];
    await using runtime = createIsolateRuntime({ clock: systemClock, log, commands });
    await install(runtime, returning("plain", "{ success: true }"));
    assert.equal(reasonOf(await runtime.decode("plain", input())), "ok");
    assert.isTrue(
      log.lines.some(({ level, event }) => level === "warn" && event === "sandbox.permissionModelUnavailable"),
    );
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot && process.platform === "linux" ? it : it.skip)(
    "hosts of a root are nobody, first to go when memory is short",
    async () => {
      await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog });
      await install(runtime, returning("plain", "{ success: true }"));
      const { hostPids } = runtime.stats();
      assert.lengthOf(hostPids, 2);
      for (const pid of hostPids) {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
        assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m);
        assert.match(status, /^Groups:\s*$/m);
        assert.equal(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim(), "1000");
      }
    },
  );

  it("runs as the user that it is where another one cannot, and says why once", async () => {
    const log = createRecordingLog();
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const commands = [{ ...node("process.exit(9)", true), user }, ...hostCommands().filter(({ user }) => !user)];
    await using runtime = createIsolateRuntime({ clock: systemClock, log, commands, limits: { hosts: 1 } });
    await install(runtime, returning("plain", "{ success: true }"));
    process.kill(runtime.stats().hostPids[0]!, "SIGKILL");
    assert.equal(reasonOf(await runtime.decode("plain", input())), "ok");
    const told = log.lines.filter(({ event }) => event === "sandbox.hostsRunAsRoot");
    assert.lengthOf(told, 2, "for the usual host and that of trials");
  });

  it("says that decoders are unavailable where no host starts", async () => {
    const log = createRecordingLog();
    const commands = [node("process.exit(9)", true)];
    await using runtime = await openDecoderRuntime({ clock: systemClock, log, commands });
    assert.deepInclude(runtime.stats(), { engine: "none", available: false });
    assert.match(runtime.stats().reason!, /did not start: exit 9/);
    assert.equal(reasonOf(await runtime.decode("any", input())), "unavailable");
    assert.equal((await loadFailure(runtime, returning("any", "{}"))).code, "DECODER_UNAVAILABLE");
    assert.isTrue(log.lines.some(({ event }) => event === "sandbox.unavailable"));
  });

  it("gives up a host that never says a word", async () => {
    const commands = [node("setInterval(() => {}, 1000)", true)];
    const limits = { startMs: 50 };
    await using runtime = await openDecoderRuntime({ clock: systemClock, log: silentLog, commands, limits });
    assert.isFalse(runtime.stats().available);
  });

  it("ends a host that talks nonsense", async () => {
    const commands = [node("process.stdout.write('GET / HTTP/1.1\\r\\n\\r\\n'); setInterval(() => {}, 1000)", true)];
    await using runtime = await openDecoderRuntime({ clock: systemClock, log: silentLog, commands });
    assert.isFalse(runtime.stats().available);
  });

  it("a host has no environment and may read nothing but itself", async () => {
    // The same command, with a script of ours in the place of the host's.
    const { file, args, cwd } = hostCommands()[0]!;
    const script = `
      const tries = { etc: () => require("fs").readFileSync("/etc/passwd"), env: () => { if (Object.keys(process.env).length === 0) throw 1 },
        write: () => require("fs").writeFileSync("/tmp/x", ""), child: () => require("child_process").spawnSync("id").error && (() => { throw 1 })(),
        worker: () => new (require("worker_threads").Worker)("1", { eval: true }) };
      const open = Object.keys(tries).filter(name => { try { tries[name](); return true } catch { return false } });
      process.stdout.write(JSON.stringify(open));`;
    const { spawnSync } = await import("node:child_process");
    const { stdout, stderr } = spawnSync(file, [...args.slice(0, -2), "-e", script], {
      cwd,
      env: {},
      encoding: "utf8",
    });
    assert.equal(stdout, "[]", stderr);
  });
});
