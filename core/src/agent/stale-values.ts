/** Which last values an answer of a device shows to be stale (agent specification 11.3). Pure. */
import { CODES } from "../coap/codes.ts";
import type { ObjectLink } from "../lwm2m/codecs/link-format.ts";
import { isBelow, type Lwm2mPath } from "../lwm2m/path.ts";
import type { Fragments } from "../platform/platform.ts";

const GONE: readonly number[] = [
  CODES.UNAUTHORIZED,
  CODES.FORBIDDEN,
  CODES.NOT_FOUND,
  CODES.INTERNAL_SERVER_ERROR,
  CODES.NOT_IMPLEMENTED,
];

/** Whether what a Read or Write was answered means that there is no such value any more. */
export const isGone = (code: number): boolean => GONE.includes(code);

/** Of a composite request the device may know nothing at all: 5.01 says nothing about its values. */
export const isGoneComposite = (code: number): boolean => isGone(code) && code !== CODES.NOT_IMPLEMENTED;

/** Both names count: that of a registration, and that of its file and of the managed object (agent specification 4.1). */
const NAMES = ["genericUIRetainOldValuesIfError", "c8y_GenericUI_retainOldValuesIfError"];

/** Whether a device's values stay whatever it answers. */
export const retainsOldValues = (device: Fragments): boolean => NAMES.every(name => device[name] !== false);

const isMap = (value: unknown): value is Fragments => typeof value === "object" && value !== null;

/** Ids below `at` that the links name. */
const listedBelow = (links: readonly Lwm2mPath[], at: Lwm2mPath): ReadonlySet<string> =>
  new Set(links.flatMap(path => (path.length > at.length && isBelow(path, at) ? [String(path[at.length])] : [])));

/** Resource instances are named by few devices: where none is, they all stay. */
function missingOfResource(links: readonly Lwm2mPath[], path: Lwm2mPath, value: unknown): Lwm2mPath[] {
  if (!links.some(link => isBelow(link, path))) return [path];
  const listed = listedBelow(links, path);
  if (listed.size === 0 || !isMap(value)) return [];
  return Object.keys(value).flatMap(id => (listed.has(id) ? [] : [[...path, Number(id)]]));
}

function missingOfInstance(
  links: readonly Lwm2mPath[],
  asked: Lwm2mPath,
  path: Lwm2mPath,
  { instance: _, ...known }: Fragments,
): Lwm2mPath[] {
  if (asked.length === 1) {
    if (!links.some(link => isBelow(link, path))) return [path];
    // Some devices list instances alone when they are asked for an object.
    if (listedBelow(links, path).size === 0) return [];
  }
  return Object.entries(known).flatMap(([resource, value]) => {
    const at = [...path, Number(resource)];
    return isBelow(at, asked) ? missingOfResource(links, at, value) : [];
  });
}

/**
 * @param asked path of the Discover: object, object instance or resource
 * @param links of its answer
 * @param known last values of the object's instances, `{instance, "<rid>": value or map by instance id}`
 * @returns paths at and below which last values are of what the device does not have
 */
export function missingFrom(
  asked: Lwm2mPath,
  links: readonly ObjectLink[],
  known: readonly Fragments[],
): readonly Lwm2mPath[] {
  const paths = links.map(({ path }) => path);
  return known.flatMap(instance => {
    const path = [asked[0]!, instance["instance"] as number];
    const isAsked = asked.length === 1 || asked[1] === path[1];
    return isAsked ? missingOfInstance(paths, asked, path, instance) : [];
  });
}
