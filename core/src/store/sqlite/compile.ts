/**
 * Filters as SQL. Pure: text with `?` for every value and path, so that equal questions are one prepared statement. Each piece is true, or
 * else false or NULL; only `not` must tell these apart from true, and `IS NOT TRUE` does.
 */
import type { Comparable, Comparison, Node, SortKeys } from "../condition.ts";
import type { Path } from "../path.ts";
import type { Shape } from "../shape.ts";
import { type Cell, columnOf, elementPattern, placeOf, selectList, tableOf } from "./rows.ts";

export interface Sql {
  readonly text: string;
  readonly values: readonly Cell[];
}

const SIGNS: Readonly<Record<Comparison, string>> = { eq: "=", gt: ">", gte: ">=", lt: "<", lte: "<=" };

const sql = (text: string, ...values: readonly Cell[]): Sql => ({ text, values });

/** `$."a"."b"`: quoted labels are members, never places in an array. */
export const jsonPath = (segments: readonly string[]): string =>
  `$${segments.map(key => `.${JSON.stringify(key)}`).join("")}`;

const column = (path: Path): string => columnOf(path.text, path.type!);

/** Long chains are cut in halves: SQLite bounds the depth of an expression, and a chain is as deep as it is long. */
const chain = (texts: readonly string[], by: string): string => {
  if (texts.length <= 64) return `(${texts.join(by)})`;
  const half = texts.length >> 1;
  return `(${chain(texts.slice(0, half), by)}${by}${chain(texts.slice(half), by)})`;
};

const joined = (pieces: readonly Sql[], by: string): Sql => ({
  text: chain(
    pieces.map(({ text }) => text),
    by,
  ),
  values: pieces.flatMap(({ values }) => values),
});

export const cellOf = (value: Comparable): Cell => (typeof value === "boolean" ? Number(value) : value);

function compareColumn(path: Path, is: Comparison, value: Comparable): Sql {
  if (path.type === "strings") return sql(`instr(${column(path)}, ?) > 0`, elementPattern(value as string));
  return sql(`${column(path)} ${SIGNS[is]} ?`, cellOf(value));
}

// A number inside of the JSON was read from its text; the value compared with goes the same way, so that equal doubles are equal.
function compareJson(path: Path, is: Comparison, value: Comparable): Sql {
  const at = jsonPath(path.segments);
  if (typeof value === "boolean") return sql("json_type(rest, ?) = ?", at, String(value));
  if (typeof value === "string") {
    return sql(`(json_type(rest, ?) = 'text' AND json_extract(rest, ?) ${SIGNS[is]} ?)`, at, at, value);
  }
  return sql(
    `(json_type(rest, ?) IN ('integer', 'real') AND json_extract(rest, ?) ${SIGNS[is]} json_extract(?, '$'))`,
    ...[at, at, JSON.stringify(value)],
  );
}

/** One text for lists of any length: the values go as one JSON array. Not for doubles, which would be read from text. */
function inColumn(path: Path, values: readonly Comparable[]): Sql {
  if (path.type === "strings" || path.type === "double") {
    return joined(
      values.map(value => compareColumn(path, "eq", value)),
      " OR ",
    );
  }
  return sql(`${column(path)} IN (SELECT value FROM json_each(?))`, JSON.stringify(values));
}

function inJson(path: Path, values: readonly Comparable[]): Sql {
  const at = jsonPath(path.segments);
  const list = (kind: "string" | "number"): string => JSON.stringify(values.filter(value => typeof value === kind));
  const booleans = JSON.stringify(values.filter(value => typeof value === "boolean").map(String));
  return sql(
    "(CASE json_type(rest, ?) WHEN 'text' THEN json_extract(rest, ?) IN (SELECT value FROM json_each(?)) " +
      "WHEN 'integer' THEN json_extract(rest, ?) IN (SELECT value FROM json_each(?)) " +
      "WHEN 'real' THEN json_extract(rest, ?) IN (SELECT value FROM json_each(?)) " +
      "ELSE json_type(rest, ?) IN (SELECT value FROM json_each(?)) AND json_type(rest, ?) IN ('true', 'false') END)",
    ...[at, at, list("string"), at, list("number"), at, list("number"), at, booleans, at],
  );
}

function exists({ path, is }: Node & { is: "exists" | "present" }): Sql {
  if (path.type) return sql(`${column(path)} IS NOT NULL`);
  const type = sql("json_type(rest, ?) IS NOT NULL", jsonPath(path.segments));
  return is === "exists" ? type : sql("json_type(rest, ?) <> 'null'", jsonPath(path.segments));
}

/** The text of a WHERE that holds exactly where the node does. */
export function compileNode(node: Node): Sql {
  switch (node.is) {
    case "all":
      return node.of.length === 0 ? sql("1") : joined(node.of.map(compileNode), " AND ");
    case "any":
      return node.of.length === 0 ? sql("0") : joined(node.of.map(compileNode), " OR ");
    case "not": {
      const { text, values } = compileNode(node.of);
      return { text: `(${text}) IS NOT TRUE`, values };
    }
    case "in":
      return node.path.type ? inColumn(node.path, node.values) : inJson(node.path, node.values);
    case "exists":
    case "present":
      return exists(node);
    default:
      return node.path.type
        ? compareColumn(node.path, node.is, node.value)
        : compareJson(node.path, node.is, node.value);
  }
}

const orderBy = (keys: SortKeys): string =>
  keys.map(([path, direction]) => column(path) + (direction === 1 ? "" : " DESC")).join(", ");

export interface SelectParts {
  readonly where: Node;
  readonly sort?: SortKeys | undefined;
  readonly limit: number;
  readonly skip?: number;
}

export function compileSelect(shape: Shape, { where, sort, limit, skip = 0 }: SelectParts): Sql {
  const condition = compileNode(where);
  const order = sort ? ` ORDER BY ${orderBy(sort)}` : "";
  return {
    text: `SELECT ${selectList(shape)} FROM ${tableOf(shape)} WHERE ${condition.text}${order} LIMIT ? OFFSET ?`,
    values: [...condition.values, limit, skip],
  };
}

export function compileCount(shape: Shape, where: Node, cap: number): Sql {
  const condition = compileNode(where);
  return {
    text: `SELECT count(*) FROM (SELECT 1 FROM ${tableOf(shape)} WHERE ${condition.text} LIMIT ?)`,
    values: [...condition.values, cap],
  };
}

export function compileDelete(shape: Shape, where: Node, limit: number): Sql {
  const condition = compileNode(where);
  const table = tableOf(shape);
  const place = placeOf(shape);
  return {
    text: `DELETE FROM ${table} WHERE ${place} IN (SELECT ${place} FROM ${table} WHERE ${condition.text} LIMIT ?)`,
    values: [...condition.values, limit],
  };
}

export interface AggregateParts {
  readonly where: Node;
  readonly time: string;
  readonly paths: readonly Path[];
  readonly bucketMs: number;
  readonly originMs: number;
  readonly direction: 1 | -1;
  readonly limit: number;
}

/** Rows of: start of the bucket, then count, min, max, sum, sum of squares per path. */
export function compileAggregate(shape: Shape, parts: AggregateParts): Sql {
  const { where, time, paths, bucketMs, originMs, direction, limit } = parts;
  const condition = compileNode(where);
  const at = columnOf(time, "time");
  const values = paths.map(
    (_, i) =>
      `CASE WHEN json_type(rest, ?) IN ('integer', 'real') THEN CAST(json_extract(rest, ?) AS REAL) END AS v${i}`,
  );
  const moments = paths.map((_, i) => `count(v${i}), min(v${i}), max(v${i}), total(v${i}), total(v${i} * v${i})`);
  const some = paths.map((_, i) => `count(v${i})`).join(" + ");
  // The remainder has the sign of the dividend; adding the width and taking it again makes it a distance from the start.
  const start = `${at} - (((${at} - ?) % ? + ?) % ?)`;
  return {
    text:
      `WITH m AS MATERIALIZED (SELECT ${start} AS start, ${values.join(", ")} FROM ${tableOf(shape)} WHERE ${condition.text}) ` +
      `SELECT start, ${moments.join(", ")} FROM m GROUP BY start HAVING ${some} > 0 ` +
      `ORDER BY start${direction === 1 ? "" : " DESC"} LIMIT ?`,
    values: [
      ...[originMs, bucketMs, bucketMs, bucketMs],
      ...paths.flatMap(path => [jsonPath(path.segments), jsonPath(path.segments)]),
      ...condition.values,
      limit,
    ],
  };
}
