/** Which kept payloads of a decoder are meant, and reading them in the order of their receipt. */
import { timeFilter } from "../../platform/time-filter.ts";
import type { DocumentCollection, Filter, Scalar, Sort } from "../../store/collection.ts";
import type { RawPayloadDocument } from "../../store/collections/decoding.ts";
import { keysetOf } from "../../store/keyset.ts";

/** What is absent does not narrow. */
export interface PayloadSelection {
  readonly statuses: readonly ("DONE" | "ERROR")[];
  /** Of receipt; both inclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly deviceId?: string;
  readonly path?: string;
  /** Why they are ERROR. */
  readonly reason?: string;
  readonly ids?: readonly string[];
  /** At most so many. */
  readonly limit?: number;
}

export type Payloads = Pick<DocumentCollection<RawPayloadDocument>, "find">;
type PayloadFilter = Filter<RawPayloadDocument>;

const IN_ORDER: Sort<RawPayloadDocument> = [["time", 1]];

export const selectionFilter = (
  tenant: string,
  decoder: string,
  { deviceId, path, reason, ids, ...times }: Omit<PayloadSelection, "statuses" | "limit">,
): PayloadFilter =>
  ({
    tenant,
    decoder,
    ...timeFilter("time", times),
    ...(deviceId !== undefined && { managedObject: deviceId }),
    ...(path !== undefined && { path }),
    ...(reason !== undefined && { "details.reason": reason }),
    ...(ids !== undefined && { _id: { $in: ids } }),
  }) as PayloadFilter;

/** Place of a payload in the order of reading. */
export const placeOf = (payload: RawPayloadDocument): readonly Scalar[] => keysetOf(IN_ORDER, payload);

const isBefore = (a: RawPayloadDocument, b: RawPayloadDocument): number =>
  a.time - b.time || (a._id < b._id ? -1 : a._id > b._id ? 1 : 0);

/**
 * The next payloads after a place, oldest first; of equal times by id. Each status is read by itself, which is a range of one index.
 * @param limit at most so many; none: it is the end
 */
export async function readPayloads(
  payloads: Payloads,
  filter: PayloadFilter,
  statuses: PayloadSelection["statuses"],
  after: readonly Scalar[] | undefined,
  limit: number,
): Promise<RawPayloadDocument[]> {
  const options = { sort: IN_ORDER, limit, ...(after && { after }) };
  const found = await Promise.all(statuses.map(status => payloads.find({ ...filter, status }, options)));
  return found.flat().sort(isBefore).slice(0, limit);
}
