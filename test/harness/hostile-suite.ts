/**
 * Code that means harm, next to a decoder that does its work: when it is loaded, in one decode, and in a batch. Whatever it
 * does, this process lives, the case ends with a reason, and the good decoder goes on. The same for every engine.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { isFailure } from "@mooring/core/internal/base/errors.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { VECTOR_DEFAULTS } from "@mooring/core/internal/contract/decoder-vector.ts";
import type { DecodeOutcome, DecoderSource, RuntimeInput } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import type { EngineName } from "@mooring/core/internal/sandbox/engine.ts";
import { createIsolateRuntime, type IsolateRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { assert } from "chai";
import { BODIES, HUNTS, TOP_LEVELS } from "./hostile-code.ts";

const input: RuntimeInput = { ...VECTOR_DEFAULTS, value: Uint8Array.of(1, 2, 3) };

const decoder = (key: string, source: string): DecoderSource => ({
  manifest: { key, name: key, version: "1.0.0" },
  source,
  language: "javascript",
});
const withBody = (body: string): DecoderSource => decoder("hostile", `export default { decode(input) { ${body} } };`);

/** Longest that a decode, or a load, may take on a machine that has nothing else to do. */
const LONGEST_MS = 1000;
const LOOK_EVERY_MS = 20;
const TEST_MS = 30_000;

/** Threads of the machine that run or wait for a processor now; where the system does not tell, a mean of the last minute. */
function runnable(): number {
  try {
    return Number(readFileSync("/proc/loadavg", "latin1").split(" ")[3]!.split("/")[0]);
  } catch {
    return loadavg()[0]!;
  }
}
/** A mean of the last minute does not know of work that has just begun. @returns how much longer everything took since */
function watchSlowness(): () => number {
  let [sum, looks] = [0, 0];
  const looking = setInterval(() => {
    sum += runnable();
    looks++;
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(looking);
    return Math.max(1, (1.5 * sum) / Math.max(1, looks) / availableParallelism());
  };
}

export function hostileSuite(engine: EngineName): void {
  describe(`sandbox: hostile decoders (${engine})`, () => {
    const pid = process.pid;
    let runtime: IsolateRuntime;

    before(async () => {
      runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, engine });
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
    const timely = async <T>(work: Promise<T>): Promise<T> => {
      const sinceMs = performance.now();
      const slowness = watchSlowness();
      await Promise.allSettled([work]);
      assert.isBelow(performance.now() - sinceMs, LONGEST_MS * slowness(), "ends in time");
      return work;
    };

    for (const [name, { body, ends }] of Object.entries(BODIES)) {
      it(`${name} ends with a reason: alone, and in a batch`, async () => {
        await install(withBody(body));
        const [outcome] = await Promise.all([timely(runtime.decode("hostile", input)), assertGoodGoesOn()]);
        assert.match(told(outcome), ends);
        const batch = Array.from({ length: 3 }, () => runtime.decode("hostile", input));
        await assertGoodGoesOn();
        for (const each of await Promise.all(batch)) {
          assert.match(told(each), each.ok || each.reason !== "unavailable" ? ends : /rest|tried|quarantine/);
        }
        await assertGoodGoesOn();
      }).timeout(TEST_MS);

      it(`${name} is over in time when a decoder is loaded`, async () => {
        const source = `try { (() => { ${body} })(); } finally {} export default { decode: () => ({ success: true }) };`;
        const [loaded] = await Promise.allSettled([
          timely(install(decoder("hostile-top", source))),
          assertGoodGoesOn(),
        ]);
        if (loaded.status === "rejected") assert.isTrue(isFailure(loaded.reason, "DECODER_INVALID"), loaded.reason);
        await assertGoodGoesOn();
      }).timeout(TEST_MS);
    }

    for (const hunt of HUNTS) {
      it(`finds nothing with ${hunt}`, async () => {
        await install(withBody(`return { success: true, message: String(${hunt}) };`));
        const outcome = await runtime.decode("hostile", input);
        const found = outcome.ok ? outcome.result.message : outcome.reason;
        assert.match(String(found), /^(undefined|null|threw|object|function)$/);
        assert.notInclude(String(found), "object Object");
      });
    }

    for (const [name, source] of Object.entries(TOP_LEVELS)) {
      it(`${name} on the top level is refused when it is loaded`, async () => {
        const loading = timely(install({ ...decoder("hostile-top", source), language: "typescript" }));
        const [refused] = await Promise.allSettled([loading, assertGoodGoesOn()]);
        assert.isTrue(refused.status === "rejected" && isFailure(refused.reason, "DECODER_INVALID"));
        assert.isFalse(runtime.has("hostile-top"));
        await assertGoodGoesOn();
      }).timeout(TEST_MS);
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
      const hostile = Array.from({ length: 20 }, (_, index) =>
        runtime.decode("hostile", index % 5 === 0 ? loop : input),
      );
      const good = Array.from({ length: 40 }, () => assertGoodGoesOn());
      await Promise.all(good);
      const outcomes = (await Promise.all(hostile)).map(outcome => (outcome.ok ? "ok" : outcome.reason));
      assert.deepEqual(
        outcomes,
        outcomes.map((_, index) => (index % 5 === 0 ? "timeout" : "ok")),
      );
    }).timeout(TEST_MS);
  });
}
