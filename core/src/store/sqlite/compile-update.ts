/**
 * Updates as one statement, where SQLite comes to the same end as {@link applyUpdate} would: what is frequent (last values, times
 * of registrations) then costs neither a read nor a document built. What the statement does not match - no such document, or one
 * that it must not touch - is left to the writer, which reads the document and says why.
 */
import type { Comparable } from "../condition.ts";
import type { Path } from "../path.ts";
import type { Shape } from "../shape.ts";
import type { FormValues, UpdateForm } from "../update-form.ts";
import { cellOf, jsonPath } from "./compile.ts";
import { type Cell, columnOf, encodeCell, tableOf } from "./rows.ts";

/** JSON text added by one statement, and JSONB (at most six times as long when read as text) that it may add to: no document outgrows its limit so. */
const MAX_ADDED = 64 * 1024;
const MAX_STORED = 512 * 1024;

/** Keys that a path of SQLite names without any escape. */
const PLAIN_KEY = /^[^"\\\p{Cc}]+$/u;

export interface UpdateStatement {
  readonly text: string;
  /** What stands for its `?`; undefined: this one is left to the writer. */
  bind(values: FormValues): Cell[] | undefined;
}

/** A change of the form with the place of its value. */
type Placed = UpdateForm["changes"][number] & { readonly at: number };

const isUniqueKey = (shape: Shape, name: string): boolean =>
  shape.spec.indexes.some(({ unique, keys }) => unique && keys.some(([key]) => key === name));

const isDirect = (shape: Shape, { path }: Placed): boolean =>
  path.type === undefined ? path.segments.every(key => PLAIN_KEY.test(key)) : !isUniqueKey(shape, path.text);

const isOrdered = ({ operator }: Placed): boolean => operator === "$max" || operator === "$min";

function assignment(change: Placed): string {
  const column = columnOf(change.path.text, change.path.type!);
  return isOrdered(change) ? `${column} = ${change.operator.slice(1)}(coalesce(${column}, ?), ?)` : `${column} = ?`;
}

const repeated = (text: string, count: number): string => `, ${text}`.repeat(count);

function restAssignment(removed: number, set: number): string[] {
  let rest = "rest";
  if (removed > 0) rest = `jsonb_remove(${rest}${repeated("?", removed)})`;
  if (set > 0) rest = `jsonb_set(${rest}${repeated("?, jsonb(?)", set)})`;
  return rest === "rest" ? [] : [`rest = ${rest}`];
}

/** Paths above these, which must be absent or objects. */
function parentsOf(paths: readonly Path[]): string[] {
  const parents = paths.flatMap(({ segments }) => segments.slice(1).map((_, i) => jsonPath(segments.slice(0, i + 1))));
  return [...new Set(parents)];
}

const whereText = (path: Path): string => `${columnOf(path.text, path.type!)} = ?`;

/** @returns undefined for a form that is left to the writer */
export function compileUpdate({ shape, where, changes }: UpdateForm): UpdateStatement | undefined {
  const placed = changes
    .map((change, i): Placed => ({ ...change, at: where.length + i }))
    .filter(({ operator }) => operator !== "$setOnInsert");
  if (placed.length === 0 || !placed.every(change => isDirect(shape, change))) return undefined;
  const columns = placed.filter(({ path }) => path.type !== undefined);
  const members = placed.filter(({ path }) => path.type === undefined);
  const set = members.filter(({ operator }) => operator === "$set").map(({ path, at }) => ({ path, at }));
  const removed = members.filter(({ operator }) => operator === "$unset").map(({ path }) => jsonPath(path.segments));
  const setPaths = set.map(({ path }) => jsonPath(path.segments));
  const parents = parentsOf(set.map(({ path }) => path));
  const conditions = [
    ...where.map(whereText),
    ...parents.map(() => "coalesce(json_type(rest, ?), 'object') = 'object'"),
    ...(set.length > 0 ? [`length(rest) <= ${MAX_STORED}`] : []),
  ];
  const assignments = [...columns.map(assignment), ...restAssignment(removed.length, set.length)];
  return {
    text: `UPDATE ${tableOf(shape)} SET ${assignments.join(", ")} WHERE ${conditions.join(" AND ")}`,
    bind(values) {
      const cells: Cell[] = [];
      let added = 0;
      for (const change of columns) {
        const cell = change.operator === "$unset" ? null : encodeCell(change.path.type!, values[change.at]);
        if (typeof cell === "string") added += cell.length;
        cells.push(cell);
        if (isOrdered(change)) cells.push(cell);
      }
      cells.push(...removed);
      for (const [i, { at }] of set.entries()) {
        const text = JSON.stringify(values[at]);
        added += text.length;
        cells.push(setPaths[i]!, text);
      }
      for (let at = 0; at < where.length; at++) cells.push(cellOf(values[at] as Comparable));
      cells.push(...parents);
      return added > MAX_ADDED ? undefined : cells;
    },
  };
}
