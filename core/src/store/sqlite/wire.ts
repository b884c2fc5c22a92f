/**
 * What goes to the writer and the reader, possibly in another thread: compiled statements and plain rows, nothing that needs a check.
 */
import { type FailureCode, MooringError } from "../../base/errors.ts";
import type { Comparable, Node } from "../condition.ts";
import type { Command } from "../engine.ts";
import { parsePath } from "../path.ts";
import type { Shape } from "../shape.ts";
import type { Change, Operator, UpdatePlan } from "../update-plan.ts";
import { compileDelete, compileSelect, type Sql } from "./compile.ts";
import { compileUpdate } from "./compile-update.ts";
import { encodeRow, type Row } from "./rows.ts";

export type WireCommand =
  | { readonly do: "insert"; readonly collection: string; readonly row: Row }
  | {
      readonly do: "update";
      readonly collection: string;
      /** Does it all where it matches; where it does not, what follows is needed. */
      readonly direct?: Sql;
      readonly select: Sql;
      readonly plan: WirePlan;
      /** Equalities of the filter of an upsert, which seed the document: name, value, name, value ... */
      readonly seeds?: readonly Comparable[];
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

/** Operator, path, value, operator ...: a list of texts and numbers passes between threads in a fraction of the time of objects. */
export type WirePlan = readonly unknown[];

function toWirePlan(plan: UpdatePlan): WirePlan {
  const wire: unknown[] = [];
  for (const { operator, path, value } of plan) wire.push(operator, path.text, value);
  return wire;
}

/** The filter of an upsert holds equalities only. */
function seedsOf(where: Node): Comparable[] {
  const seeds: Comparable[] = [];
  for (const node of where.is === "all" ? where.of : [where])
    if (node.is === "eq") seeds.push(node.path.text, node.value);
  return seeds;
}

export function fromWireSeeds(seeds: readonly Comparable[]): Map<string, Comparable> {
  const found = new Map<string, Comparable>();
  for (let at = 0; at < seeds.length; at += 2) found.set(seeds[at] as string, seeds[at + 1]!);
  return found;
}

export function fromWirePlan(shape: Shape, wire: WirePlan): UpdatePlan {
  const plan: Change[] = [];
  for (let at = 0; at < wire.length; at += 3) {
    const [operator, path, value] = wire.slice(at, at + 3) as [Operator, string, unknown];
    plan.push({ operator, path: parsePath(shape, path), value });
  }
  return plan;
}

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
      const direct = compileUpdate(command);
      return {
        do: "update",
        collection,
        ...(direct && { direct }),
        select: compileSelect(shape, { where, sort, limit: 1 }),
        plan: toWirePlan(plan),
        ...(insert && { seeds: seedsOf(where) }),
        returning,
      };
    }
    case "replace": {
      const select = compileSelect(shape, { where: command.where, limit: 1 });
      return { do: "replace", collection, select, row: encodeRow(shape, command.document), upsert: command.upsert };
    }
    case "delete":
      return { do: "delete", collection, delete: compileDelete(shape, command.where, command.limit) };
  }
}
