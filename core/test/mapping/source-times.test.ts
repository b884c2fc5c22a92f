import { assert } from "chai";
import { encodeUtf8, fromHex } from "../../src/base/bytes.ts";
import { decodePayload } from "../../src/lwm2m/codecs/codec-table.ts";
import type { ModelView, ObjectModel } from "../../src/lwm2m/model/object-model.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import type { ValueSource } from "../../src/lwm2m/server/value-batch.ts";
import { ddf, item, object, parseDdf } from "../fixtures/ddf.ts";
import { map, NOW_MS, ofKind } from "./support.ts";

const [TLV, SENML_JSON, SENML_CBOR, OLD_JSON] = [11542, 110, 112, 11543];
const NOW_S = NOW_MS / 1000;

const items = [
  item({ id: "5", type: "Time" }),
  item({ id: "5518", type: "Time" }),
  item({ id: "5700", type: "Float" }),
  item({ id: "6050", type: "Float" }),
];
const models = new Map<number, ObjectModel>(
  parseDdf(ddf(object({ id: "3303", items }), object({ id: "6", items }))).map(model => [model.id, model]),
);
const view: ModelView = {
  object: id => models.get(id),
  resource: (objectId, resourceId) => models.get(objectId)?.resources[resourceId],
};
/** A measurement, an event and an alarm of each value. */
const mappings = {
  5700: {
    measurementCreation: { type: "m", series: "v" },
    eventCreation: { type: "e", text: "e" },
    alarmCreation: { type: "a", text: "a", severity: "MAJOR", status: "ACTIVE" },
  },
} as const;
const protocols = [...models.values()].map(objectModel => ({
  objectModel,
  resourceMappings: { 5700: { resourceID: 5700, ...mappings[5700] } },
}));

interface Message {
  readonly source: ValueSource;
  /** `/` for Send and for composite requests. */
  readonly path: string;
  readonly format: number;
  readonly payload: Uint8Array | string;
}

const decode = ({ path, format, payload }: Message): ResourceValue[] =>
  decodePayload(format, typeof payload === "string" ? encodeUtf8(payload) : payload, {
    path: parsePath(path),
    models: view,
    nowMs: NOW_MS,
  });
/** Times of what the values of /5700 become, seconds after {@link NOW_S}, or the whole time where that is far away. */
function timesOf(message: Message, sourceTimes = true): number[] {
  const result = map({ protocols }, decode(message), { settings: { sourceTimes, defaultHandlers: true } });
  const times = (kind: "measurement" | "event" | "alarm") =>
    ofKind(result, kind).map(({ atMs }) => atMs / 1000 - NOW_S);
  assert.deepEqual(times("event"), times("measurement"));
  assert.deepEqual(times("alarm"), times("measurement"));
  return times("measurement");
}

/** TLV of 5700 = 1, 5518 = an hour ago, 6050 = 0.5. */
const hex = (seconds: number): string => seconds.toString(16).padStart(8, "0");
const INSTANCE_TLV = fromHex(`e416443f800000e4158e${hex(NOW_S - 3600)}e417a23f000000`);
const senml = (records: readonly object[]): string => JSON.stringify(records);
const stamped = [
  { bn: "/3303/0/", n: "5518", v: NOW_S - 3600 },
  { n: "6050", v: 0.5 },
  { n: "5700", v: 1 },
];

describe("mapping/source-times (agent specification 16.3): from the payload to the time", () => {
  const half = [-3599.5];
  for (const [name, message] of [
    ["Read of an instance", { source: "READ_RESPONSE", path: "/3303/0", format: TLV, payload: INSTANCE_TLV }],
    [
      "the answer to an Observe",
      { source: "OBSERVATION_RESPONSE", path: "/3303/0", format: TLV, payload: INSTANCE_TLV },
    ],
    ["a notification of an instance", { source: "NOTIFICATION", path: "/3303/0", format: TLV, payload: INSTANCE_TLV }],
    ["a composite Read", { source: "READ_RESPONSE", path: "/", format: SENML_JSON, payload: senml(stamped) }],
    ["a composite notification", { source: "NOTIFICATION", path: "/", format: SENML_JSON, payload: senml(stamped) }],
    ["a Send", { source: "SEND", path: "/", format: SENML_JSON, payload: senml(stamped) }],
  ] as const) {
    it(`${name}: 5518 and 6050 of the same instance`, () => {
      assert.deepEqual(timesOf(message), half);
      assert.deepEqual(timesOf(message, false), [0], "not where the device is not set so");
    });
  }

  it("of several instances each has its own time; one without has that of receipt", () => {
    const records = [
      ...stamped,
      { bn: "/3303/1/", n: "5700", v: 2 },
      { bn: "/3303/2/", n: "5700", v: 3 },
      { n: "5518", v: NOW_S - 60 },
    ];
    const payload = senml(records);
    assert.deepEqual(timesOf({ source: "SEND", path: "/", format: SENML_JSON, payload }), [-3599.5, 0, -60]);
  });

  it("object 6: resource 5, unless the instance has 5518", () => {
    const message = (records: readonly object[]): Message => {
      return { source: "READ_RESPONSE", path: "/6/0", format: SENML_JSON, payload: senml(records) };
    };
    const location = [
      { bn: "/6/0/", n: "5700", v: 1 },
      { n: "5", v: NOW_S - 10 },
    ];
    assert.deepEqual(timesOf(message(location)), [-10]);
    assert.deepEqual(timesOf(message([...location, { n: "5518", v: NOW_S - 20 }])), [-20]);
    assert.deepEqual(
      timesOf(
        message([
          { bn: "/6/0/", n: "5518", v: NOW_S - 20 },
          { n: "5", v: NOW_S - 10 },
          { n: "5700", v: 1 },
        ]),
      ),
      [-20],
    );
    const elsewhere = senml([
      { bn: "/3303/0/", n: "5700", v: 1 },
      { n: "5", v: NOW_S - 10 },
    ]);
    assert.deepEqual(
      timesOf({ source: "SEND", path: "/", format: SENML_JSON, payload: elsewhere }),
      [0],
      "of no other object",
    );
  });

  describe("20-13: times of SenML become times of the platform, and win over all others", () => {
    const send = (payload: string | Uint8Array, format = SENML_JSON) =>
      timesOf({ source: "SEND", path: "/", format, payload });
    const text = (record: string): string => `[{"bn":"/3303/0/","n":"5700","v":1,${record}}]`;
    for (const [name, record, seconds] of [
      ["whole seconds", `"bt":${NOW_S - 5}`, -5],
      ["a fraction", `"bt":${NOW_S - 5}.25`, -4.75],
      ["base time and time", `"bt":${NOW_S - 5},"t":2.5`, -2.5],
      ["the scientific notation of some clients", `"bt":${(NOW_S - 5) / 1e9}E9`, -5],
      ["below 2^28 from now: the past", '"t":-30', -30],
      ["below 2^28 from now: base and time together", '"bt":-30,"t":10', -20],
      ["zero is now", '"t":0', 0],
    ] as const) {
      it(name, () => assert.closeTo(send(text(record))[0]!, seconds, 0.0005));
    }
    it("SenML CBOR", () => {
      // [{-2: "/3303/0/", -3: now - 5, 0: "5700", 2: 1}]
      const name = "682f333330332f302f";
      assert.deepEqual(send(fromHex(`81a421${name}221a${hex(NOW_S - 5)}00643537303002f93c00`), SENML_CBOR), [-5]);
    });
    it("the old JSON", () => {
      const payload = `{"bn":"/3303/0/","bt":${NOW_S - 5},"e":[{"n":"5700","v":1,"t":1}]}`;
      assert.deepEqual(timesOf({ source: "NOTIFICATION", path: "/3303/0", format: OLD_JSON, payload }), [-4]);
    });
    it("a time of its own wins over 5518", () =>
      assert.deepEqual(send(senml(stamped.map(record => ({ ...record, t: NOW_S - 7 })))), [-7]));
    it("a history: each value its own time", () => {
      const values = [1, 2, 3].map(v => ({ n: "5700", v, t: -v }));
      assert.deepEqual(send(senml([{ bn: "/3303/0/", bt: NOW_S, ...values[0] }, ...values.slice(1)])), [-1, -2, -3]);
    });
  });

  it("what is no date counts as not given", () => {
    for (const v of [-1, 1e12]) {
      const payload = senml([
        { bn: "/3303/0/", n: "5518", v },
        { n: "5700", v: 1 },
      ]);
      assert.deepEqual(timesOf({ source: "SEND", path: "/", format: SENML_JSON, payload }), [0]);
    }
  });
});
