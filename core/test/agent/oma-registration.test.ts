/** OMA's cases of registration from the operator's side: what is ordered by command, what the device does, what is shown. */
import { assert } from "chai";
import type { RegistrationSummary } from "../../src/agent/registration-list.ts";
import { formatCode } from "../../src/coap/codes.ts";
import type { ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

const LINKS = '</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>';

describe("agent: OMA registration cases", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  afterEach(() => world[Symbol.asyncDispose]());

  beforeEach(async () => {
    world = await createAgentWorld();
    deviceId = (await world.make("dev")).id;
    device = world.device(5000);
    device.script = ({ method }) => (method === "GET" ? { code: 69, contentFormat: 0, payload: "5" } : { code: 68 });
  });

  const register = async (query: string): Promise<string> => {
    const id = await device.register(query, LINKS);
    await world.settle();
    return id;
  };
  const update = async (id: string, query: readonly string[] = []): Promise<string> => {
    const { code } = await device.send("POST", `/rd/${id}`, { query });
    await world.settle();
    return formatCode(code);
  };
  const order = async (text: string): Promise<string> => {
    const { id } = await world.command(deviceId, text);
    await world.settle();
    return id;
  };
  const statusOf = async (id: string) => (await world.operation(id)).status;
  const asked = (): string[] => device.asked.map(({ method, path }) => `${method} ${path}`);
  async function shown(): Promise<RegistrationSummary | undefined> {
    const page = { currentPage: 1, pageSize: 10, withTotal: false };
    return (await world.agent.listRegistrations(TENANT, page)).items[0];
  }

  it("OMA 101: Register with all parameters: 2.01 and a location; all of them are shown", async () => {
    const id = await register("ep=dev&lt=86400&lwm2m=1.1&b=U");
    assert.deepInclude(await shown(), {
      registrationId: id,
      endpoint: "dev",
      deviceId,
      address: "192.0.2.99:5000",
      lifetime: 86_400,
      lwm2mVersion: "1.1",
      bindingMode: "U",
      queueMode: false,
      objectLinks: ["/1/0", "/3/0"],
    });
  });

  it("OMA 102: the lifetime is written, the Update with it gets 2.04; without further Updates the registration lapses", async () => {
    const id = await register("ep=dev&lt=86400");
    assert.equal(await statusOf(await order("write /1/0/1 20")), "SUCCESSFUL");
    assert.deepEqual(asked(), ["PUT /1/0/1"]);
    assert.equal(await update(id, ["lt=20"]), "2.04");
    for (let i = 0; i < 5; i++) {
      await world.clock.advance(18_000);
      assert.equal(await update(id), "2.04");
    }
    assert.include(await shown(), { lifetime: 20 });
    await world.clock.advance(22_000);
    assert.isUndefined(await shown());
    assert.equal(await update(id), "4.04");
  });

  it("OMA 103: Disable is executed, De-register gets 2.02, the client is gone", async () => {
    const id = await register("ep=dev");
    assert.equal(await statusOf(await order("execute /1/0/4")), "SUCCESSFUL");
    assert.deepEqual(asked(), ["POST /1/0/4"]);
    assert.equal(formatCode((await device.send("DELETE", `/rd/${id}`)).code), "2.02");
    assert.isUndefined(await shown());
  });

  it("OMA 104: Registration Update Trigger is executed, the Update without parameters gets 2.04 and counts", async () => {
    const id = await register("ep=dev&lt=60");
    await world.clock.advance(50_000);
    assert.equal(await statusOf(await order("execute /1/0/8")), "SUCCESSFUL");
    assert.equal(await update(id), "2.04");
    await world.clock.advance(50_000);
    assert.include(await shown(), { registrationId: id, lifetime: 60 });
  });

  it("OMA 105: an Update of a registration that the server dropped gets 4.04, the new Register 2.01", async () => {
    const id = await register("ep=dev");
    const { items } = await world.platform.inventory.list(
      TENANT,
      { type: "c8y_lwm2m_connector_device" },
      { currentPage: 1, pageSize: 1, withTotal: false },
    );
    await world.command(items[0]!.id, "invalidateRegistrationsForEndpoint dev");
    await world.settle();
    assert.equal(await update(id), "4.04");
    assert.notEqual(await register("ep=dev"), id);
    assert.isDefined(await shown());
  });

  it("OMA 107: lt=60, 120 is written, the Update with it is kept, the next one comes within it", async () => {
    const id = await register("ep=dev&lt=60");
    assert.equal(await statusOf(await order("write /1/0/1 120")), "SUCCESSFUL");
    assert.equal(await update(id, ["lt=120"]), "2.04");
    assert.include(await shown(), { lifetime: 120 });
    await world.clock.advance(110_000);
    assert.equal(await update(id), "2.04");
    assert.include(await shown(), { registrationId: id, lifetime: 120 });
  });

  for (const query of ["lwm2m=1.1&b=U&Q", "lwm2m=1.0&b=UQ"]) {
    it(`OMA 108: "${query}" is queue mode: the client is reachable for 93 s after each message`, async () => {
      await register(`ep=dev&${query}`);
      assert.include(await shown(), { queueMode: true, awake: true });
      await world.clock.advance(92_000);
      assert.include(await shown(), { awake: true });
      await world.clock.advance(2_000);
      assert.include(await shown(), { awake: false });
    });
  }

  it("OMA 109: a Read ordered past 93 s of silence is held, and goes out right after the next Update", async () => {
    const id = await register("ep=dev&lwm2m=1.1&b=U&Q");
    await world.clock.advance(94_000);
    const read = await order("read /3/0/0");
    await world.clock.advance(60_000);
    assert.deepEqual(asked(), []);
    assert.equal(await statusOf(read), "PENDING");
    assert.equal(await update(id), "2.04");
    assert.deepEqual(asked(), ["GET /3/0/0"]);
    assert.equal(await statusOf(read), "SUCCESSFUL");
  });
});
