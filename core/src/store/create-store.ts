/** `Store` over any engine. */
import { MooringError } from "../base/errors.ts";
import type { CollectionSpec, Document, DocumentCollection } from "./collection.ts";
import { COUNTERS, type CounterDocument } from "./collections/host.ts";
import { createCollection, deleteCommand, insertCommand, updateCommand } from "./create-collection.ts";
import { createSeries } from "./create-series.ts";
import type { Command, CommandResult, Engine } from "./engine.ts";
import { createSequences } from "./sequences.ts";
import { MEASUREMENTS, type MeasurementDocument, SERIES_NAMES, type SeriesNameDocument } from "./series-documents.ts";
import { type Shape, shapeOf } from "./shape.ts";
import type { Store, WriteOp } from "./store.ts";

const REMEMBERED_SERIES_NAMES = 50_000;

/** Collections that every store has. */
const OWN: readonly CollectionSpec[] = [COUNTERS, MEASUREMENTS, SERIES_NAMES];

/** Shapes of the given collections and the store's own, by name. @throws MooringError QUERY_UNSUPPORTED for two of one name */
export function shapesOf(specs: readonly CollectionSpec[]): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const spec of new Set([...OWN, ...specs])) {
    if (shapes.has(spec.name)) throw new MooringError("QUERY_UNSUPPORTED", `two collections are called ${spec.name}`);
    shapes.set(spec.name, shapeOf(spec));
  }
  return shapes;
}

/** What one operation became: its first command's result is its result. */
interface Submitted {
  readonly commands: readonly Command[];
  stored?(): void;
}

function concludes(op: WriteOp): 0 | 1 | 2 {
  if (op.op === "append" || op.op === "remove") return 0;
  const { concludes = 0 } = op.op === "insert" ? op.into : op.op === "update" ? op.in : op.from;
  return concludes;
}

/** The store owns the engine: closing the one closes the other. */
export function createStore(engine: Engine, shapes: ReadonlyMap<string, Shape>): Store {
  const shapeFor = <T extends Document>(spec: CollectionSpec<T>): Shape => {
    const shape = shapes.get(spec.name);
    if (shape?.spec === spec) return shape;
    throw new MooringError("QUERY_UNSUPPORTED", `the store was opened without the collection ${spec.name}`, {
      collection: spec.name,
    });
  };
  const collection = <T extends Document>(spec: CollectionSpec<T>): DocumentCollection<T> =>
    createCollection<T>(engine, shapeFor(spec));
  const series = createSeries({
    engine,
    measurementShape: shapeFor(MEASUREMENTS),
    nameShape: shapeFor(SERIES_NAMES),
    measurements: collection<MeasurementDocument>(MEASUREMENTS),
    names: collection<SeriesNameDocument>(SERIES_NAMES),
    rememberedNames: REMEMBERED_SERIES_NAMES,
  });
  const submit = (op: WriteOp): Submitted => {
    switch (op.op) {
      case "insert":
        return { commands: [insertCommand(shapeFor(op.into), op.document)] };
      case "update":
        return { commands: [updateCommand(shapeFor(op.in), op.filter, op.update, { ...op, isUncounted: true })] };
      case "delete":
        return { commands: [deleteCommand(shapeFor(op.from), op.filter, Number.MAX_SAFE_INTEGER)] };
      case "append":
        return series.appendCommands(op.measurement);
      case "remove":
        return { commands: [series.removeCommand(op.tenant, op.ids)] };
    }
  };
  const writeTogether = async (ops: readonly WriteOp[]): Promise<CommandResult[]> => {
    const submitted = ops.map(submit);
    const commands: Command[] = [];
    for (const each of submitted) commands.push(...each.commands);
    const results = await engine.run(commands);
    for (const result of results) if (result instanceof MooringError) throw result;
    let place = 0;
    return submitted.map(({ commands, stored }) => {
      const result = results[place] as CommandResult;
      place += commands.length;
      stored?.();
      return result;
    });
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= engine.close());
  return {
    engine: engine.name,
    collection,
    series,
    nextIds: createSequences(collection<CounterDocument>(COUNTERS)),

    async write(ops) {
      if (engine.name === "sqlite") return writeTogether(ops);
      const steps = [0, 1, 2].map(step => [...ops.keys()].filter(at => concludes(ops[at]!) === step));
      const results = new Array<CommandResult>(ops.length);
      for (const places of steps) {
        if (places.length === 0) continue;
        const done = await writeTogether(places.map(at => ops[at]!));
        for (const [i, at] of places.entries()) results[at] = done[i]!;
      }
      return results;
    },

    health: () => engine.health(),
    statistics: () => ({ queuedWrites: engine.queuedWrites(), pendingReads: engine.pendingReads() }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
