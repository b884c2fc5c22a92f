/** Decoders and their versions as documents. */

import type { DecoderManifest } from "../../contract/decoder.ts";
import type { DecoderSignature } from "../../contract/decoder-package.ts";
import type { Page, PageRequest } from "../../platform/platform.ts";
import { readPage } from "../../platform/read-page.ts";
import type { DecoderLanguage } from "../../sandbox/decoder-runtime.ts";
import type { JsonObject } from "../../store/collection.ts";
import {
  DECODER_SOURCES,
  DECODER_VERSIONS,
  DECODERS,
  type DecoderDocument,
  type DecoderVersionDocument,
} from "../../store/collections/decoding.ts";
import { keyOf } from "../../store/collections/keys.ts";
import { insertOp, type Store, updateOp, type WriteOp } from "../../store/store.ts";
import type { DecoderState } from "./decoder-machine.ts";

/** What is known of a version besides its text. */
export interface StoredVersion {
  readonly owner: string;
  readonly manifest: DecoderManifest;
  readonly language: DecoderLanguage;
  /** `decoderChecksum` of manifest and source. */
  readonly checksum: string;
  /** Who wrote it, as the uploader says. */
  readonly author: string;
  /** User name. */
  readonly uploadedBy: string;
  readonly createdAtMs: number;
  /** Of the source, in bytes of UTF-8. */
  readonly size: number;
  readonly signature?: DecoderSignature;
}

export interface DecoderRecord {
  readonly owner: string;
  readonly key: string;
  readonly state: DecoderState;
}

export interface VersionName {
  readonly owner: string;
  readonly key: string;
  readonly version: string;
}

export interface CatalogStore {
  records(): AsyncIterable<DecoderRecord>;
  save(record: DecoderRecord, nowMs: number): Promise<void>;
  /** Stores a version, then what becomes of its decoder. @returns false where its number is taken, nothing is stored then */
  add(version: StoredVersion, source: string, record: DecoderRecord): Promise<boolean>;
  /** Whether the number was ever used. */
  isTaken(name: VersionName): Promise<boolean>;
  find(name: VersionName): Promise<StoredVersion | undefined>;
  /** Several by their names; those that are not there are left out. */
  findAll(names: readonly VersionName[]): Promise<readonly StoredVersion[]>;
  source(version: Pick<StoredVersion, "owner" | "checksum">): Promise<string | undefined>;
  /** The newest first, without deleted ones. */
  list(owner: string, key: string, page: PageRequest): Promise<Page<StoredVersion>>;
  count(owner: string, most: number): Promise<number>;
  /** Its source goes, its number stays taken. */
  remove(version: StoredVersion, nowMs: number): Promise<void>;
  /** The decoder, then all its versions, which are returned. */
  removeAll(owner: string, key: string, nowMs: number): Promise<readonly StoredVersion[]>;
}

const NAMES_AT_ONCE = 500;

type VersionDetails = Omit<StoredVersion, "owner" | "checksum" | "createdAtMs">;

const toVersion = ({ tenant: owner, checksum, creationTime: createdAtMs, details }: DecoderVersionDocument) => ({
  ...(details as unknown as VersionDetails),
  owner,
  checksum,
  createdAtMs,
});

function versionDocument({ owner, checksum, createdAtMs, ...details }: StoredVersion): DecoderVersionDocument {
  const { key, version } = details.manifest;
  const names = { _id: keyOf(owner, key, version), tenant: owner, key, version };
  return { ...names, checksum, creationTime: createdAtMs, details: details as unknown as JsonObject };
}

function toRecord({ tenant: owner, key, active, staged, details }: DecoderDocument): DecoderRecord {
  const { previous, history } = details as unknown as Pick<DecoderState, "previous" | "history">;
  return { owner, key, state: { active: active ?? null, staged, previous, history } };
}

function recordOp({ owner, key, state }: DecoderRecord, nowMs: number): WriteOp {
  const { active, staged, previous, history } = state;
  const details = { previous, history } as unknown as JsonObject;
  return updateOp<DecoderDocument>(
    DECODERS,
    { _id: keyOf(owner, key) },
    {
      $set: {
        lastUpdated: nowMs,
        details,
        ...(active !== null && { active }),
        ...(staged !== undefined && { staged }),
      },
      $unset: { ...(active === null && { active: true }), ...(staged === undefined && { staged: true }) },
      $setOnInsert: { tenant: owner, key },
    },
    { upsert: true },
  );
}

export function createCatalogStore(store: Store): CatalogStore {
  const decoders = store.collection(DECODERS);
  const versions = store.collection(DECODER_VERSIONS);
  const sources = store.collection(DECODER_SOURCES);
  const idOf = ({ owner, key, version }: VersionName): string => keyOf(owner, key, version);
  const sourceId = ({ owner, checksum }: Pick<StoredVersion, "owner" | "checksum">): string => keyOf(owner, checksum);

  const remove = async ({ owner, checksum, manifest: { key, version } }: StoredVersion, nowMs: number) => {
    await versions.updateOne({ _id: idOf({ owner, key, version }) }, { $set: { deletedAt: nowMs } });
    await sources.deleteMany({ _id: sourceId({ owner, checksum }) });
  };

  return {
    async *records() {
      for await (const document of decoders.stream({})) yield toRecord(document);
    },
    async save(record, nowMs) {
      await store.write([recordOp(record, nowMs)]);
    },
    async add(version, source, record) {
      const document = versionDocument(version);
      // A source that is there already is the same: its id is that of its content.
      await sources.insertMany([{ _id: sourceId(version), tenant: version.owner, source }]);
      const [added] = await store.write([insertOp(DECODER_VERSIONS, document), recordOp(record, version.createdAtMs)]);
      return added!.outcome === "inserted";
    },
    isTaken: async name => (await versions.findOne({ _id: idOf(name) })) !== undefined,
    async find(name) {
      const document = await versions.findOne({ _id: idOf(name), deletedAt: null });
      return document && toVersion(document);
    },
    async findAll(names) {
      const found: StoredVersion[] = [];
      for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
        const ids = names.slice(at, at + NAMES_AT_ONCE).map(idOf);
        const page = await versions.find({ _id: { $in: ids }, deletedAt: null }, { limit: NAMES_AT_ONCE });
        found.push(...page.map(toVersion));
      }
      return found;
    },
    source: async version => (await sources.findOne({ _id: sourceId(version) }))?.source,
    async list(owner, key, page) {
      const filter = { tenant: owner, key, deletedAt: null };
      const found = await readPage(versions, filter, page, [["creationTime", -1]]);
      return { ...found, items: found.items.map(toVersion) };
    },
    count: (owner, most) => versions.count({ tenant: owner }, most),
    remove,
    async removeAll(owner, key, nowMs) {
      await decoders.deleteMany({ _id: keyOf(owner, key) });
      const removed: StoredVersion[] = [];
      for await (const document of versions.stream({ tenant: owner, key, deletedAt: null })) {
        removed.push(toVersion(document));
      }
      for (const version of removed) await remove(version, nowMs);
      return removed;
    },
  };
}
