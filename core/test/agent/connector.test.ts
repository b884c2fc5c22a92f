import { assert } from "chai";
import { CONNECTOR_TYPE } from "../../src/agent/connector-device.ts";
import { isFailure } from "../../src/base/errors.ts";
import type { ManagedObject, Operation } from "../../src/platform/platform.ts";
import { OPERATIONS } from "../../src/store/collections/platform.ts";
import { type AgentWorld, createAgentWorld, TENANT, USER } from "./support/agent-world.ts";

const PAGE = { currentPage: 1, pageSize: 100, withTotal: false };

describe("agent: the connector device (agent specification 17)", () => {
  let world: AgentWorld;
  beforeEach(async () => {
    world = await createAgentWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function connectorOf(tenant = TENANT): Promise<ManagedObject> {
    const { items } = await world.wait(world.platform.inventory.list(tenant, { type: CONNECTOR_TYPE }, PAGE));
    assert.lengthOf(items, 1);
    return items[0]!;
  }
  async function run(text: string, tenant = TENANT): Promise<Operation> {
    const { id: deviceId } = await connectorOf(tenant);
    const { id } = await world.wait(
      world.platform.operations.create(tenant, { deviceId, c8y_Command: { text, note: "kept" } }),
    );
    await world.settle();
    return world.wait(world.platform.operations.get(tenant, id));
  }
  const resultOf = ({ fragments }: Operation): string =>
    String((fragments["c8y_Command"] as { result?: unknown }).result);

  it("every tenant has one from the start, and keeps it through restarts", async () => {
    const first = await connectorOf();
    await connectorOf("t2");
    assert.isDefined(first.fragments["com_cumulocity_model_Agent"]);
    await world.restart();
    assert.equal((await connectorOf()).id, first.id);
  });

  it("cannot be deleted", async () => {
    const { id } = await connectorOf();
    let refusal: unknown;
    await world.wait(world.platform.inventory.delete(TENANT, id)).catch(error => (refusal = error));
    assert.isTrue(isFailure(refusal, "CONFLICT"));
    assert.equal((await connectorOf()).id, id);
  });

  it("help lists the commands", async () => {
    const operation = await run("help");
    assert.equal(operation.status, "SUCCESSFUL");
    assert.equal(
      resultOf(operation),
      [
        "The following operations are supported:",
        "help",
        "migrateLwm2mDevices [id,id...]",
        "cleanupClusterTenantObjectsForEndpoint <endpoint>",
        "invalidateRegistrationsForEndpoint <endpoint>",
        "invalidateRegistrationById <registrationId>",
      ].join("\n"),
    );
    assert.include(operation.fragments["c8y_Command"], { text: "help", note: "kept" });
  });

  const refused: readonly [text: string, reason: string][] = [
    ["", "no command"],
    ["   ", "no command"],
    ["Help", 'unknown command "Help"'],
    ["read /3/0", 'unknown command "read"'],
    ["constructor", 'unknown command "constructor"'],
    ["cleanupClusterTenantObjectsForEndpoint", "Expected 1 endpointId argument"],
    ["cleanupClusterTenantObjectsForEndpoint a b", "Expected 1 endpointId argument"],
    ["invalidateRegistrationsForEndpoint", "Expected 1 endpointId argument"],
    ["invalidateRegistrationById", "Expected 1 registrationId argument"],
  ];
  for (const [text, reason] of refused) {
    it(`"${text}" fails at once: ${reason}`, async () => {
      const operation = await run(text);
      assert.equal(operation.status, "FAILED");
      assert.include(operation.failureReason!, reason);
    });
  }

  it("an operation without c8y_Command fails at once", async () => {
    const { id: deviceId } = await connectorOf();
    const { id } = await world.wait(world.platform.operations.create(TENANT, { deviceId, c8y_Restart: {} }));
    await world.settle();
    assert.equal((await world.operation(id)).status, "FAILED");
  });

  it("agent specification 17: a file of devices cannot be begun by an operation, which fails at once", async () => {
    const { id: deviceId } = await connectorOf();
    for (const fragment of ["c8y_LWM2MBulkDeviceUpload", "c8y_LWM2MBulkDeviceRemoval"]) {
      const body = { deviceId, [fragment]: { rows: 1, mark: "made up" } };
      const { id } = await world.wait(world.platform.operations.create(TENANT, body));
      await world.settle();
      const { status, failureReason } = await world.operation(id);
      assert.equal(status, "FAILED");
      assert.include(failureReason, "no command");
    }
  });

  describe("invalidateRegistrations", () => {
    it("by endpoint and by id drop the registration; the device registers anew (4.04, then 2.01)", async () => {
      await world.make("dev");
      const device = world.device(5000);
      for (const text of ["invalidateRegistrationsForEndpoint dev", "invalidateRegistrationById"]) {
        const id = await device.register("ep=dev");
        const operation = await run(text.endsWith("Id") ? `${text} ${id}` : text);
        assert.equal(operation.status, "SUCCESSFUL");
        assert.include(resultOf(operation), "is dropped");
        assert.equal((await device.send("POST", `/rd/${id}`)).code, 132);
      }
      await device.register("ep=dev");
    });

    it("say so where there is none, and leave those of other tenants alone", async () => {
      await world.make("dev");
      const id = await world.device(5000).register("ep=dev");
      for (const text of ["invalidateRegistrationsForEndpoint dev", `invalidateRegistrationById ${id}`]) {
        const operation = await run(text, "t2");
        assert.equal(operation.status, "SUCCESSFUL");
        assert.include(resultOf(operation), "there is no registration");
      }
      assert.isDefined(world.agent.server.registrations.byId(id));
    });
  });

  describe("cleanupClusterTenantObjectsForEndpoint", () => {
    const clean = (tenant?: string) => run("cleanupClusterTenantObjectsForEndpoint dev", tenant);

    it("frees the endpoint, the object stays", async () => {
      const object = await world.make("dev");
      const device = world.device(5000);
      const id = await device.register("ep=dev");
      assert.equal((await clean()).status, "SUCCESSFUL");
      assert.isUndefined(world.agent.server.registrations.byId(id));
      assert.isDefined(await world.platform.inventory.findCached(TENANT, object.id));
      const refusal = await device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" });
      assert.equal(refusal.code, 131);
      await world.wait(world.platform.inventory.delete(TENANT, object.id));
      await world.make("dev");
    });

    it("works where there is nothing, and fails for the endpoint of another tenant", async () => {
      assert.include(resultOf(await clean()), "nothing is kept");
      await world.make("dev");
      const operation = await clean("t2");
      assert.equal(operation.status, "FAILED");
      assert.include(operation.failureReason!, "not of this tenant");
      await world.device(5000).register("ep=dev");
    });
  });

  describe("migrateLwm2mDevices", () => {
    const object = (endpoint: string, more: object = {}) =>
      world.wait(
        world.platform.inventory.create(
          TENANT,
          { name: endpoint, "endpoint id": endpoint, securityMode: "NO_SEC", ...more },
          { owner: USER },
        ),
      );

    it("takes over what names an endpoint, and tells what became of each", async () => {
      const { id: known } = await world.make("known");
      const { id: taken } = await object("known");
      await world.settle();
      const { id: other } = await world.wait(world.platform.inventory.create(TENANT, { name: "x" }, { owner: USER }));
      const operation = await run(`migrateLwm2mDevices ${known},${taken} ${other},4711`);
      assert.equal(operation.status, "FAILED");
      const result = JSON.parse(resultOf(operation));
      assert.deepInclude(result, { numberOfAll: 4, numberOfMigrated: 0, numberOfUnchanged: 1, numberOfFailed: 3 });
      assert.deepEqual(
        result.failed.map(({ id }: { id: string }) => id),
        [taken, other, "4711"],
      );
      await world.wait(world.agent.removeDevice(TENANT, known));
      const again = await run("migrateLwm2mDevices");
      assert.deepInclude(JSON.parse(resultOf(again)), { numberOfAll: 1, numberOfMigrated: 1, numberOfFailed: 0 });
      await world.device(5000).register("ep=known");
      assert.equal(world.agent.server.registrations.byEndpoint("known")?.deviceId, taken);
      assert.deepInclude(JSON.parse(resultOf(await run("migrateLwm2mDevices"))), { numberOfAll: 0 });
    });
  });

  it("a command that the host was interrupted at is run again at the next start", async () => {
    const { id: deviceId } = await connectorOf();
    const { id } = await world.wait(
      world.platform.operations.create(TENANT, { deviceId, c8y_Command: { text: "help" } }),
    );
    await world.settle();
    await world.store.collection(OPERATIONS).updateOne({ _id: id }, { $set: { status: "EXECUTING" } });
    await world.restart("crash");
    await world.settle();
    assert.equal((await world.operation(id)).status, "SUCCESSFUL");
  });
});
