/** Which values of a message are for others to see at all. */
import { isSecretObject } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";

/** Text from C programs may carry its end mark, which no store keeps. */
const cleanText = (text: string): string => text.replace(/\0+$/, "").replaceAll("\0", "\ufffd");

const isKept = ({ path }: ResourceValue): boolean => path.length >= 3 && !isSecretObject(path[0]!);

const isClean = (one: ResourceValue): boolean =>
  isKept(one) && !(typeof one.value === "string" && one.value.includes("\0"));

/** The values of a message that are kept and shown, in the form that every store keeps. */
export function keepableValues(values: readonly ResourceValue[]): readonly ResourceValue[] {
  if (values.every(isClean)) return values;
  return values
    .filter(isKept)
    .map(one => (typeof one.value === "string" ? { ...one, value: cleanText(one.value) } : one));
}
