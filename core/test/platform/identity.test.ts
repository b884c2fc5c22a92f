import { assert } from "chai";
import { failing } from "./failing.ts";
import { createDevice, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

describe("platform/identity", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest((opened, deviceId) => {
    fixture = opened;
    id = deviceId;
  });

  it("platform API 7: binds, finds, lists and unbinds", async () => {
    const { identity } = fixture.platform;
    const bound = await identity.bind(TENANT, id, "c8y_Serial", "urn:imei:490154203237518");
    assert.deepEqual(bound, { type: "c8y_Serial", externalId: "urn:imei:490154203237518", managedObjectId: id });
    assert.deepEqual(await identity.find(TENANT, "c8y_Serial", "urn:imei:490154203237518"), bound);
    assert.deepEqual(await identity.of(TENANT, id), [bound]);
    await identity.unbind(TENANT, "c8y_Serial", "urn:imei:490154203237518");
    assert.isUndefined(await identity.find(TENANT, "c8y_Serial", "urn:imei:490154203237518"));
    await failing("NOT_FOUND", () => identity.unbind(TENANT, "c8y_Serial", "urn:imei:490154203237518"));
  });

  it("platform API 7: a pair is bound once, whichever object asks", async () => {
    const { identity } = fixture.platform;
    const other = await createDevice(fixture.platform, "other");
    await identity.bind(TENANT, id, "c8y_Id", "ep");
    await failing("DUPLICATE", () => identity.bind(TENANT, id, "c8y_Id", "ep"));
    await failing("DUPLICATE", () => identity.bind(TENANT, other, "c8y_Id", "ep"));
    await identity.bind(TENANT, other, "c8y_Other", "ep");
    assert.equal((await identity.find(TENANT, "c8y_Id", "ep"))?.managedObjectId, id);
  });

  it("keeps pairs apart whose texts run together", async () => {
    const { identity } = fixture.platform;
    await identity.bind(TENANT, id, "a,b", "c");
    assert.isUndefined(await identity.find(TENANT, "a", "b,c"));
    await identity.bind(TENANT, id, "a", "b,c");
    assert.isUndefined(await identity.find("t2", "a", "b,c"));
  });

  it("names what is missing or too long", async () => {
    const { identity } = fixture.platform;
    const field = async (type: string, externalId: string) =>
      (await failing("VALIDATION", () => identity.bind(TENANT, id, type, externalId))).details["field"];
    assert.equal(await field("", "x"), "type");
    assert.equal(await field("x", ""), "externalId");
    assert.equal(await field("x", "1".repeat(251)), "externalId");
    assert.equal(await field("~".repeat(100), "~".repeat(250)), "externalId");
    assert.deepEqual(await identity.of(TENANT, id), []);
    assert.isUndefined(await identity.find(TENANT, "x", "~".repeat(2000)));
  });

  it("platform API 7: an unknown object is not found", async () => {
    const { identity } = fixture.platform;
    await failing("NOT_FOUND", () => identity.bind(TENANT, "1", "c8y_Id", "ep"));
    await failing("NOT_FOUND", () => identity.of(TENANT, "1"));
    await failing("NOT_FOUND", () => identity.bind("t2", id, "c8y_Id", "ep"));
    assert.isUndefined(await identity.find(TENANT, "c8y_Id", "ep"));
  });
});
