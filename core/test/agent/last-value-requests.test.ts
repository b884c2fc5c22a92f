import { assert } from "chai";
import { lastValueOps } from "../../src/platform/last-values.ts";
import type { Answer, ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

const PURGING = { genericUIRetainOldValuesIfError: false };
const CHANGED: Answer = { code: 68 };

describe("agent/last-value-requests", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  afterEach(() => world[Symbol.asyncDispose]());

  async function open(body: Readonly<Record<string, unknown>> = {}) {
    world = await createAgentWorld();
    deviceId = (await world.make("dev", body)).id;
    device = world.device(5000);
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</1/0>,</3/0>,</3303/0>');
    await world.settle();
    const known: Readonly<Record<string, unknown>> = {
      "3/0/0": "ACME",
      "3/0/7": { 0: 1, 1: 2 },
      "3/0/9": 80,
      "1/0/1": 60,
    };
    const values = Object.entries(known).map(([path, value]) => ({
      path: path.split("/").map(Number),
      value,
      atMs: 0,
    }));
    await world.wait(world.platform.write(lastValueOps(TENANT, deviceId, values)));
  }
  /** Runs a command that is answered so. @returns its status */
  async function run(text: string, answer: Answer) {
    device.script = () => answer;
    const { id } = await world.command(deviceId, text);
    await world.settle();
    return (await world.operation(id)).status;
  }
  const ofObject = (objectId: number) => world.wait(world.platform.inventory.lastValuesOf(TENANT, deviceId, objectId));
  const device3 = { instance: 0, "0": "ACME", "7": { "0": 1, "1": 2 }, "9": 80 };

  describe("11.3: values that a device says it does not have", () => {
    for (const code of [129, 131, 132, 160, 161]) {
      it(`are removed after a Read or Write that is answered ${code >> 5}.0${code & 31}`, async () => {
        await open(PURGING);
        assert.equal(await run("read /3/0/9", { code }), "FAILED");
        assert.equal(await run("write /1/0/1 70", { code }), "FAILED");
        assert.deepEqual(await ofObject(3), [{ instance: 0, "0": "ACME", "7": { "0": 1, "1": 2 } }]);
        assert.deepEqual(await ofObject(1), [{ instance: 0 }]);
      });
    }
    it("stay after any other code, and after silence", async () => {
      await open({ ...PURGING, lwm2mRequestTimeout: 10_000 });
      for (const code of [128, 133, 134, 163]) await run("read /3/0/9", { code });
      device.script = () => undefined;
      await world.command(deviceId, "read /3/0");
      await world.clock.advance(20_000);
      assert.deepEqual(await ofObject(3), [device3]);
    });
    it("stay by default", async () => {
      await open();
      await run("read /3/0", { code: 132 });
      await run("discover /3/0", { code: 69, contentFormat: 40, payload: "</3/0>,</3/0/0>" });
      assert.deepEqual(await ofObject(3), [device3]);
    });
    it("follow the fragment of the managed object at once", async () => {
      await open();
      await world.wait(
        world.platform.inventory.update(TENANT, deviceId, { c8y_GenericUI_retainOldValuesIfError: false }),
      );
      await run("observe /3/0", { code: 132 });
      assert.isEmpty(await ofObject(3));
    });
    it("a Discover removes what it does not list", async () => {
      await open(PURGING);
      await run("discover /3/0", { code: 69, contentFormat: 40, payload: "</3/0>,</3/0/0>,</3/0/7>;dim=2" });
      assert.deepEqual(await ofObject(3), [{ instance: 0, "0": "ACME", "7": { "0": 1, "1": 2 } }]);
      assert.deepEqual(await ofObject(1), [{ instance: 0, "1": 60 }]);
    });
    it("go with the instance that was deleted", async () => {
      await open(PURGING);
      assert.equal(await run("delete /1/0", { code: 66 }), "SUCCESSFUL");
      assert.isEmpty(await ofObject(1));
      assert.equal(await run("delete /3/0", { code: 131 }), "FAILED");
      assert.deepEqual(await ofObject(3), [device3]);
    });
    it("a composite Read that is refused removes all that it asked for; one that the device does not know nothing", async () => {
      await open(PURGING);
      await run("cread /3/0/9 /1/0", { code: 161 });
      assert.deepEqual(await ofObject(3), [device3]);
      await run("cread /3/0/9 /1/0", { code: 132 });
      assert.deepEqual(await ofObject(3), [{ instance: 0, "0": "ACME", "7": { "0": 1, "1": 2 } }]);
      assert.isEmpty(await ofObject(1));
    });
    it("a Discover that fails removes nothing", async () => {
      await open(PURGING);
      await run("discover /3/0", { code: 132 });
      assert.deepEqual(await ofObject(3), [device3]);
    });
  });

  it("a Discover shows what can be executed", async () => {
    await open();
    await run("discover /3/0", { code: 69, contentFormat: 40, payload: "</3/0>,</3/0/0>,</3/0/4>" });
    assert.deepEqual(await ofObject(3), [{ ...device3, "4": null }]);
  });

  describe("what a device took is its value", () => {
    it("in the form of the objects view", async () => {
      await open();
      assert.equal(await run("write /1/0/1 70", CHANGED), "SUCCESSFUL");
      assert.deepEqual(await ofObject(1), [{ instance: 0, "1": 70 }]);
      await run("write /3/0/15 Europe/Berlin", CHANGED);
      assert.deepEqual(await ofObject(3), [{ ...device3, "15": "Europe/Berlin" }]);
    });
    it("instances of a resource, as a whole or one by one; several objects at once", async () => {
      await open();
      await run('write /3/0/7 {"0":5}', CHANGED);
      assert.deepInclude((await ofObject(3))[0], { "7": { "0": 5 } });
      await run("cwrite /1/0/1 70 /3/0/15 UTC", CHANGED);
      assert.deepInclude((await ofObject(3))[0], { "7": { "0": 5 }, "15": "UTC" });
      assert.deepEqual(await ofObject(1), [{ instance: 0, "1": 70 }]);
    });
    it("a new instance with what it was made with, under the id that the device chose", async () => {
      await open();
      const answer = { code: 65, location: "/1/4" };
      assert.equal(await run('create /1 {"1":300}', answer), "SUCCESSFUL");
      assert.sameDeepMembers(
        [...(await ofObject(1))],
        [
          { instance: 0, "1": 60 },
          { instance: 4, "1": 300 },
        ],
      );
    });
    it("not what it refused, and nothing that cannot be read", async () => {
      await open();
      await run("write /1/0/1 70", { code: 128 });
      await run("write /5/0/1 coap://192.0.2.1/fw", CHANGED);
      await run("write /5/0/0 00ff", CHANGED);
      assert.deepEqual(await ofObject(1), [{ instance: 0, "1": 60 }]);
      assert.deepEqual(await ofObject(5), [{ instance: 0, "1": "coap://192.0.2.1/fw" }]);
    });
  });

  it("what a device took or does not list is stored after what it said before, and before what it says next", async () => {
    await open(PURGING);
    const say = (path: number[], value: number, after?: Promise<void>) =>
      world.line.run(deviceId, async () => {
        await after;
        await world.platform.write(lastValueOps(TENANT, deviceId, [{ path, value, atMs: 0 }]));
      });
    for (const [text, answer] of [
      ["write /1/0/1 70", CHANGED],
      ["discover /3/0", { code: 69, contentFormat: 40, payload: "</3/0>,</3/0/0>" }],
    ] as const) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const said = [say([1, 0, 1], 65, promise), say([3, 0, 9], 81, promise)];
      assert.equal(await run(text, answer), "EXECUTING");
      said.push(say([3, 0, 14], 2));
      resolve();
      await world.wait(Promise.all(said));
      await world.settle();
      if (text.startsWith("write")) assert.deepInclude((await ofObject(1))[0], { "1": 70 });
      else assert.deepEqual(await ofObject(3), [{ instance: 0, "0": "ACME", "14": 2 }]);
    }
  });

  it("a store that keeps nothing does not make a Write fail that the device did", async () => {
    await open();
    const write = world.platform.write;
    Object.assign(world.platform, { write: () => Promise.reject(new Error("disk full")) });
    assert.equal(await run("write /1/0/1 70", CHANGED), "SUCCESSFUL");
    Object.assign(world.platform, { write });
    assert.deepEqual(
      world.log.lines.filter(({ event }) => event === "lastValues.not-kept").map(({ fields }) => fields?.["reason"]),
      ["disk full"],
    );
  });
});
