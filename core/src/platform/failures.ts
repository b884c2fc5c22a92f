/** Failures that more than one kind of document has, in the platform's words. */
import { MooringError } from "../base/errors.ts";

export const noManagedObject = (id: string): MooringError =>
  new MooringError("NOT_FOUND", `Finding device data from database failed : No managedObject for id '${id}'!`, { id });

/** A body names a managed object that is not there: semantically bad input, not a missing resource (platform API 8.2, 11.1). */
export const unknownReference = (field: string, id: string): MooringError =>
  new MooringError("VALIDATION", `${field} names no managed object: ${id}`, {
    field,
    rule: "must name a managed object",
    id,
  });

export const notFound = (kind: string, id: string): MooringError =>
  new MooringError("NOT_FOUND", `No ${kind} for id '${id}'!`, { id });
