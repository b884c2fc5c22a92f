/** `DocumentCollection` over any engine: checks, then commands. */
import { MooringError } from "../base/errors.ts";
import {
  type CollectionSpec,
  type Document,
  type DocumentCollection,
  type Filter,
  type FindOptions,
  MAX_FIND_LIMIT,
  type Scalar,
  type Sort,
  type Update,
} from "./collection.ts";
import {
  ALWAYS,
  all,
  checkCount,
  equalitiesOf,
  type Node,
  parseFilter,
  parseSort,
  type SortKeys,
} from "./condition.ts";
import type { Command, CommandResult, Engine, UpdateCommand } from "./engine.ts";
import { afterNode, keysetOf } from "./keyset.ts";
import { parsePath, unsupported } from "./path.ts";
import type { Shape } from "./shape.ts";
import { updateByForm } from "./update-form.ts";
import { parseUpdate, upsertDocument } from "./update-plan.ts";
import { checkDocument } from "./value-rules.ts";

const DEFAULT_PAGE = 500;
const DEFAULT_COUNT_CAP = 1_000_000;
const SLICE = 500;

const idEquals = (shape: Shape, id: string): Node => ({ is: "eq", path: parsePath(shape, "_id"), value: id });

/** @throws MooringError VALIDATION, TOO_LARGE */
export function insertCommand(shape: Shape, document: Document): Command {
  checkDocument(shape, document);
  return { do: "insert", shape, document };
}

export interface UpdateCommandOptions {
  readonly upsert?: boolean | undefined;
  readonly returning?: "before" | "after" | "nothing";
  readonly sort?: SortKeys | undefined;
  readonly isUncounted?: boolean;
}

function parseUpdateCommand(
  shape: Shape,
  filter: Filter,
  update: Update,
  options: UpdateCommandOptions,
): UpdateCommand {
  const { upsert = false, returning = "nothing", sort, isUncounted = false } = options;
  const where = parseFilter(shape, filter);
  const plan = parseUpdate(shape, update, upsert);
  const command: UpdateCommand = { do: "update", shape, where, plan, returning, isUncounted, ...(sort && { sort }) };
  if (!upsert) return command;
  const insert = upsertDocument(shape, equalitiesOf(shape, where), plan);
  checkDocument(shape, insert);
  return { ...command, insert };
}

/** @throws MooringError QUERY_UNSUPPORTED, VALIDATION */
export function updateCommand(
  shape: Shape,
  filter: Filter,
  update: Update,
  options: UpdateCommandOptions,
): UpdateCommand {
  const parse = (): UpdateCommand => parseUpdateCommand(shape, filter, update, options);
  const { upsert = false, returning = "nothing", sort, isUncounted = false } = options;
  if (returning !== "nothing" || sort) return parse();
  return updateByForm(shape, filter, update, { upsert, isUncounted }, parse);
}

export const deleteCommand = (shape: Shape, filter: Filter, limit: number): Command => ({
  do: "delete",
  shape,
  where: parseFilter(shape, filter),
  limit,
});

function replaceCommand(shape: Shape, document: Document, filter: Filter | undefined, upsert: boolean): Command {
  if (upsert && filter) throw unsupported(shape, "replaceOne takes a filter or upsert, not both");
  checkDocument(shape, document);
  const id = idEquals(shape, document._id);
  const where = filter ? all([id, parseFilter(shape, filter)]) : id;
  return { do: "replace", shape, where, document, upsert };
}

const duplicateKey = (shape: Shape, id: string): MooringError =>
  new MooringError("DUPLICATE_KEY", `${shape.name}: the _id or a unique key of ${id} is taken`, {
    collection: shape.name,
    _id: id,
  });

/** Runs one command. @throws what it failed with */
async function runOne(engine: Engine, command: Command): Promise<CommandResult> {
  const [result] = await engine.run([command]);
  if (result instanceof MooringError) throw result;
  return result!;
}

/** Runs commands whose failures are the caller's: the first is thrown once all are done. */
export async function runAll(engine: Engine, commands: readonly Command[]): Promise<readonly CommandResult[]> {
  const results = await engine.run(commands);
  const failure = results.find(result => result instanceof MooringError);
  if (failure) throw failure;
  return results as readonly CommandResult[];
}

export function createCollection<T extends Document>(engine: Engine, shape: Shape): DocumentCollection<T> {
  const parse = (filter: Filter<T>): Node => parseFilter(shape, filter as Filter);
  const sorted = (sort: Sort<T> | undefined): SortKeys => parseSort(shape, sort as Sort | undefined);

  const page = async (
    where: Node,
    keys: SortKeys,
    limit: number,
    after?: readonly Scalar[],
    skip = 0,
  ): Promise<T[]> => {
    const bounded = after ? all([where, afterNode(shape, keys, after)]) : where;
    return (await engine.find({ shape, where: bounded, sort: keys, limit, skip })) as T[];
  };

  async function* pages(where: Node, sort: Sort<T> | undefined, size: number): AsyncGenerator<T[]> {
    const keys = sorted(sort);
    let after: readonly Scalar[] | undefined;
    for (;;) {
      const documents = await page(where, keys, size, after);
      if (documents.length > 0) yield documents;
      if (documents.length < size) return;
      after = keysetOf(sort ?? [], documents.at(-1)!);
    }
  }

  return {
    spec: shape.spec as CollectionSpec<T>,

    async insertOne(document) {
      const { outcome } = await runOne(engine, insertCommand(shape, document));
      if (outcome === "duplicate") throw duplicateKey(shape, document._id);
    },

    async insertMany(documents) {
      const results = await runAll(
        engine,
        documents.map(document => insertCommand(shape, document)),
      );
      const duplicates = results.flatMap(({ outcome }, i) => (outcome === "duplicate" ? [i] : []));
      return { inserted: documents.length - duplicates.length, duplicates };
    },

    async findOne(filter, options = {}) {
      return (await page(parse(filter), sorted(options.sort), 1))[0];
    },

    async find(filter, { sort, limit, skip = 0, after }: FindOptions<T>) {
      checkCount(limit, "limit", 1, MAX_FIND_LIMIT);
      checkCount(skip, "skip", 0, Number.MAX_SAFE_INTEGER);
      return page(parse(filter), sorted(sort), limit, after, skip);
    },

    async *stream(filter, { sort, pageSize = DEFAULT_PAGE } = {}) {
      checkCount(pageSize, "pageSize", 1, MAX_FIND_LIMIT);
      for await (const documents of pages(parse(filter), sort, pageSize)) yield* documents;
    },

    async count(filter, cap = DEFAULT_COUNT_CAP) {
      return engine.count(shape, parse(filter), checkCount(cap, "cap", 1, Number.MAX_SAFE_INTEGER));
    },

    async updateOne(filter, update, { upsert } = {}) {
      const result = await runOne(engine, updateCommand(shape, filter as Filter, update as Update, { upsert }));
      return { matched: result.count > 0, inserted: result.outcome === "inserted" };
    },

    async updateMany(filter, update) {
      const where = parse(filter);
      const plan = parseUpdate(shape, update as Update, false);
      let matched = 0;
      for await (const documents of pages(where, undefined, SLICE)) {
        const each = documents.map(
          ({ _id }): Command => ({
            do: "update",
            shape,
            where: where === ALWAYS ? idEquals(shape, _id) : all([idEquals(shape, _id), where]),
            plan,
            returning: "nothing",
            isUncounted: true,
          }),
        );
        for (const { count } of await runAll(engine, each)) matched += count;
      }
      return matched;
    },

    async findOneAndUpdate(filter, update, { upsert, sort, returning = "after" } = {}) {
      const keys = sort && sorted(sort);
      const options = { upsert, returning, sort: keys };
      const result = await runOne(engine, updateCommand(shape, filter as Filter, update as Update, options));
      return result.document as T | undefined;
    },

    async replaceOne(document, { filter, upsert = false } = {}) {
      const result = await runOne(engine, replaceCommand(shape, document, filter as Filter | undefined, upsert));
      return result.count > 0 || result.outcome === "inserted";
    },

    async deleteMany(filter, { limit = Number.MAX_SAFE_INTEGER } = {}) {
      const where = parse(filter);
      let left = checkCount(limit, "limit", 0, Number.MAX_SAFE_INTEGER);
      let deleted = 0;
      while (left > 0) {
        const slice = Math.min(left, SLICE);
        const { count } = await runOne(engine, { do: "delete", shape, where, limit: slice });
        deleted += count;
        left -= count;
        if (count < slice) break;
      }
      return deleted;
    },
  };
}
