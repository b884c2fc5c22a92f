import { assert } from "chai";
import { createDeviceProtocols, type DeviceProtocols } from "../../src/device-protocols/device-protocols.ts";
import { createObjectSchemas, type ObjectSchemas } from "../../src/device-protocols/object-schemas.ts";
import { createInventoryRepository } from "../../src/device-protocols/protocol-repository.ts";
import { createModelRegistry } from "../../src/lwm2m/model/model-registry.ts";
import type { Inventory, ManagedObject } from "../../src/platform/platform.ts";
import { ddf, ddfFile, item, object } from "../fixtures/ddf.ts";
import { settle } from "../lwm2m/support/scripted-device.ts";
import { openPlatform, type PlatformFixture } from "../platform/fixture.ts";

const PAGE = { currentPage: 1, pageSize: 100, withTotal: false };
/** Built in, but for /0 and /21, whose values are never shown. */
const BUILT_IN = [1, 2, 3, 4, 5, 6, 7];

describe("device-protocols/object-schemas over the inventory", () => {
  let fixture: PlatformFixture;
  let protocols: DeviceProtocols;
  let schemas: ObjectSchemas;
  let refuse: Error | undefined;
  let writes: number;

  const counting = (inventory: Inventory): Inventory => {
    const guard = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (refuse) throw refuse;
        writes++;
        return call(...args);
      };
    };
    return {
      ...inventory,
      createMany: guard(inventory.createMany),
      update: guard(inventory.update),
      delete: guard(inventory.delete),
    };
  };
  async function open(): Promise<void> {
    const { platform, clock, log } = fixture;
    protocols = createDeviceProtocols({
      repository: createInventoryRepository(platform.inventory, "admin"),
      models: createModelRegistry({ managementTenant: "management" }),
      managementTenant: "management",
      log,
    });
    const tenants = ["management", "t1", "t2"];
    for (const tenant of tenants) await protocols.load(tenant);
    const inventory = counting(platform.inventory);
    schemas = createObjectSchemas({
      inventory,
      protocols,
      managementTenant: "management",
      tenants: async () => tenants,
      clock,
      log,
    });
    schemas.start();
    await rest();
  }
  const rest = async () => {
    for (let before = -1; before !== writes; ) {
      before = writes;
      await settle(fixture.clock, 30);
    }
  };
  const stored = async (tenant: string): Promise<readonly ManagedObject[]> =>
    (await fixture.platform.inventory.list(tenant, { type: "c8y_JsonSchema" }, PAGE)).items;
  const titles = async (tenant: string) =>
    Object.fromEntries(
      (await stored(tenant)).map(({ fragments }) => {
        const { fragmentType, title } = fragments["c8y_JsonSchema"] as { fragmentType: string; title: string };
        return [/\d+!/.exec(fragmentType)![0].slice(0, -1), title];
      }),
    );
  const objects = async (tenant: string): Promise<number[]> => Object.keys(await titles(tenant)).map(Number);

  beforeEach(async () => {
    [refuse, writes] = [undefined, 0];
    fixture = await openPlatform();
    await open();
  });
  afterEach(async () => {
    await schemas[Symbol.asyncDispose]();
    await fixture[Symbol.asyncDispose]();
  });

  it("each tenant has those of the objects that are built in", async () => {
    for (const tenant of ["management", "t1", "t2"]) assert.includeMembers(await objects(tenant), BUILT_IN);
    assert.notInclude(await objects("t1"), 0);
  });

  it("a tenant's own object is its alone, one of the management tenant is everybody's", async () => {
    await protocols.uploadDdf("t1", ddfFile("3303-temperature"));
    await protocols.uploadDdf("management", ddfFile("33456-acme-meter"));
    await rest();
    assert.includeMembers(await objects("t1"), [3303, 33_456]);
    assert.include(await objects("t2"), 33_456);
    assert.notInclude(await objects("t2"), 3303);
    await protocols.uploadDdf("t1", ddf(object({ id: "33456", name: "Own" })));
    await rest();
    assert.equal((await titles("t1"))["33456"], "Own");
    assert.equal((await titles("t2"))["33456"], "Acme Meter");
  });

  it("follows a file that changes an object, and its end", async () => {
    const [made] = (await protocols.uploadDdf("t1", ddfFile("3303-temperature"))).new;
    await rest();
    const id = async () => (await stored("t1")).find(({ fragments }) => "c8y_GenericUI_Schema_3303" in fragments)?.id;
    const before = await id();
    const version = "<ObjectVersion>1.1</ObjectVersion>";
    await protocols.uploadDdf("t1", ddf(object({ id: "3303", name: "Heat", version, items: [item({ id: "9" })] })));
    await rest();
    assert.equal((await titles("t1"))["3303"], "Heat");
    assert.equal(await id(), before, "it is the same managed object");
    await fixture.platform.inventory.delete("t1", made!.id);
    protocols.forget("t1", made!.id);
    await rest();
    assert.isUndefined(await id());
  });

  it("a mapping changes no schema: nothing is written", async () => {
    await protocols.uploadDdf("t1", ddfFile("3303-temperature"));
    await rest();
    writes = 0;
    await protocols.addResourceMapping("t1", "3303", { 5700: { eventCreation: { type: "e", text: "e" } } });
    await rest();
    assert.equal(writes, 0);
  });

  it("a restart finds all as it was, and makes good what was left undone", async () => {
    await schemas[Symbol.asyncDispose]();
    await protocols.uploadDdf("t1", ddfFile("3303-temperature"));
    writes = 0;
    await open();
    assert.equal(writes, 1);
    assert.include(await objects("t1"), 3303);
    await schemas[Symbol.asyncDispose]();
    writes = 0;
    await open();
    assert.equal(writes, 0);
  });

  it("schemas of other tools are left alone", async () => {
    const { inventory } = fixture.platform;
    const body = { type: "c8y_JsonSchema", appliesTo: { OTHER: true }, c8y_JsonSchema: { fragmentType: "x" } };
    const { id } = await inventory.create("t1", body, { owner: "admin" });
    const theirs = await inventory.create("t1", { ...body, c8y_GenericUI_Schema_9: {} }, { owner: "admin" });
    await protocols.uploadDdf("t1", ddfFile("3303-temperature"));
    await rest();
    for (const object of [id, theirs.id])
      assert.deepEqual((await inventory.get("t1", object)).fragments["c8y_JsonSchema"], { fragmentType: "x" });
  });

  it("a store that refuses is asked again", async () => {
    refuse = new Error("disk full");
    await protocols.uploadDdf("t1", ddfFile("3303-temperature"));
    await rest();
    assert.notInclude(await objects("t1"), 3303);
    assert.include(
      fixture.log.lines.map(({ event }) => event),
      "objectSchemas.not-kept",
    );
    refuse = undefined;
    await fixture.clock.advance(30_000);
    await rest();
    assert.include(await objects("t1"), 3303);
  });
});
