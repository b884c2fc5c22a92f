/**
 * Kept payloads that are not decoded yet, as the store has them: those that a crash left behind, those that did not fit into
 * the queue, those whose decoder could not run when it was their turn.
 */
import type { DocumentCollection, Scalar, Sort } from "../store/collection.ts";
import type { RawPayloadDocument } from "../store/collections.ts";
import { keysetOf } from "../store/keyset.ts";
import { fromRawDocument, type RawPayload } from "./raw-payload.ts";

export interface Backlog {
  /** Pages of waiting payloads for these decoders, oldest first, of at most `pageSize`. */
  pages(decoders: readonly string[], pageSize: number): AsyncIterable<readonly RawPayload[]>;
}

const BY_TIME: Sort<RawPayloadDocument> = [["time", 1]];

export function createBacklog(payloads: Pick<DocumentCollection<RawPayloadDocument>, "find">): Backlog {
  return {
    async *pages(decoders, pageSize) {
      if (decoders.length === 0) return;
      const filter = { status: { $in: ["PENDING", "IN_PROGRESS"] }, decoder: { $in: decoders } } as const;
      let after: readonly Scalar[] | undefined;
      for (;;) {
        const page = await payloads.find(filter, { sort: BY_TIME, limit: pageSize, ...(after ? { after } : {}) });
        if (page.length > 0) yield page.map(fromRawDocument);
        if (page.length < pageSize) return;
        after = keysetOf(BY_TIME, page.at(-1)!);
      }
    },
  };
}
