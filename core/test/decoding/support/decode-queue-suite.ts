/** For tests of the decode queue: one over a store in memory, whose decoders a test answers. */
import type { DecoderManifest, DecoderResult } from "../../../src/contract/decoder.ts";
import { createBacklog } from "../../../src/decoding/backlog.ts";
import {
  createDecodeQueue,
  type DecodedDocuments,
  type DecodeQueue,
  type DecodeQueueLimits,
} from "../../../src/decoding/decode-queue.ts";
import type { DecoderDirectory, InstalledDecoder } from "../../../src/decoding/decoder-directory.ts";
import { keepOps, newRawPayload, type RawPayload } from "../../../src/decoding/raw-payload.ts";
import { parsePath } from "../../../src/lwm2m/path.ts";
import { createEffectApplier } from "../../../src/mapping/apply-effects.ts";
import { createSuperseder } from "../../../src/mapping/superseder.ts";
import { createUplink, type Uplink } from "../../../src/mapping/uplink.ts";
import type { Fragments } from "../../../src/platform/platform.ts";
import type { DecodeOutcome, RuntimeInput } from "../../../src/sandbox/decoder-runtime.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../../../src/store/collections/decoding.ts";
import { parts as mappingParts } from "../../mapping/support.ts";
import { createDevice, openPlatform, PAGE, type PlatformFixture, TENANT } from "../../platform/fixture.ts";

export const FAILURE_ALARM = "c8y_LWM2MDecoderFailure_acme";
export const RETRY_MS = 60_000;
export const manifest: DecoderManifest = {
  key: "acme",
  name: "ACME meter",
  version: "1.2.3",
  deviceFragments: ["c8y_IsDevice"],
};

export const reading = (value: number): DecoderResult => ({
  success: true,
  measurements: [{ type: "acme", values: [{ seriesName: "U", unit: "V", value }] }],
});
export const good = (result: DecoderResult): DecodeOutcome => ({ ok: true, result, version: "1.2.3", cpuMs: 0.1 });

/** Decoders whose decodes a test answers. */
export function scriptedDirectory() {
  const installed = new Map([[manifest.key, manifest]]);
  const inputs: RuntimeInput[] = [];
  const script = {
    installed,
    inputs,
    kind: { kind: "sandbox" } as Pick<InstalledDecoder, "kind" | "parallel">,
    answer: (input: RuntimeInput, _key: string): DecodeOutcome | Promise<DecodeOutcome> =>
      good(reading(input.value[0]!)),
  };
  const directory: Pick<DecoderDirectory, "find" | "decode"> = {
    find(_, key) {
      const manifest = installed.get(key);
      return manifest && { id: `${key}@${manifest.version}`, manifest, ...script.kind };
    },
    async decode({ manifest: { key } }, input) {
      inputs.push(input);
      return script.answer(input, key);
    },
  };
  return { script, directory };
}

/** A fresh one for each test of a suite. */
export function withDecodeQueue() {
  const on = {} as {
    fixture: PlatformFixture;
    scripted: ReturnType<typeof scriptedDirectory>;
    queue: DecodeQueue;
    deviceId: string;
    failApply: ((documents: DecodedDocuments) => void) | undefined;
    /** What the queue told of pauses. */
    pauses: string[];
  };
  let uplink: Uplink;
  let last = 0;

  const openQueue = (limits: Partial<DecodeQueueLimits> = {}): DecodeQueue => {
    const { platform, store, clock, log } = on.fixture;
    return createDecodeQueue({
      directory: on.scripted.directory,
      backlog: createBacklog(store.collection(RAW_PAYLOADS)),
      async apply(documents) {
        on.failApply?.(documents);
        return uplink.applyDecoded(documents);
      },
      write: ops => platform.write(ops),
      findDevice: (tenant, id) => platform.inventory.findCached(tenant, id),
      clock,
      log,
      limits,
      retries: { max: 2, delayMs: RETRY_MS },
      onPause: ({ decoder }, pause) => void on.pauses.push(pause ? `${decoder}: ${pause.reason}` : `${decoder} works`),
    });
  };

  beforeEach(async () => {
    on.fixture = await openPlatform();
    on.scripted = scriptedDirectory();
    on.failApply = undefined;
    on.pauses = [];
    const { platform, store, clock, log } = on.fixture;
    const decodes = { displayName: (_: string, key: string) => key, enqueue: () => {}, sweep: () => {} };
    const applier = createEffectApplier({ platform, nowMs: clock.now, decodes });
    const superseder = createSuperseder({ store, nowMs: clock.now });
    uplink = createUplink({ platform, store, log, mapping: mappingParts({}), applier, superseder });
    on.deviceId = await createDevice(platform);
    on.queue = openQueue();
  });
  afterEach(async () => {
    await on.queue[Symbol.asyncDispose]();
    await on.fixture[Symbol.asyncDispose]();
  });

  /** Stored as the applier of effects does it, not yet queued. */
  async function kept(first: number, device = on.deviceId, decoder = "acme"): Promise<RawPayload> {
    const value = { path: parsePath("/33456/0/123"), type: "OPAQUE", value: Uint8Array.of(first, 255) } as const;
    const receivedAtMs = on.fixture.clock.now() + last;
    const source = { tenant: TENANT, deviceId: device, endpoint: "urn:dev:7", receivedAtMs };
    const effect = { kind: "decode", decoder, value, atMs: receivedAtMs } as const;
    const raw = newRawPayload(source, effect, `1${String(++last).padStart(29, "0")}`);
    await on.fixture.platform.write(keepOps(raw, on.queue.displayName(TENANT, decoder), on.fixture.clock.now()));
    return raw;
  }
  async function decoded(...payloads: RawPayload[]): Promise<void> {
    on.queue.enqueue(payloads);
    await on.queue.idle();
  }
  const stored = (raw: RawPayload): Promise<RawPayloadDocument | undefined> =>
    on.fixture.store.collection(RAW_PAYLOADS).findOne({ _id: raw.id });
  const decoderEvents = async (): Promise<Fragments[]> =>
    (await on.fixture.platform.events.list(TENANT, { type: "c8y_decoder_event" }, PAGE)).items.map(
      ({ text, fragments }) => ({
        text,
        ...(fragments["decoderData"] as Fragments),
      }),
    );
  const values = async (source = on.deviceId): Promise<unknown[]> =>
    (await on.fixture.platform.measurements.list(TENANT, { sourceId: source }, PAGE)).items.map(
      ({ fragments }) => (fragments["acme"] as { U: { value: number } }).U.value,
    );
  const alarms = async (): Promise<[string, string, number][]> =>
    (await on.fixture.platform.alarms.list(TENANT, {}, PAGE)).items.map(({ type, status, count }) => [
      type,
      status,
      count,
    ]);

  return { on, openQueue, kept, decoded, stored, decoderEvents, values, alarms };
}
