/** Decoders on a machine that is busy with other work, and many decoders at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { VECTOR_DEFAULTS } from "@mooring/core/internal/contract/decoder-vector.ts";
import type { DecoderSource, RuntimeInput } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { ENGINES } from "@mooring/core/internal/sandbox/engine.ts";
import { createIsolateRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { createProcessReader } from "@mooring/core/internal/sandbox/process-stat.ts";
import { assert } from "chai";
import { atScale } from "../harness/scale.ts";

const input: RuntimeInput = { ...VECTOR_DEFAULTS, value: Uint8Array.of(1, 2, 3) };
const decoder = (key: string, publisher: string): DecoderSource => ({
  manifest: { key, name: key, version: "1.0.0", publisher },
  source: `export default { decode: input => ({ success: true, message: "${key} " + input.valueHex }) };`,
  language: "javascript",
});

const ONE_BY_ONE = 50;
const AT_ONCE = 500;
const VERSIONS = atScale(200, 500);
const MOST_BYTES = 1e9;

describe("decoders beside other work", () => {
  const busy: ChildProcess[] = [];
  before(() => {
    for (let core = 0; core < 2 * availableParallelism(); core++) {
      busy.push(spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
    }
  });
  after(() => {
    for (const child of busy) child.kill("SIGKILL");
  });

  for (const engine of ENGINES) {
    it(`${engine}: a trivial decoder keeps passing while all cores are at 100 %`, async () => {
      await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, engine });
      await runtime.load("trivial", decoder("trivial", "partner"));
      const decode = async (): Promise<void> => {
        const outcome = await runtime.decode("trivial", input);
        assert.isTrue(outcome.ok && outcome.result.message === "trivial 010203", JSON.stringify(outcome));
      };
      for (let left = ONE_BY_ONE; left > 0; left--) await decode();
      await Promise.all(Array.from({ length: AT_ONCE }, decode));
      const stats = runtime.stats();
      assert.deepInclude(stats.decoders[0], { failed: {}, decoded: ONE_BY_ONE + AT_ONCE });
      assert.equal(stats.hostDeaths, 0);
    }).timeout(30_000);
  }
});

describe("many decoders", () => {
  it(`${VERSIONS} versions, all in use, take less than 1 GB in all hosts together`, async () => {
    const processes = createProcessReader();
    if (!processes) return;
    await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits: { hosts: 4 } });
    const ids = Array.from({ length: VERSIONS }, (_, at) => `decoder-${at}`);
    for (const [at, id] of ids.entries()) await runtime.load(id, decoder(id, `partner ${at % 25}`));
    let mostBytes = 0;
    for (let from = 0; from < ids.length; from += 50) {
      const outcomes = await Promise.all(ids.slice(from, from + 50).map(id => runtime.decode(id, input)));
      for (const [at, outcome] of outcomes.entries()) {
        assert.isTrue(outcome.ok && outcome.result.message === `${ids[from + at]} 010203`, JSON.stringify(outcome));
      }
      const bytes = runtime.stats().hostPids.map(pid => processes.read(pid)?.rssBytes ?? 0);
      mostBytes = Math.max(
        mostBytes,
        bytes.reduce((sum, each) => sum + each, 0),
      );
    }
    assert.isBelow(mostBytes, MOST_BYTES);
    assert.isAbove(runtime.stats().isolatesOpen, 100);
    assert.isAbove(runtime.stats().evictions, 0);
  }).timeout(120_000);
});
