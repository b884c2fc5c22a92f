/**
 * Batches of commands as few calls to the server: what stands together and is of one kind goes together. Commands on one collection
 * keep their order where one can see the other; different collections go at the same time.
 */
import {
  type AnyBulkWriteOperation,
  type BulkWriteResult,
  type Collection,
  MongoBulkWriteError,
  type WriteConcernSettings,
} from "mongodb";
import { MooringError } from "../../base/errors.ts";
import type { Comparable, Node } from "../condition.ts";
import type { Command, CommandResult } from "../engine.ts";
import type { Shape } from "../shape.ts";
import { decodeDocument, encodeDocument } from "./bson.ts";
import type { Capabilities } from "./capabilities.ts";
import { isDuplicate, singleFailure, storeFailed, toFailure } from "./failure.ts";
import { renderFilter, renderSeeds, renderSort, renderUpdate, type ServerFilter, type Stored } from "./render.ts";

export type Result = CommandResult | MooringError;
type Insert = Command & { do: "insert" };
type Update = Command & { do: "update" };
type Replace = Command & { do: "replace" };
type Delete = Command & { do: "delete" };

/** The server as the commands see it. */
export interface Server {
  collectionOf(shape: Shape): Collection<Stored>;
  readonly capabilities: Capabilities;
}

const UPSERT_ATTEMPTS = 3;
const PARALLEL = 16;
const DONE: CommandResult = { outcome: "done", count: 0 };

/** Survives the loss of a node, or only of the process. */
export const writeConcernOf = (shape: Shape): WriteConcernSettings =>
  shape.spec.durability === "full" ? { w: "majority", journal: true } : { w: 1 };

const filterOf = ({ where, insert }: Update): ServerFilter => (insert ? renderSeeds(where) : renderFilter(where));

async function insertAll(collection: Collection<Stored>, commands: readonly Insert[]): Promise<Result[]> {
  const results: Result[] = commands.map(() => ({ outcome: "inserted", count: 0 }));
  const documents = commands.map(({ shape, document }) => encodeDocument(shape, document));
  try {
    await collection.insertMany(documents, { ordered: false });
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    for (const failure of [error.writeErrors].flat()) {
      const isKnown = isDuplicate({ code: failure.code, message: failure.errmsg ?? "" });
      const { shape } = commands[failure.index]!;
      results[failure.index] = isKnown
        ? { outcome: "duplicate", count: 0 }
        : toFailure(shape, { code: failure.code, message: failure.errmsg ?? "" });
    }
  }
  return results;
}

const bulkUpdate = (command: Update): AnyBulkWriteOperation<Stored> => ({
  updateOne: { filter: filterOf(command), update: renderUpdate(command.plan), upsert: command.insert !== undefined },
});

/** Notes what a bulk write of the commands from `from` on did; its matches stand with the first. */
function note(results: Result[], from: number, { matchedCount, upsertedIds }: BulkWriteResult): void {
  results[from] = { outcome: "done", count: matchedCount };
  for (const index of Object.keys(upsertedIds)) {
    const place = from + Number(index);
    results[place] = { outcome: "inserted", count: place === from ? matchedCount : 0 };
  }
}

/** In order; a failing one is left out and the rest goes on. */
async function updateAll(
  collection: Collection<Stored>,
  commands: readonly Update[],
  updatesPerCall: number,
): Promise<Result[]> {
  const results: Result[] = commands.map(() => DONE);
  for (let from = 0; from < commands.length; ) {
    const call = commands.slice(from, from + updatesPerCall);
    try {
      note(results, from, await collection.bulkWrite(call.map(bulkUpdate), { ordered: true }));
      from += call.length;
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError)) throw error;
      note(results, from, error.result);
      const failed = from + [error.writeErrors].flat()[0]!.index;
      // Alone it is tried again where that helps, and its failure is told in full.
      results[failed] = await updateOne(collection, commands[failed]!);
      from = failed + 1;
    }
  }
  return results;
}

async function findAndUpdate(collection: Collection<Stored>, command: Update): Promise<CommandResult> {
  const { shape, plan, insert, returning, sort } = command;
  const { value, lastErrorObject } = await collection.findOneAndUpdate(filterOf(command), renderUpdate(plan), {
    upsert: insert !== undefined,
    returnDocument: returning === "before" ? "before" : "after",
    includeResultMetadata: true,
    ...(sort && { sort: renderSort(sort) }),
  });
  const isNew = lastErrorObject?.["upserted"] !== undefined;
  const document = value && decodeDocument(shape, value);
  return {
    outcome: isNew ? "inserted" : "done",
    count: lastErrorObject?.["updatedExisting"] ? 1 : 0,
    ...(document && returning !== "nothing" && { document }),
  };
}

async function updateDirectly(collection: Collection<Stored>, command: Update): Promise<CommandResult> {
  if (command.returning !== "nothing" || command.sort) return findAndUpdate(collection, command);
  const update = renderUpdate(command.plan);
  const upsert = command.insert !== undefined;
  const { matchedCount, upsertedCount } = await collection.updateOne(filterOf(command), update, { upsert });
  return { outcome: upsertedCount > 0 ? "inserted" : "done", count: matchedCount };
}

/** Two upserts of one key may both find nothing: the one that then finds the key taken tries again, and updates. */
async function updateOne(collection: Collection<Stored>, command: Update): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await updateDirectly(collection, command);
    } catch (error) {
      const failure = singleFailure(command.shape, error);
      if (failure.code !== "DUPLICATE_KEY" || !command.insert || attempt === UPSERT_ATTEMPTS) return failure;
    }
  }
}

async function replaceOne(
  collection: Collection<Stored>,
  { shape, where, document, upsert }: Replace,
): Promise<Result> {
  const { _id, ...replacement } = encodeDocument(shape, document);
  const filter: ServerFilter = upsert ? { _id } : renderFilter(where);
  try {
    const { matchedCount, upsertedCount } = await collection.replaceOne(filter, replacement as Stored, { upsert });
    return { outcome: upsertedCount > 0 ? "inserted" : "done", count: matchedCount };
  } catch (error) {
    return singleFailure(shape, error);
  }
}

async function deleteSome(collection: Collection<Stored>, { shape, where, limit }: Delete): Promise<Result> {
  const filter = renderFilter(where);
  try {
    if (limit === Number.MAX_SAFE_INTEGER)
      return { ...DONE, count: (await collection.deleteMany(filter)).deletedCount };
    const found = await collection.find(filter, { projection: { _id: 1 }, limit }).toArray();
    if (found.length === 0) return DONE;
    const chosen: ServerFilter = { $and: [{ _id: { $in: found.map(({ _id }) => _id) } }, filter] };
    return { ...DONE, count: (await collection.deleteMany(chosen)).deletedCount };
  } catch (error) {
    return singleFailure(shape, error);
  }
}

function single(collection: Collection<Stored>, command: Update | Replace | Delete): Promise<Result> {
  if (command.do === "update") return updateOne(collection, command);
  return command.do === "replace" ? replaceOne(collection, command) : deleteSome(collection, command);
}

/** The one document that a command is about, as `[field, value]` of `_id` or a unique key. */
function targetOf({
  shape,
  where,
}: Update | Replace | Delete): readonly [field: string, value: Comparable] | undefined {
  const unique = new Set(["_id"]);
  for (const { keys, unique: isUnique } of shape.spec.indexes)
    if (isUnique && keys.length === 1) unique.add(keys[0]![0]);
  const equality = (where.is === "all" ? where.of : [where]).find(
    (node): node is Node & { is: "eq" } => node.is === "eq" && unique.has(node.path.text),
  );
  return equality && [equality.path.text, equality.value];
}

/** Commands on different documents at the same time, those on one in order. */
async function singles(
  collection: Collection<Stored>,
  commands: readonly (Update | Replace | Delete)[],
): Promise<Result[]> {
  const results = new Array<Result>(commands.length);
  const lanes = Map.groupBy(commands.keys(), i => targetOf(commands[i]!)?.[1]);
  const queue = [...lanes.values()];
  const work = async (): Promise<void> => {
    for (let lane = queue.shift(); lane; lane = queue.shift()) {
      for (const i of lane) results[i] = await single(collection, commands[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, queue.length) }, work));
  return results;
}

/** Neighbours with the same text may be carried out together. */
function kindOf(command: Command): string {
  if (command.do === "insert") return "insert";
  if (command.do === "update" && command.isUncounted && command.returning === "nothing" && !command.sort) return "bulk";
  const target = targetOf(command);
  return target ? `single by ${target[0]}` : "single";
}

function executeRun(server: Server, kind: string, run: readonly Command[]): Promise<Result[]> {
  const collection = server.collectionOf(run[0]!.shape);
  if (kind === "insert") return insertAll(collection, run as Insert[]);
  if (kind === "bulk") return updateAll(collection, run as Update[], server.capabilities.updatesPerCall);
  return singles(collection, run as (Update | Replace | Delete)[]);
}

/** Cuts a list where the kind changes. */
function runsOf(commands: readonly Command[]): { readonly kind: string; readonly run: Command[] }[] {
  const runs: { kind: string; run: Command[] }[] = [];
  for (const command of commands) {
    const kind = kindOf(command);
    const last = runs.at(-1);
    if (last?.kind === kind) last.run.push(command);
    else runs.push({ kind, run: [command] });
  }
  return runs;
}

async function executeInOrder(server: Server, commands: readonly Command[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const { kind, run } of runsOf(commands)) {
    try {
      results.push(...(await executeRun(server, kind, run)));
    } catch (error) {
      const failure = error instanceof MooringError ? error : storeFailed(error);
      results.push(...run.map(() => failure));
    }
  }
  return results;
}

/** @returns a result or a failure per command, in order */
export async function execute(server: Server, commands: readonly Command[]): Promise<Result[]> {
  const results = new Array<Result>(commands.length);
  const byShape = Map.groupBy(commands.keys(), i => commands[i]!.shape);
  await Promise.all(
    [...byShape.values()].map(async places => {
      const each = await executeInOrder(
        server,
        places.map(i => commands[i]!),
      );
      for (const [i, place] of places.entries()) results[place] = each[i]!;
    }),
  );
  return results;
}
