import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { senmlJsonCodec } from "../../../src/lwm2m/codecs/senml-json.ts";
import { senmlStream } from "../../../src/lwm2m/codecs/senml-stream.ts";
import { parsePath } from "../../../src/lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../../../src/lwm2m/resource-value.ts";

const RECEIVED_MS = 1_736_960_632_881;
const value = (path: string, type: ResourceType, scalar: ScalarValue, atMs?: number): ResourceValue => ({
  path: parsePath(path),
  type,
  value: scalar,
  ...(atMs === undefined ? {} : { atMs }),
});
const records = (...values: readonly ResourceValue[]): unknown => JSON.parse(senmlStream(values, RECEIVED_MS));

describe("lwm2m/codecs/senml-stream (agent specification 16.4)", () => {
  it("the documented example", () => {
    const sent = [
      value("/6/0/0", "FLOAT", 35),
      value("/6/0/5", "TIME", 1_736_960_596),
      value("/3303/0/5700", "FLOAT", 20.6),
      value("/3303/0/5701", "STRING", "cel"),
    ];
    assert.deepEqual(records(...sent), [
      { bn: "/6/0/", bt: 1_736_960_632.881, n: "0", v: 35 },
      { n: "5", v: 1_736_960_596 },
      { bn: "/3303/0/", bt: 1_736_960_632.881, n: "5700", v: 20.6 },
      { n: "5701", vs: "cel" },
    ]);
  });
  it("each type under its label; bytes in the standard alphabet, padded", () => {
    const all = [
      value("/9/0/1", "BOOLEAN", true),
      value("/9/0/2", "OPAQUE", Uint8Array.of(0xfb, 0xff, 0xfe, 0)),
      value("/9/0/3", "OBJECTLINK", { objectId: 10, instanceId: 3 }),
      value("/9/0/4", "CORELINK", "</3/0>"),
      value("/9/0/5/7", "STRING", 'a "b"'),
    ];
    assert.deepEqual((records(...all) as object[]).slice(1), [
      { n: "2", vd: "+//+AA==" },
      { n: "3", vlo: "10:3" },
      { n: "4", vs: "</3/0>" },
      { n: "5/7", vs: 'a "b"' },
    ]);
  });
  it("integers of 64 bits keep all their digits", () =>
    assert.include(
      senmlStream([value("/9/0/1", "UNSIGNED_INTEGER", 18_446_744_073_709_551_615n)], 0),
      '"v":18446744073709551615',
    ));
  it("a time of its own is told from that of receipt", () =>
    assert.deepEqual(
      records(value("/9/0/1", "INTEGER", 1, RECEIVED_MS - 1500), value("/9/0/2", "INTEGER", 2, RECEIVED_MS)),
      [
        { bn: "/9/0/", bt: 1_736_960_632.881, n: "1", t: -1.5, v: 1 },
        { n: "2", v: 2 },
      ],
    ));
  it("what JSON cannot say is left out, the base with the next", () => {
    const values = [
      value("/9/0/1", "FLOAT", Number.NaN),
      value("/9/0/2", "FLOAT", 1),
      value("/9/0/3", "INTEGER", 1, Number.POSITIVE_INFINITY),
    ];
    assert.deepEqual(records(...values), [
      { bn: "/9/0/", bt: 1_736_960_632.881, n: "2", v: 1 },
      { n: "3", v: 1 },
    ]);
    assert.equal(senmlStream([], 0), "[]");
  });
  it("reads as SenML (RFC 8428)", () => {
    const sent = [
      value("/9/0/1", "INTEGER", 1, RECEIVED_MS - 1500),
      value("/9/1/2/3", "STRING", "x"),
      value("/9/0/4", "OPAQUE", Uint8Array.of(1, 2)),
    ];
    const context = { path: [], models: { object: () => undefined, resource: () => undefined }, nowMs: 0 };
    const read = senmlJsonCodec.decode(encodeUtf8(senmlStream(sent, RECEIVED_MS)), context);
    assert.deepEqual(
      read.map(({ path, atMs, value: scalar }) => [path, atMs, scalar]),
      sent.map(({ path, atMs = RECEIVED_MS, value: scalar }) => [path, atMs, scalar]),
    );
  });
});
