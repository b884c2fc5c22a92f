/** How many of a list are shown, from an option. */
import { type CliCall, CliError, type CliOption, EXIT } from "./command.ts";

const DEFAULT = 20;
/** The largest page that the host gives. */
const MAX = 2000;

/** @param what the option counts */
export const limitOption = (what: string): CliOption => ({
  type: "string",
  value: "<number>",
  summary: `${what}; default ${DEFAULT}, at most ${MAX}`,
});

/** @throws CliError */
export function limitOf({ text }: Pick<CliCall, "text">): number {
  const limit = Number(text("limit") ?? DEFAULT);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX) return limit;
  throw new CliError(EXIT.usage, `--limit "${text("limit")}" must be a number of 1 to ${MAX}`);
}
