import { assert } from "chai";
import { silentLog } from "../../src/base/log.ts";
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
