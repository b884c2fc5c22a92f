/** One line of the shell to a command, by the grammar. Pure. */
import type { Command } from "./command.ts";
import { rowOf } from "./grammar.ts";
import { readWords, refuse } from "./words.ts";

/**
 * @param line one line; blanks around it count for nothing
 * @throws MooringError VALIDATION, `details {word, position, length, rule}`: the offending word, the place of its first character in
 *         `line` from 1, its length there, and what it should have been; `pointed` in words.ts makes it a picture
 */
export function parseCommand(line: string): Command {
  if (linesOf(line).length > 1) throw refuse({ text: "", at: 0, length: 1 }, "these are several lines", "one command");
  const words = readWords(line);
  const row = rowOf(words.next());
  const command = row.read(words);
  const more = words.rest();
  if (more.text !== "") throw refuse(more, "is too much", `${row.name} ${row.usage}`);
  return command;
}

/** Lines without blanks around them; empty ones are left out (agent specification 10.2). */
export const linesOf = (text: string): string[] =>
  text
    .split(/\r\n|\r|\n/)
    .map(line => line.trim())
    .filter(line => line !== "");
