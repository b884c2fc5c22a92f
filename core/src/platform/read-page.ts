/** One numbered page of a collection. */
import type { Document, DocumentCollection, Filter, Sort } from "../store/collection.ts";
import type { Page, PageRequest } from "./platform.ts";

/** The total, when asked for, is counted beside the read: a write in between may show in one and not in the other. */
export async function readPage<T extends Document>(
  collection: DocumentCollection<T>,
  filter: Filter<T>,
  page: PageRequest,
  sort: Sort<T>,
): Promise<Page<T>> {
  const skip = (page.currentPage - 1) * page.pageSize;
  const [items, total] = await Promise.all([
    collection.find(filter, { sort, limit: page.pageSize, ...(skip > 0 ? { skip } : {}) }),
    page.withTotal ? collection.count(filter) : undefined,
  ]);
  return total === undefined ? { items } : { items, total };
}
