import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { Operation } from "../../src/platform/platform.ts";
import type { Answer, Asked, ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

const LINKS = '</>;ct="11542 0",</1/0>,</3/0>';

describe("agent: commands after registration (agent specification 13)", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  beforeEach(async () => {
    world = await createAgentWorld();
    deviceId = (await world.make("dev")).id;
    device = world.device(5000);
    device.script = answer;
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const answer = ({ observe }: Asked): Answer => ({
    code: 69,
    contentFormat: 0,
    payload: "5",
    ...(observe === 0 && { observe: 7 }),
  });
  const set = (commands: unknown) => world.wait(world.agent.setPostRegistrationOptions(TENANT, { commands }));
  const register = async (query = "ep=dev&lwm2m=1.1") => {
    const id = await device.register(query, LINKS);
    await world.settle();
    return id;
  };
  const asked = (): string[] =>
    device.asked.map(({ method, path, observe }) => `${observe === 0 ? "OBSERVE" : method} ${path}`);
  async function operations(): Promise<readonly Operation[]> {
    const page = { currentPage: 1, pageSize: 100, withTotal: false };
    return (await world.wait(world.platform.operations.list(TENANT, { deviceId }, page))).items;
  }

  it("are empty at first, kept as lines, and taken as text or as an array", async () => {
    const empty = await world.wait(world.agent.postRegistrationOptions(TENANT));
    assert.deepInclude(empty, { type: "lwm2m_post_registration", commands: "" });
    const text = await set("read /3\r\n\n  read /6 ");
    assert.deepEqual(text, { ...empty, commands: "read /3\nread /6" });
    assert.deepEqual(await set(["read /3/0", "read /4"]), { ...empty, commands: "read /3/0\nread /4" });
    await world.restart();
    assert.equal((await world.wait(world.agent.postRegistrationOptions(TENANT))).commands, "read /3/0\nread /4");
    assert.equal((await world.wait(world.agent.postRegistrationOptions("t2"))).commands, "", "each tenant has its own");
  });

  const refused: readonly [name: string, body: unknown, part: string][] = [
    ["no object", "read /3", "must be text"],
    ["no commands", {}, "must be text"],
    ["a number", { commands: 7 }, "must be text"],
    ["an array of others", { commands: ["read /3", 7] }, "must be text"],
    ["a line that is no command", { commands: "read /3\nread nothing" }, "line 2"],
    ["too many lines", { commands: "read /3\n".repeat(101) }, "100 lines"],
  ];
  for (const [name, body, part] of refused) {
    it(`bad input: ${name} is refused, naming the field, and nothing is kept`, async () => {
      await set("read /3");
      let refusal: unknown;
      await world.wait(world.agent.setPostRegistrationOptions(TENANT, body)).catch(error => (refusal = error));
      assert.instanceOf(refusal, MooringError);
      const { code, message, details } = refusal as MooringError;
      assert.deepEqual([code, details["field"]], ["VALIDATION", "commands"]);
      assert.include(message, part);
      assert.equal((await world.wait(world.agent.postRegistrationOptions(TENANT))).commands, "read /3");
    });
  }

  it("20-16: several lines run after a full registration, before observations and pending operations", async () => {
    const observed = {
      resourceID: 9,
      eventCreation: { type: "a", text: "b" },
      observeParameters: { autoObserve: true },
    };
    await world.wait(world.agent.addMapping(TENANT, "3", { "9": observed }));
    await world.command(deviceId, "read /3/0/1");
    await set("read /3/0/2\nread /3/0/3");
    await register();
    assert.deepEqual(asked(), ["GET /3/0/2", "GET /3/0/3", "OBSERVE /3/0/9", "GET /3/0/1"]);
    const done = await operations();
    assert.deepEqual(
      done.map(({ status }) => status),
      ["SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"],
    );
    assert.equal(done[1]?.fragments["description"], "Execute shell command: read /3/0/2");
  });

  it("run at every full registration, not at Updates, and as they are at that time", async () => {
    await set("read /3/0/2");
    const id = await register();
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.deepEqual(asked(), ["GET /3/0/2"]);
    await set("read /3/0/3");
    await register();
    assert.deepEqual(asked(), ["GET /3/0/2", "GET /3/0/3"]);
  });

  it("a device that registers again before it answered gets no second set, and what it left is done first", async () => {
    await world.wait(world.platform.inventory.update(TENANT, deviceId, { lwm2mRequestTimeout: 10_000 }));
    await set("read /3/0/2");
    device.script = () => undefined;
    for (let i = 0; i < 3; i++) {
      await register();
      await world.clock.advance(20_000);
    }
    assert.lengthOf(await operations(), 1);
    await world.command(deviceId, "read /3/0/1");
    await world.clock.advance(20_000);
    device.script = answer;
    await register();
    await world.settle();
    assert.deepEqual(asked().slice(-2), ["GET /3/0/2", "GET /3/0/1"]);
    assert.deepEqual(
      (await operations()).map(({ status }) => status),
      ["SUCCESSFUL", "SUCCESSFUL"],
    );
  });

  it("go first also after a restart of the host", async () => {
    await world.wait(world.platform.inventory.update(TENANT, deviceId, { lwm2mRequestTimeout: 10_000 }));
    await world.command(deviceId, "read /3/0/1");
    await set("read /3/0/2");
    device.script = () => undefined;
    const id = await register();
    await world.clock.advance(20_000);
    await world.restart("crash");
    device.asked.splice(0);
    device.script = answer;
    await world.clock.advance(20_000);
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.deepEqual(asked().slice(0, 2), ["GET /3/0/2", "GET /3/0/1"]);
  });
});

describe("agent: the list of registrations (agent specification 18)", () => {
  it("shows what is registered in the tenant, in pages by endpoint", async () => {
    await using world = await createAgentWorld();
    for (const endpoint of ["b", "a", "c"]) await world.make(endpoint);
    await world.device(5000).register("ep=b&lt=300&lwm2m=1.1&Q", "</>;ct=112,</3/0>");
    await world.device(5001).register("ep=a&lt=0");
    const list = (currentPage: number, tenant = TENANT) =>
      world.wait(world.agent.listRegistrations(tenant, { currentPage, pageSize: 1, withTotal: true }));
    const [first, second] = [await list(1), await list(2)];
    assert.deepEqual([first.total, (await list(3)).items.length, (await list(1, "t2")).total], [2, 0, 0]);
    assert.equal(first.items[0]?.endpoint, "a");
    assert.notProperty(first.items[0], "expires");
    const { registrationId, deviceId, ...rest } = second.items[0]!;
    assert.lengthOf(registrationId, 10);
    assert.match(deviceId, /^\d+$/);
    assert.deepEqual(rest, {
      endpoint: "b",
      address: "192.0.2.99:5000",
      securityMode: "NO_SEC",
      lwm2mVersion: "1.1",
      bindingMode: "U",
      queueMode: true,
      awake: true,
      lifetime: 300,
      registered: "2026-01-01T00:00:00.000Z",
      lastSeen: "2026-01-01T00:00:00.000Z",
      expires: "2026-01-01T00:05:00.000Z",
      objectLinks: ["/3/0"],
    });
  });
});
