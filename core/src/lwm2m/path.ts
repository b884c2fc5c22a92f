/** Paths of the LwM2M resource tree (LwM2M Core 1.1.1 section 7.2). */
import { MooringError } from "../base/errors.ts";

/** `[]` is the root, then object, object instance, resource, resource instance; each 0..65534 (65535 is reserved). */
export type Lwm2mPath = readonly number[];

export const LARGEST_ID = 65534;
/** In place of an object instance: Create leaves the number to the device (LwM2M Core 1.2.2 section 7.5.4). No text has it. */
export const UNNUMBERED_INSTANCE = 65535;

/**
 * @param text `/3/0/9`; a missing leading slash and one trailing slash are tolerated (seen in the field), leading zeros are not
 * @throws MooringError PATH_INVALID
 */
export function parsePath(text: string): Lwm2mPath {
  const trimmed = text.trim().replace(/^\//, "").replace(/\/$/, "");
  if (trimmed === "") return [];
  const parts = trimmed.split("/");
  const ids = parts.map(part => (/^(0|[1-9]\d{0,4})$/.test(part) ? Number(part) : Number.NaN));
  if (parts.length > 4 || ids.some(id => !(id <= LARGEST_ID))) {
    throw new MooringError(
      "PATH_INVALID",
      `"${text}" is no LwM2M path: at most four numbers of 0 to ${LARGEST_ID}, each after a slash`,
      { path: text },
    );
  }
  return ids;
}

/**
 * A path as names in payloads have it: below the device's alternate root, which some clients leave out (LwM2M Transport 1.2.2
 * section 6.4.1).
 * @param rootPath `/` or undefined: the device has no alternate root
 * @throws MooringError PATH_INVALID
 */
export function parsePathBelow(text: string, rootPath: string | undefined): Lwm2mPath {
  const hasRoot = rootPath !== undefined && rootPath !== "/" && `${text}/`.startsWith(`${rootPath}/`);
  return parsePath(hasRoot ? text.slice(rootPath.length) : text);
}

/** `/3/0/9`; `/` for the root. */
export const formatPath = (path: Lwm2mPath): string => `/${path.join("/")}`;

/** Whether `path` is `prefix` or lies below it. */
export const isBelow = (path: Lwm2mPath, prefix: Lwm2mPath): boolean =>
  prefix.length <= path.length && prefix.every((id, level) => path[level] === id);

/** Security and OSCORE hold keys: never shown, never kept (LwM2M Core 1.1.1 appendix E.1, LwM2M Transport 1.1.1 section 5.4). */
export const isSecretObject = (objectId: number): boolean => objectId === 0 || objectId === 21;
