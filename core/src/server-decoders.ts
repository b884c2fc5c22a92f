/** Decoders: those of folders, the catalogue of what was uploaded before them, and decoding again. */
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Config } from "./config/schema.ts";
import { createDecoderCatalog, type DecoderCatalog } from "./decoding/catalog/catalog.ts";
import { createCatalogStore } from "./decoding/catalog/catalog-store.ts";
import { createDecoderServices, type DecoderServices } from "./decoding/catalog/decoder-services.ts";
import { createReportStore } from "./decoding/catalog/report-store.ts";
import { createShadow, type Shadow } from "./decoding/catalog/shadow.ts";
import { createStaging } from "./decoding/catalog/staging.ts";
import type { DecodeQueue } from "./decoding/decode-queue.ts";
import { type Bundle, createDecoderRegistry } from "./decoding/decoder-registry.ts";
import { createDeadLetters, type DeadLetters } from "./decoding/redecode/dead-letters.ts";
import { createRedecodes, type Redecodes } from "./decoding/redecode/redecodes.ts";
import type { Superseder } from "./mapping/superseder.ts";
import type { Platform } from "./platform/platform.ts";
import type { DecoderRuntime } from "./sandbox/decoder-runtime.ts";
import { RAW_PAYLOADS } from "./store/collections.ts";
import type { Store } from "./store/store.ts";
import { MANAGEMENT_TENANT } from "./tenants/tenants.ts";

export interface DecodersOpening {
  readonly options: Pick<Config["decoding"], "requireSignature" | "trustedKeys" | "maxDifferentPercent">;
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory">;
  readonly runtime: DecoderRuntime;
  /** With a decoder each. */
  readonly folders: readonly string[];
  readonly bundle?: Bundle;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Decoders {
  readonly catalog: DecoderCatalog;
  readonly shadow: Shadow;
  readonly services: DecoderServices;
}

export async function openDecoders(opening: DecodersOpening, opened: AsyncDisposableStack): Promise<Decoders> {
  const { options, store, platform, runtime, folders, bundle, clock, log } = opening;
  const { requireSignature, trustedKeys, maxDifferentPercent } = options;
  const shipped = createDecoderRegistry({ runtime, log, ...(bundle && { bundle }) });
  await shipped.loadFolders(folders);
  const stored = createCatalogStore(store);
  const catalog = createDecoderCatalog({ stored, runtime, shipped, managementTenant: MANAGEMENT_TENANT, clock, log });
  await catalog.open();
  const reports = createReportStore(store, clock, log);
  const findDevice = platform.inventory.findCached;
  const payloads = store.collection(RAW_PAYLOADS);
  const shadowParts = { catalog, reports, payloads, findDevice, managementTenant: MANAGEMENT_TENANT, clock, log };
  const shadow = opened.use(createShadow(shadowParts));
  await shadow.recover();
  const staging = createStaging({ catalog, shadow, clock, maxDifferentPercent });
  const services = createDecoderServices({
    catalog,
    stored,
    staging,
    reports,
    runtime,
    policy: { requireSignature, trustedKeys: trustedKeys?.split(",") ?? [] },
    findDevice,
    clock,
  });
  return { catalog, shadow, services };
}

export interface Redecoding {
  readonly redecodes: Redecodes;
  readonly deadLetters: DeadLetters;
}

export interface OpeningRedecoding {
  readonly store: Store;
  readonly platform: Platform;
  readonly decoders: DecoderCatalog;
  readonly superseder: Superseder;
  readonly decodeQueue: Pick<DecodeQueue, "sweep">;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
}

/** What was kept, decoded again. Jobs of an earlier life wait until they are started. */
export function openRedecoding(parts: OpeningRedecoding, opened: AsyncDisposableStack): Redecoding {
  const { store, platform, decoders: directory, superseder, decodeQueue, clock, log, node } = parts;
  const { findCached: findDevice } = platform.inventory;
  const redecodes = opened.use(createRedecodes({ store, directory, superseder, findDevice, clock, log, node }));
  const onReplayed = (): void => void decodeQueue.sweep();
  const deadLetters = createDeadLetters({ store, write: platform.write, redecodes, onReplayed, nowMs: clock.now });
  return { redecodes, deadLetters };
}
