/** Help of the command line, printed from the tables of commands and options. */
import type { CliCommand, CliOption } from "./command.ts";
import { LOGIN_OPTIONS } from "./login.ts";

const HELP_OPTION: Readonly<Record<string, CliOption>> = {
  help: { type: "boolean", short: "h", summary: "Shows this" },
};
export const COMMON_OPTIONS: Readonly<Record<string, CliOption>> = { ...LOGIN_OPTIONS, ...HELP_OPTION };

function rows(pairs: readonly (readonly [left: string, right: string])[]): string[] {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

const optionRows = (options: Readonly<Record<string, CliOption>>): string[] =>
  rows(
    Object.entries(options).map(([name, { short, value, summary }]) => [
      `${short ? `-${short}, ` : "    "}--${name}${value ? ` ${value}` : ""}`,
      summary,
    ]),
  );

export function overview(commands: readonly CliCommand[]): string {
  return [
    "Usage: mooring <command> [options]",
    "",
    "Commands:",
    ...rows(commands.map(({ name, usage, summary }) => [`${name} ${usage}`, summary])),
    "",
    "Options of all commands:",
    ...optionRows(COMMON_OPTIONS),
    "",
    "mooring <command> --help explains one.",
    "Ends with 0; 1 an operation failed; 2 the command line is wrong; 3 no host, or no login; 4 it took too long.",
  ].join("\n");
}

export const commandHelp = ({ name, usage, summary, notes, options }: CliCommand): string =>
  [
    `Usage: mooring ${name} ${usage}`,
    "",
    `${summary}.`,
    ...notes,
    "",
    "Options:",
    ...optionRows({ ...options, ...COMMON_OPTIONS }),
  ].join("\n");
