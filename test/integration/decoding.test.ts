/**
 * Opaque frames from their receipt to stored documents, through the real sandbox: what a decoder reads is stored, what hangs or
 * kills it leaves the raw payload, the reason and a working host.
 */
import { fileURLToPath } from "node:url";
import { createManualClock, systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSeededRandom } from "@mooring/core/internal/base/random.ts";
import { createBacklog } from "@mooring/core/internal/decoding/backlog.ts";
import { createDecodeQueue, type DecodeQueue } from "@mooring/core/internal/decoding/decode-queue.ts";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import { createActionRegistry } from "@mooring/core/internal/mapping/action-registry.ts";
import { createEffectApplier, type EffectApplier } from "@mooring/core/internal/mapping/apply-effects.ts";
import { createSuperseder } from "@mooring/core/internal/mapping/superseder.ts";
import { createUplink } from "@mooring/core/internal/mapping/uplink.ts";
import { createPlatform } from "@mooring/core/internal/platform/create-platform.ts";
import type { ManagedObject, Platform } from "@mooring/core/internal/platform/platform.ts";
import type { DecoderRuntime } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { openDecoderRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { createProcessReader } from "@mooring/core/internal/sandbox/process-stat.ts";
import { RAW_PAYLOADS } from "@mooring/core/internal/store/collections/decoding.ts";
import type { Store } from "@mooring/core/internal/store/store.ts";
import { assert } from "chai";
import { eventually } from "../harness/eventually.ts";
import { startProcess } from "../harness/process.ts";
import { openTestStore } from "../harness/store.ts";

const TENANT = "t1";
const PAGE = { currentPage: 1, pageSize: 100, withTotal: false };
const ACME = fileURLToPath(new URL("../../decoders/acme-meter", import.meta.url));
/** Of processor time that only a decoder without end uses. */
const HUNG_MS = 200;
/** Dies of its first byte in different ways. */
const HOSTILE = `export default { decode({ value }) {
  if (value[0] === 1) for (;;);
  if (value[0] === 2) new Array(3e8).fill(0);
  if (value[0] === 3) 'x'.repeat(2 ** 29 - 30).split('');
  return { success: true, measurements: [{ type: 'h', values: [{ seriesName: 'a', value: value[0] }] }] };
} };`;

describe("decoding through the sandbox", () => {
  let store: Store;
  let remove: () => Promise<void>;
  let platform: Platform;
  let runtime: DecoderRuntime;
  let queue: DecodeQueue;
  let applier: EffectApplier;
  let object: ManagedObject;
  let messages = 0;

  before(async () => {
    const clock = createManualClock();
    ({ store, remove } = await openTestStore(clock));
    platform = createPlatform({ store, clock, random: createSeededRandom(1), log: silentLog });
    runtime = await openDecoderRuntime({ clock: systemClock, log: silentLog });
    const acme = await loadDecoderFolder(ACME);
    const manifest = { key: "hostile", name: "Hostile", version: "1.0.0" };
    const sources = new Map(
      [acme, { manifest, source: HOSTILE, language: "javascript" } as const].map(source => [
        source.manifest.key,
        source,
      ]),
    );
    for (const [key, source] of sources) await runtime.load(key, source);
    const find = (_: string, key: string) => {
      const source = sources.get(key);
      return source && { id: key, manifest: source.manifest, kind: "sandbox" as const };
    };
    applier = createEffectApplier({
      platform,
      nowMs: clock.now,
      decodes: {
        displayName: (tenant, key) => queue.displayName(tenant, key),
        enqueue: payloads => queue.enqueue(payloads),
        sweep: () => queue.sweep(),
      },
    });
    const mapping = { protocol: () => undefined, actions: createActionRegistry() };
    const superseder = createSuperseder({ store, nowMs: clock.now });
    const uplink = createUplink({ platform, store, log: silentLog, mapping, applier, superseder });
    queue = createDecodeQueue({
      directory: { find, decode: ({ id }, input) => runtime.decode(id, input) },
      backlog: createBacklog(store.collection(RAW_PAYLOADS)),
      apply: documents => uplink.applyDecoded(documents),
      write: ops => platform.write(ops),
      findDevice: (tenant, id) => platform.inventory.findCached(tenant, id),
      clock,
      log: silentLog,
    });
    object = await platform.inventory.create(TENANT, { name: "meter 7", c8y_IsDevice: {} }, { owner: "admin" });
  });
  after(async () => {
    await queue?.[Symbol.asyncDispose]();
    await runtime?.[Symbol.asyncDispose]();
    await remove?.();
  });

  /** A message of one opaque value, applied as the mapping applies it; resolves when it is stored, not when it is decoded. */
  async function receive(decoder: string, hex: string): Promise<void> {
    const value = { path: [33456, 0, 123], type: "OPAQUE", value: Buffer.from(hex, "hex") } as const;
    const target = { tenant: TENANT, deviceId: object.id, endpoint: "urn:dev:7", receivedAtMs: 0, object };
    const effect = { kind: "decode", decoder, value, atMs: Date.UTC(2026, 0, 1) + messages } as const;
    await applier.apply({ ...target, messageKey: `m${messages++}` }, [effect]);
  }
  const measured = async (type: string): Promise<unknown[]> =>
    (await platform.measurements.list(TENANT, { sourceId: object.id, type }, PAGE)).items.map(
      ({ fragments }) => fragments[type],
    );
  const pending = async (): Promise<unknown[]> =>
    (await platform.events.list(TENANT, { type: "c8y_decoder_event" }, PAGE)).items.map(
      ({ fragments }) => (fragments["decoderData"] as { status: string }).status,
    );

  it("an acme frame becomes its measurements, and the event that showed it is gone", async () => {
    await receive("acme-meter", "08fd0866");
    await queue.idle();
    assert.deepEqual(await measured("acme_meter"), [
      { U: { value: 230.1, unit: "V" }, T: { value: 21.5, unit: "°C" } },
    ]);
    assert.deepEqual(await pending(), []);
  });

  for (const [what, hex] of [
    ["hangs", "01"],
    ["fills the memory by an array", "02"],
    ["kills the process that runs it", "03"],
  ] as const) {
    it(`a frame that ${what} leaves the raw payload, an ERROR event, an alarm and a working host`, async () => {
      const before = (await measured("acme_meter")).length;
      await receive("hostile", hex);
      await receive("acme-meter", "08fd0866");
      await queue.idle();
      assert.deepEqual(await pending(), ["ERROR"]);
      const raws = await store.collection(RAW_PAYLOADS).find({ decoder: "hostile", status: "ERROR" }, { limit: 10 });
      const raw = raws.find(({ bytes }) => Buffer.from(bytes).toString("hex") === hex);
      assert.isDefined(raw, "the raw payload is kept");
      assert.include(["timeout", "memory", "hostDied"], raw!.details["reason"]);
      const type = "c8y_LWM2MDecoderFailure_hostile";
      const [alarm] = (await platform.alarms.list(TENANT, { types: [type] }, PAGE)).items;
      assert.deepInclude(alarm, { status: "ACTIVE", severity: "MAJOR" });
      assert.lengthOf(await measured("acme_meter"), before + 1);
      const events = await platform.events.list(TENANT, { type: "c8y_decoder_event" }, PAGE);
      for (const { id } of events.items) await platform.events.delete(TENANT, id);
    });
  }

  it("released from its quarantine, the same decoder goes on with the next frame, which clears the alarm", async () => {
    runtime.release("hostile");
    await receive("hostile", "07");
    await queue.idle();
    assert.deepEqual(await measured("h"), [{ a: { value: 7 } }]);
    const [alarm] = (await platform.alarms.list(TENANT, { types: ["c8y_LWM2MDecoderFailure_hostile"] }, PAGE)).items;
    assert.equal(alarm!.status, "CLEARED");
  });
});

describe("decoder hosts", () => {
  it("end with the process that started them, also when it is killed while a decoder hangs", async () => {
    const runtimeFile = import.meta.resolve("@mooring/core/internal/sandbox/isolate-runtime.ts");
    const base = import.meta.resolve("@mooring/core/internal/base/clock.ts");
    const log = import.meta.resolve("@mooring/core/internal/base/log.ts");
    const script = `
      import { createIsolateRuntime } from ${JSON.stringify(runtimeFile)};
      import { systemClock } from ${JSON.stringify(base)};
      import { silentLog } from ${JSON.stringify(log)};
      const limits = { decodeMs: 60_000, hostWallMs: 60_000 };
      const runtime = createIsolateRuntime({ clock: systemClock, log: silentLog, limits });
      const manifest = { key: "a", name: "a", version: "1.0.0" };
      await runtime.load("a", { manifest, language: "javascript", source: "export default { decode() { for (;;); } };" });
      void runtime.decode("a", { value: new Uint8Array(1), resourcePath: "/1/0/1", resourceType: "OPAQUE",
        receivedAt: "2026-01-01T00:00:00Z", sourceDeviceId: "1", device: {} });
      console.log(JSON.stringify(runtime.stats().hostPids));`;
    await using parent = startProcess({
      name: "the process that starts them",
      command: process.execPath,
      args: ["--input-type=module", "-e", script],
    });
    const pids = JSON.parse(await parent.line(/^\[.*\]$/)) as number[];
    assert.lengthOf(pids, 2);
    const processes = createProcessReader();
    const cpuMs = (pid: number): number => processes?.read(pid)?.cpuMs ?? HUNG_MS;
    const before = pids.map(cpuMs);
    await eventually(() => pids.some((pid, at) => cpuMs(pid) - before[at]! >= HUNG_MS) || !processes || undefined, {
      what: "the decoder that hangs",
    });
    /** A process that nobody has waited for yet answers signals, but has no memory any more. */
    const alive = (pid: number): boolean => {
      try {
        return process.kill(pid, 0) && (processes?.read(pid)?.rssBytes ?? 1) > 0;
      } catch {
        return false;
      }
    };
    assert.deepEqual(pids.map(alive), [true, true]);
    parent.signal("SIGKILL");
    await eventually(() => !pids.some(alive) || undefined, { what: "the end of the hosts" });
  });
});
