/**
 * A decoder deployed, rolled back and deployed again under 2,000 payloads a second, from their receipt to stored measurements: the real store,
 * queue, sandbox and catalogue, without the sockets in front of them (decoder-versions.test.ts has those).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createConnectorDevices } from "@mooring/core/internal/agent/connector-device.ts";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { isFailure } from "@mooring/core/internal/base/errors.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSeededRandom } from "@mooring/core/internal/base/random.ts";
import { createSecretBox } from "@mooring/core/internal/base/secret-box.ts";
import { createBacklog } from "@mooring/core/internal/decoding/backlog.ts";
import { createDecodeQueue, type DecodeQueue } from "@mooring/core/internal/decoding/decode-queue.ts";
import { createActionRegistry } from "@mooring/core/internal/mapping/action-registry.ts";
import { createEffectApplier, type EffectApplier } from "@mooring/core/internal/mapping/apply-effects.ts";
import { createSuperseder } from "@mooring/core/internal/mapping/superseder.ts";
import { createUplink } from "@mooring/core/internal/mapping/uplink.ts";
import { createPlatform } from "@mooring/core/internal/platform/create-platform.ts";
import type { ManagedObject, Platform } from "@mooring/core/internal/platform/platform.ts";
import { openDecoderRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { type Decoders, openDecoders } from "@mooring/core/internal/server-decoders.ts";
import { RAW_PAYLOADS } from "@mooring/core/internal/store/collections/decoding.ts";
import { openStore } from "@mooring/core/internal/store/open-store.ts";
import { assert } from "chai";
import { duplicates, missing } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { atScale } from "../harness/scale.ts";

const TENANT = "t1";
const KEY = "counter";
const DEVICES = 20;
const PER_SECOND = 2000;
const SECONDS = atScale(1.5, 20);
const TICK_MS = 10;
/** Not answered yet: devices wait for their answers. */
const MOST_OPEN = 2000;
const PAGE_SIZE = 2000;

/** Says its own version, too. */
const decoder = (version: string) => ({
  manifest: { key: KEY, name: "Counter", version },
  source: `export default { decode({ value }) {
    const n = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0);
    const values = [{ seriesName: "N", value: n }, { seriesName: "V", value: ${Number.parseInt(version, 10)} }];
    return { success: true, measurements: [{ type: "counted", values }] };
  } };`,
});

describe("versions of a decoder switch under 2,000 payloads a second", () => {
  const opened = new AsyncDisposableStack();
  let platform: Platform;
  let decoders: Decoders;
  let queue: DecodeQueue;
  let applier: EffectApplier;
  const objects: ManagedObject[] = [];
  /** Payloads by version. */
  const decodedBy = new Map<string, number>();

  before(async function () {
    this.timeout(60_000);
    const clock = systemClock;
    const log = silentLog;
    const random = createSeededRandom(1);
    const dataDirectory = await mkdtemp(join(tmpdir(), "mooring-switch-"));
    opened.defer(() => rm(dataDirectory, { recursive: true, force: true }));
    const store = opened.use(await openStore({ store: "sqlite", dataDirectory, clock }));
    platform = createPlatform({ store, clock, random, log });
    const runtime = opened.use(await openDecoderRuntime({ clock, log }));
    const options = { requireSignature: false, trustedKeys: undefined, maxDifferentPercent: 0 };
    const box = createSecretBox(new Uint8Array(32), random);
    const remote = { fetchManifest: () => assert.fail("no service is uploaded") };
    const connectors = createConnectorDevices(platform);
    const shared = { store, platform, connectors, runtime, remote, clock, log };
    const services = { services: {}, allowedOrigins: [] };
    decoders = await openDecoders({ ...shared, options: { ...options, ...services }, box, folders: [] }, opened);
    applier = createEffectApplier({
      platform,
      nowMs: clock.now,
      decodes: {
        displayName: (_, key) => key,
        enqueue: payloads => queue.enqueue(payloads),
        sweep: () => queue.sweep(),
      },
    });
    const mapping = { protocol: () => undefined, actions: createActionRegistry() };
    const superseder = createSuperseder({ store, nowMs: clock.now });
    const uplink = createUplink({ platform, store, log, mapping, applier, superseder });
    queue = createDecodeQueue({
      directory: decoders.catalog,
      backlog: createBacklog(store.collection(RAW_PAYLOADS)),
      apply: uplink.applyDecoded,
      write: platform.write,
      findDevice: platform.inventory.findCached,
      onDecoded(raw, decoder, outcome) {
        const { version } = decoder.manifest;
        decodedBy.set(version, (decodedBy.get(version) ?? 0) + 1);
        decoders.shadow.observe(raw, decoder, outcome);
      },
      clock,
      log,
    });
    opened.use(queue).start();
    for (let at = 0; at < DEVICES; at++) {
      objects.push(await platform.inventory.create(TENANT, { name: `m${at}`, c8y_IsDevice: {} }, { owner: "admin" }));
    }
    for (const version of ["1.0.0", "2.0.0"]) await decoders.services.upload(TENANT, decoder(version), "admin");
  });
  after(async function () {
    this.timeout(60_000);
    await opened[Symbol.asyncDispose]();
  });

  /** So long, and until the version in force has decoded some more: however slow the machine is, each has its part. */
  async function stretch(ms: number): Promise<void> {
    const { version } = decoders.catalog.find(TENANT, KEY)!.manifest;
    const before = decodedBy.get(version) ?? 0;
    await pause(ms);
    await eventually(() => (decodedBy.get(version) ?? 0) > before || undefined, { what: `payloads of ${version}` });
  }

  let sent = 0;
  /** Resolves when it is stored, as that is when a device is answered. */
  async function receive(): Promise<void> {
    const value = sent++;
    const object = objects[value % DEVICES]!;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    const target = { tenant: TENANT, deviceId: object.id, endpoint: object.id, receivedAtMs: Date.now(), object };
    const payload = { path: [33456, 0, 123], type: "OPAQUE", value: bytes } as const;
    const effect = { kind: "decode", decoder: KEY, value: payload, atMs: Date.UTC(2026, 0, 1) + value } as const;
    for (;;) {
      try {
        return void (await applier.apply({ ...target, messageKey: `m${value}` }, [effect]));
      } catch (error) {
        if (!isFailure(error, "STORE_FULL")) throw error;
        // A device that is not answered sends the same again.
        await pause(200);
      }
    }
  }
  /** So many, and on until `isOver`. */
  async function send(count: number, isOver = () => true): Promise<void> {
    const from = performance.now();
    const stored: Promise<void>[] = [];
    let open = 0;
    while (stored.length < count || !isOver()) {
      const most = isOver() ? count : Number.POSITIVE_INFINITY;
      const due = Math.min(most, Math.ceil(((performance.now() - from) * PER_SECOND) / 1000));
      while (stored.length < due && open < MOST_OPEN) {
        open++;
        stored.push(receive().finally(() => void open--));
      }
      await pause(TICK_MS);
    }
    await Promise.all(stored);
  }
  interface Point {
    readonly value: number;
    readonly mark: number;
    readonly version: string;
  }
  async function points(): Promise<Point[]> {
    const found: Point[] = [];
    for (const { id: sourceId } of objects) {
      for (let currentPage = 1; ; currentPage++) {
        const page = { currentPage, pageSize: PAGE_SIZE, withTotal: false };
        const { items } = await platform.measurements.list(TENANT, { sourceId, type: "counted" }, page);
        for (const { fragments } of items) {
          const { N, V } = fragments["counted"] as Record<"N" | "V", { readonly value: number }>;
          const { key, version } = fragments["decodedBy"] as Record<"key" | "version", string>;
          assert.equal(key, KEY);
          found.push({ value: N.value, mark: V.value, version });
        }
        if (items.length < PAGE_SIZE) break;
      }
    }
    return found;
  }

  it("sent equals stored, each point names its version, no gap, none doubled", async function () {
    this.timeout(atScale(60_000, 300_000));
    const { services } = decoders;
    const phase = Math.round((PER_SECOND * SECONDS) / 4);
    const from = performance.now();
    // Each switch comes in the middle of a stretch, not between two.
    let isSwitched = false;
    const sending = send(4 * phase, () => isSwitched);
    try {
      await stretch((SECONDS * 1000) / 4);
      // A staged version beside it changes nothing.
      await services.stage(TENANT, KEY, { version: "2.0.0" }, "admin");
      await stretch((SECONDS * 1000) / 8);
      await services.activate(TENANT, KEY, { version: "2.0.0", force: true }, "admin");
      await stretch((SECONDS * 1000) / 4);
      await services.rollback(TENANT, KEY, "admin");
      await stretch((SECONDS * 1000) / 8);
      await services.activate(TENANT, KEY, { version: "2.0.0", force: true }, "admin");
    } finally {
      isSwitched = true;
    }
    await sending;
    const rate = (1000 * sent) / (performance.now() - from);
    await queue.idle();
    await queue.sweep();
    await queue.idle();
    const stored = await points();
    const values = stored.map(({ value }) => value);
    const all = Array.from({ length: sent }, (_, n) => n);
    assert.deepEqual(missing(all, values), [], "missing");
    assert.deepEqual(duplicates(values), [], "stored twice");
    assert.lengthOf(stored, sent);
    for (const { mark, version } of stored) assert.equal(version, `${mark}.0.0`);
    assert.sameMembers([...new Set(stored.map(({ version }) => version))], ["1.0.0", "2.0.0"]);
    if (atScale(false, true)) console.log(`      ${Math.round(rate)} payloads a second, ${sent} in all`);
    else assert.isAbove(sent, 1000);
  });

  it("a staged version that hangs, throws and kills its host harms nothing that is live, and is refused", async function () {
    this.timeout(atScale(60_000, 300_000));
    const { services } = decoders;
    const [{ id: first }] = objects as [ManagedObject];
    const before = (await points()).length;
    const hostile = `export default { decode({ value }) {
      if (value[3] % 16 === 1) for (;;);
      if (value[3] % 16 === 2) 'x'.repeat(2 ** 29 - 30).split('');
      throw new Error(value[3]);
    } };`;
    const manifest = { key: KEY, name: "Counter", version: "3.0.0" };
    await services.upload(TENANT, { manifest, source: hostile }, "admin");
    await services.stage(TENANT, KEY, { version: "3.0.0" }, "admin");
    await send(PER_SECOND / 4);
    await queue.idle();
    await queue.sweep();
    await queue.idle();
    const stored = await points();
    assert.lengthOf(stored, before + PER_SECOND / 4);
    assert.deepEqual(duplicates(stored.map(({ value }) => value)), []);
    await decoders.shadow.idle();
    const { findings, objection } = await services.staged(TENANT, KEY);
    assert.isAbove(findings.failed, 0);
    assert.equal(findings.equal + findings.different + findings.repaired, 0);
    assert.match(objection!, /not at all/);
    const page = { currentPage: 1, pageSize: 10, withTotal: false };
    const { items: alarms } = await platform.alarms.list(TENANT, { sourceId: first }, page);
    assert.deepEqual(alarms, [], "devices know nothing of it");
  });
});
