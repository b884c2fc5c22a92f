import { assert } from "chai";
import { encodeUtf8, fromHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { formatCode } from "../../src/coap/codes.ts";
import { type BootstrapClient, bootstrapClientOn } from "../lwm2m/bootstrap/support/bootstrap-client.ts";
import { type AgentWorld, BOOTSTRAP_PORT, createAgentWorld, TENANT } from "./support/agent-world.ts";

const URI = "coap://lwm2m.example.com:5783";
const PSK_BODY = {
  serverSecurity: { securityMode: "PSK", publicKeyOrId: "dev-server", secretKey: "00112233" },
  bootstrapSecurity: { bootstrapSecurityMode: "PSK", bootstrapId: "dev-bs", bootstrapKey: "aabb" },
  lwm2mServerUri: "coaps://lwm2m.example.com:5784",
};

describe("agent: bootstrap sessions", () => {
  let world: AgentWorld;
  beforeEach(async () => {
    world = await createAgentWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const client = (port: number, pskIdentity?: string, endpoint = "dev"): BootstrapClient => {
    const identity = pskIdentity && { identity: { kind: "psk", identity: pskIdentity } as const };
    return bootstrapClientOn(world.device(port, { hostPort: BOOTSTRAP_PORT, ...identity }), endpoint);
  };
  const ask = async (from: BootstrapClient, query?: string): Promise<string> => {
    const answered = from.ask(query);
    await world.settle();
    return formatCode((await answered).code);
  };
  const told = async (deviceId: string): Promise<[string, unknown][]> => {
    await world.clock.advance(1_000);
    const events = await world.events(deviceId);
    return events.map(({ type, fragments }) => [type, fragments["c8y_LWM2MLifecycle"]]);
  };

  it("OMA 0: a device without keys gets the account that it was registered with; start and end are events", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: URI, registrationLifetime: 300, lwm2mShortServerId: 12 });
    const device = client(4001);
    assert.equal(await ask(device), "2.04");
    assert.include(device.held.get("/0/1"), { "0": URI, "1": false, "2": 3, "10": 12 });
    assert.deepEqual(device.held.get("/1/0"), { "0": 12, "1": 300, "6": true, "7": "U" });
    const about = { endpoint: "dev", address: "192.0.2.99:4001", contentFormat: "TLV (11542)" };
    assert.sameDeepMembers(await told(id), [
      ["c8y_LWM2MDeviceBootstrapStart", about],
      ["c8y_LWM2MDeviceBootstrapEnd", { ...about, lwm2mVersion: "1.1" }],
    ]);
  });

  it("OMA 1: a device with keys gets its server identity and key, and registers with them", async () => {
    await world.make("dev", PSK_BODY);
    const device = client(4001, "dev-bs");
    assert.equal(await ask(device, "ep=dev&pct=112"), "2.04");
    const account = device.held.get("/0/1")!;
    assert.deepEqual(account["3"], encodeUtf8("dev-server"));
    assert.deepEqual(account["5"], fromHex("00112233"));
    const registering = world.device(4002, { identity: { kind: "psk", identity: "dev-server" } });
    await registering.register("ep=dev&lwm2m=1.1");
  });

  it("OMA 1: the bootstrap identity does not register, the server identity does not bootstrap", async () => {
    await world.make("dev", PSK_BODY);
    const wrong = client(4001, "dev-server");
    assert.equal(await ask(wrong), "4.00");
    assert.equal(await ask(client(4002)), "4.00");
    const registering = world.device(4003, { identity: { kind: "psk", identity: "dev-bs" } });
    assert.equal(formatCode((await registering.send("POST", "/rd", { query: ["ep=dev"] })).code), "4.03");
  });

  it("OMA 5: Execute of /1/x/9 has the device bootstrap anew; its registration stays until it comes back", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: URI });
    const registered = world.device(4001);
    const executed: string[] = [];
    registered.script = ({ method, path }) => {
      executed.push(`${method} ${path}`);
      return { code: 68 };
    };
    await registered.register("ep=dev&lwm2m=1.1");
    await world.settle();
    const { id: operationId } = await world.command(id, "execute /1/0/9");
    await world.settle();
    assert.equal((await world.operation(operationId)).status, "SUCCESSFUL");
    assert.deepEqual(executed, ["POST /1/0/9"]);
    const before = world.agent.server.registrations.byEndpoint("dev");
    const device = client(4002);
    assert.equal(await ask(device), "2.04");
    assert.equal(world.agent.server.registrations.byEndpoint("dev"), before, "still there");
    await registered.register("ep=dev&lwm2m=1.1");
    const types = (await told(id)).map(([type]) => type);
    assert.includeMembers(types, ["c8y_LWM2MDeviceBootstrapStart", "c8y_LWM2MDeviceBootstrapEnd"]);
  });

  it("OMA 9: a Finish that the device refuses is an event of failure with path, code and reason", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: URI });
    const device = client(4001);
    device.bend = step => (step === "POST /bs" ? { code: 134 } : undefined);
    await ask(device);
    const [, failure] = (await told(id)).find(([type]) => type === "c8y_LWM2MDeviceBootstrapFailure")!;
    assert.deepEqual(failure, {
      endpoint: "dev",
      address: "192.0.2.99:4001",
      path: "/bs",
      coapCode: "4.06",
      reason: "Finish was answered 4.06, the device finds its accounts incomplete or inconsistent",
    });
  });

  it("OMA 8: access control and what is read back follow the managed object", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: URI, bootstrapReadBack: "/1,/2" });
    const lwm2mAccessControl = [{ objectId: 3, objectInstance: 0, owner: 1, rights: { 1: 15 } }];
    await world.wait(world.platform.inventory.update(TENANT, id, { lwm2mAccessControl }));
    const device = client(4001);
    await ask(device);
    assert.deepEqual(device.steps.slice(1, 4), ["DELETE /0", "DELETE /1", "DELETE /2"]);
    const [, end] = (await told(id)).find(([type]) => type === "c8y_LWM2MDeviceBootstrapEnd")!;
    assert.deepEqual((end as { readonly readBack: unknown }).readBack, {
      "/1/0/0": 1,
      "/1/0/1": 432_000,
      "/1/0/6": true,
      "/1/0/7": "U",
      "/2/0/0": 3,
      "/2/0/1": 0,
      "/2/0/2/1": 15,
      "/2/0/3": 1,
    });
  });

  it("B2, B3: Deletes and instances of a registration", async () => {
    await world.make("dev", {
      lwm2mServerUri: URI,
      securityInstanceOffset: 1,
      lwm2mServerInstance: 3,
      bootstrapDeletes: "NONE",
      bootstrapDiscover: false,
    });
    const device = client(4001);
    await ask(device);
    assert.deepEqual(device.steps, ["PUT /0/1 11542", "PUT /1/3 11542", "POST /bs"]);
  });

  for (const [field, value] of [
    ["bootstrapDeletes", "0,1"],
    ["bootstrapReadBack", "/0"],
    ["lwm2mServerInstance", 65_535],
    ["bootstrapDiscover", "no"],
  ] as const) {
    it(`a registration with ${field} ${JSON.stringify(value)} is refused by name`, async () => {
      const refused = await world.make("dev", { lwm2mServerUri: URI, [field]: value }).catch(error => error);
      assert.isTrue(isFailure(refused, "VALIDATION"), String(refused));
      assert.equal(refused.details.field, field);
    });
  }

  it("agent specification 15.2: a device with log level NONE leaves no events", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: URI, logLevel: "NONE" });
    assert.equal(await ask(client(4001)), "2.04");
    assert.deepEqual(await told(id), []);
  });

  it("a device without an address to give is refused by name, which is an event", async () => {
    const { id } = await world.make("dev");
    assert.equal(await ask(client(4001)), "4.00");
    const [[type, fragment]] = (await told(id)) as [[string, { readonly reason: string }]];
    assert.equal(type, "c8y_LWM2MDeviceBootstrapFailure");
    assert.equal(fragment.reason, "lwm2mServerUri is missing");
  });

  it("removing a device ends its session; it is not known any more", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: URI });
    const device = client(4001);
    device.bend = () => "silence";
    await ask(device);
    assert.equal(world.agent.bootstrap?.sessions, 1);
    await world.wait(world.agent.removeDevice(TENANT, id));
    await world.settle();
    assert.equal(world.agent.bootstrap?.sessions, 0);
    assert.equal(await ask(device), "4.00");
  });

  it("a new bootstrap key ends the session that runs; the new identity is served, the old one is not", async () => {
    const { id } = await world.make("dev", PSK_BODY);
    const device = client(4001, "dev-bs");
    device.bend = () => "silence";
    await ask(device);
    const bootstrap = { mode: "PSK", pskIdentity: "dev-bs-2", pskKey: Uint8Array.of(1) } as const;
    await world.wait(world.agent.accounts.change(TENANT, id, accounts => ({ ...accounts, bootstrap })));
    await world.settle();
    assert.equal(world.agent.bootstrap?.sessions, 0);
    assert.equal(await ask(device), "4.00");
    assert.equal(await ask(client(4002, "dev-bs-2")), "2.04");
  });

  it("after a restart of the host devices are served as before", async () => {
    await world.make("dev", { lwm2mServerUri: URI });
    await world.restart("crash");
    assert.equal(await ask(client(4001)), "2.04");
  });
});
