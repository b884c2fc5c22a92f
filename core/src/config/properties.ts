/** Properties files, as Java programs have them: what the LwM2M agent is configured with today can stay as it is (agent specification 19). */

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

const withoutEscapes = (text: string): string =>
  text.replace(/\\(u[0-9A-Fa-f]{4}|.)/gs, (_, escaped: string) =>
    escaped.length > 1 ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16)) : (ESCAPES[escaped] ?? escaped),
  );

/** A line that ends in an odd number of backslashes goes on in the next one. */
const CONTINUED = /(?<!\\)(?:\\\\)*\\$/;

/** Lines with their continuations, without comments and without the blanks in front. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  let isOpen = false;
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/)) {
    const trimmed = line.trimStart();
    if (!isOpen && /^([#!]|$)/.test(trimmed)) continue;
    const goesOn = CONTINUED.test(trimmed);
    const own = goesOn ? trimmed.slice(0, -1) : trimmed;
    lines.push(isOpen ? lines.pop() + own : own);
    isOpen = goesOn;
  }
  return lines;
}

/** Name, then `=`, `:` or blanks, then the value. */
const PROPERTY = /^((?:\\.|[^\\\s=:])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s;

/** Names and values in order, as `java.util.Properties` reads them. The blanks behind a value are not part of it. */
export function readProperties(text: string): [name: string, value: string][] {
  return linesOf(text).map(line => {
    const [, name = "", value = ""] = PROPERTY.exec(line) ?? [];
    return [withoutEscapes(name), withoutEscapes(value).trimEnd()];
  });
}
