/** Shell operations as documents (agent specification 10.1): the command, its result, and the lines of one that has several. Pure. */
import { type FailureCode, isFailure, messageOf } from "../base/errors.ts";
import type { Fragments, Operation } from "../platform/platform.ts";
import { storable } from "./response-text.ts";
import { placeOf, pointed } from "./shell/words.ts";

/** Texts of devices in an operation: together with the command they must fit into a document, each character escaped. */
const LONGEST_REASON = 10_000;
const LONGEST_RESULT = 500_000;

function commandFragment({ fragments }: Operation): Fragments | undefined {
  const command = fragments["c8y_Command"];
  return typeof command === "object" && command !== null ? (command as Fragments) : undefined;
}

export function commandText(operation: Operation): string | undefined {
  const text = commandFragment(operation)?.["text"];
  return typeof text === "string" ? text : undefined;
}

/** The command with its result; what else stands in it stays. */
export const succeeded = (operation: Operation, result: string): Fragments => ({
  c8y_Command: { ...commandFragment(operation), result: storable(result, LONGEST_RESULT) },
});

export interface Failing {
  /** One line for people. */
  readonly reason: string;
  readonly result?: string | undefined;
  /** For programs: `{"code":"VALIDATION","word":"/x","position":6,"length":2,"rule":"..."}` */
  readonly error?: { readonly code: FailureCode } | undefined;
  /** What the operation shows instead of a command with that result. */
  readonly fragments?: Fragments | undefined;
}

export function failed(operation: Operation, { reason, result, error, fragments }: Failing): Fragments {
  const failureReason = storable(reason, LONGEST_REASON);
  const command = commandFragment(operation);
  if (fragments || !command || result === undefined) return { failureReason, ...fragments };
  const shown = { ...command, result: storable(result, LONGEST_REASON), ...(error && { error }) };
  return { failureReason, c8y_Command: shown };
}

/** An error of a command, with the place in its text where it names one. */
export function failingOf(text: string | undefined, error: unknown): Failing {
  const reason = messageOf(error);
  if (!isFailure(error)) return { reason, result: reason };
  const { rule } = error.details;
  const details = { ...placeOf(error), ...(typeof rule === "string" && { rule }) };
  return {
    reason,
    result: text === undefined ? reason : pointed(text, error),
    error: { code: error.code, ...details },
  };
}

/** Marks the operations that the lines of one became: `{"operationId":"1000000001","line":1}`. */
export const LINE_FRAGMENT = "c8y_LWM2MCommandLine";

/** Place among the operations of a device: lines stand where the operation stood that they came from. */
export interface Order {
  readonly id: string;
  /** 0: no line of another. */
  readonly line: number;
}

export function orderOf({ id, fragments }: Operation): Order {
  const of = fragments[LINE_FRAGMENT] as Partial<Record<string, unknown>> | null | undefined;
  const { operationId, line } = typeof of === "object" && of !== null ? of : {};
  const isLine = typeof operationId === "string" && /^\d{1,20}$/.test(operationId) && Number.isSafeInteger(line);
  return isLine ? { id: operationId, line: line as number } : { id, line: 0 };
}

/** Ids are decimal and given in ascending order. */
export const compareOrders = (a: Order, b: Order): number =>
  a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : a.line - b.line);

/** What holds for every line as well: how it is delivered, and that the objects view made it. */
const INHERITED = ["deliveryType", "c8y_JsonSchemaContext"];

/** What one line becomes. */
export const lineOperation = (parent: Operation, text: string, line: number): Fragments => ({
  ...Object.fromEntries(Object.entries(parent.fragments).filter(([name]) => INHERITED.includes(name))),
  deviceId: parent.deviceId,
  description: `Execute shell command: ${text}`,
  c8y_Command: { text },
  [LINE_FRAGMENT]: { operationId: parent.id, line },
});
