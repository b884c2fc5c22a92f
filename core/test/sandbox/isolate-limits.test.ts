import { readFileSync } from "node:fs";
import { assert } from "chai";
import { createManualClock, systemClock } from "../../src/base/clock.ts";
import { createRecordingLog, silentLog } from "../../src/base/log.ts";
import type { DecoderStateChange } from "../../src/sandbox/decoder-runtime.ts";
import { type HostCommand, hostCommands } from "../../src/sandbox/host-command.ts";
import { createIsolateRuntime, openDecoderRuntime, type RuntimeParts } from "../../src/sandbox/isolate-runtime.ts";
import { decoder, input, install, loadFailure, reasonOf, returning } from "./support/decoders.ts";

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
  }).timeout(30_000);

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
      const { decoded, failed } = runtime.stats().decoders[0]!;
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]), { console: true })), "ok");
      assert.equal(reasonOf(await runtime.decode("harmful", input([3]), { console: true })), "threw");
      assert.deepInclude(runtime.stats().decoders[0]!, { decoded, failed }, "tests are in no figure");
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]), { urgency: "background" })), "ok");
      runtime.release("harmful");
      assert.equal(reasonOf(await runtime.decode("harmful", input([0]))), "ok");
      assert.deepEqual(
        changes.map(({ state }) => state),
        ["open", "closed"],
      );
    }).timeout(30_000);

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
    }).timeout(30_000);

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
    }).timeout(30_000);

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
  }).timeout(30_000);

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
