/** Decoders: those of folders, and the catalogue of what was uploaded before them. */
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Config } from "./config/schema.ts";
import { createDecoderCatalog, type DecoderCatalog } from "./decoding/catalog/catalog.ts";
import { createCatalogStore } from "./decoding/catalog/catalog-store.ts";
import { createDecoderServices, type DecoderServices } from "./decoding/catalog/decoder-services.ts";
import { type Bundle, createDecoderRegistry } from "./decoding/decoder-registry.ts";
import type { Platform } from "./platform/platform.ts";
import type { DecoderRuntime } from "./sandbox/decoder-runtime.ts";
import type { Store } from "./store/store.ts";
import { MANAGEMENT_TENANT } from "./tenants/tenants.ts";

export interface DecodersOpening {
  readonly config: Config;
  readonly store: Store;
  readonly platform: Platform;
  readonly runtime: DecoderRuntime;
  /** With a decoder each. */
  readonly folders: readonly string[];
  readonly bundle?: Bundle;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Decoders {
  readonly catalog: DecoderCatalog;
  readonly services: DecoderServices;
}

export async function openDecoders(opening: DecodersOpening): Promise<Decoders> {
  const { config, store, platform, runtime, folders, bundle, clock, log } = opening;
  const { requireSignature, trustedKeys } = config.decoding;
  const shipped = createDecoderRegistry({ runtime, log, ...(bundle && { bundle }) });
  await shipped.loadFolders(folders);
  const stored = createCatalogStore(store);
  const catalog = createDecoderCatalog({ stored, runtime, shipped, managementTenant: MANAGEMENT_TENANT, clock, log });
  await catalog.open();
  const services = createDecoderServices({
    catalog,
    stored,
    runtime,
    policy: { requireSignature, trustedKeys: trustedKeys?.split(",") ?? [] },
    findDevice: platform.inventory.findCached,
    clock,
  });
  return { catalog, services };
}
