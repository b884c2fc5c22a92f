import { assert } from "chai";
import { EMPTY_BYTES, encodeUtf8 } from "../../../src/base/bytes.ts";
import {
  createRequest,
  deleteRequest,
  discoverRequest,
  executeRequest,
  readRequest,
  segmentsOf,
  writeAttributesRequest,
  writeRequest,
} from "../../../src/lwm2m/wire/to-coap.ts";

const content = { contentFormat: 11542, payload: encodeUtf8("x") };

describe("lwm2m/wire/to-coap", () => {
  it("LwM2M Core 1.1.1 §6.2.1: an alternate path stands before every request's path", () => {
    assert.deepEqual(segmentsOf("/", [3, 0, 9]), ["3", "0", "9"]);
    assert.deepEqual(segmentsOf("/lwm2m", [3]), ["lwm2m", "3"]);
    assert.deepEqual(segmentsOf("/a/b", []), ["a", "b"]);
  });

  it("D6: Read, Observe and Discover always name the format they want", () => {
    assert.deepEqual(readRequest(["3", "0"], 11542), {
      method: "GET",
      path: ["3", "0"],
      query: [],
      accept: 11542,
      payload: EMPTY_BYTES,
    });
    assert.equal(discoverRequest(["3"]).accept, 40);
  });

  it("LwM2M Transport 1.1.1 §6.4.5: methods", () => {
    assert.include(writeRequest(["3", "0", "14"], content, "replace"), { method: "PUT", contentFormat: 11542 });
    assert.include(writeRequest(["3", "0"], content, "partial"), { method: "POST", contentFormat: 11542 });
    assert.equal(createRequest(["3303"], content).method, "POST");
    assert.equal(deleteRequest(["3303", "1"]).method, "DELETE");
  });

  it("Execute without arguments has neither body nor Content-Format", () => {
    assert.deepEqual(executeRequest(["3", "0", "4"], ""), {
      method: "POST",
      path: ["3", "0", "4"],
      query: [],
      payload: EMPTY_BYTES,
    });
    const withArguments = executeRequest(["5", "0", "2"], "0='x'");
    assert.equal(withArguments.contentFormat, 0);
    assert.deepEqual(withArguments.payload, encodeUtf8("0='x'"));
  });

  it("LwM2M Core 1.1.1 §7.3: attributes as query, null unsets, no exponents", () => {
    const { query, method } = writeAttributesRequest(["3303", "0", "5700"], {
      pmin: 10,
      pmax: null,
      gt: -0.5,
      lt: 1e-7,
      st: 1e21,
    });
    assert.equal(method, "PUT");
    assert.deepEqual(query, ["pmin=10", "pmax", "gt=-0.5", "lt=0.0000001", "st=1000000000000000000000"]);
  });
});
