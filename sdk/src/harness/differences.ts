/** Where two JSON values part, member by member: what a person wants to see of a result that is not the expected one. */
import { differences as partings } from "@mooring/core/internal/decoding/redecode/differences.ts";

export interface Difference {
  /** `measurements[0].values[1].unit`; empty for the whole. */
  readonly member: string;
  /** Absent: there shall be no such member. */
  readonly expected?: unknown;
  /** Absent: there is none. */
  readonly actual?: unknown;
}

export const differences = (expected: unknown, actual: unknown): Difference[] =>
  partings(expected, actual, Number.POSITIVE_INFINITY).map(({ member, ...sides }) => ({
    member,
    ...("before" in sides && { expected: sides.before }),
    ...("after" in sides && { actual: sides.after }),
  }));
