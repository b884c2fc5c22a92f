/** Defects that other agents of this kind had, as checks of the registration's life (20-3 to 20-9, 20-31). */
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { formatCode } from "../../src/coap/codes.ts";
import { formatPath } from "../../src/lwm2m/path.ts";
import { DEVICES, REGISTRATIONS } from "../../src/store/collections/devices.ts";
import type { ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

describe("agent: acceptance checks of registration", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  afterEach(() => world[Symbol.asyncDispose]());

  beforeEach(async () => {
    world = await createAgentWorld();
    deviceId = (await world.make("dev")).id;
    device = world.device(5000);
  });
  const live = () => world.agent.server.registrations.byEndpoint("dev");
  const paths = () => live()?.objectLinks.map(({ path }) => formatPath(path));
  const required = async () =>
    (await world.wait(world.platform.inventory.get(TENANT, deviceId))).fragments["c8y_RequiredAvailability"];

  it("20-3: trailing commas and blanks in registration links", async () => {
    await device.register("ep=dev", " </1/0> , </3/0>,\t</3303/0> ,, ");
    assert.deepEqual(paths(), ["/1/0", "/3/0", "/3303/0"]);
  });

  it("20-4: a version on an object instance", async () => {
    await device.register("ep=dev&lwm2m=1.1", "</1/0>,</10/0>;ver=1.1,</3303/0>;ver=1.2;ct=60");
    assert.deepEqual(paths(), ["/1/0", "/10/0", "/3303/0"]);
  });

  it("20-5: empty and unknown entries in the list of content formats", async () => {
    await device.register("ep=dev&lwm2m=1.1", '</>;rt="oma.lwm2m";ct="110 null  , 99999 x 11542",</1/0>');
    assert.includeMembers([...live()!.contentFormats], [110, 11542]);
    assert.deepEqual(paths(), ["/1/0"]);
  });

  it("20-6: an empty payload without a content format", async () => {
    await device.register("ep=dev", "", { contentFormat: undefined as never });
    const { id } = live()!;
    assert.equal(formatCode((await device.send("POST", `/rd/${id}`)).code), "2.04");
    assert.deepEqual(paths(), []);
  });

  it("20-7: an Update persists all parameters, lifetime and queue mode among them", async () => {
    const id = await device.register("ep=dev&lt=60&lwm2m=1.1&b=U", "</1/0>");
    const query = ["lt=600", "b=UQ", "at=7000"];
    await device.send("POST", `/rd/${id}`, { query, payload: "</1/0>,</3/0>", contentFormat: 40 });
    await world.settle();
    const expected = { lifetimeSeconds: 600, binding: "UQ", queueMode: true, awakeTimeMs: 7000 };
    assert.deepInclude(live(), expected);
    await world.restart("crash");
    assert.deepInclude(live(), expected);
    assert.deepEqual(paths(), ["/1/0", "/3/0"]);
    assert.deepEqual(await required(), { responseInterval: 12 });
  });

  it("20-8: a registration ends by its lifetime, not by a store or a managed object that cannot be looked up", async () => {
    const id = await device.register("ep=dev&lt=60");
    await world.settle();
    const { inventory } = world.platform;
    const { find, findCached } = inventory;
    const fail = () => Promise.reject(new MooringError("STORE_FAILED", "the store does not answer"));
    Object.assign(inventory, { find: fail, findCached: fail });
    await device.send("POST", `/rd/${id}`, { query: ["lt=90"] });
    await world.clock.advance(5_000);
    assert.equal(live()?.id, id);
    Object.assign(inventory, { find, findCached });
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.equal(live()?.id, id);
    assert.isDefined(await world.store.collection(DEVICES).findOne({ _id: "dev" }));
    await world.clock.advance(95_000);
    assert.isUndefined(live());
    assert.isDefined(await world.store.collection(DEVICES).findOne({ _id: "dev" }), "the device itself stays");
    await device.register("ep=dev");
  });

  it("20-9: De-register and Register that cross each other leave one registration or none, never half of one", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await device.register("ep=dev");
      const again = { query: ["ep=dev"], payload: "</3/0>" };
      const both = [device.send("DELETE", `/rd/${id}`), device.send("POST", "/rd", again)];
      await Promise.all(round % 2 === 0 ? both : both.reverse());
      const stored = await world.store.collection(REGISTRATIONS).findOne({ _id: "dev" });
      assert.equal(stored?.registrationId, live()?.id);
      assert.isDefined(live());
    }
  });

  it("20-31: the interval after which a device counts as unavailable is two minutes past its lifetime, and follows it", async () => {
    const id = await device.register("ep=dev&lt=3600");
    await world.settle();
    assert.deepEqual(await required(), { responseInterval: 62 });
    await device.send("POST", `/rd/${id}`, { query: ["lt=90"] });
    await world.settle();
    assert.deepEqual(await required(), { responseInterval: 4 });
  });

  it("20-31: what an operator has set stays, where the device or the host say so", async () => {
    const changes = {
      autoManageAvailabilityRequiredInterval: false,
      c8y_RequiredAvailability: { responseInterval: 1440 },
    };
    await world.wait(world.platform.inventory.update(TENANT, deviceId, changes));
    await device.register("ep=dev&lt=60");
    await world.settle();
    assert.deepEqual(await required(), { responseInterval: 1440 });
  });
});

describe("agent: availability that the host does not manage (agent specification 6.5)", () => {
  it("the host's setting counts where the device has none; null is none; a device made before keeps what it has", async () => {
    await using world = await createAgentWorld({ agent: { manageAvailability: false } });
    const interval = async (id: string) =>
      (await world.wait(world.platform.inventory.get(TENANT, id))).fragments["c8y_RequiredAvailability"];
    const register = async (endpoint: string, port: number) => {
      await world.device(port).register(`ep=${endpoint}&lt=60`);
      await world.settle();
    };
    const plain = await world.make("plain");
    const own = await world.make("own", { autoManageAvailabilityRequiredInterval: true });
    const nulled = await world.make("nulled");
    const changes = { autoManageAvailabilityRequiredInterval: null, c8y_RequiredAvailability: { responseInterval: 9 } };
    await world.wait(world.platform.inventory.update(TENANT, nulled.id, changes));
    const before = await interval(plain.id);
    await register("plain", 5000);
    await register("own", 5001);
    await register("nulled", 5002);
    assert.deepEqual(await interval(plain.id), before);
    assert.deepEqual(await interval(own.id), { responseInterval: 3 });
    assert.deepEqual(await interval(nulled.id), { responseInterval: 9 });
  });
});
