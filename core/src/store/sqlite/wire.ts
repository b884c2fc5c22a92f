/**
 * What goes to the writer and the reader, possibly in another thread: compiled statements and plain rows, nothing that needs a check.
 */
import { type FailureCode, MooringError } from "../../base/errors.ts";
import type { Command, CommandResult } from "../engine.ts";
import { parsePath } from "../path.ts";
import type { Shape } from "../shape.ts";
import type { FormValues, UpdateForm } from "../update-form.ts";
import type { Operator, UpdatePlan } from "../update-plan.ts";
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
  /** An update of a form that was told before. */
  | { readonly do: "form"; readonly form: number; readonly values: FormValues }
  | {
      readonly do: "replace";
      readonly collection: string;
      readonly select: Sql;
      readonly row: Row;
      readonly upsert: boolean;
    }
  | { readonly do: "delete"; readonly collection: string; readonly delete: Sql };

/** An {@link UpdateForm} as a thread can be told of it. */
export interface WireForm {
  readonly collection: string;
  readonly where: readonly string[];
  readonly changes: readonly (readonly [Operator, path: string])[];
  readonly upsert: boolean;
}

const toWireForm = ({ shape, where, changes, upsert }: UpdateForm): WireForm => ({
  collection: shape.name,
  where: where.map(({ text }) => text),
  changes: changes.map(({ operator, path }) => [operator, path.text]),
  upsert,
});

export const fromWireForm = (shape: Shape, { where, changes, upsert }: WireForm): UpdateForm => ({
  shape,
  where: where.map(text => parsePath(shape, text)),
  changes: changes.map(([operator, text]) => ({ operator, path: parsePath(shape, text) })),
  upsert,
});

/** Numbers the forms that go to one writer. */
export interface FormNumbers {
  numberOf(form: UpdateForm): number;
  /** Those that were numbered since the last call, in the order of their numbers. */
  untold(): readonly WireForm[];
}

export function createFormNumbers(): FormNumbers {
  const numbers = new Map<UpdateForm, number>();
  let untold: WireForm[] = [];
  return {
    numberOf(form) {
      const known = numbers.get(form);
      if (known !== undefined) return known;
      const number = numbers.size;
      numbers.set(form, number);
      untold.push(toWireForm(form));
      return number;
    },
    untold() {
      const forms = untold;
      if (forms.length > 0) untold = [];
      return forms;
    },
  };
}

/** What most commands come to: a short text instead of an object, for one goes back per command. */
export const PLAIN_RESULTS = {
  inserted: { outcome: "inserted", count: 0 },
  duplicate: { outcome: "duplicate", count: 0 },
  none: { outcome: "done", count: 0 },
  one: { outcome: "done", count: 1 },
} as const satisfies Readonly<Record<string, CommandResult>>;

/** `failed`: the command did nothing. */
export type WireResult =
  | keyof typeof PLAIN_RESULTS
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
export function toWireCommand(command: Command, forms: FormNumbers): WireCommand {
  const { shape } = command;
  const collection = shape.name;
  switch (command.do) {
    case "insert":
      return { do: "insert", collection, row: encodeRow(shape, command.document) };
    case "update": {
      const { form, values } = command;
      if (form && values) return { do: "form", form: forms.numberOf(form), values };
      const { where, sort, plan, insert, returning } = command;
      const select = compileSelect(shape, { where, sort, limit: 1 });
      const row = insert && encodeRow(shape, insert);
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
