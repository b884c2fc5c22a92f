/** One line of the benchmark's table. */
export interface Row {
  readonly what: string;
  /** The figure with its unit, as `47,000 /s`. */
  readonly figure: string;
  /** Against what, in the same run, such as `0.71 of the raw echo`. */
  readonly ratio?: string;
  /** What is wanted, such as `0.60`. */
  readonly target?: string;
  /** Whether the target is met; undefined where there is none. */
  readonly met?: boolean | undefined;
}

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (value: number): string => GROUPED.format(value);
export const perSecond = (value: number): string => `${count(value)} /s`;
export const ratioOf = (value: number, base: number): number => (base > 0 ? value / base : Number.NaN);
export const times = (ratio: number): string => ratio.toFixed(2);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ what, figure, ratio = "", target = "", met }) => [
    what,
    figure,
    ratio,
    target,
    met === undefined ? "" : met ? "met" : "MISSED",
  ]);
  const head = ["measured", "figure", "ratio in this run", "target", ""];
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map(cell => cell[at]!.length)));
  const line = (cell: readonly string[]): string =>
    cell
      .map((text, at) => text.padEnd(widths[at]!))
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map(width => "-".repeat(width))), ...cells.map(line)].join("\n");
}
