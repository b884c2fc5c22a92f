/**
 * What goes to the writer and the reader, possibly in another thread: compiled statements and plain rows, nothing that needs a check.
 */
import { type FailureCode, MooringError } from "../../base/errors.ts";
import type { Document } from "../collection.ts";
import type { Command } from "../engine.ts";
import type { UpdatePlan } from "../update-plan.ts";
import { compileDelete, compileSelect, type Sql } from "./compile.ts";
import { encodeRow, type Row } from "./rows.ts";

export type WireCommand =
  | { readonly do: "insert"; readonly collection: string; readonly row: Row }
  | {
      readonly do: "update";
      readonly collection: string;
      readonly select: Sql;
      readonly plan: UpdatePlan;
      readonly insert?: Row;
      readonly returning: "before" | "after" | "nothing";
    }
  | {
      readonly do: "replace";
      readonly collection: string;
      readonly select: Sql;
      readonly row: Row;
      readonly upsert: boolean;
    }
  | { readonly do: "delete"; readonly collection: string; readonly delete: Sql };

/** `failed`: the command did nothing. */
export type WireResult =
  | { readonly outcome: "inserted" | "duplicate" | "done"; readonly count: number; readonly row?: Row }
  | { readonly outcome: "failed"; readonly failure: WireFailure };

/** A MooringError as a thread can pass it on. */
export interface WireFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export const toWireFailure = ({ code, message, details }: MooringError): WireFailure => ({ code, message, details });
export const fromWireFailure = ({ code, message, details }: WireFailure): MooringError =>
  new MooringError(code, message, details);

/** @throws MooringError TOO_LARGE */
export function toWireCommand(command: Command): WireCommand {
  const { shape } = command;
  const collection = shape.name;
  switch (command.do) {
    case "insert":
      return { do: "insert", collection, row: encodeRow(shape, command.document) };
    case "update": {
      const { where, sort, plan, insert, returning } = command;
      const select = compileSelect(shape, { where, sort, limit: 1 });
      const row = insert && encodeRow(shape, insert as Document);
      return { do: "update", collection, select, plan, returning, ...(row && { insert: row }) };
    }
    case "replace": {
      const select = compileSelect(shape, { where: command.where, limit: 1 });
      return { do: "replace", collection, select, row: encodeRow(shape, command.document), upsert: command.upsert };
    }
    case "delete":
      return { do: "delete", collection, delete: compileDelete(shape, command.where, command.limit) };
  }
}
