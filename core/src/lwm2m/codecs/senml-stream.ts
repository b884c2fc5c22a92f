/** Values as streams of device data have them: SenML JSON with padded base64 and base times (agent specification 16.4). */

import { formatPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { recordText } from "./senml-json.ts";

/** What JSON has no form for: NaN and the infinities. */
const isSayable = ({ value }: ResourceValue): boolean => typeof value !== "number" || Number.isFinite(value);

/** Of a value with a time of its own: what it differs by from that of receipt. */
function ownTime({ atMs }: ResourceValue, receivedAtMs: number): { t?: number } {
  const t = atMs === undefined ? 0 : (atMs - receivedAtMs) / 1000;
  return Number.isFinite(t) && t !== 0 ? { t } : {};
}

/**
 * One record a value, base name and base time with the first of each object instance: `/6/0/`, and the time of receipt in seconds. Records of
 * numbers that JSON cannot say are left out.
 * @returns the text of a JSON array
 */
export function senmlStream(values: readonly ResourceValue[], receivedAtMs: number): string {
  let base = "";
  const records = values.filter(isSayable).map(value => {
    const bn = `${formatPath(value.path.slice(0, 2))}/`;
    const bases = bn === base ? {} : { bn, bt: receivedAtMs / 1000 };
    base = bn;
    return recordText({ ...bases, n: value.path.slice(2).join("/"), ...ownTime(value, receivedAtMs), value }, "base64");
  });
  return `[${records.join(",")}]`;
}
