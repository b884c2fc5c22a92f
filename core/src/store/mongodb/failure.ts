/** What the server refuses, in our codes. */
import { MongoServerError } from "mongodb";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Shape } from "../shape.ts";

const DUPLICATE_KEY = 11000;
/** BadValue, TypeMismatch, PathNotViable: the stored document has another kind of value than the update needs. */
const CONFLICTS: ReadonlySet<unknown> = new Set([2, 14, 28]);

/** FerretDB 1 has no code for a unique key that an update violates, only its database's words. */
const UNIQUE_WORDS = /UNIQUE constraint|unique constraint|E11000/;

interface ServerFailure {
  readonly code?: unknown;
  readonly message: string;
}

export const isDuplicate = ({ code, message }: ServerFailure): boolean =>
  code === DUPLICATE_KEY || (code !== undefined && !CONFLICTS.has(code) && UNIQUE_WORDS.test(message));

export const storeFailed = (error: unknown): MooringError =>
  new MooringError("STORE_FAILED", `the database failed: ${messageOf(error)}`, {}, { cause: error });

/** @param failure an error of one write, thrown or listed by a bulk write */
export function toFailure(shape: Shape, failure: ServerFailure): MooringError {
  const collection = shape.name;
  if (isDuplicate(failure))
    return new MooringError("DUPLICATE_KEY", `${collection}: a unique key is taken`, { collection });
  if (CONFLICTS.has(failure.code)) return new MooringError("CONFLICT", failure.message, { collection });
  return storeFailed(failure);
}

/** The failure of a single write, or the error thrown on when the database itself failed. */
export function singleFailure(shape: Shape, error: unknown): MooringError {
  return error instanceof MongoServerError ? toFailure(shape, error) : storeFailed(error);
}
