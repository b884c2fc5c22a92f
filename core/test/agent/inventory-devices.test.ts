import { assert } from "chai";
import { formatCode } from "../../src/coap/codes.ts";
import type { Fragments } from "../../src/platform/platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { DEVICES } from "../../src/store/collections/devices.ts";
import { type AgentWorld, createAgentWorld, TENANT, USER } from "./support/agent-world.ts";

const KEY = "0011223344556677";
const columns = { "endpoint id": "dev", securityMode: "NO_SEC", "lwm2m server uri": "coap://lwm2m.example.com" };
const pskColumns = { ...columns, securityMode: "PSK", "lwm2m psk_id": "id", "lwm2m psk_key": KEY };
const uri = { "lwm2m server uri": "coaps://lwm2m.example.com" };

describe("agent/inventory-devices", () => {
  let world: AgentWorld;
  beforeEach(async () => {
    world = await createAgentWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const create = async (body: Fragments, tenant = TENANT): Promise<string> => {
    const object = await world.platform.inventory.create(tenant, body, { owner: USER });
    await world.settle();
    return object.id;
  };
  const records = () => world.store.collection(DEVICES).find({}, { limit: 10 });
  const alarms = async (tenant: string, sourceId: string) => {
    const page = { currentPage: 1, pageSize: 10, withTotal: false };
    const { items } = await world.platform.alarms.list(tenant, { sourceId }, page);
    return items.map(({ type, severity, text, status }) => ({ type, severity, text, status }));
  };
  const duplicate = {
    type: "c8y_LWM2MDuplicateEndpoint",
    severity: "MAJOR",
    text: "Device with endpoint dev already exists",
    status: "ACTIVE",
  };

  it("agent specification 3.4: an object with the columns of a file becomes a device, keeping name and type", async () => {
    const id = await create({
      ...columns,
      registrationLifetime: "600",
      name: "Meter",
      type: "acme_meter",
      colour: "red",
    });
    const { name, type, fragments } = await world.platform.inventory.get(TENANT, id);
    assert.deepEqual([name, type], ["Meter", "acme_meter"]);
    assert.include(fragments, {
      registrationLifetime: 600,
      lwm2mServerUri: "coap://lwm2m.example.com",
      colour: "red",
    });
    for (const column of Object.keys(columns)) assert.notProperty(fragments, column);
    assert.deepInclude(fragments, { c8y_IsLwm2mDevice: {}, com_cumulocity_model_Agent: {} });
    assert.equal((await world.platform.identity.find(TENANT, "c8y_Id", "dev"))?.managedObjectId, id);
    await world.device(5000).register("ep=dev");
    await world.wait(world.agent.removeDevice(TENANT, id));
    assert.isEmpty(await records());
  });

  it("its key goes from the object into the record", async () => {
    const id = await create({ ...pskColumns, ...uri, bootstrapSecurityMode: "NO_SEC" });
    assert.equal((await world.agent.accounts.findByPsk("server", "id"))?.deviceId, id);
    assert.deepInclude(await world.platform.identity.of(TENANT, id), {
      type: "c8y_Lwm2mPskId",
      externalId: "id",
      managedObjectId: id,
    });
    const stored = [];
    for (const spec of COLLECTIONS) stored.push(await world.store.collection(spec).find({}, { limit: 100 }));
    assert.notInclude(JSON.stringify([stored, world.log.lines]), KEY);
  });

  it("agent specification 3.4: an endpoint that is known stays with its device, the other object gets an alarm", async () => {
    const { id: first } = await world.make("dev");
    for (const tenant of [TENANT, "t2"]) {
      const id = await create(columns, tenant);
      assert.deepEqual(await alarms(tenant, id), [duplicate]);
      assert.notProperty((await world.platform.inventory.get(tenant, id)).fragments, "c8y_IsLwm2mDevice");
    }
    assert.deepEqual(
      (await records()).map(({ managedObject }) => managedObject),
      [first],
    );
    assert.isEmpty(await alarms(TENANT, first));
  });

  it("the alarm is cleared when the endpoint is free and the object is changed", async () => {
    const { id: first } = await world.make("dev");
    const id = await create(columns, "t2");
    await world.wait(world.agent.removeDevice(TENANT, first));
    await world.platform.inventory.update("t2", id, { name: "again" });
    await world.settle();
    assert.deepEqual(await alarms("t2", id), [{ ...duplicate, status: "CLEARED" }]);
    assert.equal((await records())[0]?.managedObject, id);
  });

  it("a PSK identity that is known: no device, an alarm, and no key on the object", async () => {
    await world.make("other", { serverSecurity: { securityMode: "PSK", publicKeyOrId: "id", secretKey: "00" } });
    const id = await create({ ...pskColumns, ...uri });
    const text = 'serverSecurity.publicKeyOrId "id" belongs to another device';
    assert.deepEqual(await alarms(TENANT, id), [{ ...duplicate, text }]);
    assert.notProperty((await world.platform.inventory.get(TENANT, id)).fragments, "lwm2m psk_key");
    assert.equal((await records()).length, 1);
  });

  it("bad input: no device, told in the log, no key on the object", async () => {
    const id = await create({ ...pskColumns, "lwm2m psk_id": "" });
    assert.isEmpty(await records());
    assert.include(JSON.stringify(world.log.lines), "lwm2m psk_id is missing");
    assert.notProperty((await world.platform.inventory.get(TENANT, id)).fragments, "lwm2m psk_key");
  });

  it("columns on the object of a device change nothing of it, and leave no key there", async () => {
    const id = await create(pskColumns);
    const before = await records();
    await world.wait(
      world.platform.inventory.update(TENANT, id, { ...pskColumns, "lwm2m psk_key": "8899aabbccddeeff" }),
    );
    await world.settle();
    const { fragments } = await world.platform.inventory.get(TENANT, id);
    assert.notProperty(fragments, "lwm2m psk_key");
    assert.deepEqual(await records(), before);
  });

  it("an object that names no device, or not all of one, is left alone", async () => {
    for (const body of [{ name: "x" }, { "endpoint id": "dev" }, { "endpoint id": 5, securityMode: "NO_SEC" }]) {
      const id = await create(body);
      assert.notProperty((await world.platform.inventory.get(TENANT, id)).fragments, "c8y_IsLwm2mDevice");
    }
    assert.isEmpty(await records());
    const answer = await world.device(5000).send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" });
    assert.equal(formatCode(answer.code), "4.03");
  });

  it("of two objects with one endpoint at once the first has it", async () => {
    const [a, b] = await world.wait(
      Promise.all([TENANT, "t2"].map(each => world.platform.inventory.create(each, columns, { owner: USER }))),
    );
    await world.settle();
    const [record, ...others] = await records();
    assert.isEmpty(others);
    assert.include([a!.id, b!.id], record!.managedObject);
    const open = [...(await alarms(TENANT, a!.id)), ...(await alarms("t2", b!.id))];
    assert.deepEqual(open, [duplicate]);
  });
});
