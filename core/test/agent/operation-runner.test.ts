import { assert } from "chai";
import { fromHex } from "../../src/base/bytes.ts";
import { MooringError } from "../../src/base/errors.ts";
import type { OperationStatus } from "../../src/platform/platform.ts";
import { OPERATIONS, type OperationDocument } from "../../src/store/collections/platform.ts";
import type { Answer, Asked, ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT, USER, type WorldOptions } from "./support/agent-world.ts";

const LINKS = '</>;ct="11542 0",</1/0>,</3/0>';
const ACME = fromHex("c40041434d45");

describe("agent/operation-runner", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  afterEach(() => world[Symbol.asyncDispose]());

  const acme = ({ method, path }: Asked): Answer => {
    if (method !== "GET") return { code: 68 };
    if (path === "/3/0") return { code: 69, contentFormat: 11542, payload: ACME };
    return { code: 69, contentFormat: 0, payload: "ACME" };
  };

  async function open(body: Readonly<Record<string, unknown>> = {}, options?: WorldOptions) {
    world = await createAgentWorld(options);
    deviceId = (await world.make("dev", body)).id;
    device = world.device(5000);
    device.script = acme;
  }
  const register = async (query = "ep=dev&lwm2m=1.1", links = LINKS) => {
    const id = await device.register(query, links);
    await world.settle();
    return id;
  };
  const shown = async (id: string) => {
    const { status, failureReason, fragments } = await world.operation(id);
    const { result } = fragments["c8y_Command"] as { readonly result?: string };
    return { status, failureReason, result };
  };
  const command = async (text: string): Promise<string> => (await world.command(deviceId, text)).id;
  /** Creates a command and lets it run. */
  const run = async (text: string) => {
    const id = await command(text);
    await world.settle();
    return shown(id);
  };
  const statuses = (ids: readonly string[]): Promise<OperationStatus[]> =>
    Promise.all(ids.map(async id => (await world.operation(id)).status));
  const paths = (): string[] => device.asked.map(({ method, path }) => `${method} ${path}`);

  it("agent specification 10.2, 10.3: read ends SUCCESSFUL with the node, its values go up", async () => {
    await open();
    await register();
    assert.deepEqual(await run("read /3/0"), {
      status: "SUCCESSFUL",
      failureReason: undefined,
      result: '2.05 Content\n{"/3/0/0":"ACME"}',
    });
    assert.equal(world.batches[0]?.source, "READ_RESPONSE");
  });

  it("write, execute, discover and observe", async () => {
    await open();
    await register();
    const results = [];
    for (const text of ["write /3/0/15 Europe/Berlin", "WRITE /1/0/1 60", "execute /3/0/4", "execute /3/0/4 0='a'"]) {
      results.push((await run(text)).result);
    }
    assert.deepEqual(results, ["2.04 Changed", "2.04 Changed", "2.04 Changed", "2.04 Changed"]);
    device.script = () => ({ code: 69, contentFormat: 40, payload: "</3/0>;pmin=10,</3/0/1>" });
    assert.equal((await run("discover /3/0")).result, '2.05 Content\n{"/3/0":{"pmin":"10"},"/3/0/1":{}}');
    device.script = () => ({ code: 69, contentFormat: 0, payload: "ACME", observe: 3 });
    assert.equal((await run("observe /3/0/0")).result, '2.05 Content\n{"/3/0/0":"ACME"}');
    assert.deepEqual(paths(), ["PUT /3/0/15", "PUT /1/0/1", "POST /3/0/4", "POST /3/0/4", "GET /3/0", "GET /3/0/0"]);
  });

  it("D7: an Observe that was answered as a Read is reported as not established", async () => {
    await open();
    await register();
    device.script = () => ({ code: 69, contentFormat: 0, payload: "ACME" });
    const { status, failureReason, result } = await run("observe /3/0/0");
    assert.equal(status, "FAILED");
    assert.include(failureReason!, "no observation was established");
    assert.equal(result, '2.05 Content\n{"/3/0/0":"ACME"}');
    assert.equal(world.batches.length, 1);
  });

  it("4.xx and 5.xx end FAILED with the device's answer", async () => {
    await open();
    await register();
    device.script = () => ({ code: 133, payload: "read only" });
    assert.deepEqual(await run("write /3/0/0 x"), {
      status: "FAILED",
      failureReason: "4.05 Method Not Allowed: read only",
      result: "4.05 Method Not Allowed: read only",
    });
  });

  it("D3: 2.00 to a Read ends FAILED with the raw code", async () => {
    await open();
    await register();
    device.script = () => ({ code: 64 });
    assert.include(await run("read /3/0/0"), { status: "FAILED", failureReason: "2.00" });
  });

  const refused: readonly [name: string, text: string, part: string][] = [
    ["an unknown command", "reed /3", '"reed" is no command'],
    ["a bad path", "read /x", '"/x"'],
    ["an empty text", " ", "a command is missing"],
    ["a firmware without a version", "fwupdate a;;coap://h/a", "is no firmware"],
  ];
  for (const [name, text, part] of refused) {
    it(`bad input: ${name} fails at once, also while the device is away`, async () => {
      await open();
      const { status, failureReason } = await run(text);
      assert.equal(status, "FAILED");
      assert.include(failureReason!, part);
    });
  }

  it("bad input: a value of the wrong type fails, nothing is sent", async () => {
    await open();
    await register();
    const { status, failureReason } = await run("write /1/0/1 soon");
    assert.equal(status, "FAILED");
    assert.include(failureReason!, '"soon" is no INTEGER');
    assert.isEmpty(device.asked);
  });

  it("agent specification 10.2: an operation without a command text fails at once", async () => {
    await open();
    const { id } = await world.wait(world.platform.operations.create(TENANT, { deviceId, c8y_Restart: {} }));
    await world.settle();
    assert.equal((await world.operation(id)).status, "FAILED");
  });

  it("operations of devices that are not ours are left alone", async () => {
    await open();
    const other = await world.platform.inventory.create(TENANT, { name: "other", c8y_IsDevice: {} }, { owner: USER });
    const { id } = await world.command(other.id, "read /3");
    await world.settle();
    await world.restart();
    assert.equal((await world.operation(id)).status, "PENDING");
  });

  it("operations of a device that is away wait until it registers, oldest first", async () => {
    await open();
    const ids = [await command("read /3/0/2"), await command("read /3/0/1"), await command("read /3/0/3")];
    await world.settle();
    assert.deepEqual(await statuses(ids), ["PENDING", "PENDING", "PENDING"]);
    await register();
    assert.deepEqual(paths(), ["GET /3/0/2", "GET /3/0/1", "GET /3/0/3"]);
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"]);
  });

  it("agent specification 6.2: auto-observe comes before pending operations", async () => {
    await open();
    const mapping = {
      "9": {
        resourceID: 9,
        eventCreation: { type: "a", text: "b" },
        observeParameters: { autoObserve: true },
      },
    };
    await world.wait(world.agent.addMapping(TENANT, "3", mapping));
    await command("read /3/0/1");
    await register();
    assert.deepEqual(paths(), ["GET /3/0/9", "GET /3/0/1"]);
  });

  it("one at a time per device, in the order of creation", async () => {
    await open();
    await register();
    device.script = () => undefined;
    const ids = [await command("read /3/0/1"), await command("read /3/0/2")];
    await world.settle();
    assert.deepEqual(await statuses(ids), ["EXECUTING", "PENDING"]);
    assert.deepEqual(paths(), ["GET /3/0/1"]);
    device.script = acme;
    await world.clock.advance(4_000);
    await world.settle();
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL"]);
  });

  it("a device asleep: PENDING until it updates", async () => {
    await open({ awakeTimeRegistrationParameter: 1000 });
    const location = await register();
    await world.clock.advance(2000);
    const id = await command("read /3/0");
    await world.settle();
    assert.equal((await world.operation(id)).status, "PENDING");
    assert.isEmpty(device.asked);
    await device.send("POST", `/rd/${location}`);
    await world.settle();
    assert.equal((await world.operation(id)).status, "SUCCESSFUL");
  });

  it("agent specification 10.2: a time-out puts it back to PENDING until the next Update; what follows goes on", async () => {
    await open({ lwm2mRequestTimeout: 10_000 });
    const location = await register();
    device.script = asked => (asked.path === "/3/0/1" ? undefined : acme(asked));
    const ids = [await command("read /3/0/1"), await command("read /3/0/2")];
    await world.clock.advance(30_000);
    assert.deepEqual(await statuses(ids), ["PENDING", "SUCCESSFUL"]);
    const { length } = device.asked;
    await world.clock.advance(60_000);
    assert.equal(device.asked.length, length, "not before the device is heard");
    device.script = acme;
    await device.send("POST", `/rd/${location}`);
    await world.settle();
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL"]);
  });

  it("agent specification 3.3: a request time-out edited in the inventory counts for the next command", async () => {
    await open();
    await register();
    await world.wait(world.platform.inventory.update(TENANT, deviceId, { lwm2mRequestTimeout: 5_000 }));
    device.script = () => "ack";
    const id = await command("read /3/0/1");
    await world.clock.advance(4_000);
    assert.equal((await world.operation(id)).status, "EXECUTING");
    await world.clock.advance(2_000);
    assert.equal((await world.operation(id)).status, "PENDING");
  });

  it("an operation that takes longer than it may goes back to PENDING", async () => {
    await open({}, { agent: { executionTimeoutMs: 20_000 } });
    await register();
    device.script = () => ({ code: 163, maxAge: 15 });
    const id = await command("read /3/0/1");
    await world.clock.advance(16_000);
    assert.equal((await world.operation(id)).status, "EXECUTING");
    await world.clock.advance(6_000);
    assert.equal((await world.operation(id)).status, "PENDING");
  });

  it("D1: a request that is acknowledged and never answered does not hold up the next one for ever", async () => {
    await open({ lwm2mRequestTimeout: 5_000 });
    await register();
    device.script = asked => (asked.path === "/3/0/1" ? "ack" : acme(asked));
    const ids = [await command("read /3/0/1"), await command("read /3/0/2")];
    await world.clock.advance(7_000);
    await world.settle();
    assert.deepEqual(await statuses(ids), ["PENDING", "SUCCESSFUL"]);
  });

  it("D12: Execute, silence, then Register under the same endpoint: done, not delivered again", async () => {
    await open();
    await register();
    device.script = () => undefined;
    const id = await command("execute /3/0/4");
    await world.settle();
    assert.equal((await world.operation(id)).status, "EXECUTING");
    device.moveTo(5001);
    device.script = acme;
    await register();
    assert.deepEqual(await shown(id), {
      status: "SUCCESSFUL",
      failureReason: undefined,
      result: "no answer; the device registered anew",
    });
    assert.equal(device.asked.filter(({ method }) => method === "POST").length, 1);
  });

  it("a Read that a new Register interrupted is delivered to the new registration", async () => {
    await open();
    await register();
    device.script = () => undefined;
    const id = await command("read /3/0/1");
    await world.settle();
    device.moveTo(5001);
    device.script = acme;
    await register();
    assert.equal((await world.operation(id)).status, "SUCCESSFUL");
  });

  it("a Read that a change of address interrupted is repeated to the new address", async () => {
    await open();
    const location = await register();
    device.script = () => undefined;
    const id = await command("read /3/0/1");
    await world.settle();
    device.moveTo(5001);
    device.script = acme;
    await device.send("POST", `/rd/${location}`);
    await world.settle();
    assert.equal((await world.operation(id)).status, "SUCCESSFUL");
  });

  it("De-register: the running and the waiting operations are PENDING, and run at the next Register", async () => {
    await open();
    const location = await register();
    device.script = () => undefined;
    const ids = [await command("read /3/0/1"), await command("execute /3/0/4")];
    await world.settle();
    device.script = acme;
    await device.send("DELETE", `/rd/${location}`);
    await world.settle();
    assert.deepEqual(await statuses(ids), ["PENDING", "PENDING"]);
    await register();
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL"]);
  });

  it("20-17: at most so many pending operations run after one Register, the rest after the next", async () => {
    await open({}, { agent: { maxPending: 3 } });
    const ids = [];
    const resources = [0, 1, 2, 3, 17];
    for (const resource of resources) ids.push(await command(`read /3/0/${resource}`));
    await world.settle();
    const location = await register();
    assert.equal((await statuses(ids)).filter(status => status === "SUCCESSFUL").length, 3);
    await device.send("POST", `/rd/${location}`);
    await world.settle();
    assert.equal((await statuses(ids)).filter(status => status === "SUCCESSFUL").length, 5);
    assert.deepEqual(
      paths(),
      resources.map(resource => `GET /3/0/${resource}`),
    );
  });

  it("an operation that somebody ended while it waited is not run", async () => {
    await open();
    const id = await command("execute /3/0/4");
    await world.platform.operations.update(TENANT, id, { status: "FAILED", failureReason: "not wanted" });
    await register();
    assert.isEmpty(device.asked);
    assert.equal((await world.operation(id)).failureReason, "not wanted");
  });

  it("a stopping host puts what runs back to PENDING; the next one runs it", async () => {
    await open();
    await register();
    device.script = () => undefined;
    const ids = [await command("read /3/0/1"), await command("read /3/0/2")];
    await world.settle();
    assert.deepEqual(await statuses(ids), ["EXECUTING", "PENDING"]);
    device.script = acme;
    await world.restart();
    await world.settle();
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL"]);
  });

  it("a host that died in the middle: EXECUTING goes back to PENDING and is delivered again, in order", async () => {
    await open();
    await register();
    device.script = () => undefined;
    const ids = [await command("read /3/0/1"), await command("read /3/0/2")];
    await world.settle();
    await world.restart("crash");
    const { length } = device.asked;
    device.script = acme;
    await world.settle();
    await world.clock.advance(4_000);
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL"]);
    const after = paths()
      .slice(length - 1)
      .filter((path, i, all) => path !== all[i - 1]);
    assert.deepEqual(after, ["GET /3/0/1", "GET /3/0/2"]);
  });

  it("pending operations of a device that is away survive a restart", async () => {
    await open();
    const ids = [await command("read /3/0/1"), await command("read /3/0/2")];
    await world.settle();
    await world.restart("crash");
    await register();
    assert.deepEqual(await statuses(ids), ["SUCCESSFUL", "SUCCESSFUL"]);
    assert.deepEqual(paths(), ["GET /3/0/1", "GET /3/0/2"]);
  });

  it("very many that wait for a device survive a restart, in order, and so do those of other devices", async () => {
    await open();
    const other = await world.make("other");
    const document = (number: number, id: string, path: string): OperationDocument => ({
      _id: String(number),
      tenant: TENANT,
      deviceId: id,
      status: "PENDING",
      creationTime: 0,
      lastUpdated: 0,
      custom: { c8y_Command: { text: `read ${path}` } },
    });
    // Interleaved, and from 999 on with one digit more.
    const waiting = Array.from({ length: 4000 }, (_, i) =>
      document(i, i % 4 === 0 ? other.id : deviceId, `/3303/${i}/5700`),
    );
    await world.wait(world.store.collection(OPERATIONS).insertMany(waiting));
    await world.restart("crash");
    assert.equal(world.agent.figures.operationsWaiting, 4000);
    await register();
    await world.settle();
    const expected = waiting.filter(operation => operation.deviceId === deviceId).slice(0, paths().length);
    assert.isAbove(expected.length, 1);
    assert.deepEqual(
      paths(),
      expected.map(({ custom }) => (custom["c8y_Command"] as { text: string }).text.replace("read", "GET")),
    );
  });

  it("whatever a device says about its refusal can be kept: C programs send the end mark of their texts", async () => {
    await open();
    await register();
    device.script = () => ({ code: 133, payload: "not here\0" });
    const { status, failureReason } = await run("execute /3/0/4");
    assert.equal(status, "FAILED");
    assert.equal(failureReason, "4.05 Method Not Allowed: not here");
    device.script = () => ({ code: 133, payload: Uint8Array.of(0x61, 0, 0xff, 0x62) });
    assert.equal((await run("execute /3/0/4")).failureReason, "4.05 Method Not Allowed: a\ufffd\ufffdb");
  });

  it("an answer that no operation can hold ends it all the same", async () => {
    await open();
    await register();
    device.script = () => ({ code: 69, contentFormat: 0, payload: "\u0001".repeat(60_000) });
    const kept = await run("read /3/0/0");
    assert.equal(kept.status, "SUCCESSFUL", kept.failureReason);
    device.script = () => ({ code: 160, payload: "\u0001".repeat(60_000) });
    const cut = await run("read /3/0/0");
    assert.equal(cut.status, "FAILED");
    assert.isAtMost(cut.failureReason!.length, 10_003);
  });

  it("deleting a device ends what runs on it", async () => {
    await open();
    await register();
    device.script = () => undefined;
    await command("read /3/0/1");
    await world.settle();
    await world.wait(world.platform.inventory.delete(TENANT, deviceId));
    await world.settle();
    assert.equal(world.agent.figures.operationsWaiting, 0);
    assert.isEmpty(world.log.lines.filter(({ level }) => level === "error"));
  });

  it("values that cannot be stored end a read FAILED, with the reason", async () => {
    await open();
    await register();
    world.refuseValues = new MooringError("STORE_FULL", "too much waits");
    assert.include(await run("read /3/0"), { status: "FAILED", failureReason: "too much waits" });
  });

  describe("agent specification 15.2: an operation that is not executed for lack of connectivity has an event with the reason", () => {
    const TYPE = "c8y_LWM2MOperationNotExecuted";
    const events = async () => {
      await world.clock.advance(500);
      return (await world.events(deviceId)).filter(({ type }) => type === TYPE).map(({ text }) => text);
    };

    it("not registered, asleep, no answer", async () => {
      await open({ awakeTimeRegistrationParameter: 5000, lwm2mRequestTimeout: 10_000 });
      const first = await command("read /3/0/1");
      await register();
      await world.clock.advance(6000);
      const second = await command("read /3/0/2");
      await world.settle();
      device.script = () => undefined;
      await register();
      await world.clock.advance(20_000);
      assert.deepEqual(await events(), [
        `Operation ${first} is not executed now: the device is not registered`,
        `Operation ${second} is not executed now: the device is asleep`,
        `Operation ${second} is not executed now: the device did not answer`,
      ]);
    });

    it("none where it was executed, none for log level NONE", async () => {
      await open({ logLevel: "NONE" });
      await command("read /3/0/1");
      await register();
      assert.deepEqual(await events(), []);
      await world[Symbol.asyncDispose]();
      await open();
      await register();
      await run("read /3/0/1");
      assert.deepEqual(await events(), []);
    });
  });
});
