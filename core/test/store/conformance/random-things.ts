/** Documents and filters at random, from small sets of values, so that they meet. */
import type { Random } from "../../../src/base/random.ts";
import { type Filter, type Json, pathOf, type Update } from "../../../src/store/collection.ts";
import type { Thing } from "./things.ts";

const TEXTS = [
  "",
  "a",
  "ab",
  "abc",
  "b",
  "ä",
  "\uffff",
  "\u{10ffff}",
  "\u{1f600}",
  "A",
  "%_",
  "a\u0001b",
  "\u0002",
  'q"\\',
  "0",
  "10",
  "9",
];
const NUMBERS = [0, -1, 1, 1.5, 2, 10, -0.1, 0.1, 0.30000000000000004, 1e21, -1e-7, 1 / 3, Number.MAX_VALUE, 5e-324];
const WHOLES = [0, -1, 1, 2, 10, 9007199254740991, -9007199254740991];
const KEYS = ["a", "b", "b.c", "$d", "", "0", "12", "~1", "x y", 'q"', "[0]", "é"];

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;
const some = <T>(random: Random, make: () => T, most: number): T[] =>
  Array.from({ length: random.int(most + 1) }, make);
const maybe = <T>(random: Random, make: () => T): T | undefined => (random.int(3) === 0 ? undefined : make());

const scalar = (random: Random): string | number | boolean =>
  pick<() => string | number | boolean>(random, [
    () => pick(random, TEXTS),
    () => pick(random, NUMBERS),
    () => random.int(2) === 0,
  ])();

function json(random: Random, depth: number): Json {
  const kind = random.int(depth > 0 ? 6 : 4);
  if (kind < 3) return scalar(random);
  if (kind === 3) return null;
  if (kind === 4) return some(random, () => json(random, depth - 1), 3);
  return Object.fromEntries(some(random, () => [pick(random, KEYS), json(random, depth - 1)] as const, 4));
}

export function randomThing(random: Random, _id: string): Thing {
  const members = {
    name: maybe(random, () => pick(random, TEXTS)),
    size: maybe(random, () => pick(random, WHOLES)),
    weight: maybe(random, () => pick(random, NUMBERS)),
    on: maybe(random, () => random.int(2) === 0),
    at: maybe(random, () => pick(random, [0, -1, 1_700_000_000_000, 8.64e15])),
    tags: maybe(random, () => some(random, () => pick(random, TEXTS), 3)),
    free: maybe(random, () =>
      Object.fromEntries(some(random, () => [pick(random, KEYS), json(random, 3)] as const, 6)),
    ),
    note: maybe(random, () => json(random, 2)),
  };
  return { _id, group: pick(random, ["g", "h"]), ...JSON.parse(JSON.stringify(members)) };
}

const path = (random: Random): string =>
  random.int(4) === 0 ? "note" : pathOf("free", pick(random, KEYS), ...some(random, () => pick(random, KEYS), 2));

const VALUES: Readonly<Record<string, (random: Random) => string | number | boolean>> = {
  _id: random => String(random.int(100)),
  group: random => pick(random, ["g", "h"]),
  name: random => pick(random, TEXTS),
  size: random => pick(random, WHOLES),
  weight: random => pick(random, NUMBERS),
  on: random => random.int(2) === 0,
  at: random => pick(random, [0, -1, 1_700_000_000_000]),
  tags: random => pick(random, TEXTS),
};

function condition(random: Random, value: () => string | number | boolean, isOrdered: boolean, depth: number): unknown {
  const orNull = (): unknown => (random.int(5) === 0 ? null : value());
  const kind = random.int(isOrdered ? 9 : 6);
  if (kind === 0) return { $eq: orNull() };
  if (kind === 1) return { $ne: orNull() };
  if (kind === 2) return { $in: some(random, orNull, 4) };
  if (kind === 3) return { $nin: some(random, orNull, 4) };
  if (kind === 4) return { $exists: random.int(2) === 0 };
  if (kind === 5) {
    return depth > 0 ? { $not: condition(random, value, isOrdered, depth - 1) } : { $eq: orNull() };
  }
  const bound = value();
  if (typeof bound === "boolean") return { $eq: bound };
  if (kind === 6 && typeof bound === "string") return { $prefix: bound };
  if (kind === 7) return { [pick(random, ["$gt", "$gte"])]: bound, [pick(random, ["$lt", "$lte"])]: bound };
  return { [pick(random, ["$gt", "$gte", "$lt", "$lte"])]: bound };
}

function leaf(random: Random): Filter {
  if (random.int(2) === 0) {
    return { [path(random)]: condition(random, () => scalar(random), true, 2) } as Filter;
  }
  const name = pick(random, Object.keys(VALUES));
  const isOrdered = name !== "on" && name !== "tags";
  return { [name]: condition(random, () => VALUES[name]!(random), isOrdered, 2) } as Filter;
}

export function randomFilter(random: Random, depth = 2): Filter<Thing> {
  const kind = random.int(6);
  if (depth === 0 || kind < 3) return leaf(random) as Filter<Thing>;
  const of = [randomFilter(random, depth - 1), ...some(random, () => randomFilter(random, depth - 1), 2)];
  return { [pick(random, ["$and", "$or", "$nor"])]: of } as Filter<Thing>;
}

const CHANGES: readonly ((random: Random) => readonly [operator: string, path: string, value: unknown])[] = [
  random => ["$set", path(random), json(random, 2)],
  random => ["$set", "weight", pick(random, NUMBERS)],
  random => ["$set", "tags", some(random, () => pick(random, TEXTS), 3)],
  random => ["$unset", path(random), true],
  random => ["$unset", pick(random, ["name", "size", "at"]), true],
  random => ["$inc", path(random), pick(random, [1, -1, 0.5, 2 ** 31])],
  () => ["$inc", "weight", 0.1],
  random => ["$max", "name", pick(random, TEXTS)],
  random => ["$min", "at", pick(random, [0, 1_600_000_000_000])],
  random => ["$push", path(random), json(random, 2)],
  random => ["$push", "tags", pick(random, TEXTS)],
  random => ["$addToSet", path(random), scalar(random)],
  random => ["$addToSet", "tags", pick(random, TEXTS)],
  random => ["$pullAll", path(random), some(random, () => scalar(random), 3)],
  random => ["$pullAll", "tags", some(random, () => pick(random, TEXTS), 3)],
];

/** May name paths that stand in each other's way, which is refused. */
export function randomUpdate(random: Random): Update<Thing> {
  const update: Record<string, Record<string, unknown>> = {};
  for (const [operator, at, value] of [
    pick(random, CHANGES)(random),
    ...some(random, () => pick(random, CHANGES)(random), 2),
  ]) {
    (update[operator] ??= {})[at] = value;
  }
  return update as Update<Thing>;
}
