/** Paging by place: the next page begins after the last document seen, whatever was inserted or deleted before it. */
import type { Document, Scalar, Sort } from "./collection.ts";
import { all, any, type Comparable, NEVER, type Node, not, type SortKeys } from "./condition.ts";
import { unsupported } from "./path.ts";
import type { Shape } from "./shape.ts";
import { checkField } from "./value-rules.ts";

/** The place of a document in an order: what `FindOptions.after` takes. */
export function keysetOf<T extends Document>(sort: Sort<T>, document: T): Scalar[] {
  const place = sort.map(([name]) => (document[name] ?? null) as Scalar);
  return sort.some(([name]) => name === "_id") ? place : [...place, document._id];
}

type Key = SortKeys[number];

function same([path]: Key, value: Scalar): Node {
  return value === null ? not({ is: "present", path }) : { is: "eq", path, value };
}

/** What stands behind `value` in this key alone; absent stands before all, so behind all when descending. */
function behind(shape: Shape, [path, direction]: Key, value: Scalar, orSame: boolean): Node {
  if (value === null) return direction === 1 ? { is: "present", path } : NEVER;
  const is = direction === 1 ? (orSame ? "gte" : "gt") : orSame ? "lte" : "lt";
  const beyond: Node = path.type === "bool" ? behindBool(path, direction, value) : { is, path, value };
  return direction === 1 || shape.isRequired(path.text) ? beyond : any([beyond, not({ is: "present", path })]);
}

function behindBool(path: Key[0], direction: 1 | -1, value: Comparable): Node {
  return value === (direction === 1) ? NEVER : { is: "eq", path, value: direction === 1 };
}

function checkPlace(shape: Shape, keys: SortKeys, after: readonly Scalar[]): void {
  if (after.length !== keys.length)
    throw unsupported(shape, `after takes ${keys.length} values, one per key of the order`);
  for (const [i, [path]] of keys.entries()) {
    const value = after[i]!;
    if (value !== null) checkField(path.type!, value, path.text);
    else if (shape.isRequired(path.text)) throw unsupported(shape, `after: ${path.text} is never absent`);
  }
}

/** @throws MooringError QUERY_UNSUPPORTED or VALIDATION for a place that is none of this order */
export function afterNode(shape: Shape, keys: SortKeys, after: readonly Scalar[]): Node {
  checkPlace(shape, keys, after);
  const first = keys[0]!;
  const steps = keys.map((key, i) =>
    all([...keys.slice(0, i).map((before, j) => same(before, after[j]!)), behind(shape, key, after[i]!, false)]),
  );
  if (keys.length === 1) return steps[0]!;
  // The first key's bound is implied by the rest; said apart, it is a range that an index can begin at.
  const bounded = after[0] !== null && first[0].type !== "bool" && (first[1] === 1 || shape.isRequired(first[0].text));
  return bounded ? all([behind(shape, first, after[0]!, true), any(steps)]) : any(steps);
}
