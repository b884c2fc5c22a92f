/**
 * Decoding stretches of kept payloads again, by any version of their decoder: jobs that go page by page in the background. A job is stored, and
 * how far it is goes into the store together with what it changes, so that it goes on after a restart where it was.
 */
import type { Clock } from "../../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../../base/errors.ts";
import { createKeyedTurns } from "../../base/keyed-turns.ts";
import type { Log } from "../../base/log.ts";
import type { Superseder } from "../../mapping/superseder.ts";
import { notFound } from "../../platform/failures.ts";
import type { ManagedObject, Page, PageRequest, Platform } from "../../platform/platform.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../../store/collections/decoding.ts";
import type { Store, WriteOp } from "../../store/store.ts";
import type { DecoderDirectory, InstalledDecoder } from "../decoder-directory.ts";
import { placeOf, readPayloads, selectionFilter } from "./payload-selection.ts";
import { type NewRedecode, readRedecode } from "./redecode-body.ts";
import { createRedecodeStore, type RedecodeJob } from "./redecode-job.ts";
import { type Compared, createRedecodePages, type NotNow, nothingCompared, type Redecoded } from "./redecode-page.ts";
import { NO_TALLY, tallied, type Verdict } from "./redecode-tally.ts";

export interface RedecodeFigures {
  readonly running: number;
  readonly payloads: number;
  readonly changed: number;
  readonly failed: number;
}

export interface Redecodes extends AsyncDisposable {
  readonly figures: RedecodeFigures;
  /** Goes on with the jobs that an earlier life of this process began; those that change nothing begin anew, since what they foresee is not stored. */
  start(): Promise<void>;
  /**
   * Begins a job. @param body `{version?, dateFrom?, dateTo?, deviceId?, path?, status?, limit?, apply?}`
   * @throws MooringError VALIDATION, NOT_FOUND for a version that is not there, CONFLICT while another job of the decoder runs
   */
  create(tenant: string, decoder: string, body: unknown, owner: string): Promise<RedecodeJob>;
  /** The same from what is checked already. */
  begin(tenant: string, decoder: string, asked: NewRedecode, owner: string): Promise<RedecodeJob>;
  /**
   * Carries out what a job has shown: the same stretch, by the same version. What retention has taken meanwhile is left out.
   * @throws MooringError NOT_FOUND, CONFLICT where it has not ended well, or did change what is stored
   */
  applyAfter(tenant: string, decoder: string, id: string, owner: string): Promise<RedecodeJob>;
  /** @throws MooringError NOT_FOUND */
  get(tenant: string, decoder: string, id: string): Promise<RedecodeJob>;
  list(tenant: string, decoder: string, page: PageRequest): Promise<Page<RedecodeJob>>;
  /** Cancels a job that runs: what it has changed stays. One that has ended is forgotten. @throws MooringError NOT_FOUND */
  remove(tenant: string, decoder: string, id: string): Promise<void>;
}

export interface RedecodesParts {
  readonly store: Store;
  readonly directory: Pick<DecoderDirectory, "find" | "version" | "decode">;
  readonly superseder: Superseder;
  readonly write: Platform["write"];
  findDevice(tenant: string, deviceId: string): Promise<ManagedObject | undefined>;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  /** Payloads of one page; default 50. Each may be as long as a CoAP body. */
  readonly pageSize?: number;
}

const PAGE_SIZE = 50;
/** Between two attempts of what cannot be done now. */
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Calls of a decoder service for one payload. */
const CALLS = 5;

/** A job that is under way here. */
interface Run {
  job: RedecodeJob;
  /** Where it changes nothing: what it has gone through. */
  readonly compared: Compared;
  stopped: boolean;
  /** Ends a pause. */
  wake(): void;
  done: Promise<void>;
}

export function createRedecodes(parts: RedecodesParts): Redecodes {
  const { store, directory, superseder, write, findDevice, clock, log, node, pageSize = PAGE_SIZE } = parts;
  const payloads = store.collection(RAW_PAYLOADS);
  const jobs = createRedecodeStore(store, node);
  const pages = createRedecodePages({ payloads, directory, superseder, write, findDevice });
  const turns = createKeyedTurns();
  const runs = new Map<string, Run>();
  const totals = { payloads: 0, changed: 0, failed: 0 };
  let closed = false;

  const pause = (run: Run, ms: number): Promise<void> =>
    new Promise(resolve => {
      if (run.stopped) return resolve();
      const timer = clock.after(Math.min(Math.max(ms, PAUSE_MS), LONGEST_PAUSE_MS), resolve);
      run.wake = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });

  const waitFor = async (run: Run, { message, retryAtMs }: NotNow): Promise<void> => {
    const { job } = run;
    log.info("redecode.waits", { job: job.id, decoder: job.decoder, version: job.version, reason: message });
    run.job = { ...job, progress: { ...job.progress, waitsFor: message } };
    await store.write([jobs.progressOp(run.job)]);
    await pause(run, retryAtMs === undefined ? PAUSE_MS : retryAtMs - clock.now());
  };

  const resolveVersion = async ({ tenant, decoder, version }: RedecodeJob): Promise<InstalledDecoder> => {
    const found = await directory.version(tenant, decoder, version);
    if (!found)
      throw new MooringError("NOT_FOUND", `decoder ${decoder} has no version ${version}`, { decoder, version });
    return found;
  };

  const nextPage = ({ tenant, decoder, selection, progress }: RedecodeJob): Promise<RawPayloadDocument[]> => {
    const { statuses, limit = Number.POSITIVE_INFINITY } = selection;
    const left = Math.min(pageSize, limit - progress.payloads.read);
    const filter = selectionFilter(tenant, decoder, selection);
    return left > 0 ? readPayloads(payloads, filter, statuses, progress.after, left) : Promise.resolve([]);
  };

  /** All of a page, however often some of it has to wait; undefined: the job was stopped meanwhile. */
  const decodePage = async (
    run: Run,
    decoder: InstalledDecoder,
    documents: readonly RawPayloadDocument[],
  ): Promise<readonly Redecoded[] | undefined> => {
    const decoded = new Map<string, Redecoded>();
    for (let rounds = 1; !run.stopped; rounds++) {
      const open = documents.filter(({ _id }) => !decoded.has(_id));
      if (open.length === 0) return documents.map(({ _id }) => decoded.get(_id)!);
      const outcomes = await pages.decode(decoder, open);
      let waits: NotNow | undefined;
      for (const [at, outcome] of outcomes.entries()) {
        const known = "raw" in outcome ? outcome : rounds >= CALLS ? outcome.otherwise : undefined;
        if (known) decoded.set(open[at]!._id, known);
        else waits = outcome as NotNow;
      }
      if (waits) await waitFor(run, waits);
    }
    return undefined;
  };

  const advanced = (job: RedecodeJob, page: readonly Redecoded[], verdicts: readonly Verdict[]): RedecodeJob => {
    const { waitsFor: _, ...progress } = job.progress;
    const tally = verdicts.reduce((sum, verdict, at) => tallied(sum, page[at]!.raw, verdict), progress);
    return { ...job, progress: { ...tally, after: placeOf(page.at(-1)!.document) } };
  };

  const storePage = async (run: Run, page: readonly Redecoded[]): Promise<void> => {
    const { job } = run;
    let next = job;
    const progress = (verdicts: readonly Verdict[]): WriteOp => {
      next = advanced(job, page, verdicts);
      return jobs.progressOp(next);
    };
    if (job.apply) await pages.supersede(page, job.version, progress);
    else {
      const { verdicts, book } = await pages.compare(page, run.compared);
      await store.write([progress(verdicts)]);
      book();
    }
    const [before, now] = [job.progress.payloads, next.progress.payloads];
    totals.payloads += now.read - before.read;
    totals.changed += now.changed + now.recovered - before.changed - before.recovered;
    totals.failed += now.failed + now.stillFailing - before.failed - before.stillFailing;
    run.job = next;
  };

  /** What no store would keep fails by itself, not with its page. */
  const storeAll = async (run: Run, page: readonly Redecoded[]): Promise<void> => {
    try {
      await storePage(run, page);
    } catch (error) {
      if (!isFailure(error, "VALIDATION", "TOO_LARGE", "CONFLICT")) throw error;
      const [{ raw, document }] = page as [Redecoded];
      if (page.length > 1) for (const one of page) await storeAll(run, [one]);
      else await storePage(run, [{ ok: false, raw, document, message: error.message }]);
    }
  };

  /** One page. @returns whether that was the last */
  const step = async (run: Run): Promise<boolean> => {
    const documents = await nextPage(run.job);
    if (documents.length === 0) return true;
    const page = await decodePage(run, await resolveVersion(run.job), documents);
    if (page) await storeAll(run, page);
    return false;
  };

  const finish = async (run: Run, state: "DONE" | "FAILED", reason?: string): Promise<void> => {
    const { job } = run;
    await jobs.end(job, state, clock.now(), reason);
    const { samples: _, after: __, alarms: ___, lastValues: ____, ...told } = job.progress;
    log[state === "DONE" ? "info" : "error"]("redecode.ended", {
      job: job.id,
      decoder: job.decoder,
      version: job.version,
      state,
      ...told,
      ...(reason !== undefined && { reason }),
    });
  };

  /** Until it is done, or stopped; what the store cannot do now is tried again. */
  const go = async (run: Run): Promise<void> => {
    while (!run.stopped) {
      try {
        if (!(await step(run))) continue;
        return await finish(run, "DONE");
      } catch (error) {
        if (isFailure(error, "STORE_FULL", "STORE_FAILED")) {
          log.warn("redecode.interrupted", { job: run.job.id, reason: messageOf(error) });
          await pause(run, PAUSE_MS);
        } else if (!isFailure(error, "CLOSED")) {
          return await finish(run, "FAILED", messageOf(error)).catch((failure: unknown) =>
            log.error("redecode.notEnded", { job: run.job.id, reason: messageOf(failure) }),
          );
        } else return;
      }
    }
  };

  const launch = (job: RedecodeJob): void => {
    const run: Run = { job, compared: nothingCompared(), stopped: closed, wake: () => {}, done: Promise.resolve() };
    runs.set(job.id, run);
    run.done = go(run).finally(() => runs.delete(job.id));
  };

  const stop = async (id: string): Promise<void> => {
    const run = runs.get(id);
    if (!run) return;
    run.stopped = true;
    run.wake();
    await run.done;
  };

  const versionFor = async (tenant: string, decoder: string, version: string | undefined): Promise<string> => {
    const found =
      version === undefined ? directory.find(tenant, decoder) : await directory.version(tenant, decoder, version);
    if (found) return found.manifest.version;
    const what = version === undefined ? `no decoder ${decoder}` : `no version ${version} of decoder ${decoder}`;
    throw new MooringError("NOT_FOUND", `there is ${what}`, { decoder, ...(version !== undefined && { version }) });
  };

  const begin = (tenant: string, decoder: string, { version, selection, apply }: NewRedecode, owner: string) =>
    turns(`${tenant} ${decoder}`, async () => {
      const chosen = await versionFor(tenant, decoder, version);
      const other = await jobs.runningOf(tenant, decoder);
      if (other)
        throw new MooringError("CONFLICT", `job ${other.id} of decoder ${decoder} is running`, { job: other.id });
      const nowMs = clock.now();
      const job = await jobs.create({
        tenant,
        decoder,
        version: chosen,
        // What comes from now on is decoded by the version in force.
        selection: { ...selection, toMs: Math.min(selection.toMs ?? nowMs, nowMs) },
        apply,
        owner,
        creationTimeMs: nowMs,
        state: "RUNNING",
        progress: NO_TALLY,
      });
      log.info("redecode.begun", { job: job.id, tenant, decoder, version: chosen, apply });
      launch(job);
      return job;
    });

  const get = async (tenant: string, decoder: string, id: string): Promise<RedecodeJob> => {
    const job = await jobs.find(tenant, decoder, id);
    if (!job) throw notFound("redecode job", id);
    return job;
  };

  return {
    get figures() {
      return { running: runs.size, ...totals };
    },
    async start() {
      for (const job of await jobs.running()) launch(job.apply ? job : { ...job, progress: NO_TALLY });
    },
    create: async (tenant, decoder, body, owner) => begin(tenant, decoder, readRedecode(body), owner),
    begin,
    async applyAfter(tenant, decoder, id, owner) {
      const { state, apply, version, selection } = await get(tenant, decoder, id);
      if (apply) throw new MooringError("CONFLICT", `job ${id} has changed what is stored already`, { job: id });
      if (state !== "DONE") throw new MooringError("CONFLICT", `job ${id} is ${state}, not DONE`, { job: id, state });
      return begin(tenant, decoder, { version, selection, apply: true }, owner);
    },
    get,
    list: (tenant, decoder, page) => jobs.list(tenant, decoder, page),
    async remove(tenant, decoder, id) {
      const job = await get(tenant, decoder, id);
      const wasRunning = await jobs.end(job, "CANCELLED", clock.now());
      await stop(id);
      if (!wasRunning) await jobs.remove(job);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([...runs.keys()].map(stop));
    },
  };
}
