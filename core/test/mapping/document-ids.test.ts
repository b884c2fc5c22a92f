import { assert } from "chai";
import { documentId, type MessageIdentity } from "../../src/mapping/document-ids.ts";
import { NOW_MS } from "./support.ts";

const message: MessageIdentity = {
  tenant: "t1",
  deviceId: "4711",
  messageKey: "reg/ab/7/1/20454",
  receivedAtMs: NOW_MS,
};

describe("mapping/document-ids", () => {
  it("30 digits that begin with the day of receipt", () => {
    assert.match(documentId(message, "measurement", 0), /^1020454\d{23}$/);
  });

  it("a message that comes again on the same day has the same ids", () => {
    assert.equal(
      documentId({ ...message, receivedAtMs: NOW_MS + 60_000 }, "event", 3),
      documentId(message, "event", 3),
    );
  });

  it("what a device sends on one day stands together", () => {
    const start = (changes: Partial<MessageIdentity>, place = 0): string =>
      documentId({ ...message, ...changes }, "measurement", place).slice(0, 14);
    assert.equal(start({ messageKey: "reg/ab/8/2/20454" }), start({}));
    assert.equal(start({}, 1), start({}));
    assert.notEqual(start({ deviceId: "4712" }), start({}));
    assert.notEqual(start({ tenant: "t2" }), start({}));
  });

  it("tenant, device, key, kind and place each make another id", () => {
    const ids = [
      documentId(message, "measurement", 0),
      documentId(message, "measurement", 1),
      documentId(message, "event", 0),
      documentId({ ...message, messageKey: "reg/ab/8/2/20454" }, "measurement", 0),
      documentId({ ...message, deviceId: "4712" }, "measurement", 0),
      documentId({ ...message, tenant: "t2" }, "measurement", 0),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });
});
