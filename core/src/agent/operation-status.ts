/** Writing down how far an operation is, so that an outcome is not lost to a store that is busy for a moment. */
import type { Clock } from "../base/clock.ts";
import { isFailure } from "../base/errors.ts";
import type { Fragments, OperationStatus, Operations } from "../platform/platform.ts";
import type { JsonObject } from "../store/collection.ts";

export interface OperationStatusParts {
  readonly operations: Pick<Operations, "update">;
  readonly clock: Clock;
  /** The host stops: nothing is waited for any more. */
  isClosed(): boolean;
}

/**
 * A store that refuses is asked again, as whatever the status tells of has happened already. Nothing happens where the operation
 * is gone. @param details replaces those of the operation, null removes them. @throws MooringError those of the store when it goes on refusing; VALIDATION, TOO_LARGE for what cannot be kept
 */
export type SetOperationStatus = (
  tenant: string,
  id: string,
  status: OperationStatus,
  changes?: Fragments,
  details?: JsonObject | null,
) => Promise<void>;

const TRIES = 5;
const RETRY_MS = 1_000;

export function createOperationStatus({ operations, clock, isClosed }: OperationStatusParts): SetOperationStatus {
  const delay = (ms: number): Promise<void> => new Promise(resolve => void clock.after(ms, resolve));
  return async (tenant, id, status, changes = {}, details) => {
    for (let tries = 1; ; tries++) {
      try {
        await operations.update(tenant, id, { ...changes, status }, details);
        return;
      } catch (error) {
        if (isFailure(error, "NOT_FOUND")) return;
        if (isClosed() || tries === TRIES || isFailure(error, "VALIDATION", "TOO_LARGE")) throw error;
        await delay(RETRY_MS * tries);
      }
    }
  };
}
