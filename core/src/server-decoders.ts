/** Decoders: what runs them; those of folders and configuration, the catalogue of what was uploaded before them, and decoding again. */
import type { ConnectorDevices } from "./agent/connector-device.ts";
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { SecretBox } from "./base/secret-box.ts";
import type { Config } from "./config/schema.ts";
import { createDecoderCatalog, type DecoderCatalog } from "./decoding/catalog/catalog.ts";
import { createCatalogStore } from "./decoding/catalog/catalog-store.ts";
import { type ChangeEvents, tellChanges } from "./decoding/catalog/change-events.ts";
import { createDecoderServices, type DecoderServices } from "./decoding/catalog/decoder-services.ts";
import { createReportStore } from "./decoding/catalog/report-store.ts";
import { createShadow, type Shadow } from "./decoding/catalog/shadow.ts";
import { createStaging } from "./decoding/catalog/staging.ts";
import type { DecodeQueue } from "./decoding/decode-queue.ts";
import { decoderId, SHIPPED } from "./decoding/decoder-directory.ts";
import { type Bundle, createDecoderRegistry } from "./decoding/decoder-registry.ts";
import { createDeadLetters, type DeadLetters } from "./decoding/redecode/dead-letters.ts";
import { createRedecodes, type Redecodes } from "./decoding/redecode/redecodes.ts";
import { readAllowedOrigins, readConfiguredServices } from "./decoding/remote/configured-services.ts";
import { joinRuntimes } from "./decoding/remote/joined-runtime.ts";
import { createRemoteRuntime, type RemoteRuntime } from "./decoding/remote/remote-runtime.ts";
import { sealService } from "./decoding/remote/sealed-service.ts";
import type { Superseder } from "./mapping/superseder.ts";
import type { Platform } from "./platform/platform.ts";
import type { DecoderRuntime, DecoderStateChange } from "./sandbox/decoder-runtime.ts";
import { openDecoderRuntime } from "./sandbox/isolate-runtime.ts";
import type { Base } from "./server-base.ts";
import { RAW_PAYLOADS } from "./store/collections/decoding.ts";
import type { Store } from "./store/store.ts";
import { MANAGEMENT_TENANT } from "./tenants/tenants.ts";

const MINUTE_MS = 60_000;
const FIRST_PAUSE_MS = 30_000;

interface RuntimesOpening {
  readonly config: Config;
  readonly box: SecretBox;
  /** As `readAllowedOrigins` gives them. */
  readonly allowedOrigins: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** A decoder that had a rest, or was in quarantine, may run again. */
  onReleased(decoderId: string): void;
}

export interface Runtimes {
  /** For all decoders. */
  readonly runtime: DecoderRuntime;
  readonly remote: RemoteRuntime;
}

async function openRuntimes(
  { config, box, allowedOrigins, clock, log, onReleased }: RuntimesOpening,
  opened: AsyncDisposableStack,
): Promise<Runtimes> {
  const { engine, ...limits } = config.sandbox;
  const onState = ({ id, state, urgency }: DecoderStateChange): void => {
    if (state === "closed" && urgency === "live") onReleased(id);
  };
  const sandbox = await openDecoderRuntime({ clock, log, limits, onState, ...(engine !== "auto" && { engine }) });
  const { unavailableDelayMinutes, callMs } = config.decoding;
  const unreachableMs = unavailableDelayMinutes * MINUTE_MS;
  const remote = createRemoteRuntime({
    clock,
    log,
    allowedOrigins,
    onReleased,
    limits: { callMs, connectMs: Math.ceil(callMs * 0.75) },
    rules: { unreachableMs, maxPauseMs: unreachableMs, pauseMs: Math.min(FIRST_PAUSE_MS, unreachableMs) },
  });
  return { runtime: opened.use(joinRuntimes(sandbox, remote, box)), remote };
}

export interface DecodersOpening {
  readonly options: Pick<
    Config["decoding"],
    "requireSignature" | "trustedKeys" | "maxDifferentPercent" | "services"
  > & {
    /** As `readAllowedOrigins` gives them. */
    readonly allowedOrigins: readonly string[];
  };
  readonly box: SecretBox;
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory" | "events">;
  readonly connectors: Pick<ConnectorDevices, "ensure">;
  readonly runtime: DecoderRuntime;
  /** Absent: services come with their manifest. */
  readonly remote?: Pick<RemoteRuntime, "fetchManifest">;
  /** With a decoder each. */
  readonly folders: readonly string[];
  readonly bundle?: Bundle;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Decoders {
  readonly catalog: DecoderCatalog;
  readonly shadow: Shadow;
  readonly changeEvents: ChangeEvents;
  readonly services: DecoderServices;
}

export async function openDecoders(opening: DecodersOpening, opened: AsyncDisposableStack): Promise<Decoders> {
  const { options, box, store, platform, connectors, runtime, remote, folders, bundle, clock, log } = opening;
  const { requireSignature, trustedKeys, maxDifferentPercent, allowedOrigins } = options;
  const shipped = createDecoderRegistry({ runtime, log, ...(bundle && { bundle }) });
  await shipped.loadFolders(folders);
  for (const { manifest, service, tenants } of readConfiguredServices(options.services)) {
    const source = sealService(service, decoderId(SHIPPED, manifest), box);
    await shipped.add({ manifest, source, language: "service" }, tenants);
  }
  const stored = createCatalogStore(store);
  const catalog = createDecoderCatalog({ stored, runtime, shipped, managementTenant: MANAGEMENT_TENANT, clock, log });
  await catalog.open();
  const changeEvents = opened.use(tellChanges({ catalog, events: platform.events, source: connectors.ensure, log }));
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
    policy: { requireSignature, trustedKeys: trustedKeys?.split(",") ?? [], allowedOrigins },
    box,
    ...(remote && { fetchManifest: remote.fetchManifest }),
    findDevice,
    clock,
  });
  return { catalog, shadow, changeEvents, services };
}

export interface DecoderSources {
  /** Folders with a decoder each. */
  readonly decoderFolders: readonly string[];
  /** For those of them whose source imports something. */
  readonly bundleDecoder?: Bundle;
}

export interface Decoding extends Runtimes, Decoders {
  /** Keys of the decoders that a tenant has. */
  keysOf(tenant: string): readonly string[];
}

/** What runs decoders, and the decoders that there are. @param onReleased see {@link RuntimesOpening} */
export async function openDecoding(
  base: Base,
  { decoderFolders: folders, bundleDecoder: bundle }: DecoderSources,
  onReleased: (decoderId: string) => void,
  opened: AsyncDisposableStack,
): Promise<Decoding> {
  const { decoding: options } = base.config;
  const allowedOrigins = readAllowedOrigins(options.allowedOrigins);
  const runtimes = await openRuntimes({ ...base, allowedOrigins, onReleased }, opened);
  const opening = { ...base, ...runtimes, options: { ...options, allowedOrigins }, folders, ...(bundle && { bundle }) };
  const decoders = await openDecoders(opening, opened);
  const keysOf = (tenant: string) => decoders.catalog.list(tenant).map(({ manifest: { key } }) => key);
  return { ...runtimes, ...decoders, keysOf };
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
  const { write } = platform;
  const { findCached: findDevice } = platform.inventory;
  const redecodes = opened.use(createRedecodes({ store, directory, superseder, write, findDevice, clock, log, node }));
  const onReplayed = (): void => void decodeQueue.sweep();
  const deadLetters = createDeadLetters({ store, write, redecodes, onReplayed, nowMs: clock.now });
  return { redecodes, deadLetters };
}
