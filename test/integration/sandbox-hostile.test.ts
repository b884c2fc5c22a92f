/**
 * Code that means harm, or is as bad as if it did, next to a decoder that does its work. Whatever it does, this process
 * lives, the case ends with a reason, and the good decoder goes on.
 */
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { isFailure } from "@mooring/core/internal/base/errors.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import type { DecodeOutcome, DecoderSource, RuntimeInput } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { createIsolateRuntime, type IsolateRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { assert } from "chai";

const input: RuntimeInput = {
  value: Uint8Array.of(1, 2, 3),
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "4711",
  device: {},
};

const decoder = (key: string, source: string): DecoderSource => ({
  manifest: { key, name: key, version: "1.0.0" },
  source,
  language: "javascript",
});
const withBody = (body: string): DecoderSource => decoder("hostile", `export default { decode(input) { ${body} } };`);

/** Bodies of `decode`, and how they may end. */
const BODIES: Readonly<Record<string, { readonly body: string; readonly ends: RegExp }>> = {
  // Time
  "an endless loop": { body: "while (true);", ends: /timeout/ },
  "a loop that catches everything": { body: "for (;;) { try { for (;;); } finally { continue; } }", ends: /timeout/ },
  "a catastrophic regular expression": { body: "/^(a+)+$/.test('a'.repeat(40) + '!')", ends: /timeout/ },
  "endless microtasks": {
    body: "const f = () => Promise.resolve().then(f); f(); return {};",
    ends: /timeout|memory|hostDied/,
  },
  "an async loop": { body: "(async () => { for (;;) await 0; })(); return {};", ends: /timeout|memory|hostDied/ },
  "a sort that never ends": { body: "[3, 1, 2].sort(() => { for (;;); })", ends: /timeout/ },
  "native code that takes long": { body: "BigInt('1'.repeat(2e7))", ends: /timeout|memory|hostDied/ },
  "deep recursion": { body: "const f = () => f() + 1; f();", ends: /threw: RangeError|timeout/ },
  // What is thrown and returned
  "a thrown proxy that never answers": { body: "throw new Proxy({}, { get() { for (;;); } });", ends: /timeout/ },
  "a thrown object with an endless message": { body: "throw { get message() { for (;;); } };", ends: /timeout/ },
  "a thrown object with an endless toString": {
    body: "throw { name: 'a', message: { toString() { for (;;); } } };",
    ends: /timeout/,
  },
  "a thrown object whose message throws": { body: "throw { get message() { throw this; } };", ends: /threw/ },
  "a rejection with such a proxy": {
    body: "Promise.reject(new Proxy({}, { get() { for (;;); } })); return { success: true };",
    ends: /timeout|hostDied/,
  },
  "a result with endless getters": { body: "return { get success() { for (;;); } };", ends: /timeout/ },
  "a result that is a proxy without end": {
    body: "return new Proxy({}, { ownKeys() { for (;;); }, getPrototypeOf() { for (;;); } });",
    ends: /timeout/,
  },
  "a result that grows while it is read": {
    body: "const grow = { get a() { return { ...Object.getOwnPropertyDescriptors(grow), a: grow }; } }; return grow;",
    ends: /invalidResult/,
  },
  "a cyclic result": { body: "const a = { success: true }; a.a = [a]; return a;", ends: /invalidResult/ },
  "a huge text as result": { body: "return { success: true, message: 'x'.repeat(5e8) };", ends: /invalidResult/ },
  "a huge list as result": {
    body: "return { success: true, events: Array(1e7) };",
    ends: /invalidResult|memory|timeout/,
  },
  "a text that counts itself": {
    body: "return { success: true, message: { toJSON: () => 'x'.repeat(5e8) } };",
    ends: /invalidResult|memory|timeout|threw/,
  },
  // Memory
  "an array bomb": { body: "new Array(3e8).fill(0)", ends: /timeout|memory|hostDied/ },
  "a split bomb": { body: "'x'.repeat(2 ** 29 - 30).split('')", ends: /timeout|memory|hostDied/ },
  "a replace bomb": { body: "'a'.repeat(1e6).replace(/a/g, 'b'.repeat(1e3))", ends: /threw|timeout|memory|hostDied/ },
  "a JSON text bomb": { body: "JSON.stringify('x'.repeat(5e8))", ends: /threw|timeout|memory|hostDied/ },
  "a JSON depth bomb": { body: "JSON.parse('['.repeat(1e7))", ends: /threw|timeout|memory|hostDied/ },
  "objects without end": { body: "const a = []; for (;;) a.push({ a: 1 });", ends: /timeout|memory|hostDied/ },
  "a map without end": {
    body: "const m = new Map(); for (let i = 0; ; i++) m.set('k' + i, 's' + i);",
    ends: /timeout|memory|hostDied/,
  },
  "typed arrays without end": {
    body: "const a = []; for (;;) a.push(new Float64Array(1e6).fill(1));",
    ends: /threw|timeout|memory|hostDied/,
  },
  "a BigInt bomb": { body: "let a = 2n; for (;;) a *= a;", ends: /threw|timeout|memory|hostDied/ },
};

/** Expressions that must give nothing worth having. */
const HUNTS: readonly string[] = [
  "typeof process",
  "typeof require",
  "typeof globalThis.ivm",
  "input.constructor.constructor('return typeof process')()",
  "(function () { return typeof this?.process; })()",
  "(async () => {}).constructor('return process')().catch(() => {}) && 'undefined'",
  "(function* () {}).constructor('return typeof require')().next().value",
  "Object.getPrototypeOf(function* () {}).constructor('yield typeof process')().next().value",
  "(() => { try { null.x; } catch (e) { return e.constructor.constructor('return typeof process')(); } })()",
  "(() => { Error.prepareStackTrace = (_, sites) => typeof sites[0].getThis()?.process; return new Error().stack; })()",
  "typeof this.constructor.constructor('return globalThis')().process",
  "typeof arguments.callee?.caller",
];

describe("sandbox: hostile decoders", () => {
  const pid = process.pid;
  let runtime: IsolateRuntime;

  before(async () => {
    runtime = createIsolateRuntime({ clock: systemClock, log: silentLog });
    await runtime.load(
      "good",
      decoder("good", "export default { decode: input => ({ success: true, message: input.valueHex }) };"),
    );
  });
  after(() => runtime[Symbol.asyncDispose]());

  /** What stood under its key goes. */
  const install = async (source: DecoderSource): Promise<void> => {
    runtime.unload(source.manifest.key);
    await runtime.load(source.manifest.key, source);
  };
  /** The good decoder under way, while and after something else happens. */
  const assertGoodGoesOn = async (): Promise<void> => {
    const outcome = await runtime.decode("good", input);
    assert.isTrue(outcome.ok && outcome.result.message === "010203", JSON.stringify(outcome));
    assert.equal(process.pid, pid);
  };
  const told = (outcome: DecodeOutcome): string => (outcome.ok ? "ok" : `${outcome.reason}: ${outcome.message}`);

  for (const [name, { body, ends }] of Object.entries(BODIES)) {
    it(`${name} ends with a reason`, async () => {
      await install(withBody(body));
      const [outcome] = await Promise.all([runtime.decode("hostile", input), assertGoodGoesOn()]);
      assert.match(told(outcome), ends);
      await assertGoodGoesOn();
    }).timeout(8000);
  }

  for (const hunt of HUNTS) {
    it(`finds nothing with ${hunt}`, async () => {
      await install(withBody(`return { success: true, message: String(${hunt}) };`));
      const outcome = await runtime.decode("hostile", input);
      const found = outcome.ok ? outcome.result.message : outcome.reason;
      assert.match(String(found), /^(undefined|threw|object|function)$/);
      assert.notInclude(String(found), "object Object");
    });
  }

  const TOP_LEVELS: Readonly<Record<string, string>> = {
    "an endless loop": "for (;;); export default {};",
    "a thrown proxy that never answers": "throw new Proxy({}, { get() { for (;;); } }); export default {};",
    "an array bomb": "new Array(3e8).fill(0); export default {};",
    "a source that its type stripper does not survive": `export default ${"(".repeat(20_000)}1${")".repeat(20_000)};`,
  };
  for (const [name, source] of Object.entries(TOP_LEVELS)) {
    it(`${name} on the top level is refused when it is loaded`, async () => {
      const loading = install({ ...decoder("hostile-top", source), language: "typescript" });
      const [refused] = await Promise.allSettled([loading, assertGoodGoesOn()]);
      assert.isTrue(refused.status === "rejected" && isFailure(refused.reason, "DECODER_INVALID"));
      assert.isFalse(runtime.has("hostile-top"));
      await assertGoodGoesOn();
    }).timeout(10_000);
  }

  it("what it does to prototypes stays in its own isolate", async () => {
    const spoil = `
      for (const type of [Object, Array, String, Function, Promise, Uint8Array]) {
        for (const name of Object.getOwnPropertyNames(type.prototype)) {
          try { Object.defineProperty(type.prototype, name, { get() { for (;;); } }); } catch {}
        }
      }
      JSON.parse = JSON.stringify = Reflect.apply = () => { for (;;); };
      return { success: true };`;
    await install(withBody(spoil));
    const outcomes = [await runtime.decode("hostile", input), await runtime.decode("hostile", input)];
    for (const outcome of outcomes) assert.match(told(outcome), /^(ok|timeout|threw)/);
    await assertGoodGoesOn();
  });

  it("twenty payloads, each fifth an endless loop: only those fail", async () => {
    await install(withBody("if (input.value.length > 3) for (;;); return { success: true };"));
    const loop = { ...input, value: new Uint8Array(4) };
    const hostile = Array.from({ length: 20 }, (_, index) => runtime.decode("hostile", index % 5 === 0 ? loop : input));
    const good = Array.from({ length: 40 }, () => assertGoodGoesOn());
    await Promise.all(good);
    const outcomes = (await Promise.all(hostile)).map(outcome => (outcome.ok ? "ok" : outcome.reason));
    assert.deepEqual(
      outcomes,
      outcomes.map((_, index) => (index % 5 === 0 ? "timeout" : "ok")),
    );
  }).timeout(8000);
});
