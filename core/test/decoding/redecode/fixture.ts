/** Kept payloads, a decoder whose versions are functions, and all that decodes them, first and again. */
import type { DecoderResult } from "../../../src/contract/decoder.ts";
import { createBacklog } from "../../../src/decoding/backlog.ts";
import { createDecodeQueue, type DecodeQueue } from "../../../src/decoding/decode-queue.ts";
import type { DecoderDirectory, InstalledDecoder } from "../../../src/decoding/decoder-directory.ts";
import { keepOps, newRawPayload, type RawPayload } from "../../../src/decoding/raw-payload.ts";
import { createDeadLetters, type DeadLetters } from "../../../src/decoding/redecode/dead-letters.ts";
import type { RedecodeJob } from "../../../src/decoding/redecode/redecode-job.ts";
import { createRedecodes, type Redecodes } from "../../../src/decoding/redecode/redecodes.ts";
import { parsePath } from "../../../src/lwm2m/path.ts";
import { createEffectApplier } from "../../../src/mapping/apply-effects.ts";
import { createSuperseder } from "../../../src/mapping/superseder.ts";
import { createUplink } from "../../../src/mapping/uplink.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import type { DecodeOutcome, RuntimeInput } from "../../../src/sandbox/decoder-runtime.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../../../src/store/collections/decoding.ts";
import type { Store, WriteOp } from "../../../src/store/store.ts";
import { parts as mappingParts } from "../../mapping/support.ts";
import { createDevice, openPlatform, PAGE, type PlatformFixture, TENANT } from "../../platform/fixture.ts";

export const KEY = "acme";
const PAYLOADS_OF_A_PAGE = 3;

/** A version: the result, or why there is none. */
export type ScriptedVersion = (input: RuntimeInput) => DecoderResult | Exclude<DecodeOutcome, { ok: true }>;

export interface RedecodeFixture extends AsyncDisposable {
  readonly platform: PlatformFixture;
  readonly queue: DecodeQueue;
  readonly redecodes: Redecodes;
  readonly deadLetters: DeadLetters;
  readonly versions: Map<string, ScriptedVersion>;
  /** Versions that were asked, in order. */
  readonly asked: string[];
  active: string;
  device: string;
  /** Runs before each decode in the background. */
  beforeDecode: (version: string) => Promise<void>;
  /** Runs before each write of what takes the place of other documents. */
  beforeWrite: (ops: readonly WriteOp[]) => Promise<void>;
  /** Keeps payloads, each of these bytes, and lets the version in force decode them. */
  receive(values: readonly number[], path?: string): Promise<RawPayload[]>;
  /** The other life of the process after its death. */
  reopened(): Promise<void>;
  /** A job to its end. */
  run(body: unknown): Promise<RedecodeJob>;
  ended(id: string): Promise<RedecodeJob>;
  raw(id: string): Promise<RawPayloadDocument | undefined>;
  /** Everything that is stored of the device, without ids and times of the host. */
  content(): Promise<Readonly<Record<string, unknown>>>;
}

/** @param openStore another store than the embedded one */
export async function openRedecodeFixture(openStore?: () => Promise<Store>): Promise<RedecodeFixture> {
  const platform = await openPlatform(openStore);
  const { store, clock, log } = platform;
  const versions = new Map<string, ScriptedVersion>();
  const asked: string[] = [];
  let last = 0;

  const installed = (version: string): InstalledDecoder | undefined =>
    versions.has(version)
      ? { id: version, kind: "sandbox", manifest: { key: KEY, name: "ACME meter", version } }
      : undefined;
  const directory: Pick<DecoderDirectory, "find" | "version" | "decode"> = {
    find: (_, key) => (key === KEY ? installed(fixture.active) : undefined),
    version: async (_, key, version) => (key === KEY ? installed(version) : undefined),
    async decode({ id }, input, options) {
      if (options?.urgency === "background") await fixture.beforeDecode(id);
      asked.push(id);
      const answer = versions.get(id)!(input);
      return "ok" in answer ? answer : { ok: true, result: answer, version: id, cpuMs: 0.1 };
    },
  };
  const write: Platform["write"] = async ops => {
    await fixture.beforeWrite(ops);
    return platform.platform.write(ops);
  };
  const superseder = createSuperseder({ store, nowMs: clock.now });
  const applier = createEffectApplier({
    platform: platform.platform,
    nowMs: clock.now,
    decodes: { displayName: (_, key) => key, enqueue: () => {}, sweep: () => {} },
  });
  const uplink = createUplink({
    platform: { inventory: platform.platform.inventory, write },
    store,
    log,
    mapping: mappingParts({}),
    applier,
    superseder,
  });
  const findDevice = (tenant: string, id: string) => platform.platform.inventory.findCached(tenant, id);
  const queue = createDecodeQueue({
    directory,
    backlog: createBacklog(store.collection(RAW_PAYLOADS)),
    apply: uplink.applyDecoded,
    write: platform.platform.write,
    findDevice,
    clock,
    log,
  });
  const open = () =>
    createRedecodes({
      store,
      directory,
      superseder,
      write,
      findDevice,
      clock,
      log,
      node: "local",
      pageSize: PAYLOADS_OF_A_PAGE,
    });
  let redecodes = open();
  const device = await createDevice(platform.platform);

  const fixture: RedecodeFixture = {
    platform,
    queue,
    get redecodes() {
      return redecodes;
    },
    deadLetters: createDeadLetters({
      store,
      write: platform.platform.write,
      redecodes: { begin: (...asking) => redecodes.begin(...asking) },
      onReplayed: () => void queue.sweep(),
      nowMs: clock.now,
    }),
    versions,
    asked,
    active: "1.0.0",
    device,
    beforeDecode: async () => {},
    beforeWrite: async () => {},
    async receive(values, path = "/33456/0/123") {
      const raws: RawPayload[] = [];
      for (const byte of values) {
        await clock.advance(1000);
        const receivedAtMs = clock.now();
        const value = { path: parsePath(path), type: "OPAQUE", value: Uint8Array.of(byte) } as const;
        const source = { tenant: TENANT, deviceId: fixture.device, endpoint: "urn:dev:7", receivedAtMs };
        const effect = { kind: "decode", decoder: KEY, value, atMs: receivedAtMs } as const;
        const raw = newRawPayload(source, effect, `1${String(++last).padStart(29, "0")}`);
        await platform.platform.write(keepOps(raw, KEY, receivedAtMs));
        queue.enqueue([raw]);
        raws.push(raw);
      }
      await queue.idle();
      return raws;
    },
    async reopened() {
      await redecodes[Symbol.asyncDispose]();
      redecodes = open();
      await redecodes.start();
    },
    run: async body => fixture.ended((await redecodes.create(TENANT, KEY, body, "admin")).id),
    async ended(id) {
      for (;;) {
        const job = await redecodes.get(TENANT, KEY, id);
        if (job.state !== "RUNNING") return job;
        await new Promise(resolve => setImmediate(resolve));
      }
    },
    raw: id => store.collection(RAW_PAYLOADS).findOne({ _id: id }),
    async content() {
      const { measurements, events, alarms, inventory } = platform.platform;
      const [measured, told, raised] = await Promise.all([
        measurements.list(TENANT, { sourceId: fixture.device }, PAGE),
        events.list(TENANT, { sourceId: fixture.device }, PAGE),
        alarms.list(TENANT, { sourceId: fixture.device }, PAGE),
      ]);
      return {
        measurements: measured.items,
        events: told.items.map(({ creationTimeMs: _, lastUpdatedMs: __, ...rest }) => rest),
        alarms: raised.items.map(({ type, status, count }) => [type, status, count]),
        lastValues: await inventory.lastValues(TENANT, fixture.device, 9, 0),
        payloads: (await store.collection(RAW_PAYLOADS).find({}, { limit: 500 })).map(
          ({ _id, status, decoderVersion, details }) => [_id, status, decoderVersion, details["reason"]],
        ),
      };
    },
    async [Symbol.asyncDispose]() {
      await redecodes[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      await platform[Symbol.asyncDispose]();
    },
  };
  return fixture;
}
