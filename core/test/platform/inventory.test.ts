import { assert } from "chai";
import { inventorySetOp } from "../../src/platform/managed-object.ts";
import { failing } from "./failing.ts";
import { createDevice, openPlatform, PAGE, type PlatformFixture, TENANT } from "./fixture.ts";

describe("platform/inventory", () => {
  let fixture: PlatformFixture;
  beforeEach(async () => {
    fixture = await openPlatform();
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  it("platform API 5.1: keeps fragments exactly, also empty ones and odd names", async () => {
    const { inventory } = fixture.platform;
    const fragments = { c8y_IsDevice: {}, "a.b": { "c.d": [1, [2, null]] }, "0": true, $x: null, "": undefined };
    const { id } = await inventory.create(TENANT, { name: "m", type: "t", ...fragments }, { owner: "admin" });
    const found = await inventory.get(TENANT, id);
    assert.deepEqual(found.fragments, { c8y_IsDevice: {}, "a.b": { "c.d": [1, [2, null]] }, "0": true });
    assert.include(found, { name: "m", type: "t", owner: "admin", creationTimeMs: fixture.clock.now() });
    assert.match(id, /^\d+$/);
  });

  it("platform API 5.1: ignores members that the server owns", async () => {
    const { inventory } = fixture.platform;
    const { id } = await inventory.create(
      TENANT,
      { id: "1", self: "x", creationTime: "2000-01-01T00:00:00Z", childDevices: {}, owner: "other", keep: 1 },
      { owner: "admin" },
    );
    const found = await inventory.get(TENANT, id);
    assert.notEqual(id, "1");
    assert.equal(found.owner, "admin");
    assert.deepEqual(found.fragments, { keep: 1 });
  });

  it("platform API 5.2: a PUT replaces members as a whole, null removes, absent ones stay", async () => {
    const { inventory } = fixture.platform;
    const { id } = await inventory.create(
      TENANT,
      { name: "m", type: "t", a: { x: 1, y: 2 }, b: 2, c: 3 },
      { owner: "admin" },
    );
    await fixture.clock.advance(1000);
    const changed = await inventory.update(TENANT, id, { a: { x: 5 }, b: null, name: null, d: 4, id: "9", owner: "x" });
    assert.deepEqual(changed.fragments, { a: { x: 5 }, c: 3, d: 4 });
    assert.notProperty(changed, "name");
    assert.include(changed, { type: "t", owner: "admin", lastUpdatedMs: changed.creationTimeMs + 1000 });
    assert.deepEqual(await inventory.get(TENANT, id), changed);
  });

  it("platform API 5.2: a PUT with only the id changes nothing", async () => {
    const { inventory } = fixture.platform;
    const id = await createDevice(fixture.platform);
    const before = await inventory.get(TENANT, id);
    await fixture.clock.advance(1000);
    assert.deepEqual(await inventory.update(TENANT, id, { id }), before);
    await failing("NOT_FOUND", () => inventory.update(TENANT, "1", { id: "1" }));
  });

  it("lets the owner be changed by whom it is allowed to", async () => {
    const { inventory } = fixture.platform;
    const id = await createDevice(fixture.platform);
    const changed = await inventory.update(TENANT, id, { owner: "other" }, { mayChangeOwner: true });
    assert.equal(changed.owner, "other");
    await failing("VALIDATION", () => inventory.update(TENANT, id, { owner: null }, { mayChangeOwner: true }));
  });

  const badBodies: [name: string, body: unknown, field: string][] = [
    ["a name that is no text", { name: 5 }, "name"],
    ["a type that is no text", { type: {} }, "type"],
    ["an array", [], "body"],
    ["null", null, "body"],
  ];
  for (const [name, body, field] of badBodies) {
    it(`refuses ${name} and stores nothing`, async () => {
      const { inventory } = fixture.platform;
      const error = await failing("VALIDATION", () => inventory.create(TENANT, body as never, { owner: "admin" }));
      assert.equal(error.details["field"], field);
      assert.equal(await inventory.count(TENANT, {}), 0);
    });
  }

  it("platform API 5.2: external ids in a body are bound at once", async () => {
    const { inventory, identity } = fixture.platform;
    const externalIds = [
      { type: "c8y_Id", externalId: "urn:imei:1" },
      { type: "c8y_Serial", externalId: "1" },
    ];
    const { id } = await inventory.create(TENANT, {}, { owner: "admin", externalIds });
    assert.deepEqual(
      (await identity.of(TENANT, id)).map(({ type }) => type),
      ["c8y_Id", "c8y_Serial"],
    );
  });

  it("platform API 5.2: one external id that is taken, and nothing is made", async () => {
    const { inventory, identity } = fixture.platform;
    const taken = { type: "c8y_Id", externalId: "urn:imei:1" };
    const first = await inventory.create(TENANT, {}, { owner: "admin", externalIds: [taken] });
    const free = { type: "c8y_Serial", externalId: "1" };
    const create = () => inventory.create(TENANT, {}, { owner: "admin", externalIds: [free, taken] });
    await failing("DUPLICATE", create);
    assert.equal(await inventory.count(TENANT, {}), 1);
    assert.isUndefined(await identity.find(TENANT, free.type, free.externalId));
    assert.equal((await identity.find(TENANT, taken.type, taken.externalId))?.managedObjectId, first.id);
  });

  it("of two that come for one external id at once, one is made", async () => {
    const { inventory, identity } = fixture.platform;
    const externalIds = [{ type: "c8y_Id", externalId: "urn:imei:1" }];
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => inventory.create(TENANT, {}, { owner: "admin", externalIds })),
    );
    const made = results.filter(({ status }) => status === "fulfilled");
    const { items } = await inventory.list(TENANT, {}, PAGE);
    assert.isAtMost(made.length, 1);
    assert.lengthOf(items, made.length);
    assert.equal((await identity.find(TENANT, "c8y_Id", "urn:imei:1"))?.managedObjectId, items[0]?.id);
  });

  it("platform API 5.2: creates several, or none", async () => {
    const { inventory } = fixture.platform;
    const made = await inventory.createMany(TENANT, [
      { body: { name: "a" }, owner: "admin" },
      { body: { name: "b" }, owner: "admin" },
    ]);
    assert.deepEqual(
      made.map(({ name }) => name),
      ["a", "b"],
    );
    const error = await failing("VALIDATION", () =>
      inventory.createMany(TENANT, [
        { body: { name: "c" }, owner: "admin" },
        { body: { name: 5 }, owner: "admin" },
      ]),
    );
    assert.equal(error.details["field"], "managedObjects[1].name");
    assert.equal(await inventory.count(TENANT, {}), 2);
    const many = Array.from({ length: 51 }, () => ({ body: {}, owner: "admin" }));
    await failing("VALIDATION", () => inventory.createMany(TENANT, many));
    assert.equal(await inventory.count(TENANT, {}), 2);
  });

  describe("list filters (platform API 5.3)", () => {
    const names = async (filter: Parameters<PlatformFixture["platform"]["inventory"]["list"]>[1]): Promise<string[]> =>
      (await fixture.platform.inventory.list(TENANT, filter, PAGE)).items.map(({ name }) => name ?? "");
    let ids: string[];

    beforeEach(async () => {
      const { inventory } = fixture.platform;
      ids = [];
      for (const [body, owner] of [
        [{ name: "Pump-1 North", type: "pump", c8y_IsDevice: {} }, "admin"],
        [{ name: "Pump 2", type: "pump", c8y_Position: { lat: 1 } }, "device_x"],
        [{ name: "Valve", type: "valve/north", c8y_IsDevice: {} }, "admin"],
      ] as const) {
        ids.push((await inventory.create(TENANT, body, { owner })).id);
      }
      await inventory.create("t2", { name: "Pump of another tenant", type: "pump" }, { owner: "admin" });
    });

    it("type", async () => assert.deepEqual(await names({ type: "pump" }), ["Pump-1 North", "Pump 2"]));
    it("fragmentType", async () =>
      assert.deepEqual(await names({ fragmentType: "c8y_IsDevice" }), ["Pump-1 North", "Valve"]));
    it("owner", async () => assert.deepEqual(await names({ owner: "device_x" }), ["Pump 2"]));
    it("ids, unknown ones left out", async () =>
      assert.deepEqual(await names({ ids: [ids[2]!, "1", ids[0]!] }), ["Pump-1 North", "Valve"]));
    it("text in name and type, any word, any case", async () =>
      assert.deepEqual(await names({ text: "NORTH nothing" }), ["Pump-1 North", "Valve"]));
    it("text in owner", async () => assert.deepEqual(await names({ text: "device_x" }), ["Pump 2"]));
    it("text as id", async () => assert.deepEqual(await names({ text: ids[1]! }), ["Pump 2"]));
    it("text in an external id", async () => {
      await fixture.platform.identity.bind(TENANT, ids[2]!, "c8y_Id", "urn:imei:490154203237518");
      assert.deepEqual(await names({ text: "490154203237518" }), ["Valve"]);
    });
    it("text without a word finds nothing", async () => assert.deepEqual(await names({ text: " - " }), []));
    it("text follows a change of name", async () => {
      await fixture.platform.inventory.update(TENANT, ids[0]!, { name: "Renamed" });
      assert.deepEqual(await names({ text: "renamed" }), ["Renamed"]);
      assert.deepEqual(await names({ text: "north" }), ["Valve"]);
    });
    it("several at once", async () =>
      assert.deepEqual(await names({ type: "pump", fragmentType: "c8y_IsDevice" }), ["Pump-1 North"]));
    it("pages and totals", async () => {
      const page = { currentPage: 2, pageSize: 2, withTotal: true };
      const found = await fixture.platform.inventory.list(TENANT, {}, page);
      assert.deepEqual(
        found.items.map(({ name }) => name),
        ["Valve"],
      );
      assert.equal(found.total, 3);
      assert.equal(await fixture.platform.inventory.count(TENANT, { type: "pump" }), 2);
    });
  });

  it("keeps tenants apart", async () => {
    const { inventory } = fixture.platform;
    const id = await createDevice(fixture.platform);
    assert.isUndefined(await inventory.find("t2", id));
    assert.isUndefined(await inventory.findCached("t2", id));
    await inventory.findCached(TENANT, id);
    assert.isUndefined(await inventory.findCached("t2", id));
    await failing("NOT_FOUND", () => inventory.update("t2", id, { a: 1 }));
    await failing("NOT_FOUND", () => inventory.delete("t2", id));
  });

  describe("findCached", () => {
    it("sees a PUT, an effect and a delete at once", async () => {
      const { inventory, write } = fixture.platform;
      const id = await createDevice(fixture.platform);
      const a = async () => (await inventory.findCached(TENANT, id))?.fragments["a"];
      assert.isUndefined(await a());
      await inventory.update(TENANT, id, { a: 1 });
      assert.equal(await a(), 1);
      await write([inventorySetOp(TENANT, id, { a: 2 }, fixture.clock.now())]);
      assert.equal(await a(), 2);
      await inventory.delete(TENANT, id);
      assert.isUndefined(await inventory.findCached(TENANT, id));
    });

    it("keeps nothing that a write has overtaken", async () => {
      const { inventory } = fixture.platform;
      const id = await createDevice(fixture.platform);
      for (let i = 0; i < 20; i++) {
        await Promise.all([
          inventory.findCached(TENANT, id),
          inventory.update(TENANT, id, { i }),
          inventory.findCached(TENANT, id),
        ]);
        assert.equal((await inventory.findCached(TENANT, id))?.fragments["i"], i);
      }
    });
  });

  describe("inventorySetOp", () => {
    it("sets dotted paths and leaves their neighbours alone", async () => {
      const { inventory, write } = fixture.platform;
      const { id } = await inventory.create(
        TENANT,
        { c8y_Hardware: { model: "a", revision: "1" } },
        { owner: "admin" },
      );
      const set = {
        "c8y_Hardware.model": "b",
        "c8y_Mobile.cellId": 7n,
        name: "LWM2M ACME ep",
        blob: Uint8Array.of(1, 255),
      };
      await write([inventorySetOp(TENANT, id, set, fixture.clock.now())]);
      const found = await inventory.get(TENANT, id);
      assert.equal(found.name, "LWM2M ACME ep");
      assert.deepEqual(found.fragments, {
        c8y_Hardware: { model: "b", revision: "1" },
        c8y_Mobile: { cellId: "7" },
        blob: "01ff",
      });
      assert.lengthOf((await inventory.list(TENANT, { text: "acme" }, PAGE)).items, 1);
    });

    it("passes over what the server owns, and an object that is gone", async () => {
      const { inventory, write } = fixture.platform;
      const id = await createDevice(fixture.platform);
      await write([inventorySetOp(TENANT, id, { owner: "x", id: "1", "childDevices.a": 1 }, fixture.clock.now())]);
      assert.equal((await inventory.get(TENANT, id)).owner, "admin");
      await write([inventorySetOp(TENANT, "1", { a: 1 }, fixture.clock.now())]);
      assert.equal(await inventory.count(TENANT, {}), 1);
    });

    it("replaces a fragment of another kind that stands in the way", async () => {
      const { inventory, write } = fixture.platform;
      const { id } = await inventory.create(TENANT, { c8y_Hardware: "text", b: 1 }, { owner: "admin" });
      await write([inventorySetOp(TENANT, id, { "c8y_Hardware.model": "m", b: 2 }, fixture.clock.now())]);
      assert.deepEqual((await inventory.get(TENANT, id)).fragments, { c8y_Hardware: { model: "m" }, b: 2 });
    });
  });

  describe("delete (platform API 5.2)", () => {
    it("takes everything of the object along and nothing of another", async () => {
      const { inventory, identity, measurements, alarms, events, operations } = fixture.platform;
      const [gone, kept] = [await createDevice(fixture.platform, "gone"), await createDevice(fixture.platform, "kept")];
      const time = "2026-01-01T00:00:00Z";
      for (const id of [gone, kept]) {
        await identity.bind(TENANT, id, "c8y_Id", `ep-${id}`);
        await measurements.create(
          TENANT,
          Array.from({ length: 1200 }, (_, i) => ({ source: { id }, type: "t", time, f: { s: { value: i } } })),
        );
        await alarms.create(TENANT, { source: { id }, type: "a", text: "x", severity: "MAJOR", time });
        await events.create(TENANT, { source: { id }, type: "e", text: "x", time });
        await operations.create(TENANT, { deviceId: id });
      }
      await inventory.delete(TENANT, gone);
      for (const [id, left] of [
        [gone, 0],
        [kept, 1],
      ] as const) {
        const page = { ...PAGE, withTotal: true };
        assert.equal(await inventory.count(TENANT, { ids: [id] }), left);
        assert.equal((await measurements.list(TENANT, { sourceId: id }, page)).total, left * 1200);
        assert.equal(await alarms.count(TENANT, { sourceId: id }), left);
        assert.equal((await events.list(TENANT, { sourceId: id }, page)).total, left);
        assert.equal((await operations.list(TENANT, { deviceId: id }, page)).total, left);
        assert.equal((await identity.find(TENANT, "c8y_Id", `ep-${id}`)) !== undefined, left === 1);
      }
      await failing("NOT_FOUND", () => inventory.delete(TENANT, gone));
    });

    it("waits for those who are told; one that fails leaves everything as it is", async () => {
      const { inventory } = fixture.platform;
      const id = await createDevice(fixture.platform);
      const told: string[] = [];
      const good = inventory.onDeleted(async (tenant, object) => {
        await Promise.resolve();
        told.push(`${tenant}/${object.id}`);
      });
      {
        using _bad = inventory.onDeleted(() => Promise.reject(new TypeError("agent is down")));
        let failure: unknown;
        await inventory.delete(TENANT, id).catch(error => {
          failure = error;
        });
        assert.instanceOf(failure, TypeError);
      }
      assert.isDefined(await inventory.find(TENANT, id));
      await inventory.delete(TENANT, id);
      assert.deepEqual(told, [`${TENANT}/${id}`, `${TENANT}/${id}`]);
      good[Symbol.dispose]();
    });
  });
});
