/** What happened in an update, bounded: its beginning and its latest part stay. Pure. */

export interface TimelineEntry {
  readonly atMs: number;
  /** In which step. */
  readonly step: string;
  readonly text: string;
  /** Times that it happened in a row, and when it did last; absent: once. */
  readonly count?: number;
  readonly lastMs?: number;
}

export type Timeline = readonly TimelineEntry[];

const MOST = 100;
/** So many of the first are kept when the rest goes. */
const BEGINNING = 20;

/** The same again counts the last entry up. */
export function noted(timeline: Timeline, entry: TimelineEntry): Timeline {
  const last = timeline.at(-1);
  if (last?.step === entry.step && last.text === entry.text) {
    return [...timeline.slice(0, -1), { ...last, count: (last.count ?? 1) + 1, lastMs: entry.atMs }];
  }
  if (timeline.length < MOST) return [...timeline, entry];
  return [...timeline.slice(0, BEGINNING), ...timeline.slice(BEGINNING + 1), entry];
}
