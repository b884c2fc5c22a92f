import { assert } from "chai";
import { type LastValue, lastValueOps, lastValueRemovalOp } from "../../src/platform/last-values.ts";
import { createDevice, PAGE, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

describe("platform/last-values", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest((opened, deviceId) => {
    fixture = opened;
    id = deviceId;
  });

  const at = (path: string, value: unknown, atMs = 1000): LastValue => ({
    path: path.split("/").map(Number),
    value,
    atMs,
  });
  const write = (...values: LastValue[]) => fixture.platform.write(lastValueOps(TENANT, id, values));
  const fragments = async () => {
    const { c8y_IsDevice: _marker, ...rest } = (await fixture.platform.inventory.get(TENANT, id)).fragments;
    return rest;
  };

  it("agent specification 11.1: one fragment per object instance", async () => {
    await write(at("3303/0/5700", 21.3), at("3303/0/5701", "Cel"), at("3303/1/5700", 4), at("3/0/9", 77));
    assert.deepEqual(await fragments(), {
      "c8y_Lwm2m_3303!0": { instance: 0, operations: null, "5700": 21.3, "5701": "Cel" },
      "c8y_Lwm2m_3303!1": { instance: 1, operations: null, "5700": 4 },
      "c8y_Lwm2m_3!0": { instance: 0, operations: null, "9": 77 },
    });
  });

  it("one write per object instance", () => {
    const values = [at("3303/0/5700", 1), at("3/0/9", 2), at("3303/0/5701", "Cel")];
    assert.lengthOf(lastValueOps(TENANT, id, values), 2);
  });

  it("a later value wins, in one message and over messages", async () => {
    await write(at("3/0/9", 1), at("3/0/9", 2));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "9": 2 } });
    await write(at("3/0/9", 3), at("3/0/10", 4));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "9": 3, "10": 4 } });
  });

  it("agent specification 8.5: a resource instance joins, a whole resource replaces", async () => {
    await write(at("3/0/6/0", 1), at("3/0/6/1", 2));
    await write(at("3/0/6/1", 5), at("3/0/6/2", 6));
    assert.deepEqual(await fragments(), {
      "c8y_Lwm2m_3!0": { instance: 0, operations: null, "6": '{"0":1,"1":5,"2":6}' },
    });
    await write(at("3/0/6", { "0": 9 }));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "6": '{"0":9}' } });
    await write(at("3/0/6", { "0": 1 }), at("3/0/6/3", 2));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "6": '{"0":1,"3":2}' } });
    await write(at("3/0/6", {}));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "6": "{}" } });
  });

  it("a resource may turn from one value to instances and back", async () => {
    await write(at("3/0/6", 1));
    await write(at("3/0/6/0", 2));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "6": '{"0":2}' } });
    await write(at("3/0/6", 3));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "6": 3 } });
  });

  it("every type of value has a form in JSON", async () => {
    await write(
      at("1/0/0", 2n ** 63n),
      at("1/0/1", Uint8Array.of(0, 255)),
      at("1/0/2", { objectId: 3, instanceId: 0 }),
      at("1/0/3", Number.POSITIVE_INFINITY),
      at("1/0/4", false),
    );
    assert.deepEqual(await fragments(), {
      "c8y_Lwm2m_1!0": {
        instance: 0,
        operations: null,
        "0": "9223372036854775808",
        "1": "00ff",
        "2": "3:0",
        "3": "Infinity",
        "4": false,
      },
    });
  });

  it("20-24: what has instances is shown as JSON in a string, a text that looks like JSON as it is", async () => {
    await write(at("3/0/6/1", "a"), at("3/0/6/0", 'say "b"'), at("3/0/14", '{"a":1}'), at("3/0/13", 1_736_960_596));
    const shown = (await fragments())["c8y_Lwm2m_3!0"] as Record<string, unknown>;
    assert.deepEqual(JSON.parse(shown["6"] as string), { "0": 'say "b"', "1": "a" });
    assert.strictEqual(shown["14"], '{"a":1}');
    assert.strictEqual(shown["13"], 1_736_960_596);
  });

  it("of all instances of an object, each with its maps", async () => {
    const { inventory } = fixture.platform;
    await write(at("3/0/6/0", 1), at("3303/0/5700", 1), at("3303/2/5700", 2));
    const found = await inventory.lastValuesOf(TENANT, id, 3303);
    assert.sameDeepMembers(
      [...found],
      [
        { instance: 0, "5700": 1 },
        { instance: 2, "5700": 2 },
      ],
    );
    assert.deepEqual(await inventory.lastValuesOf(TENANT, id, 3), [{ instance: 0, "6": { "0": 1 } }]);
    assert.isEmpty(await inventory.lastValuesOf("t2", id, 3));
  });

  describe("are forgotten at and below a path", () => {
    const forget = async (path: string) => {
      await write(at("3/0/6/0", 1), at("3/0/6/1", 2), at("3/0/9", 3), at("3/1/9", 4), at("4/0/2", 5));
      await fixture.platform.write([lastValueRemovalOp(id, path.split("/").map(Number))]);
      const { inventory } = fixture.platform;
      return [...(await inventory.lastValuesOf(TENANT, id, 3)), ...(await inventory.lastValuesOf(TENANT, id, 4))];
    };
    const [zero, one, other] = [
      { instance: 0, "6": { "0": 1, "1": 2 }, "9": 3 },
      { instance: 1, "9": 4 },
      { instance: 0, "2": 5 },
    ] as const;
    it("an object", async () => assert.deepEqual(await forget("3"), [other]));
    it("an object instance", async () => assert.deepEqual(await forget("3/0"), [one, other]));
    it("a resource", async () => assert.deepEqual(await forget("3/0/9"), [{ instance: 0, "6": zero[6] }, one, other]));
    it("a resource with its instances", async () =>
      assert.deepEqual(await forget("3/0/6"), [{ instance: 0, "9": 3 }, one, other]));
    it("a resource instance", async () =>
      assert.deepEqual(await forget("3/0/6/0"), [{ ...zero, "6": { "1": 2 } }, one, other]));
    it("what was never known", async () => assert.deepEqual(await forget("3/7/9/1"), [zero, one, other]));
  });

  it("shows them in lists, and one instance at a time", async () => {
    const { inventory } = fixture.platform;
    await write(at("6/0/0", 51.2));
    const [listed] = (await inventory.list(TENANT, { ids: [id] }, PAGE)).items;
    assert.deepEqual(listed?.fragments["c8y_Lwm2m_6!0"], { instance: 0, operations: null, "0": 51.2 });
    assert.deepEqual(await inventory.lastValues(TENANT, id, 6, 0), { instance: 0, "0": 51.2 });
    assert.isUndefined(await inventory.lastValues(TENANT, id, 6, 1));
    assert.isUndefined(await inventory.lastValues("t2", id, 6, 0));
    assert.notProperty((await inventory.findCached(TENANT, id))?.fragments, "c8y_Lwm2m_6!0");
  });

  it("a device that names instances without end shows the first thousand, and hides nobody else's", async () => {
    const { inventory } = fixture.platform;
    const [before, after] = [await createDevice(fixture.platform, "b"), await createDevice(fixture.platform, "c")];
    for (const other of [before, after]) {
      await fixture.platform.write(lastValueOps(TENANT, other, [at("3/0/9", 7)]));
    }
    await fixture.platform.write(
      lastValueOps(
        TENANT,
        before,
        Array.from({ length: 2500 }, (_, instance) => at(`3303/${instance}/5700`, 1)),
      ),
    );
    const shown = (await inventory.list(TENANT, { ids: [id, before, after] }, PAGE)).items.map(
      ({ fragments: all }) => Object.keys(all).filter(name => name.startsWith("c8y_Lwm2m_")).length,
    );
    assert.deepEqual(shown, [0, 1000, 1]);
    assert.lengthOf(Object.keys((await inventory.get(TENANT, before)).fragments), 1001);
  });

  it("a client that puts the whole object back does not freeze them", async () => {
    const { inventory } = fixture.platform;
    await write(at("3/0/9", 1));
    const whole = await inventory.get(TENANT, id);
    await inventory.update(TENANT, id, { ...whole.fragments, note: "x" });
    await write(at("3/0/9", 2));
    assert.deepEqual(await fragments(), { "c8y_Lwm2m_3!0": { instance: 0, operations: null, "9": 2 }, note: "x" });
  });

  it("go with the object", async () => {
    await write(at("3/0/9", 1));
    await fixture.platform.inventory.delete(TENANT, id);
    assert.isUndefined(await fixture.platform.inventory.lastValues(TENANT, id, 3, 0));
  });
});
