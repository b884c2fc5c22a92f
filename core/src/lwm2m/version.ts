/** LwM2M enabler versions (LwM2M Core 1.1.1 section 6.2.1, query `lwm2m`). */
import { MooringError } from "../base/errors.ts";

const LWM2M_VERSIONS = ["1.0", "1.1", "1.2"] as const;
export type Lwm2mVersion = (typeof LWM2M_VERSIONS)[number];

/**
 * @param text value of the query `lwm2m`; absent or empty means 1.0 (section 6.2.1), a patch digit is ignored, a newer
 *             minor version is served as 1.2
 * @throws MooringError LWM2M_VERSION_UNSUPPORTED (4.12) for another major version, QUERY_INVALID for what is no version
 */
export function parseLwm2mVersion(text: string | undefined): Lwm2mVersion {
  if (text === undefined || text.trim() === "") return "1.0";
  const match = /^(\d{1,3})\.(\d{1,3})(\.\d{1,5})?$/.exec(text.trim());
  if (!match) {
    throw new MooringError("QUERY_INVALID", `lwm2m="${text}" is no version such as 1.0 or 1.1`, { lwm2m: text });
  }
  if (match[1] !== "1") {
    throw new MooringError("LWM2M_VERSION_UNSUPPORTED", `LwM2M ${text} is not supported, 1.0 to 1.2 are`, {
      lwm2m: text,
    });
  }
  return LWM2M_VERSIONS[Math.min(Number(match[2]), 2)]!;
}

/** Compares dotted version numbers of objects and enablers by their parts: negative, 0 or positive as for `sort`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a device of `version` has what came with `minimum`. */
export const isAtLeast = (version: string, minimum: Lwm2mVersion): boolean => compareVersions(version, minimum) >= 0;
