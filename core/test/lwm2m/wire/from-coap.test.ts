import { assert } from "chai";
import { EMPTY_BYTES, encodeUtf8 } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import type { CoapRequest } from "../../../src/coap/request.ts";
import { readDeviceRequest } from "../../../src/lwm2m/wire/from-coap.ts";

const request = (over: Partial<CoapRequest>): CoapRequest => ({
  method: "POST",
  path: ["rd"],
  query: [],
  payload: EMPTY_BYTES,
  ...over,
});

const register = (...query: string[]) => {
  const asked = readDeviceRequest(request({ query }));
  assert(asked.kind === "register");
  return asked.query;
};

const failure = (over: Partial<CoapRequest>): { code: string; message: string; details: unknown } => {
  try {
    readDeviceRequest(request(over));
  } catch (error) {
    assert(isFailure(error));
    return error;
  }
  return assert.fail("nothing was thrown");
};

describe("lwm2m/wire/from-coap", () => {
  it("LwM2M Transport 1.1.1 §6.4.3: Register with all parameters", () => {
    const links = encodeUtf8("</1/0>,</3/0>");
    const asked = readDeviceRequest(
      request({ query: ["ep=dev-1", "lt=300", "lwm2m=1.1", "b=U", "Q"], contentFormat: 40, payload: links }),
    );
    assert.deepEqual(asked, {
      kind: "register",
      query: { endpoint: "dev-1", lifetimeSeconds: 300, version: "1.1", binding: "U", queueMode: true },
      links,
    });
  });

  it("LwM2M Transport 1.1.1 §6.4.3: Update, De-register and Send", () => {
    assert.deepEqual(readDeviceRequest(request({ path: ["rd", "a1"], query: ["lt=20"] })), {
      kind: "update",
      registrationId: "a1",
      query: { lifetimeSeconds: 20 },
      links: undefined,
    });
    assert.deepEqual(readDeviceRequest(request({ method: "DELETE", path: ["rd", "a1"] })), {
      kind: "deregister",
      registrationId: "a1",
    });
    assert.deepEqual(readDeviceRequest(request({ path: ["dp"], contentFormat: 112 })), {
      kind: "send",
      contentFormat: 112,
      payload: EMPTY_BYTES,
    });
  });

  it("a draft's Update by PUT and a slash at the end are read", () => {
    assert.equal(readDeviceRequest(request({ method: "PUT", path: ["rd", "a1"] })).kind, "update");
    assert.equal(readDeviceRequest(request({ path: ["rd", ""], query: ["ep=a"] })).kind, "register");
  });

  it("R1: version absent is 1.0, a patch digit is ignored, 1.2 is served", () => {
    assert.isUndefined(register("ep=a").version);
    assert.equal(register("ep=a", "lwm2m=1.0.0").version, "1.0");
    assert.equal(register("ep=a", "lwm2m=1.2").version, "1.2");
  });

  const bindings: readonly [query: string[], binding: string | undefined, queueMode: boolean | undefined][] = [
    [[], undefined, undefined],
    [["b=U", "Q"], "U", true],
    [["Q"], undefined, true],
    [["Q", "b=U"], "U", true],
    [["b=UQ", "lwm2m=1.0"], "UQ", true],
    [["b=U", "lwm2m=1.2"], "U", false],
    [["b=uq"], "UQ", true],
  ];
  for (const [query, binding, queueMode] of bindings) {
    it(`R2: binding ${query.join("&") || "absent"}`, () => {
      const read = register("ep=a", ...query);
      assert.equal(read.binding, binding);
      assert.equal(read.queueMode, queueMode);
    });
  }

  it("R3: no Content-Format, unknown query keys and Uri-Host are accepted", () => {
    const asked = readDeviceRequest(
      request({
        query: ["ep=a", "mac=0102", "foo", "sms=123"],
        options: [{ number: 3, value: encodeUtf8("host") }],
        payload: encodeUtf8("</3/0>"),
      }),
    );
    assert(asked.kind === "register");
    assert.deepEqual(asked.query, { endpoint: "a" });
  });

  it("agent specification 6.1: an empty payload needs no Content-Format, and any will do", () => {
    assert.equal(readDeviceRequest(request({ query: ["ep=a"], contentFormat: 0 })).kind, "register");
  });

  const bad: readonly [name: string, over: Partial<CoapRequest>, code: string, part: string][] = [
    ["lifetime that is no number", { query: ["ep=a", "lt=abc"] }, "QUERY_INVALID", "lt"],
    ["negative lifetime", { query: ["ep=a", "lt=-1"] }, "QUERY_INVALID", "lt"],
    ["lifetime past 32 bits", { query: ["ep=a", "lt=4294967296"] }, "QUERY_INVALID", "lt"],
    ["empty lifetime", { query: ["ep=a", "lt="] }, "QUERY_INVALID", "lt"],
    ["fractional lifetime", { query: ["ep=a", "lt=1.5"] }, "QUERY_INVALID", "lt"],
    ["empty endpoint", { query: ["ep="] }, "QUERY_INVALID", "ep"],
    ["endpoint with a control character", { query: ["ep=a\u0000b"] }, "QUERY_INVALID", "ep"],
    ["endpoint past 255 characters", { query: [`ep=${"x".repeat(256)}`] }, "QUERY_INVALID", "ep"],
    ["unknown binding mode", { query: ["ep=a", "b=X"] }, "QUERY_INVALID", "b"],
    ["awake time that is no number", { query: ["ep=a", "at=soon"] }, "QUERY_INVALID", "at"],
    ["version that is none", { query: ["ep=a", "lwm2m=one"] }, "QUERY_INVALID", "lwm2m"],
    ["version 2.0", { query: ["ep=a", "lwm2m=2.0"] }, "LWM2M_VERSION_UNSUPPORTED", "2.0"],
    [
      "objects in another format",
      { query: ["ep=a"], contentFormat: 11542, payload: encodeUtf8("x") },
      "CONTENT_FORMAT_UNSUPPORTED",
      "11542",
    ],
    ["Send without Content-Format", { path: ["dp"], payload: encodeUtf8("x") }, "CONTENT_FORMAT_UNSUPPORTED", "Send"],
    ["GET on /rd", { method: "GET" }, "METHOD_NOT_ALLOWED", "GET"],
    ["DELETE on /rd", { method: "DELETE" }, "METHOD_NOT_ALLOWED", "DELETE"],
    ["GET on a registration", { method: "GET", path: ["rd", "x"] }, "METHOD_NOT_ALLOWED", "GET"],
    ["GET on /dp", { method: "GET", path: ["dp"] }, "METHOD_NOT_ALLOWED", "GET"],
    ["another path", { path: ["bs"] }, "NOT_FOUND", "bs"],
    ["a path below a registration", { path: ["rd", "x", "y"] }, "NOT_FOUND", "rd/x/y"],
    ["no path", { path: [] }, "NOT_FOUND", "/"],
  ];
  for (const [name, over, code, part] of bad) {
    it(`bad input: ${name}`, () => {
      const error = failure(over);
      assert.equal(error.code, code);
      assert.include(error.message, part);
    });
  }
});
