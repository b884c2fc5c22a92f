/** What a thread of the engine does: writes, or reads. Each call is one message there and one back. */
import { MooringError, messageOf } from "../../base/errors.ts";
import type { CollectionSpec } from "../collection.ts";
import { shapeOf } from "../shape.ts";
import type { Sql } from "./compile.ts";
import { type Files, openForReading, openForWriting } from "./files.ts";
import type { Cell } from "./rows.ts";
import type { WireCommand, WireForm, WireResult } from "./wire.ts";
import { createWriter } from "./writer.ts";

/** How a service is opened; plain data. */
export interface ServiceOptions {
  readonly role: "write" | "read";
  /** Undefined: in memory, which only one service can see. */
  readonly directory: string | undefined;
  readonly specs: readonly CollectionSpec[];
}

export type Call =
  /** `forms`: new ones, which the batch may use. */
  | { readonly call: "execute"; readonly batch: readonly WireCommand[]; readonly forms: readonly WireForm[] }
  | { readonly call: "read"; readonly collection: string; readonly statement: Sql }
  /** Answers whether each file does. */
  | { readonly call: "health" }
  /** Copies the WAL into the files and closes them. */
  | { readonly call: "close" };

export type Answer = readonly WireResult[] | readonly Cell[][] | undefined;

export interface Service {
  /** @throws MooringError STORE_FAILED */
  answer(call: Call): Answer;
}

function closeFiles(files: Files, role: ServiceOptions["role"]): void {
  if (role === "write") for (const database of files.all()) database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  files.close();
}

/** @throws MooringError STORE_FAILED, VALIDATION */
export function openService({ role, directory, specs }: ServiceOptions): Service {
  const shapes = new Map(specs.map(spec => [spec.name, shapeOf(spec)]));
  const all = [...shapes.values()];
  const files = role === "write" ? openForWriting(directory, all) : openForReading(directory!);
  const writer = createWriter(role === "write" ? all : [], files.of);
  const answer = (call: Call): Answer => {
    switch (call.call) {
      case "execute":
        return writer.execute(call.batch, call.forms);
      case "read":
        return files.of(shapes.get(call.collection)!).rows(call.statement);
      case "health":
        for (const database of files.all()) database.rows({ text: "SELECT 1", values: [] });
        return undefined;
      case "close":
        closeFiles(files, role);
        return undefined;
    }
  };
  return {
    answer(call) {
      try {
        return answer(call);
      } catch (error) {
        if (error instanceof MooringError) throw error;
        throw new MooringError("STORE_FAILED", `the store failed: ${messageOf(error)}`, {}, { cause: error });
      }
    },
  };
}
