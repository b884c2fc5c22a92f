/**
 * A staged version in the shadow of the one in force: it decodes the same payloads in the background, nothing of it is stored, and the
 * two are compared. What does not fit in beside live work is skipped and counted.
 */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { DecodeOutcome } from "../../sandbox/decoder-runtime.ts";
import type { DocumentCollection } from "../../store/collection.ts";
import type { RawPayloadDocument } from "../../store/collections/decoding.ts";
import { type DecodedDevice, needsDevice } from "../decoded-effects.ts";
import type { InstalledDecoder } from "../decoder-directory.ts";
import { decoderInput, deviceLookup, NO_DEVICE } from "../decoder-input.ts";
import type { RawPayload } from "../raw-payload.ts";
import type { DecoderCatalog, StagedDecoder } from "./catalog.ts";
import type { VersionName } from "./catalog-store.ts";
import { compareOutcomes } from "./compare.ts";
import { recordedPayloads } from "./recorded-payloads.ts";
import type { ReportStore } from "./report-store.ts";
import type { RecordedRequest } from "./requests.ts";
import {
  count,
  NO_COUNTS,
  newReport,
  type RecordedRun,
  type Sample,
  type ShadowReport,
  skip,
} from "./shadow-report.ts";

export interface Shadow extends AsyncDisposable {
  /** A payload was decoded by the version in force. Never throws, takes no time. */
  observe(raw: RawPayload, decoder: InstalledDecoder, outcome: DecodeOutcome): void;
  /** Begins a report anew. */
  begin(staged: VersionName): void;
  /** Over kept payloads, in the background; a run that goes on is replaced. */
  run(staged: VersionName, request: RecordedRequest): Promise<void>;
  /** Nothing is compared any more; the report stays. */
  end(staged: VersionName, reason: string): Promise<void>;
  report(staged: VersionName): Promise<ShadowReport | undefined>;
  /** Of what is staged. */
  reports(): Iterable<{ readonly name: VersionName; readonly report: ShadowReport }>;
  /** Goes on with reports and runs of an earlier life. */
  recover(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface ShadowParts {
  readonly catalog: Pick<DecoderCatalog, "find" | "staged" | "allStaged" | "decode">;
  readonly reports: ReportStore;
  readonly payloads: Pick<DocumentCollection<RawPayloadDocument>, "find">;
  findDevice(tenant: string, deviceId: string): Promise<DecodedDevice | undefined>;
  readonly managementTenant: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Live payloads whose shadows are under way; more are skipped. */
const MOST_UNDER_WAY = 256;
/** Recorded payloads at the same time. */
const RECORDED_AT_ONCE = 8;
const BACKGROUND = { urgency: "background" } as const;

const nameOf = ({ owner, decoder: { manifest } }: StagedDecoder): VersionName => ({
  owner,
  key: manifest.key,
  version: manifest.version,
});

export function createShadow(parts: ShadowParts): Shadow {
  const { catalog, reports, payloads, managementTenant, clock, log } = parts;
  const deviceOf = deviceLookup(parts.findDevice);
  const active = new Set<Promise<void>>();
  /** The run of each version that goes on. */
  const runs = new Map<string, object>();
  let underWay = 0;
  let closed = false;

  const follow = (work: Promise<void>): void => {
    active.add(work);
    void work.finally(() => active.delete(work));
  };
  const idOf = ({ owner, key, version }: VersionName): string => JSON.stringify([owner, key, version]);

  const reportFor = (name: VersionName, decoder: InstalledDecoder): ShadowReport => {
    const known = reports.known(name);
    return known?.against === decoder.id ? known : newReport(decoder, clock.now());
  };

  async function compare(
    raw: RawPayload,
    staged: StagedDecoder,
    decoder: InstalledDecoder,
    from: Sample["from"],
    decode: () => Promise<DecodeOutcome>,
  ): Promise<void> {
    const name = nameOf(staged);
    const input = await decoderInput(raw, staged.decoder.manifest, deviceOf);
    const [ours, theirs] = await Promise.all([decode(), catalog.decode(staged.decoder, input, BACKGROUND)]);
    const wantsDevice = [ours, theirs].some(outcome => outcome.ok && needsDevice(outcome.result));
    const context = { device: wantsDevice ? await deviceOf(raw) : NO_DEVICE, atMs: raw.atMs };
    const comparison = compareOutcomes(ours, theirs, context);
    // Another version may have come into force or been staged meanwhile.
    if (!reports.known(name) || catalog.find(raw.tenant, raw.decoder)?.id !== decoder.id) return;
    reports.set(name, count(reportFor(name, decoder), { raw, from, active: ours, staged: theirs, comparison }));
  }

  function observe(raw: RawPayload, decoder: InstalledDecoder, outcome: DecodeOutcome): void {
    const staged = catalog.staged(raw.tenant, raw.decoder);
    if (!staged || closed || staged.decoder.id === decoder.id) return;
    const name = nameOf(staged);
    if (!reports.known(name)) return;
    if (underWay >= MOST_UNDER_WAY) {
      reports.set(name, skip(reportFor(name, decoder), "live"));
      return;
    }
    underWay++;
    const work = compare(raw, staged, decoder, "live", async () => outcome)
      .catch((error: unknown) => log.warn("shadow.failed", { decoder: raw.decoder, reason: messageOf(error) }))
      .finally(() => {
        underWay--;
      });
    follow(work);
  }

  async function compareRecorded(raw: RawPayload, name: VersionName): Promise<void> {
    const decoder = catalog.find(raw.tenant, raw.decoder);
    const staged = catalog.staged(raw.tenant, raw.decoder);
    if (!decoder || !staged || idOf(nameOf(staged)) !== idOf(name)) return;
    const input = await decoderInput(raw, decoder.manifest, deviceOf);
    await compare(raw, staged, decoder, "recorded", () => catalog.decode(decoder, input, BACKGROUND));
  }

  const changeRun = (name: VersionName, change: Partial<RecordedRun>): void => {
    const report = reports.known(name);
    if (report?.run) reports.set(name, { ...report, run: { ...report.run, ...change } });
  };

  async function walk(name: VersionName, run: RecordedRun, isCurrent: () => boolean): Promise<void> {
    const tenant = name.owner === managementTenant ? undefined : name.owner;
    const pages = recordedPayloads(payloads, { ...run, decoder: name.key, ...(tenant !== undefined && { tenant }) });
    let { done } = run;
    for await (const { raws, after } of pages) {
      for (let at = 0; at < raws.length; at += RECORDED_AT_ONCE) {
        await Promise.all(raws.slice(at, at + RECORDED_AT_ONCE).map(raw => compareRecorded(raw, name)));
        if (!isCurrent()) return;
      }
      done += raws.length;
      changeRun(name, { done, after });
    }
    changeRun(name, { state: "done" });
    log.info("shadow.runEnded", { ...name, payloads: done });
  }

  function start(name: VersionName, run: RecordedRun): void {
    const mine = {};
    runs.set(idOf(name), mine);
    const isCurrent = (): boolean => !closed && runs.get(idOf(name)) === mine && reports.known(name) !== undefined;
    const work = walk(name, run, isCurrent)
      .catch((error: unknown) => {
        log.warn("shadow.runFailed", { ...name, reason: messageOf(error) });
        if (isCurrent()) changeRun(name, { state: "stopped", reason: messageOf(error) });
      })
      .finally(() => {
        if (runs.get(idOf(name)) === mine) runs.delete(idOf(name));
      });
    follow(work);
  }

  return {
    observe,
    begin(name) {
      const decoder = catalog.find(name.owner, name.key);
      runs.delete(idOf(name));
      if (decoder) reports.set(name, newReport(decoder, clock.now()));
    },
    async run(name, { fromMs, toMs, limit }) {
      const report = reports.known(name);
      if (!report) return;
      const range = { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }), limit };
      const run: RecordedRun = { state: "running", ...range, done: 0 };
      reports.set(name, { ...report, recorded: NO_COUNTS, run });
      // Stored before it is promised: a crash does not lose it.
      await reports.flush();
      start(name, run);
    },
    async end(name, reason) {
      runs.delete(idOf(name));
      if (reports.known(name)?.run?.state === "running") changeRun(name, { state: "stopped", reason });
      await reports.release(name);
    },
    report: reports.find,
    reports: reports.all,
    async recover() {
      for (const staged of catalog.allStaged()) {
        const name = nameOf(staged);
        const report = await reports.find(name);
        const decoder = catalog.find(name.owner, name.key);
        if (report) reports.set(name, report);
        else if (decoder) reports.set(name, newReport(decoder, clock.now()));
        if (report?.run?.state === "running") start(name, report.run);
      }
    },
    async idle() {
      while (active.size > 0) await Promise.all(active);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all(active);
      await reports[Symbol.asyncDispose]();
    },
  };
}
