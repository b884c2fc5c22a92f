import { assert } from "chai";
import { toHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { decoderBytes, decoderRequest } from "../../src/decoding/decoder-wire.ts";
import type { ResourceType, ScalarValue } from "../../src/lwm2m/resource-value.ts";

describe("decoding/decoder-wire", () => {
  const cases: [type: ResourceType, value: ScalarValue, hex: string][] = [
    ["OPAQUE", Uint8Array.of(0, 255, 16), "00ff10"],
    ["OPAQUE", new Uint8Array(0), ""],
    ["INTEGER", 1, "0000000000000001"],
    ["INTEGER", -1, "ffffffffffffffff"],
    ["INTEGER", -0, "0000000000000000"],
    ["INTEGER", Number.MAX_SAFE_INTEGER, "001fffffffffffff"],
    ["INTEGER", -(2n ** 63n), "8000000000000000"],
    ["UNSIGNED_INTEGER", 2n ** 64n - 1n, "ffffffffffffffff"],
    ["UNSIGNED_INTEGER", 2n ** 63n, "8000000000000000"],
    ["FLOAT", 21.5, "4035800000000000"],
    ["FLOAT", -0, "8000000000000000"],
    ["FLOAT", 7, "401c000000000000"],
    ["STRING", "Grüße", "4772c3bcc39f65"],
    ["STRING", "", ""],
    ["CORELINK", "</43/0>,</33/1>", "3c2f34332f303e2c3c2f33332f313e"],
    ["TIME", 1, "00000000000003e8"],
    ["TIME", -1, "fffffffffffffc18"],
    ["TIME", 1_772_323_200, "0000019ca6b1dc00"],
    ["BOOLEAN", true, "01"],
    ["BOOLEAN", false, "00"],
    ["OBJECTLINK", { objectId: 3303, instanceId: 2 }, "333330333a32"],
  ];
  for (const [type, value, hex] of cases) {
    const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
    it(`agent specification 9.3, 20-23: ${type} ${shown} is ${hex || "empty"}`, () => {
      assert.equal(toHex(decoderBytes(type, value)), hex);
    });
  }

  const wrong: [type: ResourceType, value: ScalarValue][] = [
    ["OPAQUE", "text"],
    ["INTEGER", 1.5],
    ["INTEGER", 2n ** 64n],
    ["INTEGER", -(2n ** 63n) - 1n],
    ["INTEGER", "1"],
    ["FLOAT", 1n],
    ["STRING", 1],
    ["CORELINK", true],
    ["TIME", 2n ** 62n],
    ["TIME", 0.5],
    ["BOOLEAN", 1],
    ["OBJECTLINK", "3:0"],
    ["OBJECTLINK", new Uint8Array(2)],
  ];
  for (const [type, value] of wrong) {
    it(`refuses ${String(value)} as ${type}`, () => {
      try {
        decoderBytes(type, value);
      } catch (error) {
        assert.isTrue(isFailure(error, "VALUE_TYPE"));
        return;
      }
      assert.fail("accepted");
    });
  }

  it("agent specification 9.3: the request's body", () => {
    const bytes = Buffer.from("83186a02831a5ae089e10000", "hex");
    const payload = { decoder: "my-decoder-microservice", bytes, path: "/33456/0/123", deviceId: "12345" };
    assert.deepEqual(decoderRequest(payload, "IN_PROGRESS"), {
      args: { resourcePath: "/33456/0/123" },
      sourceDeviceId: "12345",
      serviceKey: "my-decoder-microservice",
      value: "83186a02831a5ae089e10000",
      status: "IN_PROGRESS",
    });
  });
});
