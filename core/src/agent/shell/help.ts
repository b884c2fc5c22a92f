/** Help of the shell, printed from the grammar. Pure. */
import type { CommandKind } from "./command.ts";
import { COMMANDS, type CommandRow, rowOfKind } from "./grammar.ts";

const needs = ({ version }: CommandRow): string => (version === "1.0" ? "" : ` (LwM2M ${version})`);

function about(row: CommandRow): string {
  const { name, usage, summary, notes = [], examples } = row;
  return [`${name} ${usage}`, `${summary}${needs(row)}.`, ...notes, ...examples.map(each => `  ${each}`)].join("\n");
}

/** @param kind undefined: all commands in a line each */
export function helpText(kind: CommandKind | undefined): string {
  if (kind !== undefined) return about(rowOfKind(kind));
  const rows = [...COMMANDS.values()];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(row => `${row.name.padEnd(width)}  ${row.summary}${needs(row)}`);
  return ["Commands:", ...lines, "help <command> explains one."].join("\n");
}
