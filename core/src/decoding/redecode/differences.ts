/** Where two documents differ, for people to read. Pure. */
import { sameJson } from "../../base/same-json.ts";

export interface Difference {
  /** `acme.U.value`, `readings[2]`. */
  readonly member: string;
  /** Absent: there was none. */
  readonly before?: unknown;
  /** Absent: there is none. */
  readonly after?: unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function children(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.map((item, at) => [`[${at}]`, item]));
  return isObject(value) ? new Map(Object.entries(value)) : undefined;
}

const below = (parent: string, name: string): string =>
  parent === "" || name.startsWith("[") ? `${parent}${name}` : `${parent}.${name}`;

function collect(member: string, before: unknown, after: unknown, found: Difference[], most: number): void {
  if (found.length >= most || sameJson(before, after)) return;
  const [was, is] = [children(before), children(after)];
  if (!was || !is || Array.isArray(before) !== Array.isArray(after)) {
    found.push({ member, ...(before !== undefined && { before }), ...(after !== undefined && { after }) });
    return;
  }
  for (const name of new Set([...was.keys(), ...is.keys()]))
    collect(below(member, name), was.get(name), is.get(name), found, most);
}

/** @param most how many are told. @returns members that differ, as deep as they can be named */
export function differences(before: unknown, after: unknown, most: number): Difference[] {
  const found: Difference[] = [];
  collect("", before, after, found, most);
  return found;
}
