import { assert } from "chai";
import { type FailureCode, isFailure, type MooringError } from "../../src/base/errors.ts";

/** Awaits a failure of that code. */
export async function failing(code: FailureCode, run: () => unknown): Promise<MooringError> {
  try {
    await run();
  } catch (error) {
    assert.isTrue(isFailure(error, code), `expected ${code}, got ${String(error)}`);
    return error as MooringError;
  }
  assert.fail(`expected ${code}, nothing failed`);
}
