/** Payloads that their decoder could not read, or could not be stored: shown, put back into the queue, decoded by a named version, dropped. */

import { invalid } from "../../platform/body.ts";
import type { Page, PageRequest } from "../../platform/platform.ts";
import { readPage } from "../../platform/read-page.ts";
import type { Scalar } from "../../store/collection.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../../store/collections/decoding.ts";
import type { Store, WriteOp } from "../../store/store.ts";
import { forgetOps, fromRawDocument, type RawPayload, replayOps } from "../raw-payload.ts";
import { endedAlarmOps } from "./failure-alarms.ts";
import { type PayloadSelection, placeOf, readPayloads, selectionFilter } from "./payload-selection.ts";
import { readDeadLetters } from "./redecode-body.ts";
import type { RedecodeJob } from "./redecode-job.ts";
import type { Redecodes } from "./redecodes.ts";

export interface DeadLetter extends RawPayload {
  readonly reason: string;
  readonly message: string;
  /** The version that failed on it, where one was asked. */
  readonly decoderVersion?: string;
}

/** `replayed`: put back, and decoded by the version in force now. `job`: decoded by the version that was asked for. */
export type ReplayAnswer = { readonly replayed: number } | { readonly job: RedecodeJob };

export interface DeadLetters {
  readonly figures: { readonly replayed: number; readonly dropped: number };
  /** Newest first. @param asked as the body of a replay, without version. @throws MooringError VALIDATION, PATH_INVALID */
  list(tenant: string, decoder: string, asked: unknown, page: PageRequest): Promise<Page<DeadLetter>>;
  /** @param body see `readDeadLetters`. @throws MooringError VALIDATION; with a version NOT_FOUND, CONFLICT as a redecode */
  replay(tenant: string, decoder: string, body: unknown, owner: string): Promise<ReplayAnswer>;
  /** @param body as for replay, without version; it has to narrow. @returns how many. @throws MooringError VALIDATION */
  drop(tenant: string, decoder: string, body: unknown): Promise<number>;
}

export interface DeadLettersParts {
  readonly store: Pick<Store, "collection">;
  write(ops: readonly WriteOp[]): Promise<unknown>;
  readonly redecodes: Pick<Redecodes, "begin">;
  /** Tells the queue that payloads wait in the store. */
  onReplayed(): void;
  readonly nowMs: () => number;
}

const PAGE_SIZE = 100;

const toDeadLetter = (document: RawPayloadDocument): DeadLetter => {
  const { details, decoderVersion } = document;
  return {
    ...fromRawDocument(document),
    reason: String(details["reason"] ?? ""),
    message: String(details["message"] ?? ""),
    ...(decoderVersion !== undefined && { decoderVersion }),
  };
};

function readSelected(asked: unknown): PayloadSelection {
  const { version, selection } = readDeadLetters(asked);
  if (version !== undefined) throw invalid("version", "is not known here");
  return selection;
}

export function createDeadLetters(parts: DeadLettersParts): DeadLetters {
  const { store, write, redecodes, onReplayed, nowMs } = parts;
  const payloads = store.collection(RAW_PAYLOADS);
  const figures = { replayed: 0, dropped: 0 };

  /** All that are meant, page by page; each once, also where it fails again meanwhile. */
  const each = async (
    tenant: string,
    decoder: string,
    selection: PayloadSelection,
    work: (page: readonly RawPayload[]) => Promise<unknown>,
  ): Promise<number> => {
    const filter = selectionFilter(tenant, decoder, { toMs: nowMs(), ...selection });
    let after: readonly Scalar[] | undefined;
    for (let count = 0; ; ) {
      const page = await readPayloads(payloads, filter, ["ERROR"], after, PAGE_SIZE);
      if (page.length === 0) return count;
      await work(page.map(fromRawDocument));
      count += page.length;
      after = placeOf(page.at(-1)!);
    }
  };

  return {
    figures,
    async list(tenant, decoder, asked, page) {
      const filter = { ...selectionFilter(tenant, decoder, readSelected(asked)), status: "ERROR" } as const;
      const found = await readPage(payloads, filter, page, [["time", -1]]);
      return { ...found, items: found.items.map(toDeadLetter) };
    },
    async replay(tenant, decoder, body, owner) {
      const { version, selection } = readDeadLetters(body);
      if (version !== undefined) {
        return { job: await redecodes.begin(tenant, decoder, { version, selection, apply: true }, owner) };
      }
      const replayed = await each(tenant, decoder, selection, page =>
        write(page.flatMap(raw => replayOps(raw, nowMs()))),
      );
      figures.replayed += replayed;
      if (replayed > 0) onReplayed();
      return { replayed };
    },
    async drop(tenant, decoder, body) {
      const selection = readSelected(body);
      if (Object.keys(selection).length === 1) throw invalid("ids", "or another filter must be given");
      const dropped = await each(tenant, decoder, selection, async page =>
        write([...(await endedAlarmOps(payloads, page, nowMs())), ...page.flatMap(forgetOps)]),
      );
      figures.dropped += dropped;
      return dropped;
    },
  };
}
