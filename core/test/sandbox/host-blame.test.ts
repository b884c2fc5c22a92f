/** Who is blamed for the end of a host, or of an isolate, that others used too. */
import { assert } from "chai";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { HostCommand } from "../../src/sandbox/host-command.ts";
import { createIsolateRuntime } from "../../src/sandbox/isolate-runtime.ts";
import { createProcessReader } from "../../src/sandbox/process-stat.ts";
import { decoder, input, install, reasonOf, returning } from "./support/decoders.ts";

/** A host that hangs at a payload that begins with `HANGS`, keeps much memory after one with `GROWS`, and answers all others. */
const HANGS = 7;
const GROWS = 8;
const LIMIT_BYTES = 200e6;
const frail: HostCommand = {
  file: process.execPath,
  args: [
    "--input-type=module",
    "-e",
    `const { createFrameReader, encodeFrame } = await import(${JSON.stringify(import.meta.resolve("../../src/sandbox/frames.ts"))});
    const send = (head, parts) => process.stdout.write(encodeFrame(head, parts));
    let kept;
    const reader = createFrameReader(2 ** 20, ({ head: { kind, call }, parts }) => {
      if (parts[1]?.[0] === ${HANGS}) for (;;);
      if (parts[1]?.[0] === ${GROWS}) kept = Buffer.alloc(${LIMIT_BYTES}, 1);
      const text = kind === "decode" ? '16\\n{"success":true}' : "";
      if (kind !== "drop") send({ kind: "done", call, cpuMs: 0 }, [text]);
    });
    process.stdin.on("data", chunk => reader.push(chunk)).on("end", () => process.exit());
    send({ kind: "hello", ok: true, message: "" });`,
  ],
  cwd: "/",
  confined: true,
};

/** Each starts three hosts or more, on a machine that may be busy. */
const TEST_MS = 30_000;

describe("sandbox/isolate-runtime: who is blamed", () => {
  it("when a host with two decodes hangs, only the one that does so again alone", async () => {
    const limits = { hosts: 1, decodeMs: 10, hostWallMs: 50 };
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, commands: [frail], limits });
    for (const key of ["bad", "good"]) await install(runtime, returning(key, "{ success: true }"));
    // One turn of the event loop: both are on their host before it hangs.
    const decodes = [runtime.decode("bad", input([HANGS])), runtime.decode("good", input())];
    assert.deepEqual((await Promise.all(decodes)).map(reasonOf), ["timeout", "ok"]);
    const deaths = runtime.stats().decoders.map(({ hostDeaths }) => hostDeaths);
    assert.deepEqual(deaths, [1, 0]);
  }).timeout(TEST_MS);

  const processes = createProcessReader();
  (processes ? it : it.skip)("for memory that a decode leaves behind, that decode, not the next one", async () => {
    const watchMs = 1;
    // This process never has the time to watch.
    const clock: Clock = {
      ...systemClock,
      after: (ms, run) => (ms === watchMs ? { [Symbol.dispose]() {} } : systemClock.after(ms, run)),
    };
    const limits = { hosts: 1, hostRssBytes: LIMIT_BYTES, watchMs };
    await using runtime = createIsolateRuntime({ clock, log: silentLog, commands: [frail], limits });
    for (const key of ["bad", "good"]) await install(runtime, returning(key, "{ success: true }"));
    assert.equal(reasonOf(await runtime.decode("bad", input([GROWS]))), "memory");
    assert.equal(reasonOf(await runtime.decode("good", input())), "ok");
    const deaths = runtime.stats().decoders.map(({ hostDeaths }) => hostDeaths);
    assert.deepEqual(deaths, [1, 0]);
  }).timeout(TEST_MS);

  it("when an isolate runs out of memory, the payload that did it, and not the one that waited behind it", async () => {
    const limits = { hosts: 1, decodeMs: 8000, batchItems: 1 };
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits });
    const grow = "const all = []; for (;;) all.push(new Array(1e4).fill(all.length));";
    const source = `export default { decode({ value }) { if (value[0]) { ${grow} } return { success: true }; } };`;
    await install(runtime, decoder("greedy", source));
    const outcomes = await Promise.all([[1], [0], [0]].map(value => runtime.decode("greedy", input(value))));
    assert.deepEqual(outcomes.map(reasonOf), ["memory", "ok", "ok"]);
  }).timeout(TEST_MS);
});
