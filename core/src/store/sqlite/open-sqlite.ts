/** The embedded engine: no server, nothing to install. */
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import type { CollectionSpec, Document } from "../collection.ts";
import { createStore, shapesOf } from "../create-store.ts";
import type { Aggregate, Command, CommandResult, Engine, Find } from "../engine.ts";
import type { SeriesBucket } from "../series.ts";
import type { Shape } from "../shape.ts";
import type { Store } from "../store.ts";
import { createWriteQueue } from "../write-queue.ts";
import { compileAggregate, compileCount, compileSelect, type Sql } from "./compile.ts";
import { openInlineHost } from "./inline-host.ts";
import { type Cell, decodeRow, type Row } from "./rows.ts";
import {
  createFormNumbers,
  fromWireFailure,
  PLAIN_RESULTS,
  toWireCommand,
  type WireCommand,
  type WireResult,
} from "./wire.ts";
import { openWorkerHost, type ServiceHost } from "./worker-host.ts";

export interface SqliteParts {
  /** Made when absent. Undefined: in memory, `inline` only. */
  readonly directory: string | undefined;
  readonly collections: readonly CollectionSpec[];
  readonly clock: Clock;
  /** `worker`: a thread that writes and a thread that reads; `inline`: both here, each call done when it returns. */
  readonly host: "worker" | "inline";
  /** Time that a commit waits for company under load, ms; default 5, `inline` 0. */
  readonly groupCommitMs?: number;
  /** Most operations waiting to be stored; default 50 000. */
  readonly maxQueuedWrites?: number;
  /** Most reads waiting; default 2000. */
  readonly maxPendingReads?: number;
}

const MAX_BATCH = 1000;

interface Hosts {
  readonly writer: ServiceHost;
  readonly reader: ServiceHost;
}

async function openHosts(parts: SqliteParts, specs: readonly CollectionSpec[]): Promise<Hosts> {
  const { directory, host } = parts;
  if (host === "inline") {
    const both = openInlineHost({ role: "write", directory, specs });
    return { writer: both, reader: both };
  }
  if (directory === undefined) throw new MooringError("CONFIG_INVALID", "a store with threads needs a directory");
  const writer = await openWorkerHost({ role: "write", directory, specs });
  try {
    return { writer, reader: await openWorkerHost({ role: "read", directory, specs }) };
  } catch (error) {
    await writer.close();
    throw error;
  }
}

function fromWireResult(shape: Shape, result: WireResult): CommandResult | MooringError {
  if (typeof result === "string") return PLAIN_RESULTS[result];
  if (result.outcome === "failed") return fromWireFailure(result.failure);
  const { outcome, count, row } = result;
  return row ? { outcome, count, document: decodeRow(shape, row) } : { outcome, count };
}

function toBucket([startMs, ...moments]: readonly Cell[]): SeriesBucket {
  const values: SeriesBucket["values"][number][] = [];
  for (let i = 0; i < moments.length; i += 5) {
    const [count, min, max, sum, sumOfSquares] = moments.slice(i, i + 5) as [number, number, number, number, number];
    values.push(count === 0 ? undefined : { count, min, max, sum, sumOfSquares });
  }
  return { startMs: startMs as number, values };
}

function createEngine(hosts: Hosts, parts: SqliteParts): Engine {
  const { writer, reader } = hosts;
  const { clock, groupCommitMs = parts.host === "inline" ? 0 : 5 } = parts;
  const { maxQueuedWrites: maxQueued = 50_000, maxPendingReads = 2000 } = parts;
  const forms = createFormNumbers();
  const flush = async (batch: readonly WireCommand[]): Promise<readonly WireResult[]> =>
    (await writer.call({ call: "execute", batch, forms: forms.untold() })) as readonly WireResult[];
  const queue = createWriteQueue({ flush, clock, groupCommitMs, maxBatch: MAX_BATCH, maxQueued });
  let isClosed = false;

  const read = async ({ name: collection }: Shape, statement: Sql): Promise<Cell[][]> => {
    if (isClosed) throw new MooringError("CLOSED", "the store is closed");
    const { pending } = reader;
    if (pending >= maxPendingReads) throw new MooringError("STORE_FULL", "too many reads are waiting", { pending });
    return (await reader.call({ call: "read", collection, statement })) as Cell[][];
  };

  return {
    name: "sqlite",
    async run(commands: readonly Command[]) {
      const results = await queue.push(commands.map(command => toWireCommand(command, forms)));
      return results.map((result, i) => fromWireResult(commands[i]!.shape, result));
    },
    async find({ shape, ...select }: Find): Promise<Document[]> {
      return (await read(shape, compileSelect(shape, select))).map(row => decodeRow(shape, row as Row));
    },
    async count(shape, where, cap) {
      return (await read(shape, compileCount(shape, where, cap)))[0]![0] as number;
    },
    async aggregate({ shape, ...aggregate }: Aggregate) {
      return (await read(shape, compileAggregate(shape, aggregate))).map(toBucket);
    },
    async health() {
      if (isClosed) throw new MooringError("CLOSED", "the store is closed");
      await Promise.all([writer.call({ call: "health" }), reader.call({ call: "health" })]);
    },
    queuedWrites: () => queue.size,
    pendingReads: () => reader.pending,
    async close() {
      isClosed = true;
      await queue.close();
      if (reader !== writer) await reader.close();
      await writer.close();
    },
  };
}

/** @throws MooringError STORE_FAILED when the files cannot be opened or are damaged, VALIDATION when stored values do not fit a new spec */
export async function openSqlite(parts: SqliteParts): Promise<Store> {
  const shapes = shapesOf(parts.collections);
  const hosts = await openHosts(
    parts,
    [...shapes.values()].map(({ spec }) => spec),
  );
  return createStore(createEngine(hosts, parts), shapes);
}
