/** What people do with decoders: the catalogue behind checked requests, and what they are shown of it. */
import type { Clock } from "../../base/clock.ts";
import { isFailure, MooringError } from "../../base/errors.ts";
import type { SecretBox } from "../../base/secret-box.ts";
import type { DecoderManifest } from "../../contract/decoder.ts";
import { decoderChecksum } from "../../contract/decoder-package.ts";
import { VECTOR_DEFAULTS } from "../../contract/decoder-vector.ts";
import { invalid } from "../../platform/body.ts";
import { notFound } from "../../platform/failures.ts";
import type { Page, PageRequest } from "../../platform/platform.ts";
import { formatTime } from "../../platform/time.ts";
import type { DecodeOutcome, DecoderLanguage, DecoderRuntime, DecoderStats } from "../../sandbox/decoder-runtime.ts";
import type { DecodedDevice } from "../decoded-effects.ts";
import { decoderId, type InstalledDecoder, ownerOf, SHIPPED } from "../decoder-directory.ts";
import { wantedFragments } from "../decoder-input.ts";
import type { RemoteService } from "../remote/remote-service.ts";
import { sealService, shownService } from "../remote/sealed-service.ts";
import type { CallOutcome } from "../remote/service-client.ts";
import type { DecoderCatalog } from "./catalog.ts";
import type { CatalogStore, StoredVersion } from "./catalog-store.ts";
import type { DecoderState } from "./decoder-machine.ts";
import type { ReportStore } from "./report-store.ts";
import { readTestRequest } from "./requests.ts";
import type { Staging } from "./staging.ts";
import { readDecoderUpload, type UploadPolicy, withManifest } from "./upload.ts";

/** Whose version: the tenant's own, the management tenant's for all, or one that came with the host. */
export type Origin = "own" | "management" | "shipped";

export interface DecoderView {
  readonly key: string;
  /** In force; absent: none is. */
  readonly inForce?: { readonly manifest: DecoderManifest; readonly origin: Origin };
  /** Of the tenant's own decoder; absent: it has uploaded none. */
  readonly state?: DecoderState;
}

export interface VersionView {
  readonly manifest: DecoderManifest;
  readonly origin: Origin;
  readonly isActive: boolean;
  readonly isStaged: boolean;
  readonly language: DecoderLanguage;
  readonly checksum: string;
  /** In bytes of UTF-8. */
  readonly size: number;
  /** Absent for what is shipped, as is the next one. */
  readonly author?: string;
  readonly uploadedBy?: string;
  readonly createdAtMs?: number;
  /** Public key that signed it. */
  readonly signer?: string;
}

/** What a version is, for people: headers of services have names alone. */
export type VersionText = { readonly source: string } | { readonly service: RemoteService };

export interface TestAnswer {
  readonly version: string;
  readonly outcome: DecodeOutcome;
}

export interface DecoderServices extends Staging {
  list(tenant: string): readonly DecoderView[];
  /** @throws MooringError NOT_FOUND, as all below */
  get(tenant: string, key: string): DecoderView;
  /**
   * Tries a version out, and stores it.
   * @param body parsed JSON: `{manifest, source, language?, author?, signature?}`, `{manifest?, service, author?}` or a package
   * @throws MooringError VALIDATION, TOO_LARGE, DECODER_INVALID with `details {field, rule}`; DUPLICATE, CONFLICT; DECODER_UNAVAILABLE
   */
  upload(tenant: string, body: unknown, by: string): Promise<VersionView>;
  /** Its own, the newest first; then what it would have without. */
  versions(tenant: string, key: string, page: PageRequest): Promise<Page<VersionView>>;
  version(tenant: string, key: string, version: string): Promise<VersionView & VersionText>;
  /** Decodes a payload; nothing is stored. @throws MooringError VALIDATION */
  test(tenant: string, key: string, body: unknown): Promise<TestAnswer>;
  /** Ends the rest or the quarantine of the version in force. @throws MooringError CONFLICT where none is */
  release(tenant: string, key: string): Promise<void>;
  /** Of the versions that are loaded. */
  stats(tenant: string, key: string): readonly DecoderStats[];
  /** @throws MooringError CONFLICT where it is in force or staged */
  removeVersion(tenant: string, key: string, version: string, by: string): Promise<void>;
  remove(tenant: string, key: string, by: string): Promise<void>;
}

export interface DecoderServicesParts {
  readonly catalog: DecoderCatalog;
  readonly stored: CatalogStore;
  readonly staging: Staging;
  readonly reports: Pick<ReportStore, "delete">;
  readonly runtime: Pick<DecoderRuntime, "stats" | "release">;
  readonly policy: UploadPolicy;
  /** For headers of services. */
  readonly box: SecretBox;
  /** Of a service that is uploaded without. */
  fetchManifest?(service: RemoteService): Promise<CallOutcome>;
  findDevice(tenant: string, deviceId: string): Promise<DecodedDevice | undefined>;
  readonly clock: Clock;
}

/** The runtime says what is wrong with a source, the uploader where it stands. */
function unusable(cause: MooringError): MooringError {
  const rule = `cannot be used: ${cause.details["why"] ?? cause.message}`;
  return new MooringError("DECODER_INVALID", `source ${rule}`, { field: "source", rule }, { cause });
}

/** Versions of one tenant, deleted ones counted. */
const MOST_VERSIONS = 10_000;

export function createDecoderServices(parts: DecoderServicesParts): DecoderServices {
  const { catalog, stored, staging, reports, runtime, policy, box, fetchManifest, findDevice, clock } = parts;

  const originOf = (tenant: string, decoder: InstalledDecoder): Origin => {
    const owner = ownerOf(decoder);
    if (owner === tenant) return "own";
    return owner === SHIPPED ? "shipped" : "management";
  };

  function get(tenant: string, key: string): DecoderView {
    const decoder = catalog.find(tenant, key);
    const record = catalog.record(tenant, key);
    if (!decoder && !record) throw notFound("decoder", key);
    return {
      key,
      ...(decoder && { inForce: { manifest: decoder.manifest, origin: originOf(tenant, decoder) } }),
      ...(record && { state: record.state }),
    };
  }

  const marks = (tenant: string, key: string, version: string, origin: Origin) => {
    const inForce = catalog.find(tenant, key);
    const isActive = inForce?.manifest.version === version && originOf(tenant, inForce) === origin;
    return { isActive, isStaged: origin === "own" && catalog.record(tenant, key)?.state.staged === version };
  };

  function ownView(tenant: string, version: StoredVersion): VersionView {
    const { owner: _, signature, ...rest } = version;
    const { key, version: number } = version.manifest;
    const signer = signature && { signer: signature.publicKey };
    return { ...rest, ...signer, origin: "own", ...marks(tenant, key, number, "own") };
  }

  async function otherView(tenant: string, decoder: InstalledDecoder): Promise<VersionView> {
    const { manifest } = decoder;
    const { key, version } = manifest;
    const owner = ownerOf(decoder);
    const found = owner === SHIPPED ? undefined : await stored.find({ owner, key, version });
    const origin = originOf(tenant, decoder);
    if (found) return { ...ownView(tenant, found), origin, ...marks(tenant, key, version, origin) };
    const { language, source } = await catalog.sourceOf(decoder);
    const checksum = decoderChecksum(manifest, source);
    const size = Buffer.byteLength(source);
    return { manifest, language, checksum, size, origin, ...marks(tenant, key, version, origin) };
  }

  async function resolve(tenant: string, key: string, version: string | undefined): Promise<InstalledDecoder> {
    get(tenant, key);
    const decoder = version === undefined ? catalog.find(tenant, key) : await catalog.version(tenant, key, version);
    if (decoder) return decoder;
    if (version !== undefined) throw notFound("decoder version", `${key} ${version}`);
    throw new MooringError("CONFLICT", `decoder ${key} has no version in force`, { key });
  }

  async function upload(tenant: string, body: unknown, by: string): Promise<VersionView> {
    const given = readDecoderUpload(await withManifest(body, policy, fetchManifest), policy);
    const { manifest, language, author = by, signature } = given;
    const source =
      given.language === "service" ? sealService(given.service, decoderId(tenant, manifest), box) : given.source;
    if ((await stored.count(tenant, MOST_VERSIONS)) >= MOST_VERSIONS) {
      throw new MooringError("CONFLICT", `a tenant has at most ${MOST_VERSIONS} versions of decoders`);
    }
    const version: StoredVersion = {
      owner: tenant,
      manifest,
      language,
      checksum: decoderChecksum(manifest, source),
      author,
      uploadedBy: by,
      createdAtMs: clock.now(),
      size: Buffer.byteLength(source),
      ...(signature && { signature }),
    };
    try {
      await catalog.add(version, source);
    } catch (error) {
      if (isFailure(error, "DECODER_INVALID")) throw unusable(error);
      throw error;
    }
    return ownView(tenant, version);
  }

  async function deviceOf(tenant: string, deviceId: string | undefined): Promise<DecodedDevice> {
    if (deviceId === undefined) return { fragments: {} };
    const device = await findDevice(tenant, deviceId);
    if (device) return device;
    throw invalid("sourceDeviceId", "must name a managed object");
  }

  async function test(tenant: string, key: string, body: unknown): Promise<TestAnswer> {
    const { version, value, resourcePath, resourceType, ...rest } = readTestRequest(body);
    const { sourceDeviceId, receivedAt = formatTime(clock.now()) } = rest;
    const decoder = await resolve(tenant, key, version);
    const device = wantedFragments(decoder.manifest, await deviceOf(tenant, sourceDeviceId));
    const sourceId = sourceDeviceId ?? VECTOR_DEFAULTS.sourceDeviceId;
    const input = { value, resourcePath, resourceType, receivedAt, sourceDeviceId: sourceId, device };
    const outcome = await catalog.decode(decoder, input, { console: true });
    return { version: decoder.manifest.version, outcome };
  }

  /** @throws MooringError NOT_FOUND for what the tenant does not see at all */
  const known =
    <A extends readonly unknown[], R>(work: (tenant: string, key: string, ...more: A) => Promise<R>) =>
    async (tenant: string, key: string, ...more: A): Promise<R> => {
      get(tenant, key);
      return await work(tenant, key, ...more);
    };

  return {
    list: tenant => catalog.keysOf(tenant).map(key => get(tenant, key)),
    get,
    upload,
    async versions(tenant, key, page) {
      get(tenant, key);
      const found = await stored.list(tenant, key, page);
      const own = found.items.map(each => ownView(tenant, each));
      const other = catalog.inherited(tenant, key);
      // It stands behind the last of the tenant's own.
      const total = found.total ?? (await stored.list(tenant, key, { ...page, pageSize: 1, withTotal: true })).total!;
      const isLast = page.currentPage === Math.floor(total / page.pageSize) + 1;
      const items = other && isLast ? [...own, await otherView(tenant, other)] : own;
      return { items, ...(page.withTotal && { total: total + (other ? 1 : 0) }) };
    },
    async version(tenant, key, version) {
      const decoder = await resolve(tenant, key, version);
      const { source, language } = await catalog.sourceOf(decoder);
      const own = await stored.find({ owner: tenant, key, version });
      const text = language === "service" ? { service: shownService(source) } : { source };
      return { ...(own ? ownView(tenant, own) : await otherView(tenant, decoder)), ...text };
    },
    test,
    stage: known(staging.stage),
    unstage: known(staging.unstage),
    staged: known(staging.staged),
    activate: known(staging.activate),
    rollback: known(staging.rollback),
    async release(tenant, key) {
      runtime.release((await resolve(tenant, key, undefined)).id);
    },
    stats(tenant, key) {
      get(tenant, key);
      const others = [catalog.inherited(tenant, key), catalog.find(tenant, key)].flatMap(each =>
        each ? [each.id] : [],
      );
      const own = `${tenant}/${key}@`;
      return runtime.stats().decoders.filter(({ id }) => id.startsWith(own) || others.includes(id));
    },
    removeVersion: known(async (tenant, key, version: string, by: string) => {
      await catalog.removeVersion(tenant, key, version, by);
      await reports.delete(tenant, key, version);
    }),
    remove: known(async (tenant, key, by: string) => {
      await catalog.remove(tenant, key, by);
      await reports.delete(tenant, key);
    }),
  };
}
