import { assert } from "chai";
import { messagesOf } from "../src/message.ts";
import { data, number } from "./support.ts";

describe("plugin streaming: messages (agent specification 16.4)", () => {
  it("the documented form", () => {
    const values = [number(20.6), { path: [3303, 0, 5701], type: "STRING", value: "cel" } as const];
    const { texts, tooLong } = messagesOf(data(values, { tenant: "management" }), 10_000);
    assert.equal(tooLong, 0);
    assert.deepEqual(
      texts.map(text => JSON.parse(text) as unknown),
      [
        {
          timestampDataReceived: "2025-01-15T17:03:52.881Z",
          sourceOfData: "READ_RESPONSE",
          deviceId: "65107",
          tenantId: "management",
          lwm2mEndpoint: "imei:test:device",
          registrationId: "HKYbqsjcP7",
          senMLMessage: [
            { bn: "/3303/0/", bt: 1_736_960_632.881, n: "5700", v: 20.6 },
            { n: "5701", vs: "cel" },
          ],
        },
      ],
    );
  });
  it("integers of 64 bits keep their digits, names their quotes", () => {
    const [text] = messagesOf(
      data([{ path: [9, 0, 1], type: "UNSIGNED_INTEGER", value: 2n ** 64n - 1n }], { endpoint: 'a"b' }),
      10_000,
    ).texts;
    assert.include(text, '"v":18446744073709551615');
    assert.equal((JSON.parse(text!) as { lwm2mEndpoint: string }).lwm2mEndpoint, 'a"b');
  });
  it("data that are too long for a message are parted, in order; a value that is too long is left out", () => {
    const values = [...Array.from({ length: 40 }, (_, at) => number(at, [9, at, 1]))];
    const opaque = { path: [9, 99, 0], type: "OPAQUE", value: new Uint8Array(2000) } as const;
    const { texts, tooLong } = messagesOf(data([...values, opaque]), 1024);
    assert.equal(tooLong, 1);
    assert.isAbove(texts.length, 2);
    assert.isTrue(texts.every(text => Buffer.byteLength(text) <= 1024));
    const records = texts.flatMap(
      text => (JSON.parse(text) as { senMLMessage: { bn: string; v: number }[] }).senMLMessage,
    );
    assert.deepEqual(
      records.map(({ bn, v }) => [bn, v]),
      values.map(({ path, value }) => [`/9/${path[1]}/`, value]),
    );
  });
  it("the limit is in bytes, not in characters", () => {
    const { texts, tooLong } = messagesOf(data([{ path: [9, 0, 1], type: "STRING", value: "€".repeat(400) }]), 1024);
    assert.deepEqual([texts.length, tooLong], [0, 1]);
  });
});
