/** Where two JSON values part, member by member: what a person wants to see of a result that is not the expected one. */

export interface Difference {
  /** `measurements[0].values[1].unit`; empty for the whole. */
  readonly member: string;
  /** JSON; absent where there is no such member. */
  readonly expected?: string;
  readonly actual?: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function difference(member: string, expected: unknown, actual: unknown): Difference {
  return {
    member,
    ...(expected !== undefined && { expected: JSON.stringify(expected) }),
    ...(actual !== undefined && { actual: JSON.stringify(actual) }),
  };
}

/** In the order of what is expected, then of what is there as well. */
export function differences(expected: unknown, actual: unknown, member = ""): Difference[] {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    const indices = Array.from({ length }, (_, index) => index);
    return indices.flatMap(index => differences(expected[index], actual[index], `${member}[${index}]`));
  }
  if (isObject(expected) && isObject(actual)) {
    const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return names.flatMap(name => differences(expected[name], actual[name], member === "" ? name : `${member}.${name}`));
  }
  return Object.is(expected, actual) ? [] : [difference(member, expected, actual)];
}
