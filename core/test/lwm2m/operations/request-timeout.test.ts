import { assert } from "chai";
import { requestTimeoutOf } from "../../../src/lwm2m/operations/exchange.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";

const LIMITS = { requestTimeoutMs: 180_000, minRequestTimeoutMs: 10_000, maxRequestTimeoutMs: 600_000 };
const cases: readonly [set: number | undefined, counts: number][] = [
  [undefined, 180_000],
  [20_000, 20_000],
  [0, 10_000],
  [9_999, 10_000],
  [600_001, 600_000],
  [2 ** 32 - 1, 600_000],
];

describe("lwm2m/operations: time limit of a request", () => {
  for (const [set, counts] of cases) {
    it(`agent specification 3.3: ${set ?? "none"} is ${counts} ms`, () => {
      const settings = set === undefined ? {} : { requestTimeoutMs: set };
      assert.equal(requestTimeoutOf({ settings } as Registration, LIMITS), counts);
    });
  }
});
