import { assert } from "chai";
import { isFailure } from "../../../src/base/errors.ts";
import type { CoapRequest } from "../../../src/coap/request.ts";
import { BOOTSTRAP_FINISH, readBootstrapRequest } from "../../../src/lwm2m/wire/bootstrap-wire.ts";

const request = (change: Partial<CoapRequest>): CoapRequest => ({
  method: "POST",
  path: ["bs"],
  query: [],
  payload: new Uint8Array(0),
  ...change,
});

const failureOf = (change: Partial<CoapRequest>): string => {
  try {
    readBootstrapRequest(request(change));
  } catch (error) {
    if (isFailure(error)) return error.code;
    throw error;
  }
  return "none";
};

describe("wire/bootstrap-wire (LwM2M Core 1.1.1 section 6.1.7)", () => {
  for (const [query, endpoint, preferredFormat] of [
    [["ep=dev"], "dev", undefined],
    [["ep=a=b&c"], "a=b&c", undefined],
    [["pct=112", "ep=dev"], "dev", 112],
    [["ep=dev", "pct=11542"], "dev", 11542],
    [["ep=one", "ep=two", "pct=110", "pct=0"], "one", 110],
    [["epx=1", "lwm2m=9.9", "b=?"], undefined, undefined],
    [["pct"], undefined, undefined],
    [[], undefined, undefined],
  ] as const) {
    it(`Bootstrap-Request "${query.join("&")}"`, () =>
      assert.deepEqual(readBootstrapRequest(request({ query })), { endpoint, preferredFormat }));
  }

  it("a slash at the end is no other path", () => assert.equal(failureOf({ path: ["bs", ""] }), "none"));

  for (const [what, change, code] of [
    ["/bspack", { path: ["bspack"], method: "GET" }, "NOT_FOUND"],
    ["the root", { path: [] }, "NOT_FOUND"],
    ["something below /bs", { path: ["bs", "1"] }, "NOT_FOUND"],
    ["GET /bs", { method: "GET" }, "METHOD_NOT_ALLOWED"],
    ["an empty endpoint", { query: ["ep="] }, "QUERY_INVALID"],
    ["an endpoint of 256 characters", { query: [`ep=${"x".repeat(256)}`] }, "QUERY_INVALID"],
    ["pct=-1", { query: ["pct=-1"] }, "QUERY_INVALID"],
    ["pct=1e2", { query: ["pct=1e2"] }, "QUERY_INVALID"],
    ["pct=42: single values only", { query: ["pct=42"] }, "QUERY_INVALID"],
    ["pct=11544: not ours", { query: ["pct=11544"] }, "QUERY_INVALID"],
  ] as const) {
    it(`refuses ${what}`, () => assert.equal(failureOf(change), code));
  }

  it("Bootstrap-Finish is POST /bs without a body", () =>
    assert.deepEqual(BOOTSTRAP_FINISH, request({ path: ["bs"], query: [] })));
});
