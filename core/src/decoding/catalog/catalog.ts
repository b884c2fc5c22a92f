/**
 * All decoders of all tenants: uploaded versions from the store, behind them the shipped ones. What is in force of a decoder is one
 * value in memory, replaced as a whole when the store has it: who looked before ends with the version that it found.
 */
import type { Clock } from "../../base/clock.ts";
import { MooringError, messageOf } from "../../base/errors.ts";
import { createKeyedTurns } from "../../base/keyed-turns.ts";
import type { Log } from "../../base/log.ts";
import { notFound } from "../../platform/failures.ts";
import type { DecoderRuntime, DecoderSource } from "../../sandbox/decoder-runtime.ts";
import {
  type DecoderDirectory,
  decoderId,
  type InstalledDecoder,
  installedDecoder,
  ownerOf,
  SHIPPED,
} from "../decoder-directory.ts";
import type { DecoderRegistry } from "../decoder-registry.ts";
import type { CatalogStore, DecoderRecord, StoredVersion } from "./catalog-store.ts";
import { type DecoderEvent, type HistoryEntry, type InForce, NEW_DECODER, stepDecoder } from "./decoder-machine.ts";
import { createLoadedVersions } from "./loaded-versions.ts";

/** What of a decoder counts now. */
interface Entry {
  readonly record: DecoderRecord;
  readonly active?: InstalledDecoder;
  readonly staged?: InstalledDecoder;
}

/** A staged version and whose it is. */
export interface StagedDecoder {
  readonly owner: string;
  readonly decoder: InstalledDecoder;
}

/** @param change what was done to the decoder; undefined: it was read at the start */
export type CatalogListener = (owner: string, key: string, change: HistoryEntry | undefined) => void;

export interface DecoderCatalog extends DecoderDirectory {
  /** Reads what is in force from the store. Loading it into the runtime goes on beside what follows. */
  open(): Promise<void>;
  /** Of all decoders that a tenant sees, sorted; of its own ones also where none is in force. */
  keysOf(tenant: string): readonly string[];
  /** A tenant's own decoder; undefined where it has uploaded none of that key. */
  record(owner: string, key: string): DecoderRecord | undefined;
  /** What a tenant has without a version of its own in force. */
  inherited(tenant: string, key: string): InstalledDecoder | undefined;
  /** What runs in the shadow of the version that is in force for a tenant. */
  staged(tenant: string, key: string): StagedDecoder | undefined;
  /** Of all tenants. */
  allStaged(): readonly StagedDecoder[];
  /** @throws MooringError DECODER_UNAVAILABLE where it is not there any more */
  sourceOf(decoder: InstalledDecoder): Promise<DecoderSource>;
  /**
   * Tries a version out and stores it; the first of its key is in force at once.
   * @throws MooringError DECODER_INVALID, DECODER_UNAVAILABLE: nothing is stored; DUPLICATE
   */
  add(version: StoredVersion, source: string): Promise<DecoderRecord>;
  /** Takes a step, stored before it counts. @throws MooringError CONFLICT, DECODER_INVALID, DECODER_UNAVAILABLE, NOT_FOUND */
  step(owner: string, key: string, event: DecoderEvent, by: string): Promise<DecoderRecord>;
  /** @throws MooringError NOT_FOUND, CONFLICT where it is in force or staged */
  removeVersion(owner: string, key: string, version: string, by: string): Promise<void>;
  /** With all its versions. @throws MooringError NOT_FOUND */
  remove(owner: string, key: string, by: string): Promise<void>;
  /** Told after each step. */
  onChanged(listener: CatalogListener): void;
}

export interface DecoderCatalogParts {
  readonly stored: CatalogStore;
  readonly runtime: Pick<DecoderRuntime, "load" | "unload" | "has" | "decode">;
  readonly shipped: Pick<DecoderRegistry, "find" | "list" | "keys" | "source">;
  readonly managementTenant: string;
  readonly clock: Clock;
  readonly log: Log;
}

const IMPOSSIBLE: Readonly<Record<DecoderEvent["kind"], string>> = {
  upload: "cannot be uploaded",
  stage: "is in force: only another version can be staged",
  unstage: "has no staged version",
  activate: "is in force already",
  rollback: "has no earlier version to go back to",
  delete: "is in force or staged",
};

const impossible = (key: string, kind: DecoderEvent["kind"], version: InForce = null): MooringError =>
  new MooringError("CONFLICT", `decoder ${key}${version === null ? "" : ` ${version}`} ${IMPOSSIBLE[kind]}`, { key });

const deleted = (key: string, version: string): MooringError =>
  new MooringError("DECODER_UNAVAILABLE", `decoder ${key} ${version} has been deleted`, { key, version });

/** Loads at the start that go on at once. */
const LOADS_AT_ONCE = 4;

const installed = ({ owner, manifest, language }: StoredVersion): InstalledDecoder =>
  installedDecoder(owner, manifest, language);

export function createDecoderCatalog(parts: DecoderCatalogParts): DecoderCatalog {
  const { stored, runtime, shipped, managementTenant, clock, log } = parts;
  const owners = new Map<string, Map<string, Entry>>();
  const turns = createKeyedTurns();
  const listeners: CatalogListener[] = [];

  /** A decoder's steps one after the other: a trial of one holds up no other. */
  const inTurn = <T>(owner: string, key: string, work: () => Promise<T>): Promise<T> => turns(`${owner} ${key}`, work);

  async function sourceOf(decoder: InstalledDecoder): Promise<DecoderSource> {
    const { key, version } = decoder.manifest;
    const owner = ownerOf(decoder);
    if (owner === SHIPPED) return shipped.source(key)!;
    const found = await stored.find({ owner, key, version });
    const source = found && (await stored.source(found));
    if (source !== undefined) return { manifest: found!.manifest, source, language: found!.language };
    throw deleted(key, version);
  }
  const loaded = createLoadedVersions({ runtime, sourceOf, clock, log });

  const entryOf = (owner: string, key: string): Entry | undefined => owners.get(owner)?.get(key);
  const idsOf = (entry?: Entry): string[] => [entry?.active, entry?.staged].flatMap(each => (each ? [each.id] : []));

  function put(owner: string, key: string, entry: Entry | undefined, change?: HistoryEntry): void {
    const entries = owners.get(owner) ?? new Map<string, Entry>();
    const before = idsOf(entries.get(key));
    owners.set(owner, entries);
    const ids = idsOf(entry);
    for (const id of ids) loaded.hold(id);
    if (entry) entries.set(key, entry);
    else entries.delete(key);
    for (const id of before) if (!ids.includes(id)) loaded.release(id);
    for (const listener of listeners) listener(owner, key, change);
  }

  /** @throws MooringError DECODER_UNAVAILABLE where a version is gone */
  async function entryFor(record: DecoderRecord): Promise<Entry> {
    const { owner, key, state } = record;
    const decoderOf = async (version: string): Promise<InstalledDecoder> => {
      const found = await stored.find({ owner, key, version });
      if (found) return installed(found);
      throw deleted(key, version);
    };
    return {
      record,
      ...(state.active !== null && { active: await decoderOf(state.active) }),
      ...(state.staged !== undefined && { staged: await decoderOf(state.staged) }),
    };
  }

  const stateOf = (owner: string, key: string) => entryOf(owner, key)?.record.state ?? NEW_DECODER;

  function stepped(owner: string, key: string, event: DecoderEvent, by: string): DecoderRecord {
    const state = stepDecoder(stateOf(owner, key), event, { atMs: clock.now(), by });
    if (state) return { owner, key, state };
    throw impossible(key, event.kind, "version" in event ? event.version : null);
  }

  async function step(owner: string, key: string, event: DecoderEvent, by: string): Promise<DecoderRecord> {
    const record = stepped(owner, key, event, by);
    // What it goes back to may have gone from the host meanwhile.
    if (record.state.active === null && stateOf(owner, key).active !== null && !inherited(owner, key)) {
      throw impossible(key, "rollback");
    }
    const entry = await entryFor(record);
    // Nothing new counts that does not run; what counts already is no hindrance.
    const before = idsOf(entryOf(owner, key));
    for (const decoder of [entry.active, entry.staged]) {
      if (decoder && !before.includes(decoder.id)) await loaded.ready(decoder);
    }
    await stored.save(record, clock.now());
    put(owner, key, entry, record.state.history.at(-1));
    const { active, staged } = record.state;
    log.info("decoder.changed", { owner, key, by, action: event.kind, active, ...(staged && { staged }) });
    return record;
  }

  const inherited = (tenant: string, key: string): InstalledDecoder | undefined =>
    (tenant === managementTenant ? undefined : entryOf(managementTenant, key)?.active) ?? shipped.find(tenant, key);
  const find = (tenant: string, key: string): InstalledDecoder | undefined =>
    entryOf(tenant, key)?.active ?? inherited(tenant, key);

  async function add(version: StoredVersion, source: string): Promise<DecoderRecord> {
    const { owner, manifest, language, uploadedBy: by } = version;
    const { key, version: number } = manifest;
    const taken = new MooringError("DUPLICATE", `decoder ${key} has a version ${number} already`, { key });
    if (await stored.isTaken({ owner, key, version: number })) throw taken;
    if (inherited(owner, key)?.manifest.version === number) throw taken;
    const isFirst = !find(owner, key);
    const decoder = installed(version);
    await loaded.tryOut(decoder, { manifest, source, language });
    const record = stepped(owner, key, { kind: "upload", version: number, isFirst }, by);
    try {
      if (!(await stored.add(version, source, record))) throw taken;
    } catch (error) {
      loaded.forget(decoder.id);
      throw error;
    }
    const entry = { ...entryOf(owner, key), record, ...(isFirst && { active: decoder }) };
    put(owner, key, entry, record.state.history.at(-1));
    log.info("decoder.uploaded", { owner, key, version: number, by, active: isFirst });
    return record;
  }

  const keysOf = (tenant: string): string[] => {
    const keys = new Set(shipped.keys());
    for (const key of owners.get(tenant)?.keys() ?? []) keys.add(key);
    for (const [key, { active }] of owners.get(managementTenant) ?? []) if (active) keys.add(key);
    return [...keys].sort();
  };

  async function loadAll(decoders: readonly InstalledDecoder[]): Promise<void> {
    const waiting = [...decoders];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await loaded.ready(next).catch(() => {});
    };
    await Promise.all(Array.from({ length: LOADS_AT_ONCE }, work));
  }

  return {
    async open() {
      const records: DecoderRecord[] = [];
      for await (const record of stored.records()) records.push(record);
      const names = records.flatMap(({ owner, key, state: { active, staged } }) =>
        [active, staged].flatMap(version => (version ? [{ owner, key, version }] : [])),
      );
      const versions = new Map((await stored.findAll(names)).map(found => [installed(found).id, installed(found)]));
      for (const record of records) {
        const { owner, key, state } = record;
        const decoderOf = (version: string | null | undefined) =>
          version ? versions.get(decoderId(owner, { key, version })) : undefined;
        const [active, staged] = [decoderOf(state.active), decoderOf(state.staged)];
        put(owner, key, { record, ...(active && { active }), ...(staged && { staged }) });
      }
      void loadAll([...versions.values()]).catch((error: unknown) =>
        log.error("decoder.notLoaded", { reason: messageOf(error) }),
      );
    },
    find,
    list: tenant => keysOf(tenant).flatMap(key => find(tenant, key) ?? []),
    keysOf,
    keys: () => [...new Set([...shipped.keys(), ...[...owners.values()].flatMap(entries => [...entries.keys()])])],
    decode: loaded.decode,
    async version(tenant, key, version) {
      const own = await stored.find({ owner: tenant, key, version });
      if (own) return installed(own);
      const others = [inherited(tenant, key), shipped.find(tenant, key)];
      return others.find(decoder => decoder?.manifest.version === version);
    },
    record: (owner, key) => entryOf(owner, key)?.record,
    inherited,
    staged(tenant, key) {
      const own = entryOf(tenant, key);
      if (own?.staged) return { owner: tenant, decoder: own.staged };
      const theirs = own?.active ? undefined : entryOf(managementTenant, key)?.staged;
      return theirs && { owner: managementTenant, decoder: theirs };
    },
    allStaged: () =>
      [...owners].flatMap(([owner, entries]) =>
        [...entries.values()].flatMap(({ staged }) => (staged ? [{ owner, decoder: staged }] : [])),
      ),
    sourceOf,
    add: (version, source) => inTurn(version.owner, version.manifest.key, () => add(version, source)),
    step: (owner, key, event, by) => inTurn(owner, key, () => step(owner, key, event, by)),
    removeVersion: (owner, key, version, by) =>
      inTurn(owner, key, async () => {
        const found = await stored.find({ owner, key, version });
        if (!found) throw notFound("decoder version", `${key} ${version}`);
        const record = stepped(owner, key, { kind: "delete", version }, by);
        await stored.save(record, clock.now());
        put(owner, key, { ...entryOf(owner, key), record }, record.state.history.at(-1));
        await stored.remove(found, clock.now());
        loaded.forget(installed(found).id);
        log.info("decoder.versionDeleted", { owner, key, version, by });
      }),
    remove: (owner, key, by) =>
      inTurn(owner, key, async () => {
        const entry = entryOf(owner, key);
        if (!entry) throw notFound("decoder", key);
        const removed = await stored.removeAll(owner, key, clock.now());
        put(owner, key, undefined, { action: "delete", version: null, atMs: clock.now(), by });
        for (const version of removed) loaded.forget(installed(version).id);
        log.info("decoder.deleted", { owner, key, by });
      }),
    onChanged: listener => void listeners.push(listener),
  };
}
