import { assert } from "chai";
import { silentLog } from "../../src/base/log.ts";
import { type ObjectMapping, PROTOCOL_FRAGMENT } from "../../src/device-protocols/device-protocol.ts";
import { createDeviceProtocols, type DeviceProtocols } from "../../src/device-protocols/device-protocols.ts";
import { createInventoryRepository } from "../../src/device-protocols/protocol-repository.ts";
import { createModelRegistry } from "../../src/lwm2m/model/model-registry.ts";
import { ddf, ddfFile, item, object } from "../fixtures/ddf.ts";
import { openPlatform, type PlatformFixture } from "../platform/fixture.ts";

const MAPPING = { measurementCreation: { type: "c8y_Temperature", series: "T" }, validation: null };

describe("device-protocols over the inventory and its store", () => {
  let fixture: PlatformFixture;
  let protocols: DeviceProtocols;
  const open = (): DeviceProtocols =>
    createDeviceProtocols({
      repository: createInventoryRepository(fixture.platform.inventory, "admin"),
      models: createModelRegistry({ managementTenant: "management" }),
      managementTenant: "management",
      log: silentLog,
    });
  beforeEach(async () => {
    fixture = await openPlatform();
    protocols = open();
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  it("what was uploaded and mapped is the same after a restart", async () => {
    await protocols.uploadDdf("t1", ddfFile("3303-temperature"));
    await protocols.uploadDdf("t1", ddf(object({ id: "3303", items: [item({ id: "5700", type: "Float" })] })));
    await protocols.addResourceMapping("t1", "3303", { 5700: MAPPING });
    const restarted = open();
    await restarted.load("t1");
    assert.deepEqual(restarted.find("t1", 3303), protocols.find("t1", 3303));
    assert.deepEqual(restarted.list("t1"), protocols.list("t1"));
    assert.lengthOf(restarted.find("t1", 3303)!.otherVersions, 1);
  });
  it("a protocol changed in the inventory counts at once, and no later mapping takes the change back", async () => {
    const { inventory } = fixture.platform;
    using _ = inventory.onChanged(protocols.changed);
    const [made] = (await protocols.uploadDdf("t1", ddfFile("3303-temperature"))).new;
    const stored = made!.fragments[PROTOCOL_FRAGMENT] as ObjectMapping;
    const put = (mapping: object) =>
      inventory.update("t1", made!.id, { [PROTOCOL_FRAGMENT]: { ...stored, ...mapping } });
    await put({ resourceMappings: { 5700: { resourceID: 5700, ...MAPPING } } });
    assert.nestedPropertyVal(protocols.find("t1", 3303), "resourceMappings.5700.measurementCreation.series", "T");
    await protocols.addResourceMapping("t1", "3303", { 5701: { eventCreation: { type: "e", text: "e" } } });
    assert.hasAllKeys(protocols.find("t1", 3303)!.resourceMappings, ["5701", "5700"]);
    await put({ resourceMappings: "none" });
    assert.hasAllKeys(protocols.find("t1", 3303)!.resourceMappings, ["5701", "5700"], "an invalid one changes nothing");
    await put({ objectId: 3399, objectModel: { ...stored.objectModel, id: 3399 } });
    assert.isUndefined(protocols.find("t1", 3303));
    assert.isDefined(protocols.find("t1", 3399));
    await inventory.update("t1", made!.id, { [PROTOCOL_FRAGMENT]: null });
    assert.isUndefined(protocols.find("t1", 3399));
    const copy = { type: made!.type!, [PROTOCOL_FRAGMENT]: stored };
    await inventory.create("t1", copy, { owner: "admin" });
    assert.isDefined(protocols.find("t1", 3303));
    assert.isUndefined(protocols.find("t2", 3303));
  });

  it("a protocol deleted in the inventory is gone", async () => {
    const [made] = (await protocols.uploadDdf("t1", ddfFile("33456-acme-meter"))).new;
    using _ = fixture.platform.inventory.onDeleted(async (tenant, { id }) => protocols.forget(tenant, id));
    await fixture.platform.inventory.delete("t1", made!.id);
    assert.isUndefined(protocols.find("t1", 33456));
    const restarted = open();
    await restarted.load("t1");
    assert.isUndefined(restarted.find("t1", 33456));
  });
});
