import { assert } from "chai";
import { firmwareFacts, firmwareReport, resultText, stateText } from "../../../src/lwm2m/firmware/firmware-object.ts";
import type { ResourceValue, ScalarValue } from "../../../src/lwm2m/resource-value.ts";

const at = (path: readonly number[], value: ScalarValue): ResourceValue => ({ path, type: "INTEGER", value });

describe("lwm2m/firmware: object 5", () => {
  it("OMA 751: state, result, method and protocols of a read of the instance", () => {
    const values = [at([5, 0, 3], 0), at([5, 0, 5], 0), at([5, 0, 8, 0], 0), at([5, 0, 8, 1], 2), at([5, 0, 9], 2)];
    assert.deepEqual(firmwareFacts(values, 0), {
      state: 0,
      result: 0,
      method: "BOTH",
      protocols: ["coap", "http"],
    });
  });

  it("what is not there, of another instance or no number is absent", () => {
    assert.deepEqual(firmwareReport([at([5, 1, 3], 2), at([5, 0, 5], "x"), at([3, 0, 0], "ACME")], 0), {});
    assert.deepEqual(firmwareFacts([at([5, 0, 9], 7), at([5, 0, 8], 9)], 0), { protocols: [] });
  });

  it("protocols may be one value; a version may end with a NUL; the last of equal values counts", () => {
    const values = [at([5, 0, 8], 1), at([3, 0, 3], "2.0\0"), at([5, 0, 3], 1), at([5, 0, 3], 2)];
    assert.deepEqual(firmwareFacts(values, 0), { state: 2, version: "2.0", protocols: ["coaps"] });
  });

  it("states and results as words, also those that are not defined", () => {
    assert.equal(stateText(3), "state 3 (updating)");
    assert.equal(stateText(9), "state 9 (not defined)");
    assert.equal(resultText(9), "Update Result 9: protocol is not supported");
    assert.equal(resultText(12), "Update Result 12: not defined by LwM2M");
  });
});
