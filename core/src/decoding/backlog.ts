/**
 * Kept payloads that are not decoded yet, as the store has them: those that a crash left behind, those that did not fit into
 * the queue, those whose decoder could not run when it was their turn, and those whose call failed and that are due again.
 */
import type { DocumentCollection, Filter, Scalar, Sort } from "../store/collection.ts";
import type { RawPayloadDocument } from "../store/collections/decoding.ts";
import { keysetOf } from "../store/keyset.ts";
import { fromRawDocument, type RawPayload } from "./raw-payload.ts";

/** A tenant's payloads for one decoder. */
export interface LineName {
  readonly tenant: string;
  readonly decoder: string;
}

export interface Backlog {
  /** For whom something waits, due or not. */
  lines(): AsyncIterable<LineName>;
  /** Pages of payloads that are due, oldest first, of at most `pageSize`. */
  pages(line: LineName, nowMs: number, pageSize: number): AsyncIterable<readonly RawPayload[]>;
}

/** IN_PROGRESS ones first: they were begun before those that are PENDING. */
const WAITING = ["IN_PROGRESS", "PENDING"] as const;
const BY_TIME: Sort<RawPayloadDocument> = [["time", 1]];

export function createBacklog(payloads: Pick<DocumentCollection<RawPayloadDocument>, "find">): Backlog {
  const first = async (
    filter: Filter<RawPayloadDocument>,
    sort: Sort<RawPayloadDocument>,
  ): Promise<LineName | undefined> => (await payloads.find(filter, { sort, limit: 1 }))[0];

  /** From line to line by the index, however much waits on each. */
  const next = async (status: (typeof WAITING)[number], last?: LineName): Promise<LineName | undefined> => {
    if (!last) return first({ status }, [["tenant", 1], ["decoder", 1], ...BY_TIME]);
    const { tenant, decoder } = last;
    const ofSameTenant = await first({ status, tenant, decoder: { $gt: decoder } }, [["decoder", 1], ...BY_TIME]);
    return ofSameTenant ?? first({ status, tenant: { $gt: tenant } }, [["tenant", 1], ["decoder", 1], ...BY_TIME]);
  };

  return {
    async *lines() {
      for (const status of WAITING)
        for (let line = await next(status); line; line = await next(status, line)) {
          yield { tenant: line.tenant, decoder: line.decoder };
        }
    },
    async *pages({ tenant, decoder }, nowMs, pageSize) {
      for (const status of WAITING) {
        const filter = { status, tenant, decoder, notBefore: { $not: { $gt: nowMs } } };
        let after: readonly Scalar[] | undefined;
        for (let more = true; more; ) {
          const page = await payloads.find(filter, { sort: BY_TIME, limit: pageSize, ...(after ? { after } : {}) });
          if (page.length > 0) yield page.map(fromRawDocument);
          more = page.length === pageSize;
          if (more) after = keysetOf(BY_TIME, page.at(-1)!);
        }
      }
    },
  };
}
