/**
 * Updates as one statement, where SQLite comes to the same end as {@link applyUpdate} would: what is frequent (last values, times
 * of registrations) then costs neither a read nor a document built. What the statement does not match - no such document, or one
 * that it must not touch - is left to the writer, which reads the document and says why.
 */
import type { Node } from "../condition.ts";
import type { Command } from "../engine.ts";
import type { Path } from "../path.ts";
import type { Shape } from "../shape.ts";
import type { Change, Operator } from "../update-plan.ts";
import { compileNode, jsonPath, type Sql } from "./compile.ts";
import { type Cell, columnOf, encodeCell, tableOf } from "./rows.ts";

/** JSON text added by one statement, and JSONB (at most six times as long when read as text) that it may add to: no document outgrows its limit so. */
const MAX_ADDED = 64 * 1024;
const MAX_STORED = 512 * 1024;

/** Keys that a path of SQLite names without any escape. */
const PLAIN_KEY = /^[^"\\\p{Cc}]+$/u;

const COLUMN_OPERATORS: ReadonlySet<Operator> = new Set(["$set", "$unset", "$max", "$min"]);

interface Pieces {
  readonly removed: string[];
  readonly set: Cell[];
  readonly columns: string[];
  readonly columnValues: Cell[];
  /** Paths that must be absent or objects. */
  readonly parents: Set<string>;
  added: number;
}

const isIdEquality = (node: Node): boolean => node.is === "eq" && node.path.text === "_id";
const isOfOne = (where: Node): boolean => isIdEquality(where) || (where.is === "all" && where.of.some(isIdEquality));

const isPlain = ({ segments }: Path): boolean => segments.every(key => PLAIN_KEY.test(key));

const isUniqueKey = (shape: Shape, name: string): boolean =>
  shape.spec.indexes.some(({ unique, keys }) => unique && keys.some(([key]) => key === name));

/** @returns false for what is left to the writer */
function addColumn(pieces: Pieces, shape: Shape, { operator, path, value }: Change): boolean {
  const type = path.type!;
  if (!COLUMN_OPERATORS.has(operator) || isUniqueKey(shape, path.text)) return false;
  const column = columnOf(path.text, type);
  const cell = operator === "$unset" ? null : encodeCell(type, value);
  if (typeof cell === "string") pieces.added += cell.length;
  const isOrdered = operator === "$max" || operator === "$min";
  pieces.columns.push(isOrdered ? `${column} = ${operator.slice(1)}(coalesce(${column}, ?), ?)` : `${column} = ?`);
  pieces.columnValues.push(...(isOrdered ? [cell, cell] : [cell]));
  return true;
}

function addMember(pieces: Pieces, { operator, path, value }: Change): boolean {
  if (!isPlain(path)) return false;
  if (operator === "$unset") {
    pieces.removed.push(jsonPath(path.segments));
    return true;
  }
  if (operator !== "$set") return false;
  const text = JSON.stringify(value);
  pieces.set.push(jsonPath(path.segments), text);
  pieces.added += text.length;
  for (let length = 1; length < path.segments.length; length++) {
    pieces.parents.add(jsonPath(path.segments.slice(0, length)));
  }
  return true;
}

const repeated = (text: string, count: number): string => `, ${text}`.repeat(count);

function statement(shape: Shape, where: Node, pieces: Pieces): Sql | undefined {
  const { removed, set, columns, columnValues, parents } = pieces;
  const assignments = [...columns];
  let rest = "rest";
  if (removed.length > 0) rest = `jsonb_remove(${rest}${repeated("?", removed.length)})`;
  if (set.length > 0) rest = `jsonb_set(${rest}${repeated("?, jsonb(?)", set.length / 2)})`;
  if (rest !== "rest") assignments.push(`rest = ${rest}`);
  if (assignments.length === 0) return undefined;
  const condition = compileNode(where);
  const guards = " AND coalesce(json_type(rest, ?), 'object') = 'object'".repeat(parents.size);
  const size = set.length > 0 ? ` AND length(rest) <= ${MAX_STORED}` : "";
  return {
    text: `UPDATE ${tableOf(shape)} SET ${assignments.join(", ")} WHERE ${condition.text}${guards}${size}`,
    values: [...columnValues, ...removed, ...set, ...condition.values, ...parents],
  };
}

/** @returns undefined for an update that is left to the writer */
export function compileUpdate({ shape, where, sort, plan, returning }: Command & { do: "update" }): Sql | undefined {
  if (returning !== "nothing" || sort || !isOfOne(where)) return undefined;
  const pieces: Pieces = { removed: [], set: [], columns: [], columnValues: [], parents: new Set(), added: 0 };
  for (const change of plan) {
    if (change.operator === "$setOnInsert") continue;
    const isDone = change.path.type ? addColumn(pieces, shape, change) : addMember(pieces, change);
    if (!isDone) return undefined;
  }
  return pieces.added > MAX_ADDED ? undefined : statement(shape, where, pieces);
}
