/** A job that decodes a stretch of kept payloads again, and where it is kept. */
import type { Page, PageRequest } from "../../platform/platform.ts";
import { readPage } from "../../platform/read-page.ts";
import type { JsonObject, Scalar, Update } from "../../store/collection.ts";
import { REDECODES, type RedecodeDocument } from "../../store/collections/decoding.ts";
import { type Store, updateOp, type WriteOp } from "../../store/store.ts";
import type { PayloadSelection } from "./payload-selection.ts";
import { NO_TALLY, type Tally } from "./redecode-tally.ts";

export type RedecodeState = RedecodeDocument["state"];

/** How far a job is. */
export interface RedecodeProgress extends Tally {
  /** Place of the last payload that is done. */
  readonly after?: readonly Scalar[];
  /** Why it goes on no faster: its decoder cannot run now. */
  readonly waitsFor?: string;
}

export interface RedecodeJob {
  readonly id: string;
  readonly tenant: string;
  readonly decoder: string;
  readonly version: string;
  readonly selection: PayloadSelection;
  /** Whether what is stored changes. */
  readonly apply: boolean;
  readonly owner: string;
  readonly creationTimeMs: number;
  readonly state: RedecodeState;
  readonly endTimeMs?: number;
  /** Why it is FAILED. */
  readonly reason?: string;
  readonly progress: RedecodeProgress;
}

/** Ended ones of a decoder that are remembered. */
const REMEMBERED_JOBS = 100;

export interface RedecodeStore {
  /** The oldest of the decoder go, where there are more than {@link REMEMBERED_JOBS}. */
  create(job: Omit<RedecodeJob, "id">): Promise<RedecodeJob>;
  find(tenant: string, decoder: string, id: string): Promise<RedecodeJob | undefined>;
  /** Newest first. */
  list(tenant: string, decoder: string, page: PageRequest): Promise<Page<RedecodeJob>>;
  /** Of this node. */
  running(): Promise<readonly RedecodeJob[]>;
  runningOf(tenant: string, decoder: string): Promise<RedecodeJob | undefined>;
  /** A write for a group; nothing where the job has ended. */
  progressOp(job: RedecodeJob): WriteOp;
  /** Ends a job that is running. @returns whether it was */
  end(job: RedecodeJob, state: Exclude<RedecodeState, "RUNNING">, nowMs: number, reason?: string): Promise<boolean>;
  remove(job: RedecodeJob): Promise<void>;
}

function toJob({ _id, tenant, decoder, state, creationTime, details }: RedecodeDocument): RedecodeJob {
  const rest = details as unknown as Pick<RedecodeJob, "version" | "selection" | "apply" | "owner" | "progress">;
  // Written by an earlier version of the host it may lack some counts.
  const progress = { ...NO_TALLY, ...rest.progress };
  return { ...rest, id: _id, tenant, decoder, state, creationTimeMs: creationTime, progress };
}

const asJson = (value: unknown): JsonObject => value as JsonObject;

export function createRedecodeStore(store: Pick<Store, "collection" | "nextIds">, node: string): RedecodeStore {
  const jobs = store.collection(REDECODES);
  return {
    async create(given) {
      const id = String((await store.nextIds("redecodes", 1))[0]);
      const { tenant, decoder, state, creationTimeMs: creationTime, ...details } = given;
      await jobs.insertOne({ _id: id, tenant, decoder, state, node, creationTime, details: asJson(details) });
      const old = await jobs.find({ tenant, decoder }, { sort: [["_id", -1]], skip: REMEMBERED_JOBS, limit: 100 });
      if (old.length > 0) await jobs.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } });
      return { ...given, id };
    },
    async find(tenant, decoder, id) {
      const document = await jobs.findOne({ _id: id, tenant, decoder });
      return document && toJob(document);
    },
    async list(tenant, decoder, page) {
      const found = await readPage(jobs, { tenant, decoder }, page, [["_id", -1]]);
      return { ...found, items: found.items.map(toJob) };
    },
    async running() {
      const found: RedecodeJob[] = [];
      for await (const document of jobs.stream({ node, state: "RUNNING" })) found.push(toJob(document));
      return found;
    },
    async runningOf(tenant, decoder) {
      const document = await jobs.findOne({ tenant, decoder, state: "RUNNING" });
      return document && toJob(document);
    },
    progressOp: ({ id, progress }) =>
      updateOp(REDECODES, { _id: id, state: "RUNNING" }, { $set: { "details.progress": asJson(progress) } }),
    async end({ id }, state, nowMs, reason) {
      const $set = { state, "details.endTimeMs": nowMs, ...(reason !== undefined && { "details.reason": reason }) };
      const update: Update<RedecodeDocument> = { $set };
      return (await jobs.updateOne({ _id: id, state: "RUNNING" }, update)).matched;
    },
    async remove({ id }) {
      await jobs.deleteMany({ _id: id });
    },
  };
}
