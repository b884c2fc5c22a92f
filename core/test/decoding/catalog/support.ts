/** The catalogue over the embedded store in memory and a runtime whose decodes a test answers. */
import { createConnectorDevices } from "../../../src/agent/connector-device.ts";
import type { createManualClock, ManualClock } from "../../../src/base/clock.ts";
import { MooringError } from "../../../src/base/errors.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { createSecretBox } from "../../../src/base/secret-box.ts";
import { decoderChecksum } from "../../../src/contract/decoder-package.ts";
import type { StoredVersion } from "../../../src/decoding/catalog/catalog-store.ts";
import type { RuntimeInput } from "../../../src/sandbox/decoder-runtime.ts";
import {
  createUnavailableRuntime,
  type DecodeOutcome,
  type DecoderRuntime,
  type DecoderSource,
} from "../../../src/sandbox/decoder-runtime.ts";
import { type Decoders, openDecoders } from "../../../src/server-decoders.ts";
import { openPlatform, type PlatformFixture, TENANT } from "../../platform/fixture.ts";

export { TENANT };

/** A source that does not load. */
export const BROKEN = "broken";

export interface ScriptedRuntime extends DecoderRuntime {
  readonly loaded: Map<string, DecoderSource>;
  /** Ids in the order in which they were asked for. */
  readonly loads: string[];
  /** Given the version's source. */
  answer: (id: string, input: RuntimeInput, source: string) => DecodeOutcome | Promise<DecodeOutcome>;
}

export const measured = (value: number, version = "1.0.0", cpuMs = 0.1): DecodeOutcome => ({
  ok: true,
  result: { success: true, measurements: [{ type: "m", values: [{ seriesName: "a", value }] }] },
  version,
  cpuMs,
});

export function scriptedRuntime(): ScriptedRuntime {
  const loaded = new Map<string, DecoderSource>();
  const loads: string[] = [];
  const runtime: ScriptedRuntime = {
    ...createUnavailableRuntime("scripted"),
    loaded,
    loads,
    // A source that is a number is added to the payload's first byte.
    answer: (id, input, source) => measured(input.value[0]! + Number(source), id.slice(id.indexOf("@") + 1)),
    async load(id, decoder) {
      loads.push(id);
      if (decoder.source === BROKEN)
        throw new MooringError("DECODER_INVALID", `decoder ${id}: broken`, { why: "broken" });
      loaded.set(id, decoder);
    },
    unload: id => void loaded.delete(id),
    has: id => loaded.has(id),
    decode: async (id, input) => {
      const decoder = loaded.get(id);
      if (!decoder) return { ok: false, reason: "unavailable", message: `${id} is not loaded` };
      return await runtime.answer(id, input, decoder.source);
    },
  };
  return runtime;
}

export interface CatalogFixture extends AsyncDisposable, Omit<PlatformFixture, "clock"> {
  readonly clock: ManualClock;
  readonly runtime: ScriptedRuntime;
  decoders: Decoders;
  /** As after a new start on the same store, with an empty runtime. */
  reopen(): Promise<void>;
  /** Uploads a version of `meter` as `admin`. */
  upload(version: string, source?: string, tenant?: string): Promise<void>;
}

export async function openCatalog(): Promise<CatalogFixture> {
  const fixture = await openPlatform();
  const { store, platform, log } = fixture;
  const clock = fixture.clock as ReturnType<typeof createManualClock>;
  const connectors = createConnectorDevices(platform);
  const runtime = scriptedRuntime();
  const box = createSecretBox(new Uint8Array(32), createSeededRandom(1));
  let opened = new AsyncDisposableStack();
  const options = {
    requireSignature: false,
    trustedKeys: undefined,
    maxDifferentPercent: 0,
    services: {},
    allowedOrigins: [],
  };
  const open = (): Promise<Decoders> =>
    openDecoders({ options, box, store, platform, connectors, runtime, folders: [], clock, log }, opened);
  const catalog: CatalogFixture = {
    ...fixture,
    clock,
    runtime,
    decoders: await open(),
    async reopen() {
      await opened[Symbol.asyncDispose]();
      runtime.loaded.clear();
      runtime.loads.splice(0);
      opened = new AsyncDisposableStack();
      catalog.decoders = await open();
    },
    async upload(version, source = "0", tenant = TENANT) {
      const manifest = { key: "meter", name: "Meter", version };
      await catalog.decoders.services.upload(tenant, { manifest, source }, "admin");
    },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
  return catalog;
}

export function storedVersion(key: string, version: string, source: string, owner = TENANT): StoredVersion {
  const manifest = { key, name: key, version };
  const checksum = decoderChecksum(manifest, source);
  const rest = { author: "a", uploadedBy: "a", createdAtMs: 0, size: source.length, language: "javascript" as const };
  return { owner, manifest, checksum, ...rest };
}

export const INPUT: RuntimeInput = {
  value: Uint8Array.of(7),
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "1",
  device: {},
};
