/** Filters, orders and updates in MongoDB's words. Pure. */
import type { Document as BsonDocument, Filter as BsonFilter, UpdateFilter } from "mongodb";
import type { Comparable, Node, SortKeys } from "../condition.ts";
import type { Path } from "../path.ts";
import type { UpdatePlan } from "../update-plan.ts";
import { encodeMember, escapeKey } from "./bson.ts";

/** What the driver's collections hold: our ids are texts. */
export interface Stored extends BsonDocument {
  _id: string;
}

export type ServerFilter = BsonFilter<Stored>;

const pathText = (segments: readonly string[]): string =>
  segments.map((key, i) => (i === 0 ? key : escapeKey(key))).join(".");

const IS_ARRAY = { $type: "array" };
const NO_ARRAY = { $not: IS_ARRAY };

/** MongoDB looks into arrays; on paths that are not declared arrays are opaque, so nothing on the way may be one. */
function guards({ segments }: Path, withLeaf: boolean): ServerFilter[] {
  const end = withLeaf ? segments.length : segments.length - 1;
  return Array.from({ length: end }, (_, i) => ({ [pathText(segments.slice(0, i + 1))]: NO_ARRAY }) as ServerFilter);
}

const both = (filters: readonly ServerFilter[]): ServerFilter =>
  filters.length === 1 ? filters[0]! : { $and: [...filters] };

function compare(path: Path, condition: object): ServerFilter {
  const leaf = { [pathText(path.segments)]: condition } as ServerFilter;
  return path.type ? leaf : both([...guards(path, true), leaf]);
}

function exists({ is, path }: Node & { is: "exists" | "present" }): ServerFilter {
  const at = pathText(path.segments);
  const there = { [at]: { $exists: true } } as ServerFilter;
  if (path.type) return there;
  if (is === "exists") return both([...guards(path, false), there]);
  // $type looks at the elements of an array too, so that an array with a null in it must be let through first.
  const notNull = { $and: [there, { [at]: { $not: { $type: "null" } } }] } as ServerFilter;
  return both([...guards(path, false), { $or: [{ [at]: IS_ARRAY } as ServerFilter, notNull] }]);
}

const encoded = (path: Path, value: Comparable): unknown =>
  path.type === "strings" ? value : encodeMember(path.type, value);

function renderNode(node: Node): ServerFilter {
  switch (node.is) {
    case "all":
      return node.of.length === 0 ? {} : { $and: node.of.map(renderNode) };
    case "any":
      return node.of.length === 0 ? { $nor: [{}] } : { $or: node.of.map(renderNode) };
    case "not":
      return { $nor: [renderNode(node.of)] };
    case "in":
      return compare(node.path, { $in: node.values.map(value => encoded(node.path, value)) });
    case "exists":
    case "present":
      return exists(node);
    default:
      return compare(node.path, { [`$${node.is}`]: encoded(node.path, node.value) });
  }
}

const isIdEquality = (node: Node): node is Node & { is: "eq" } => node.is === "eq" && node.path.text === "_id";

const flatten = (node: Node): readonly Node[] => (node.is === "all" ? node.of.flatMap(flatten) : [node]);

/** An equality of `_id` stands outside of `$and`, where every server sees that one document is asked for. */
export function renderFilter(node: Node): ServerFilter {
  const nodes = flatten(node);
  const id = nodes.find(isIdEquality);
  const rest = nodes.filter(each => each !== id).map(renderNode);
  return {
    ...(id && { _id: id.value as string }),
    ...(rest.length > 0 && (id ? { $and: rest } : both(rest))),
  } as ServerFilter;
}

/** The filter of an upsert, which holds equalities only, in the flat form that every server takes its seeds from. */
export function renderSeeds(node: Node): ServerFilter {
  const seeds = (node.is === "all" ? node.of : [node]) as readonly (Node & { is: "eq" })[];
  return Object.fromEntries(seeds.map(({ path, value }) => [path.text, encoded(path, value)])) as ServerFilter;
}

export const renderSort = (keys: SortKeys): Record<string, 1 | -1> =>
  Object.fromEntries(keys.map(([path, direction]) => [path.text, direction]));

const SCALARS: ReadonlySet<string> = new Set(["$set", "$setOnInsert", "$max", "$min"]);

function renderValue(operator: string, { type }: Path, value: unknown): unknown {
  if (operator === "$unset") return "";
  if (SCALARS.has(operator)) return encodeMember(type, value);
  if (operator === "$push") return (encodeMember(undefined, [value]) as unknown[])[0];
  return encodeMember(undefined, value);
}

export function renderUpdate(plan: UpdatePlan): UpdateFilter<Stored> {
  const update: Record<string, Record<string, unknown>> = {};
  for (const { operator, path, value } of plan) {
    const members = (update[operator] ??= {});
    members[pathText(path.segments)] = renderValue(operator, path, value);
  }
  return update as UpdateFilter<Stored>;
}
