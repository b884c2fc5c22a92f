import { assert } from "chai";
import type { Answer, Asked } from "../../lwm2m/support/scripted-device.ts";
import type { WorldOptions } from "../support/agent-world.ts";
import { createFirmwareWorld, type FirmwareWorld } from "./support/firmware-world.ts";

const PUSH = 1;
const PULL = 0;

describe("agent/firmware: whoever is away in between", () => {
  let fota: FirmwareWorld;
  afterEach(() => fota[Symbol.asyncDispose]());

  async function open(method: number, options?: WorldOptions, length?: number): Promise<FirmwareWorld> {
    fota = await createFirmwareWorld(options, length);
    fota.device.method = method;
    return fota;
  }

  /** From wherever it is to its end, by what a good device does. */
  async function finish(id: string): Promise<void> {
    const { device, world, status } = fota;
    await device.update();
    if (device.state === 1) {
      device.change({ state: 2 });
      await device.settle();
    }
    assert.equal(device.state, 3, `${await fota.step(id)}: ${await status(id)}`);
    Object.assign(device, { state: 0, result: 1, version: "2.0" });
    await device.register();
    await world.settle();
    assert.equal(await status(id), "SUCCESSFUL");
  }

  /** The request of each step whose answer the host does not live to see. */
  const moments: readonly [string, number, (asked: Asked) => boolean][] = [
    ["the method is asked for", PULL, ({ path }) => path === "/5/0/9"],
    ["the reset is written", PULL, ({ method, path }) => method === "PUT" && path === "/5/0/1"],
    ["the object is read", PUSH, ({ path }) => path === "/5/0"],
    ["the state is observed", PUSH, ({ observe, path }) => observe === 0 && path === "/5/0/3"],
    ["the result is observed", PULL, ({ observe, path }) => observe === 0 && path === "/5/0/5"],
    ["the first block is pushed", PUSH, ({ block1 }) => block1?.num === 0],
    ["a block in the middle is pushed", PUSH, ({ block1 }) => block1?.num === 2],
    ["the last block is pushed", PUSH, ({ block1 }) => block1?.more === false],
    ["the URI is written", PULL, ({ payload, path }) => path === "/5/0/1" && payload.length > 10],
    [
      "the package is looked for",
      PUSH,
      ({ path, observe, method }) => method === "GET" && path === "/5/0/5" && observe === undefined,
    ],
    ["Update is executed", PULL, ({ method }) => method === "POST"],
  ];

  for (const [name, method, isMoment] of moments) {
    for (const arrives of [true, false]) {
      it(`kill -9 when ${name}, which ${arrives ? "arrives, its answer does not" : "is lost"}: nothing twice, nothing missing`, async () => {
        const { world, device, image, update } = await open(method);
        let reached = false;
        let executed = 0;
        device.onUpdate = () => {
          executed++;
          device.change({ state: 3 });
        };
        const take = device.wire.script;
        // From that request on the device says nothing more to this life of the host.
        device.wire.script = asked => {
          if (reached) return undefined;
          if (!isMoment(asked)) return take(asked);
          reached = true;
          if (arrives) take(asked);
          return undefined;
        };
        await device.register();
        const id = await update();
        if (method === PULL && !reached) {
          device.change({ state: 2 });
          await device.settle();
        }
        assert.isTrue(reached, "the moment came");
        await world.restart("crash");
        device.wire.script = take;
        await device.settle();
        await finish(id);
        assert.equal(executed, 1, "Update was executed");
        if (method === PUSH) {
          assert.deepEqual(device.packages, [image]);
          assert.deepEqual(device.blocks, [0, 1, 2, 3], "each block was taken once");
        } else {
          const uris = new Set(device.uris.filter(uri => uri.length > 1));
          assert.equal(uris.size, 1, "the same URI");
        }
      });
    }
  }

  it("kill -9 while it waits for the device: it looks, and goes on", async () => {
    for (const state of [1, 2, 3]) {
      const { world, device, update, status } = await open(PULL);
      await device.register();
      const id = await update();
      if (state === 3) {
        device.change({ state: 2 });
        await device.settle();
      }
      await world.restart("crash");
      if (state === 2) device.state = 2;
      if (state === 3) Object.assign(device, { state: 0, result: 1 });
      await device.settle();
      assert.equal(await status(id), state === 3 ? "SUCCESSFUL" : "EXECUTING", `state ${state}`);
      assert.equal(device.state, [0, 1, 3, 0][state]);
      await fota[Symbol.asyncDispose]();
    }
    await open(PULL);
  });

  it("an orderly stop is the same", async () => {
    const { world, device, update } = await open(PULL);
    await device.register();
    const id = await update();
    await world.restart("stop");
    await device.settle();
    await finish(id);
  });

  it("a device that has lost the blocks before says so (4.08) and gets all again", async () => {
    const { world, device, image, update } = await open(PUSH);
    let blocks = 0;
    device.override = ({ block1 }) => (block1 && ++blocks > 3 ? "silent" : undefined);
    await device.register();
    const id = await update();
    await world.restart("crash");
    device.override = ({ block1 }): Answer | undefined => {
      device.override = () => undefined;
      return block1 ? { code: 136, block1 } : undefined;
    };
    await device.settle();
    await finish(id);
    assert.deepEqual(device.packages, [image]);
  });

  describe("20-21: a new address", () => {
    it("in the middle of a push: the same block goes to it, as the same message", async () => {
      const { world, device, image, update } = await open(PUSH);
      let isMoved = false;
      device.override = ({ block1 }) => (block1?.num === 1 && !isMoved ? "silent" : undefined);
      await device.register();
      const id = await update();
      await world.clock.advance(100);
      isMoved = true;
      device.wire.moveTo(5001);
      await device.update();
      assert.deepEqual(device.packages, [image]);
      assert.deepEqual(device.blocks, [0, 1, 2, 3]);
      await finish(id);
    });

    it("with each block a new one: progress counts, it goes on at once", async () => {
      const { world, device, image, update } = await open(PUSH);
      await device.register();
      const taken = new Set<number>();
      device.override = ({ block1 }) => {
        if (!block1 || taken.has(block1.num)) return undefined;
        taken.add(block1.num);
        return "silent";
      };
      const id = await update();
      for (let port = 5001; device.packages.length === 0 && port < 5010; port++) {
        await world.clock.advance(50);
        device.wire.moveTo(port);
        await device.update();
      }
      assert.deepEqual(device.packages, [image]);
      await finish(id);
    });

    it("cancelled again without progress: it waits for the device in a state that goes on", async () => {
      const { world, device, update, step, status } = await open(PULL);
      device.override = ({ path, payload }) => (path === "/5/0/1" && payload.length > 10 ? "silent" : undefined);
      await device.register();
      const id = await update();
      for (const port of [5001, 5002]) {
        await world.clock.advance(50);
        device.override = ({ path }) => (path === "/5/0/3" ? "silent" : undefined);
        device.wire.moveTo(port);
        await device.update();
      }
      device.override = () => undefined;
      assert.equal(await step(id), "DELIVER");
      assert.equal(await status(id), "EXECUTING");
      await finish(id);
    });
  });

  describe("20-21: offline", () => {
    it("at the reset: PENDING, with an event; it begins when the device is back", async () => {
      const { world, device, deviceId, update, status } = await open(PULL);
      const id = await update();
      assert.equal(await status(id), "PENDING");
      await world.clock.advance(1000);
      const events = await world.events(deviceId);
      assert.deepInclude(
        events.map(({ text }) => text),
        `Operation ${id} is not executed now: the device is not registered`,
      );
      await device.register();
      assert.equal(await status(id), "EXECUTING");
      await finish(id);
    });

    it("at the reset, asleep: PENDING until it wakes", async () => {
      const { world, device, update, status } = await open(PULL);
      await device.register("ep=dev&lwm2m=1.1&lt=86400&b=U&at=10000");
      await world.clock.advance(60_000);
      device.wire.asked.splice(0);
      const id = await update();
      assert.isEmpty(device.paths());
      assert.equal(await status(id), "PENDING");
      await device.update();
      assert.equal(await status(id), "EXECUTING");
      await finish(id);
    });

    it("at the result: an event, the operation stays open, the next connection decides", async () => {
      const { world, device, deviceId, update, status } = await open(PULL);
      await device.register();
      const id = await update();
      device.change({ state: 2 });
      await device.settle();
      device.override = ({ method }) => (method === "GET" ? "silent" : undefined);
      Object.assign(device, { state: 0, result: 8 });
      await device.register();
      await world.clock.advance(200_000);
      await device.settle();
      assert.equal(await status(id), "EXECUTING");
      const events = (await world.events(deviceId)).filter(
        ({ type }) => type === "c8y_LWM2MFirmwareDeviceNotConnected",
      );
      assert.lengthOf(events, 1);
      device.override = () => undefined;
      await device.update();
      assert.equal(await status(id), "FAILED: Update Result 8: firmware update failed");
    });

    it("D12: silence after Execute, then Register under the same endpoint: the result decides, nothing is executed twice", async () => {
      const { world, device, update, status } = await open(PULL);
      device.override = ({ method }) => {
        if (method !== "POST") return undefined;
        device.state = 3;
        return "silent";
      };
      await device.register();
      const id = await update();
      device.change({ state: 2 });
      await device.settle();
      await world.clock.advance(5_000);
      Object.assign(device, { state: 0, result: 1, version: "2.0" });
      await device.register();
      assert.equal(await status(id), "SUCCESSFUL");
      const executed = device.wire.asked.filter(({ method }) => method === "POST");
      assert.equal(new Set(executed.map(({ messageId }) => messageId)).size, 1);
    });

    it("D12: the version that runs decides where the start has wiped the result", async () => {
      const { device, update, status } = await open(PULL);
      await device.register();
      const id = await update();
      device.change({ state: 2 });
      await device.settle();
      Object.assign(device, { state: 0, result: 0, version: "2.0" });
      await device.register();
      assert.equal(await status(id), "SUCCESSFUL");
    });

    it("the registration expires in the middle of a push; the next one goes on", async () => {
      const { world, device, image, update } = await open(PUSH);
      device.override = ({ block1 }) => (block1?.num === 2 ? "silent" : undefined);
      await device.register("ep=dev&lwm2m=1.1&lt=60");
      const id = await update();
      await world.clock.advance(200_000);
      await device.settle();
      assert.equal(world.agent.server.registrations.size, 0);
      device.override = () => undefined;
      await device.register();
      assert.deepEqual(device.packages, [image]);
      await finish(id);
    });
  });

  describe("20-22: what does not fit (agent specification 14.4)", () => {
    for (const [fragments, expected] of [
      [{}, "EXECUTING"],
      [{ fwFailOnUnexpectedResult: true }, "FAILED: unexpected: state 0 (idle) without a result, firmware version 1.0"],
    ] as const) {
      it(`${JSON.stringify(fragments)}: ${expected}`, async () => {
        const { device, update, status, set } = await open(PULL);
        await set(fragments);
        await device.register();
        const id = await update();
        device.change({ state: 2 });
        await device.settle();
        device.state = 0;
        await device.register();
        assert.equal(await status(id), expected);
        if (expected !== "EXECUTING") return;
        device.change({ result: 1 });
        await device.settle();
        assert.equal(await status(id), "SUCCESSFUL");
      });
    }
  });

  it("20-20: the URI works on any node: the token is in the store, the next life of the host serves it too", async () => {
    const { world, device, update, image } = await open(PULL);
    await device.register();
    await update();
    const token = device.uri!.split("/").at(-1)!;
    await world.restart("crash");
    const served = await world.wait(world.downloads.find(token));
    assert.deepEqual(await world.wait(served!.read("https", 0, 5000)), image);
  });

  it("updates of many devices side by side, through a restart", async () => {
    const { world, url } = await open(PULL);
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) {
      const { id } = await world.make(`many-${n}`);
      await world.wait(
        world.platform.operations.create("t1", { deviceId: id, c8y_Firmware: { name: "a", version: "2", url } }),
      );
      ids.push(id);
    }
    await world.settle();
    assert.equal(world.agent.figures.firmwareUpdatesWaiting, 20);
    await world.restart("crash");
    assert.equal(world.agent.figures.firmwareUpdatesWaiting, 20);
  });
});
