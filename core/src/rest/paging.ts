/** Pages and their statistics (platform API 2.5). */
import { MooringError } from "../base/errors.ts";
import type { Page, PageRequest } from "../platform/platform.ts";
import { flag, type Query, text } from "./parameters.ts";

const DEFAULT_PAGE_SIZE = 5;
const LARGEST_PAGE_SIZE = 2000;

function positive(query: Query, name: string, otherwise: number): number {
  const given = text(query, name);
  if (given === undefined) return otherwise;
  const value = /^\d{1,9}$/.test(given) ? Number(given) : 0;
  if (value < 1) {
    const rule = "must be a whole number of 1 or more";
    throw new MooringError("VALIDATION", `${name} ${rule}`, { field: name, rule });
  }
  return value;
}

export interface PageParameters extends PageRequest {
  readonly withTotalPages: boolean;
  readonly withTotalElements: boolean;
}

/** A page size above the largest is cut, one that is no number of 1 or more is refused. @throws MooringError VALIDATION */
export function pageParameters(query: Query): PageParameters {
  const withTotalPages = flag(query, "withTotalPages") ?? false;
  const withTotalElements = flag(query, "withTotalElements") ?? false;
  return {
    currentPage: positive(query, "currentPage", 1),
    pageSize: Math.min(positive(query, "pageSize", DEFAULT_PAGE_SIZE), LARGEST_PAGE_SIZE),
    withTotalPages,
    withTotalElements,
    withTotal: withTotalPages || withTotalElements,
  };
}

/** One page of what is there as a whole. */
export function pageOf<T>(all: readonly T[], { currentPage, pageSize }: PageParameters): Page<T> {
  const first = (currentPage - 1) * pageSize;
  return { items: all.slice(first, first + pageSize), total: all.length };
}

/** The request's URL with its page replaced; the other parameters stay as they came. */
function pageUrl(selfUrl: string, pageSize: number, currentPage: number): string {
  // Only the first question mark begins the query (RFC 3986 section 3.4).
  const [path, ...query] = selfUrl.split("?");
  const kept = query
    .join("?")
    .split("&")
    .filter(pair => pair !== "" && !/^(?:pageSize|currentPage)(?:=|$)/.test(pair));
  return `${path}?${[...kept, `pageSize=${pageSize}`, `currentPage=${currentPage}`].join("&")}`;
}

function statistics(page: PageParameters, total: number | undefined): Record<string, number> {
  const shown: Record<string, number> = { currentPage: page.currentPage, pageSize: page.pageSize };
  if (total !== undefined && page.withTotalPages) shown["totalPages"] = Math.ceil(total / page.pageSize);
  if (total !== undefined && page.withTotalElements) shown["totalElements"] = total;
  return shown;
}

/**
 * The body of a collection.
 * @param property name of the array, as `managedObjects`
 * @param selfUrl  absolute URL of this request, with its parameters
 * @param found    documents as they are shown
 */
export function collectionBody(
  property: string,
  selfUrl: string,
  page: PageParameters,
  found: Page<unknown>,
): Record<string, unknown> {
  const at = (number: number): string => pageUrl(selfUrl, page.pageSize, number);
  const seen = (page.currentPage - 1) * page.pageSize + found.items.length;
  const mayHaveMore = found.items.length === page.pageSize && (found.total === undefined || seen < found.total);
  return {
    self: at(page.currentPage),
    [property]: found.items,
    statistics: statistics(page, found.total),
    ...(page.currentPage > 1 ? { prev: at(page.currentPage - 1) } : {}),
    ...(mayHaveMore ? { next: at(page.currentPage + 1) } : {}),
  };
}
