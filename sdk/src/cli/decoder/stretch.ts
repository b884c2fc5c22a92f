/** Which of the kept payloads a command is about, from its options. */
import { type CliCall, CliError, type CliOption, EXIT } from "../command.ts";

export const DAYS_OPTION: CliOption = {
  type: "string",
  value: "<days>",
  summary: "Payloads of so many days before now",
};

const DAY_MS = 86_400_000;

/** @throws CliError */
export function numberOf({ text }: Pick<CliCall, "text">, option: string): number | undefined {
  const given = text(option);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (given.trim() !== "" && Number.isFinite(number) && number > 0) return number;
  throw new CliError(EXIT.usage, `--${option} "${given}" must be a number over 0`);
}

/** @param nowMs by the wall clock. @throws CliError */
export function dateFromOf(call: Pick<CliCall, "text">, nowMs: number): { readonly dateFrom?: string } {
  const days = numberOf(call, "days");
  const from = call.text("from");
  if (days !== undefined && from !== undefined) throw new CliError(EXIT.usage, "either --days or --from");
  if (days !== undefined) return { dateFrom: new Date(nowMs - days * DAY_MS).toISOString() };
  return from === undefined ? {} : { dateFrom: from };
}
