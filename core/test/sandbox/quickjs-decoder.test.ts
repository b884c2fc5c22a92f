import { assert } from "chai";
import type { EngineDecoder, RunOptions } from "../../src/sandbox/engine.ts";
import { splitGuestOutput } from "../../src/sandbox/protocol.ts";
import { openQuickJsDecoder } from "../../src/sandbox/quickjs-decoder.ts";

const open = (source: string) =>
  openQuickJsDecoder({ source, memoryMb: 16, timeoutMs: 250, onCatastrophe: () => assert.fail("catastrophe") });

async function opened(source: string): Promise<EngineDecoder> {
  const reply = await open(source);
  return reply.ok ? reply.decoder : assert.fail(reply.failure.message);
}

const decoding = (body: string): Promise<EngineDecoder> => opened(`export default { decode(input) { ${body} } };`);

/** One input of these bytes. */
function run(decoder: EngineDecoder, bytes: string, more: Partial<RunOptions> = {}) {
  const item = {
    bytes: bytes.length,
    resourcePath: "/1/0/1",
    resourceType: "OPAQUE",
    receivedAt: "",
    sourceDeviceId: "1",
  };
  return decoder.run(JSON.stringify([item]), bytes, { timeoutMs: 50, console: false, ...more });
}

async function resultOf(decoder: EngineDecoder, bytes: string): Promise<unknown> {
  const reply = await run(decoder, bytes);
  if (!reply.ok) return reply.failure.reason;
  const [one] = splitGuestOutput(reply.output, 1)!;
  return JSON.parse(one!.text);
}

describe("sandbox/quickjs-decoder", () => {
  it("every byte goes in as it is, also a NUL, at every place", async () => {
    const decoder = await decoding("return { bytes: [...input.value], hex: input.valueHex.length }");
    const all = Array.from({ length: 256 }, (_, byte) => byte);
    assert.deepEqual(await resultOf(decoder, String.fromCharCode(...all)), { bytes: all, hex: 512 });
    assert.deepEqual(await resultOf(decoder, "\0"), { bytes: [0], hex: 2 });
    assert.deepEqual(await resultOf(decoder, ""), { bytes: [], hex: 0 });
  });

  const refused: [what: string, source: string, reason: string, message: RegExp][] = [
    ["a module of Node", "import fs from 'fs'; export default { decode() {} };", "threw", /imports "fs"/],
    ["the guest itself", "import { accept } from 'guest'; export default { decode() {} };", "threw", /imports "guest"/],
    ["a NUL, which would hide the rest", "export default { decode() {} };\0garbage", "threw", /NUL/],
    ["a module that waits", "await new Promise(() => {}); export default { decode() {} };", "threw", /waits/],
    [
      "promises without end",
      "(function f() { return Promise.resolve().then(f); })(); export default { decode() {} };",
      "timeout",
      /time/,
    ],
    [
      "memory without end",
      "const a = []; for (;;) a.push('x'.repeat(1e5)); export default { decode() {} };",
      "memory",
      /memory/,
    ],
    ["an endless loop after an exception", "for (;;) try { null.x } catch {}", "timeout", /time/],
    ["an array without end in native code", "new Array(3e8).fill(0); export default {};", "memory", /memory/],
  ];
  for (const [what, source, reason, message] of refused) {
    it(`refuses ${what}`, async () => {
      const reply = await open(source);
      if (reply.ok) assert.fail("opened");
      assert.equal(reply.failure.reason, reason);
      assert.match(reply.failure.message, message);
    });
  }

  it("nothing is imported later either", async () => {
    const decoder = await decoding(
      "globalThis.got ??= []; for (const name of ['guest', 'fs', 'bridge', 'decoder']) import(name).then(m => got.push(name), () => {}); return { got }",
    );
    assert.deepEqual(await resultOf(decoder, "a"), { got: [] });
    assert.deepEqual(await resultOf(decoder, "a"), { got: [] });
  });

  it("out of memory is the decoder's failure also where it catches it, and others do not notice", async () => {
    const greedy = await decoding("const a = []; try { for (;;) a.push('x'.repeat(1e5)) } catch {} return {}");
    const modest = await decoding("return { n: input.value.length }");
    const reply = await run(greedy, "a", { timeoutMs: 1000 });
    assert.isTrue(!reply.ok && reply.failure.reason === "memory");
    assert.deepEqual(await resultOf(modest, "abc"), { n: 3 });
  });

  it("a stack that runs over is an exception, and the decoder goes on", async () => {
    const decoder = await decoding("const f = n => 1 + f(n + 1); if (input.value[0] === 1) f(0); return {}");
    assert.match(String(await resultOf(decoder, "\u0001")), /RangeError/);
    assert.deepEqual(await resultOf(decoder, "a"), {});
  });

  it("says what it cost and what was printed, also of a run that was cut off", async () => {
    const decoder = await decoding("console.log('begin'); if (input.value[0] === 1) for (;;); return {}");
    const good = await run(decoder, "a", { console: true });
    assert.isTrue(good.ok);
    assert.equal(good.console, '["begin"]');
    const late = await run(decoder, "\u0001", { console: true });
    assert.isTrue(!late.ok && late.failure.reason === "timeout");
    assert.equal(late.console, '["begin"]');
    assert.isAtLeast(late.cpuMs, 50);
  });
});
