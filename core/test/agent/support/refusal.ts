import { assert } from "chai";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";

/** The failure that `run` throws. */
export function refusalOf(run: () => unknown): MooringError {
  try {
    run();
  } catch (error) {
    assert(isFailure(error), String(error));
    return error;
  }
  return assert.fail("was taken");
}
