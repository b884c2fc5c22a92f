import { assert } from "chai";
import type { BulkResult } from "../../src/agent/bulk-registration.ts";
import { CONNECTOR_TYPE } from "../../src/agent/connector-device.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { formatCode } from "../../src/coap/codes.ts";
import { DEVICES, noIdentityKey, OBSERVATIONS, REGISTRATIONS } from "../../src/store/collections/devices.ts";
import { CHILD_REFERENCES } from "../../src/store/collections/platform.ts";
import { type AgentWorld, createAgentWorld, TENANT, USER } from "./support/agent-world.ts";

const NO_SEC = { serverSecurity: { securityMode: "NO_SEC" } };
const EVERYTHING = { limit: 100 };
/** As the first version stored it. */
const reservation = {
  _id: "dev",
  tenant: TENANT,
  managedObject: "",
  securityMode: "NO_SEC",
  serverIdentity: noIdentityKey("dev"),
  bootstrapIdentity: noIdentityKey("dev"),
  details: {},
};

describe("agent/device-registration", () => {
  let world: AgentWorld;
  beforeEach(async () => {
    world = await createAgentWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const records = () => world.store.collection(DEVICES).find({}, EVERYTHING);
  const objects = async () => {
    const page = { currentPage: 1, pageSize: 100, withTotal: false };
    return (await world.platform.inventory.list(TENANT, { fragmentType: "c8y_IsLwm2mDevice" }, page)).items;
  };

  it("agent specification 3.1, 4.1: a device gets its managed object, external id and record", async () => {
    const object = await world.make("dev", { registrationLifetime: 600, logLevel: "NONE" });
    assert.include(object, { name: "dev", type: "c8y_lwm2m", owner: USER });
    assert.deepEqual(object.fragments["c8y_RequiredAvailability"], { responseInterval: 12 });
    assert.equal(object.fragments["logLevel"], "NONE");
    const bound = await world.platform.identity.find(TENANT, "c8y_Id", "dev");
    assert.equal(bound?.managedObjectId, object.id);
    const [record] = await records();
    assert.include(record!, { _id: "dev", tenant: TENANT, managedObject: object.id, securityMode: "NO_SEC" });
  });

  it("agent specification 3.4: an endpoint is known once over all tenants", async () => {
    await world.make("dev");
    for (const tenant of [TENANT, "t2"]) {
      const error = await world.failure(world.agent.registerDevice(tenant, { endpointId: "dev", ...NO_SEC }, USER));
      assert.equal(error.code, "DUPLICATE");
      assert.equal(error.details["field"], "endpointId");
    }
    assert.equal((await records()).length, 1);
    assert.equal((await objects()).length, 1);
  });

  it("of many who register one endpoint at once, one wins and nothing is left of the others", async () => {
    const body = { endpointId: "dev", ...NO_SEC };
    const outcomes = await world.wait(
      Promise.allSettled(Array.from({ length: 8 }, () => world.agent.registerDevice(TENANT, body, USER))),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await records()).length, 1);
    assert.equal((await objects()).length, 1);
  });

  it("an external id that another object has refuses the device, and nothing is stored", async () => {
    await world.platform.inventory.create(
      TENANT,
      { name: "other" },
      { owner: USER, externalIds: [{ type: "c8y_Id", externalId: "dev" }] },
    );
    const error = await world.failure(world.agent.registerDevice(TENANT, { endpointId: "dev", ...NO_SEC }, USER));
    assert.equal(error.code, "DUPLICATE");
    assert.isEmpty(await records());
    assert.isEmpty(await objects());
  });

  it("bad input: nothing is stored", async () => {
    const body = { endpointId: "dev", serverSecurity: { securityMode: "PSK" } };
    assert.equal((await world.failure(world.agent.registerDevice(TENANT, body, USER))).code, "VALIDATION");
    assert.isEmpty(await records());
    assert.isEmpty(await objects());
  });

  it("agent specification 6.2: only devices that were made are admitted, others get 4.03", async () => {
    const device = world.device(5000);
    const register = async () =>
      formatCode((await device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" })).code);
    assert.equal(await register(), "4.03");
    await world.make("dev");
    assert.equal(await register(), "2.01");
  });

  it("agent specification 6.2: a device that proves an identity is not admitted where NO_SEC was set", async () => {
    await world.make("dev");
    const device = world.device(5000, { identity: { kind: "psk", identity: "dev" } });
    const answer = await device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" });
    assert.equal(formatCode(answer.code), "4.03");
  });

  const removals: readonly [name: string, remove: (deviceId: string) => Promise<void>][] = [
    ["DELETE deviceRegistration", deviceId => world.agent.removeDevice(TENANT, deviceId)],
    ["deleting the managed object", deviceId => world.platform.inventory.delete(TENANT, deviceId)],
  ];
  for (const [name, remove] of removals) {
    it(`20-28: ${name} leaves no route behind`, async () => {
      const { id } = await world.make("dev");
      const device = world.device(5000);
      const location = await device.register("ep=dev");
      device.script = () => ({ code: 69, observe: 5, contentFormat: 0, payload: "1" });
      await world.wait(
        world.agent.server.queues.run("dev", registration =>
          world.agent.server.requests.observe(registration, [3303, 0, 5700]),
        ),
      );
      assert.equal((await world.store.collection(OBSERVATIONS).find({}, EVERYTHING)).length, 1);
      await world.wait(remove(id));
      await world.settle();
      assert.isEmpty(await records());
      assert.isEmpty(await objects());
      assert.isEmpty(await world.store.collection(REGISTRATIONS).find({}, EVERYTHING));
      assert.isEmpty(await world.store.collection(OBSERVATIONS).find({}, EVERYTHING));
      assert.isUndefined(await world.platform.identity.find(TENANT, "c8y_Id", "dev"));
      assert.equal(formatCode((await device.send("POST", `/rd/${location}`)).code), "4.04");
      await world.make("dev");
      await device.register("ep=dev");
    });
  }

  it("removing what is no LwM2M device is refused", async () => {
    const { id } = await world.platform.inventory.create(TENANT, { name: "other" }, { owner: USER });
    assert.equal((await world.failure(world.agent.removeDevice(TENANT, id))).code, "NOT_FOUND");
    assert.isDefined(await world.platform.inventory.find(TENANT, id));
    const dev = await world.make("dev");
    assert.equal((await world.failure(world.agent.removeDevice("t2", dev.id))).code, "NOT_FOUND");
  });

  it("a record whose managed object is gone blocks nobody", async () => {
    await world.store.collection(DEVICES).insertOne({ ...reservation, tenant: "t2", managedObject: "424242" });
    const object = await world.make("dev");
    const [record] = await records();
    assert.include(record!, { tenant: TENANT, managedObject: object.id });
  });

  it("a removal that a host died in is finished at the next start, and the endpoint is free", async () => {
    const object = await world.make("dev");
    const removing = { managedObject: `removing ${object.id}` };
    await world.store.collection(DEVICES).updateOne({ _id: "dev" }, { $set: removing });
    assert.equal(
      formatCode((await world.device(5000).send("POST", "/rd", { query: ["ep=dev"], payload: "</1/0>" })).code),
      "4.03",
    );
    assert.equal(
      (await world.failure(world.agent.registerDevice(TENANT, { endpointId: "dev", ...NO_SEC }, USER))).code,
      "DUPLICATE",
    );
    await world.restart("crash");
    assert.isEmpty(await records());
    assert.isEmpty(await objects());
    assert.isUndefined(await world.platform.identity.find(TENANT, "c8y_Id", "dev"));
    await world.make("dev");
  });

  it("a removal that failed half way can be repeated", async () => {
    const object = await world.make("dev");
    const { onDeleted } = world.platform.inventory;
    const fails = onDeleted(() => Promise.reject(new MooringError("STORE_FULL", "no room")));
    assert.equal((await world.failure(world.agent.removeDevice(TENANT, object.id))).code, "STORE_FULL");
    fails[Symbol.dispose]();
    assert.equal((await records())[0]?.managedObject, `removing ${object.id}`);
    await world.wait(world.agent.removeDevice(TENANT, object.id));
    assert.isEmpty(await records());
    assert.isEmpty(await objects());
  });

  it("a reservation left by a host that died is cleared when nothing was made", async () => {
    await world.store.collection(DEVICES).insertOne(reservation);
    await world.restart("crash");
    assert.isEmpty(await records());
    await world.make("dev");
  });

  it("a reservation left by a host that died is completed when the managed object was made", async () => {
    const object = await world.make("dev");
    await world.store.collection(DEVICES).updateOne({ _id: "dev" }, { $set: { managedObject: "" } });
    await world.restart("crash");
    assert.equal((await records())[0]?.managedObject, object.id);
    await world.device(5000).register("ep=dev");
  });

  it("a reservation never takes over an object that is no LwM2M device", async () => {
    await world.platform.inventory.create(
      TENANT,
      { name: "other" },
      { owner: USER, externalIds: [{ type: "c8y_Id", externalId: "dev" }] },
    );
    await world.store.collection(DEVICES).insertOne(reservation);
    await world.restart("crash");
    assert.isEmpty(await records());
  });

  describe("files", () => {
    const file = (...lines: string[]): Uint8Array => encodeUtf8(["endpoint id;securityMode", ...lines].join("\n"));
    const upload = (bytes: Uint8Array) => world.wait(world.agent.registerDevicesCsv(TENANT, bytes, USER));
    const resultOf = async (id: string) => {
      await world.settle();
      const operation = await world.operation(id);
      const command = operation.fragments["c8y_Command"] as { readonly result: string } | undefined;
      return { operation, result: command && (JSON.parse(command.result) as BulkResult) };
    };

    it("agent specification 3.2: the file becomes an operation of the connector device", async () => {
      const { id, deviceId, status, fragments } = await upload(file("a;NO_SEC", "b;NO_SEC"));
      assert.equal(status, "EXECUTING");
      assert.equal(fragments["description"], "LWM2M bulk device upload operation");
      assert.equal((await world.platform.inventory.get(TENANT, deviceId)).type, CONNECTOR_TYPE);
      const { operation, result } = await resultOf(id);
      assert.equal(operation.status, "SUCCESSFUL");
      assert.deepEqual(result, { numberOfAll: 2, numberOfSuccessful: 2, numberOfFailed: 0, failed: [] });
      assert.equal((await objects()).length, 2);
    });

    it("20-25: any failed row makes it FAILED, the good ones are made", async () => {
      await world.make("known");
      const { id } = await upload(file("a;NO_SEC", "known;NO_SEC", "p;PSK", "b;NO_SEC"));
      const { operation, result } = await resultOf(id);
      assert.equal(operation.status, "FAILED");
      assert.equal(operation.failureReason, "2 of 4 rows failed");
      assert.deepEqual(result, {
        numberOfAll: 4,
        numberOfSuccessful: 2,
        numberOfFailed: 2,
        failed: [
          { line: 3, endpoint: "known", reason: "endpoint known is registered already" },
          { line: 4, endpoint: "p", reason: "lwm2m psk_id is missing: PSK needs it" },
        ],
      });
      assert.deepEqual((await records()).map(({ _id }) => _id).sort(), ["a", "b", "known"]);
    });

    it("of very many failed rows the first thousand are told, so that the operation can end", async () => {
      let isTaken = false;
      const rows = Array.from({ length: 25_000 }, (_, i) => `${"long-".repeat(75)}${i};NONE`);
      const taken = world.agent.registerDevicesCsv(TENANT, file(...rows), USER).finally(() => {
        isTaken = true;
      });
      while (!isTaken) await world.settle();
      const { id } = await taken;
      const { operation, result } = await resultOf(id);
      assert.equal(operation.status, "FAILED");
      assert.equal(operation.failureReason, "25000 of 25000 rows failed");
      assert.equal(result!.numberOfFailed, 25_000);
      assert.equal(result!.failed.length, 1000);
      assert.isAtMost(result!.failed[0]!.endpoint.length, 300);
    });

    it("one connector device per tenant, also when two files come at once", async () => {
      const [a, b] = await world.wait(
        Promise.all([
          world.agent.registerDevicesCsv(TENANT, file("a;NO_SEC"), USER),
          world.agent.registerDevicesCsv(TENANT, file("b;NO_SEC"), USER),
        ]),
      );
      assert.equal(a.deviceId, b.deviceId);
      await world.settle();
      assert.equal((await records()).length, 2);
    });

    it("agent specification 3.2: at most so many files wait, one more is refused", async () => {
      await world[Symbol.asyncDispose]();
      world = await createAgentWorld({ agent: { maxBulkFiles: 1 } });
      const [first, second] = await world.wait(
        Promise.allSettled([
          world.agent.registerDevicesCsv(TENANT, file("a;NO_SEC"), USER),
          world.agent.registerDevicesCsv(TENANT, file("b;NO_SEC"), USER),
        ]),
      );
      assert.equal(first?.status, "fulfilled");
      assert(second?.status === "rejected" && isFailure(second.reason, "TOO_MANY_REQUESTS"));
      await world.settle();
      await upload(file("b;NO_SEC"));
    });

    describe("of devices to remove", () => {
      const removal = (...lines: string[]) =>
        world.wait(world.agent.removeDevicesCsv(TENANT, encodeUtf8(["endpoint id", ...lines].join("\n")), USER));

      it("agent specification 3.1, 3.2: the devices go with every trace, by an operation", async () => {
        for (const endpoint of ["a", "b", "kept"]) await world.make(endpoint);
        await world.device(5000).register("ep=a");
        const { id, deviceId, status, fragments } = await removal("a", "b");
        assert.equal(status, "EXECUTING");
        assert.equal(fragments["description"], "LWM2M bulk device removal operation");
        assert.equal((await world.platform.inventory.get(TENANT, deviceId)).type, CONNECTOR_TYPE);
        const { operation, result } = await resultOf(id);
        assert.equal(operation.status, "SUCCESSFUL");
        assert.deepEqual(result, { numberOfAll: 2, numberOfSuccessful: 2, numberOfFailed: 0, failed: [] });
        assert.deepEqual(
          (await records()).map(({ _id }) => _id),
          ["kept"],
        );
        assert.isEmpty(await world.store.collection(REGISTRATIONS).find({}, EVERYTHING));
      });

      it("20-25: an endpoint that is unknown, another tenant's or twice fails the operation, the others go", async () => {
        await world.make("a");
        await world.wait(world.agent.registerDevice("t2", { endpointId: "theirs", ...NO_SEC }, USER));
        const { operation, result } = await resultOf((await removal("a", "theirs", "nobody", "a")).id);
        assert.equal(operation.status, "FAILED");
        assert.equal(operation.failureReason, "3 of 4 rows failed");
        assert.deepEqual(result!.failed, [
          { line: 3, endpoint: "theirs", reason: "no LwM2M device theirs" },
          { line: 4, endpoint: "nobody", reason: "no LwM2M device nobody" },
          { line: 5, endpoint: "a", reason: "endpoint id stands in line 2 already" },
        ]);
        assert.deepEqual(
          (await records()).map(({ _id }) => _id),
          ["theirs"],
        );
      });

      it("the file that made devices removes them, and they can be made anew", async () => {
        const csv = file("a;NO_SEC", "b;NO_SEC");
        for (let round = 0; round < 2; round++) {
          assert.equal((await resultOf((await upload(csv)).id)).operation.status, "SUCCESSFUL");
          const { id } = await world.wait(world.agent.removeDevicesCsv(TENANT, csv, USER));
          assert.equal((await resultOf(id)).operation.status, "SUCCESSFUL");
          assert.isEmpty(await records());
        }
      });

      it("both kinds of files count against one limit", async () => {
        await world[Symbol.asyncDispose]();
        world = await createAgentWorld({ agent: { maxBulkFiles: 1 } });
        const [, second] = await world.wait(
          Promise.allSettled([
            world.agent.registerDevicesCsv(TENANT, file("a;NO_SEC"), USER),
            world.agent.removeDevicesCsv(TENANT, file("a;NO_SEC"), USER),
          ]),
        );
        assert(second?.status === "rejected" && isFailure(second.reason, "TOO_MANY_REQUESTS"));
      });

      it("an interrupted one is told as such at the next start", async () => {
        const { id } = await removal("a");
        await world.settle();
        await world.platform.operations.update(TENANT, id, { status: "EXECUTING" });
        await world.restart("crash");
        const { status, failureReason } = await world.operation(id);
        assert.equal(status, "FAILED");
        assert.include(failureReason!, "interrupted");
      });
    });

    describe("groups (PATH)", () => {
      const grouped = (...lines: string[]) =>
        upload(encodeUtf8(["endpoint id;securityMode;PATH", ...lines].join("\n")));
      const groups = async (): Promise<string[]> => {
        const named = async (id: string) => (await world.platform.inventory.get(TENANT, id)).name;
        const references = await world.store.collection(CHILD_REFERENCES).find({ kind: "childAssets" }, EVERYTHING);
        const lines = references.map(async ({ parent, child }) => `${await named(parent)} > ${await named(child)}`);
        return (await Promise.all(lines)).sort();
      };

      it("platform API 12.3: groups are made where they are missing, the device is child asset of the last", async () => {
        const { id } = await grouped(
          "a;NO_SEC;Plant/Hall/Line",
          "b;NO_SEC;Plant/Hall/Line",
          "c;NO_SEC;Plant",
          "d;NO_SEC;",
        );
        assert.equal((await resultOf(id)).operation.status, "SUCCESSFUL");
        assert.deepEqual(await groups(), ["Hall > Line", "Line > a", "Line > b", "Plant > Hall", "Plant > c"]);
        const page = { currentPage: 1, pageSize: 10, withTotal: false };
        const { items } = await world.platform.inventory.list(TENANT, { fragmentType: "c8y_IsDeviceGroup" }, page);
        assert.deepEqual(items.map(({ name, type }) => `${name}: ${type}`).sort(), [
          "Hall: c8y_DeviceSubgroup",
          "Line: c8y_DeviceSubgroup",
          "Plant: c8y_DeviceGroup",
        ]);
      });

      it("a later file finds the groups, those of one name in other groups are others", async () => {
        await grouped("a;NO_SEC;Plant/Line");
        await world.settle();
        await resultOf((await grouped("b;NO_SEC;Plant/Line", "c;NO_SEC;Other/Line", "d;NO_SEC;Line")).id);
        assert.deepEqual(await groups(), [
          "Line > a",
          "Line > b",
          "Line > c",
          "Line > d",
          "Other > Line",
          "Plant > Line",
        ]);
      });

      it("a device that was made before the host died is put into its groups at the next start", async () => {
        await grouped("a;NO_SEC;Plant");
        await world.settle();
        await world.store.collection(CHILD_REFERENCES).deleteMany({});
        await world.store.collection(DEVICES).updateOne({ _id: "a" }, { $set: { managedObject: "" } });
        await world.restart("crash");
        assert.deepEqual(await groups(), ["Plant > a"]);
      });

      it("a device that goes leaves its groups", async () => {
        await resultOf((await grouped("a;NO_SEC;Plant")).id);
        const { managedObject } = (await records())[0]!;
        await world.wait(world.agent.removeDevice(TENANT, managedObject));
        assert.isEmpty(await groups());
      });
    });

    it("20-27: a device of another type is an LwM2M device all the same", async () => {
      const { id } = await world.make("dev", { type: "acme_meter" });
      assert.equal((await world.platform.inventory.get(TENANT, id)).type, "acme_meter");
      assert.property((await world.platform.inventory.get(TENANT, id)).fragments, "c8y_IsLwm2mDevice");
      await world.device(5000).register("ep=dev");
      await world.wait(world.agent.removeDevice(TENANT, id));
      assert.isEmpty(await records());
    });

    it("bad input: no such file leaves no operation", async () => {
      assert.equal(
        (await world.failure(world.agent.registerDevicesCsv(TENANT, encodeUtf8("x"), USER))).code,
        "VALIDATION",
      );
      const page = { currentPage: 1, pageSize: 10, withTotal: false };
      assert.isEmpty((await world.platform.operations.list(TENANT, {}, page)).items);
    });

    it("an interrupted file is told as such at the next start", async () => {
      const { id } = await upload(file("a;NO_SEC"));
      await world.settle();
      await world.platform.operations.update(TENANT, id, { status: "EXECUTING" });
      await world.restart("crash");
      const operation = await world.operation(id);
      assert.equal(operation.status, "FAILED");
      assert.include(operation.failureReason!, "interrupted");
    });
  });

  it("what REST asks of an agent: mappings and actions", async () => {
    assert.deepEqual(await world.agent.listActions(TENANT), [{ name: "device", args: ["updateManufacturer"] }]);
    assert.deepEqual(await world.agent.listMappings(TENANT), []);
    const added = await world.wait(
      world.agent.addMapping(TENANT, "3", {
        "0": { resourceID: 0, eventCreation: { type: "c8y_Manufacturer", text: "Manufacturer told" } },
      }),
    );
    assert.equal((await world.agent.listMappings(TENANT))[0]?.id, added.id);
  });
});
