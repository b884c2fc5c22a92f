/** Two values of one place, one below the other. */

/** @param sides their names, as `expected` and `actual`, and the values; undefined: it is not there */
export function sideBySide(place: string, sides: Readonly<Record<string, unknown>>): string[] {
  const width = Math.max(...Object.keys(sides).map(name => name.length));
  const shown = (value: unknown): string => (value === undefined ? "(not there)" : JSON.stringify(value));
  return [place, ...Object.entries(sides).map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value)}`)];
}

export const indented = (lines: readonly string[], by: number): string[] =>
  lines.map(line => `${" ".repeat(by)}${line}`);
