import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { formatTarget } from "../../src/lwm2m/observation/observation-target.ts";
import { formatPath } from "../../src/lwm2m/path.ts";
import type { PlatformEvent } from "../../src/platform/platform.ts";
import { MANAGED_OBJECTS } from "../../src/store/collections/platform.ts";
import type { Answer, Asked, ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT, type WorldOptions } from "./support/agent-world.ts";

const LINKS = '</>;ct="11542 0",</1/0>,</3/0>';
const auto = (resourceID: number, more: object = {}) => ({
  [resourceID]: {
    resourceID,
    eventCreation: { type: "c8y_Seen", text: "Seen" },
    observeParameters: { autoObserve: true, ...more },
  },
});

describe("agent/lifecycle", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  afterEach(() => world[Symbol.asyncDispose]());

  const observing = (asked: Asked): Answer => ({
    code: 69,
    contentFormat: 0,
    payload: "5",
    ...(asked.observe === 0 && { observe: 7 }),
  });

  async function open(body: object = {}, options?: WorldOptions) {
    world = await createAgentWorld(options);
    deviceId = (await world.make("dev", { ...body })).id;
    device = world.device(5000);
    device.script = asked => (asked.method === "PUT" ? { code: 68 } : observing(asked));
  }
  const register = async (query = "ep=dev&lt=300&lwm2m=1.1", links = LINKS) => {
    const id = await device.register(query, links);
    await world.settle();
    return id;
  };
  const map = (objectId: number, mappings: object) =>
    world.wait(world.agent.addMapping(TENANT, String(objectId), mappings));
  const observed = (): string[] => device.asked.filter(asked => asked.observe === 0).map(({ path }) => path);
  const liveObservations = (): string[] => {
    const { registrations, requests } = world.agent.server;
    return requests.observed(registrations.byEndpoint("dev")!).map(({ target }) => formatTarget(target));
  };
  const eventTypes = async () => {
    await world.clock.advance(500);
    return (await world.events(deviceId)).map(({ type }) => type.replace("c8y_LWM2MDevice", ""));
  };
  const object = () => world.wait(world.platform.inventory.get(TENANT, deviceId));

  it("agent specification 15.1: events of Register, Update and De-register", async () => {
    await open();
    const id = await register("ep=dev&lt=300&lwm2m=1.1&Q");
    await device.send("POST", `/rd/${id}`, { query: ["lt=600"] });
    await device.send("DELETE", `/rd/${id}`);
    assert.deepEqual(await eventTypes(), ["Registration", "RegistrationUpdate", "DeRegistration"]);
    const [registration, update] = (await world.events(deviceId)) as [PlatformEvent, PlatformEvent];
    assert.equal(registration.text, "Device registered");
    assert.deepEqual(registration.fragments["c8y_LWM2MLifecycle"], {
      endpoint: "dev",
      registrationId: id,
      address: "192.0.2.99:5000",
      lifetime: 300,
      bindingMode: "U",
      lwm2mVersion: "1.1",
      queueMode: true,
    });
    assert.equal((update.fragments["c8y_LWM2MLifecycle"] as { lifetime: number }).lifetime, 600);
  });

  it("an observation that the device ends before its first values are stored is told as ended", async () => {
    await open();
    await map(3, auto(9));
    const { promise, resolve } = Promise.withResolvers<void>();
    world.slowValues = promise;
    await register();
    const { token } = device.asked.find(asked => asked.observe === 0)!;
    await device.notify({ token, sequence: 8, code: 132, payload: "" });
    resolve();
    await world.settle();
    assert.deepEqual(liveObservations(), []);
    const { verdict } = await world.wait(world.agent.explain(TENANT, deviceId));
    assert.deepInclude(verdict, { link: "observation", fault: "observation-ended" });
  });

  it("an expired registration has its event, a replaced one none", async () => {
    await open();
    await register("ep=dev&lt=300");
    await register("ep=dev&lt=10");
    await world.clock.advance(15_000);
    assert.deepEqual(await eventTypes(), ["Registration", "Registration", "DeRegistration"]);
    assert.equal((await world.events(deviceId)).at(-1)?.text, "Registration expired");
  });

  it("agent specification 15.2: NONE writes no events", async () => {
    await open({ logLevel: "NONE" });
    const id = await register();
    await device.send("POST", `/rd/${id}`);
    assert.deepEqual(await eventTypes(), []);
  });

  it("agent specification 15.2: VERBOSE writes what was sent and received as well", async () => {
    await open({ logLevel: "VERBOSE" });
    await map(3, auto(9));
    await register("ep=dev&lt=300", "</3/0>");
    await world.clock.advance(500);
    const traffic = (await world.events(deviceId)).filter(({ type }) => type === "c8y_LWM2MTraffic");
    assert.deepEqual(
      traffic.map(({ text }) => text),
      ["Received POST /rd?ep=dev&lt=300: 2.01", "Sent GET /3/0/9: 2.05"],
    );
    assert.deepEqual(traffic[1]?.fragments["c8y_LWM2MTraffic"], {
      from: "host",
      request: "GET /3/0/9",
      answer: "2.05",
      answerContent: { contentFormat: "TEXT (0)", bytes: 1, text: "5" },
    });
  });

  it("agent specification 6.5: the required interval follows the lifetime", async () => {
    await open();
    const id = await register("ep=dev&lt=300");
    assert.deepEqual((await object()).fragments["c8y_RequiredAvailability"], { responseInterval: 7 });
    await device.send("POST", `/rd/${id}`, { query: ["lt=3601"] });
    await world.settle();
    assert.deepEqual((await object()).fragments["c8y_RequiredAvailability"], { responseInterval: 63 });
  });

  it("agent specification 6.5: an interval that is not managed, and maintenance, stay", async () => {
    await open({ autoManageAvailabilityRequiredInterval: false, availabilityRequiredInterval: 99 });
    await register("ep=dev&lt=300");
    assert.deepEqual((await object()).fragments["c8y_RequiredAvailability"], { responseInterval: 99 });
    const changes = {
      autoManageAvailabilityRequiredInterval: true,
      c8y_RequiredAvailability: { responseInterval: -1 },
    };
    await world.wait(world.platform.inventory.update(TENANT, deviceId, changes));
    await register("ep=dev&lt=300");
    assert.deepEqual((await object()).fragments["c8y_RequiredAvailability"], { responseInterval: -1 });
  });

  it("agent specification 6.4: settings edited in the inventory count from the next registration on", async () => {
    await open({ awakeTimeRegistrationParameter: 1000 });
    const settings = () => world.agent.server.registrations.byEndpoint("dev")?.settings;
    await register();
    assert.deepEqual(settings(), { awakeTimeMs: 1000 });
    const changes = { awakeTimeRegistrationParameter: 5000, lwm2mRequestTimeout: 20_000, serializationFormat: "TEXT" };
    await world.wait(world.platform.inventory.update(TENANT, deviceId, changes));
    await register();
    assert.deepEqual(settings(), { awakeTimeMs: 5000, requestTimeoutMs: 20_000, contentFormat: 0 });
    await world.restart();
    assert.deepEqual(settings(), { awakeTimeMs: 5000, requestTimeoutMs: 20_000, contentFormat: 0 });
  });

  it("agent specification 7.5: mapped resources are observed, with their attributes, after the answer to Register", async () => {
    await open();
    await map(3, { ...auto(9, { minPeriod: 10, maxPeriod: 60 }), ...auto(13) });
    await map(1, { "1": { resourceID: 1, eventCreation: { type: "a", text: "b" } } });
    const answeredFirst = device.register("ep=dev&lwm2m=1.1", LINKS).then(() => device.asked.length);
    assert.equal(await world.wait(answeredFirst), 0, "2.01 comes before the first request");
    await world.settle();
    assert.deepEqual(
      device.asked.map(({ method, path, query, observe }) => [method, path, query, observe]),
      [
        ["PUT", "/3/0/9", "pmin=10&pmax=60", undefined],
        ["GET", "/3/0/9", "", 0],
        ["GET", "/3/0/13", "", 0],
      ],
    );
    assert.deepEqual(
      world.batches.map(({ source, requestPath }) => [source, formatPath(requestPath)]),
      [
        ["OBSERVATION_RESPONSE", "/3/0/9"],
        ["OBSERVATION_RESPONSE", "/3/0/13"],
      ],
    );
  });

  it("agent specification 7.5: a resource that the device does not have is passed over", async () => {
    await open();
    await map(3, { ...auto(9), ...auto(13) });
    device.script = asked => (asked.path === "/3/0/9" ? { code: 132 } : observing(asked));
    const id = await register();
    assert.deepEqual(liveObservations(), ["/3/0/13"]);
    assert.isTrue(world.agent.server.registrations.isSetUp(id));
    const { length } = device.asked;
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.equal(device.asked.length, length, "it is not asked again at the next Update");
  });

  it("an answer that cannot be read harms its own resource alone", async () => {
    await open();
    await map(3, { ...auto(9), ...auto(13) });
    device.script = asked =>
      asked.path === "/3/0/9" ? { code: 69, contentFormat: 50, payload: "{}", observe: 2 } : observing(asked);
    await register();
    assert.include(liveObservations(), "/3/0/13");
  });

  it("R9: Updates with the same links bring no second round of observations, new links do", async () => {
    await open();
    await map(3, auto(9));
    const id = await register();
    const same = { payload: LINKS, contentFormat: 40 };
    await device.send("POST", `/rd/${id}`);
    await device.send("POST", `/rd/${id}`, same);
    await world.settle();
    assert.deepEqual(observed(), ["/3/0/9"]);
    await map(3303, auto(5700)).catch(() => {});
    await device.send("POST", `/rd/${id}`, { payload: `${LINKS},</3/1>`, contentFormat: 40 });
    await world.settle();
    assert.deepEqual(observed(), ["/3/0/9", "/3/1/9"], "what is observed already is left alone");
  });

  it("R9: links that an Update brings while the device is being set up are observed as well", async () => {
    await open();
    await map(3, auto(9));
    const script = device.script;
    device.script = () => undefined;
    const id = await register();
    await device.send("POST", `/rd/${id}`, { payload: `${LINKS},</3/1>`, contentFormat: 40 });
    device.script = script;
    await world.clock.advance(4_000);
    await world.settle();
    assert.deepEqual(liveObservations(), ["/3/0/9", "/3/1/9"]);
    assert.isTrue(world.agent.server.registrations.isSetUp(id));
  });

  it("R10: after a new Register everything is observed again", async () => {
    await open();
    await map(3, auto(9));
    await register();
    device.moveTo(5001);
    await register();
    assert.deepEqual(observed(), ["/3/0/9", "/3/0/9"]);
    assert.deepEqual(liveObservations(), ["/3/0/9"]);
  });

  it("a device that falls silent while it is set up is set up after its next Update", async () => {
    await open({ lwm2mRequestTimeout: 5_000 });
    await map(3, { ...auto(9), ...auto(13) });
    const script = device.script;
    device.script = asked => (asked.path === "/3/0/13" ? undefined : script(asked));
    const id = await register();
    await world.clock.advance(200_000);
    assert.deepEqual(liveObservations(), ["/3/0/9"]);
    device.script = script;
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.deepEqual(liveObservations(), ["/3/0/9", "/3/0/13"]);
    assert.equal(observed().filter(path => path === "/3/0/9").length, 1);
  });

  it("a sleeping device is set up when it wakes", async () => {
    await open({ awakeTimeRegistrationParameter: 1000 });
    await map(3, { ...auto(9), ...auto(13) });
    const script = device.script;
    device.script = asked => {
      if (asked.path !== "/3/0/9") return script(asked);
      return undefined;
    };
    const id = await register();
    device.script = script;
    await world.clock.advance(4_000);
    await device.send("POST", `/rd/${id}`);
    await world.clock.advance(10_000);
    await device.send("POST", `/rd/${id}`);
    await world.clock.advance(500);
    assert.sameMembers(liveObservations(), ["/3/0/9", "/3/0/13"]);
  });

  it("a restart sends nothing to a device that was set up", async () => {
    await open();
    await map(3, auto(9));
    const id = await register();
    const { length } = device.asked;
    await world.restart();
    await world.clock.advance(5_000);
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.equal(device.asked.length, length);
    assert.deepEqual(liveObservations(), ["/3/0/9"]);
  });

  it("a host that dies before a device was set up takes it up at its next start", async () => {
    await open({ lwm2mRequestTimeout: 5_000 });
    await map(3, auto(9));
    const script = device.script;
    device.script = () => undefined;
    await register();
    await world.restart("crash");
    device.script = script;
    await world.clock.advance(1_000);
    assert.deepEqual(liveObservations(), ["/3/0/9"]);
  });

  it("a device whose managed object is gone is cleared up when it is heard", async () => {
    await open();
    await register();
    await world.store.collection(MANAGED_OBJECTS).deleteMany({ _id: deviceId });
    await world.restart();
    await register();
    assert.equal(world.agent.server.registrations.size, 0);
    const answer = await device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" });
    assert.equal(answer.code, 131);
  });

  it("values of a device whose managed object is gone are acknowledged, and the device is cleared up", async () => {
    await open();
    await map(3, auto(9));
    await register();
    const { token } = device.asked[0]!;
    const notify = (sequence: number) => device.notify({ token, sequence, payload: "6" });
    world.refuseValues = new MooringError("NOT_FOUND", "no managed object");
    await notify(8);
    assert.equal(world.agent.server.registrations.size, 1, "it is there after all");
    await world.store.collection(MANAGED_OBJECTS).deleteMany({ _id: deviceId });
    await world.restart();
    world.refuseValues = new MooringError("NOT_FOUND", "no managed object");
    assert.isDefined(await notify(9));
    await world.settle();
    assert.equal(world.agent.server.registrations.size, 0);
  });
});
