/** What the host calls a member of a request, in the words of the command line. */
import type { CliCall, CliCommand } from "./command.ts";

/** @returns what a person typed, or could have typed, for a member: `--from` for `dateFrom`; undefined for what no option fills */
export type NameOf = (field: string) => string | undefined;

/** `123.unit` and `items[0]` are `*.unit` and `items[*]`. */
const general = (field: string): string => field.replace(/\d+/g, "*");

/** Of a command as it was called. */
export function namesOf(
  { fields = {} }: Pick<CliCommand, "fields">,
  { text, flag }: Pick<CliCall, "text" | "flag">,
): NameOf {
  const isGiven = (option: string): boolean => text(option) !== undefined || flag(option);
  return field => {
    const names = [fields[field] ?? fields[general(field)] ?? []].flat();
    return names.find(name => name.startsWith("--") && isGiven(name.slice(2))) ?? names[0];
  };
}

/** A name that is no word of plain texts: `dateFrom`, `recorded.days`. */
const NAME = /[a-z]+(?:[A-Z.][A-Za-z]+)+/g;

/**
 * @param message of a refusal: `dateFrom must not be after dateTo`
 * @param field   that it is about, with which it begins
 * @returns the message with that, and other members whose names are no plain words, in the words of the command line
 */
export function inWords(message: string, field: string, nameOf: NameOf): string {
  const others = (text: string): string => text.replace(NAME, name => nameOf(name) ?? name);
  const own = message.startsWith(`${field} `) ? nameOf(field) : undefined;
  return own === undefined ? others(message) : own + others(message.slice(field.length));
}
