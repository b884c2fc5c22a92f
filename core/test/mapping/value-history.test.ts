import { assert } from "chai";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import { keepMessageOp, laterAlarmsOp, readMessage, type Said } from "../../src/mapping/value-history.ts";
import type { ValueHistoryDocument } from "../../src/store/collections/values.ts";
import { NOW_MS, value } from "./support.ts";

const MESSAGE = { deviceId: "4711", messageKey: "reg/0a0b/7/4711/20454", receivedAtMs: NOW_MS + 12_345 };
const PLACES = { measurement: 2, event: 1, alarm: 3, decode: 4 };
const said = (values: readonly ResourceValue[], over: Partial<Said> = {}): Said => ({
  source: "NOTIFICATION",
  requestPath: [3303, 0],
  values,
  settings: { sourceTimes: false, defaultHandlers: true },
  inMaintenance: false,
  earlier: [],
  ...over,
});

function rowOf(given: Said): ValueHistoryDocument {
  const op = keepMessageOp(MESSAGE, given, MESSAGE.receivedAtMs + 7, PLACES);
  assert(op.op === "insert");
  return op.document as ValueHistoryDocument;
}

const EVERY_KIND: readonly ResourceValue[] = [
  value("/3303/0/5700", 21.5),
  value("/3303/0/5701", "Cel\u0000\ud800"),
  value("/3303/0/5750", -0, { type: "FLOAT" }),
  value("/3303/0/5751", Number.NaN, { type: "FLOAT" }),
  value("/3303/0/5752", Number.NEGATIVE_INFINITY, { type: "FLOAT" }),
  value("/3303/1/5850", true),
  value("/3303/1/5851/3", 2n ** 63n - 1n),
  value("/33456/0/123", Uint8Array.of(0, 255, 7), { atMs: NOW_MS + 0.25 }),
  value("/33456/0/124", { objectId: 3, instanceId: 0 }),
  value("/33456/0/125", new Uint8Array(0)),
];

describe("mapping/value-history", () => {
  it("reads back every kind of value as it was", () => {
    const given = said(EVERY_KIND);
    const { id, ...read } = readMessage(rowOf(given));
    assert.equal(id, "020454/4711/00012345/reg/0a0b/7/4711/20454");
    const appliedAtMs = MESSAGE.receivedAtMs + 7;
    assert.deepEqual(read, {
      ...MESSAGE,
      ...given,
      compositePaths: undefined,
      appliedAtMs,
      places: PLACES,
      laterAlarms: [],
    });
    assert.isTrue(Object.is(read.values![2]!.value, -0));
  });

  it("keeps source, composite paths, settings, maintenance and earlier values", () => {
    const given = said([value("/6/0/0", 52.5)], {
      source: "READ_RESPONSE",
      requestPath: [],
      compositePaths: [[6, 0], [3]],
      settings: { sourceTimes: true, defaultHandlers: false },
      inMaintenance: true,
      earlier: [[[6, 0, 1], 13.25]],
    });
    const { source, compositePaths, settings, inMaintenance, earlier, requestPath } = readMessage(rowOf(given));
    assert.deepEqual({ ...given, source, compositePaths, settings, inMaintenance, earlier, requestPath }, given);
  });

  it("a value is about 100 bytes in all", () => {
    const { _id, message } = rowOf(said([value("/3303/0/5700", 21.5)], { requestPath: [3303, 0, 5700] }));
    assert.isBelow(_id.length + message.length, 110);
  });

  it("what is too long is kept without its values", () => {
    const { values, requestPath } = readMessage(rowOf(said([value("/5/0/0", new Uint8Array(200_000))])));
    assert.isUndefined(values);
    assert.deepEqual(requestPath, [3303, 0]);
  });

  it("rows of a device and day stand in the order of receipt", () => {
    const at = (ms: number): string =>
      (
        keepMessageOp({ ...MESSAGE, receivedAtMs: NOW_MS + ms }, said([]), NOW_MS, PLACES) as {
          document: { _id: string };
        }
      ).document._id;
    assert.deepEqual([at(9), at(100), at(86_399_999), at(86_400_000)].toSorted(), [
      at(9),
      at(100),
      at(86_399_999),
      at(86_400_000),
    ]);
  });

  it("names alarms that are made of it afterwards", () => {
    const row = rowOf(said(EVERY_KIND));
    const op = laterAlarmsOp(readMessage(row), ["a", "b"]);
    assert(op.op === "update");
    assert.deepEqual(op.filter, { _id: row._id });
    const after = { ...row, ...(op.update.$set as object) };
    assert.deepEqual(readMessage(after), { ...readMessage(row), laterAlarms: ["a", "b"] });
  });
});
