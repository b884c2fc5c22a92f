/** Kept payloads of a decoder that have been decoded or given up, the newest first, page by page. */
import { timeFilter } from "../../platform/time-filter.ts";
import type { DocumentCollection, Scalar, Sort } from "../../store/collection.ts";
import type { RawPayloadDocument } from "../../store/collections/decoding.ts";
import { keysetOf } from "../../store/keyset.ts";
import { fromRawDocument, type RawPayload } from "../raw-payload.ts";

export interface RecordedRange {
  /** Absent: of all tenants. */
  readonly tenant?: string;
  readonly decoder: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Payloads in all, with those that are done. */
  readonly limit: number;
  readonly done: number;
  readonly after?: readonly Scalar[];
}

const NEWEST_FIRST: Sort<RawPayloadDocument> = [["time", -1]];
const PAGE_SIZE = 100;

export async function* recordedPayloads(
  payloads: Pick<DocumentCollection<RawPayloadDocument>, "find">,
  range: RecordedRange,
): AsyncIterable<{ readonly raws: readonly RawPayload[]; readonly after: readonly Scalar[] }> {
  const { tenant, decoder, limit, done, after: first } = range;
  const filter = {
    ...(tenant !== undefined && { tenant }),
    decoder,
    status: { $in: ["DONE", "ERROR"] },
    ...timeFilter("time", range),
  } as const;
  let after = first;
  for (let left = limit - done; left > 0; ) {
    const size = Math.min(PAGE_SIZE, left);
    const page = await payloads.find(filter, { sort: NEWEST_FIRST, limit: size, ...(after && { after }) });
    if (page.length === 0) return;
    after = keysetOf(NEWEST_FIRST, page.at(-1)!);
    yield { raws: page.map(fromRawDocument), after };
    left -= page.length;
  }
}
