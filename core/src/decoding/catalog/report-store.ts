/** Shadow reports in memory while they grow, and in the store some seconds later. */
import { type Clock, every } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { JsonObject } from "../../store/collection.ts";
import { SHADOW_REPORTS, type ShadowReportDocument } from "../../store/collections/decoding.ts";
import { keyOf } from "../../store/collections/keys.ts";
import type { Store } from "../../store/store.ts";
import type { VersionName } from "./catalog-store.ts";
import type { ShadowReport } from "./shadow-report.ts";

export interface ReportStore extends AsyncDisposable {
  find(name: VersionName): Promise<ShadowReport | undefined>;
  /** Those in memory: of versions that are staged. */
  all(): Iterable<{ readonly name: VersionName; readonly report: ShadowReport }>;
  /** One that is in memory. */
  known(name: VersionName): ShadowReport | undefined;
  /** Counts from now on. */
  set(name: VersionName, report: ShadowReport): void;
  /** Leaves memory; what is known of it is stored. */
  release(name: VersionName): Promise<void>;
  /** Of a version that is deleted, or of all of a decoder. */
  delete(owner: string, key: string, version?: string): Promise<void>;
  flush(): Promise<void>;
}

const FLUSH_MS = 2000;

const reportOf = ({ details }: ShadowReportDocument): ShadowReport => details as unknown as ShadowReport;

export function createReportStore(store: Store, clock: Clock, log: Log): ReportStore {
  const documents = store.collection(SHADOW_REPORTS);
  const known = new Map<string, { readonly name: VersionName; report: ShadowReport }>();
  const dirty = new Set<string>();
  const idOf = ({ owner, key, version }: VersionName): string => keyOf(owner, key, version);

  async function save(id: string): Promise<void> {
    const entry = known.get(id);
    if (!entry) return;
    const { owner: tenant, key, version } = entry.name;
    const details = entry.report as unknown as JsonObject;
    await documents.replaceOne({ _id: id, tenant, key, version, details }, { upsert: true });
  }
  async function flush(): Promise<void> {
    const ids = [...dirty];
    dirty.clear();
    try {
      await Promise.all(ids.map(save));
    } catch (error) {
      for (const id of ids) dirty.add(id);
      log.warn("shadow.notStored", { reason: messageOf(error) });
    }
  }
  const timer = every(clock, FLUSH_MS, flush, () => {});

  return {
    async find(name) {
      const entry = known.get(idOf(name));
      if (entry) return entry.report;
      const document = await documents.findOne({ _id: idOf(name) });
      return document && reportOf(document);
    },
    all: () => known.values(),
    known: name => known.get(idOf(name))?.report,
    set(name, report) {
      known.set(idOf(name), { name, report });
      dirty.add(idOf(name));
    },
    async release(name) {
      await flush();
      known.delete(idOf(name));
    },
    async delete(owner, key, version) {
      const filter = { tenant: owner, key, ...(version !== undefined && { version }) };
      for (const [id, { name }] of known) {
        if (name.owner === owner && name.key === key && (version ?? name.version) === name.version) known.delete(id);
      }
      await documents.deleteMany(filter);
    },
    flush,
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await flush();
    },
  };
}
