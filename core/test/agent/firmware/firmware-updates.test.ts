import { assert } from "chai";
import type { Asked } from "../../lwm2m/support/scripted-device.ts";
import { TENANT, type WorldOptions } from "../support/agent-world.ts";
import { createFirmwareWorld, type FirmwareWorld } from "./support/firmware-world.ts";

const PUSH = 1;
const PULL = 0;
const BOTH = 2;

describe("agent/firmware: updates", () => {
  let fota: FirmwareWorld;
  afterEach(() => fota[Symbol.asyncDispose]());

  async function open(method = PUSH, options?: WorldOptions): Promise<FirmwareWorld> {
    fota = await createFirmwareWorld(options);
    fota.device.method = method;
    return fota;
  }

  it("OMA 770: a whole push, from the reset to the new version", async () => {
    const { device, image, update, status, installed, url } = await open();
    await device.register();
    const id = await update();
    assert.deepEqual(device.paths(), [
      "GET /5/0/9",
      "PUT /5/0/0",
      "GET /5/0",
      "GET /3/0/3",
      "OBSERVE /5/0/3",
      "OBSERVE /5/0/5",
      "PUT /5/0/0",
      "PUT /5/0/0",
      "PUT /5/0/0",
      "PUT /5/0/0",
      "GET /5/0/3",
      "GET /5/0/5",
      "POST /5/0/2",
    ]);
    assert.deepEqual(device.packages, [image]);
    assert.deepEqual([...new Set(device.wire.asked.filter(({ block1 }) => block1).map(each => each.block1?.szx))], [5]);
    assert.equal(await status(id), "EXECUTING");
    assert.equal(device.state, 3);
    device.wire.asked.splice(0);
    Object.assign(device, { state: 0, result: 1, version: "2.0" });
    await device.register();
    assert.deepEqual(device.paths(), ["GET /5/0/3", "GET /5/0/5", "GET /3/0/3"]);
    assert.equal(await status(id), "SUCCESSFUL");
    assert.deepEqual(await installed(), { name: "fw", version: "2.0", url });
  });

  it("OMA 771: a whole pull from a URI that this device alone may use; without a start the result comes as a notification", async () => {
    const { world, device, update, status, installed, deviceId } = await open(PULL);
    await device.register();
    const id = await update();
    assert.equal(await status(id), "EXECUTING");
    assert.match(device.uri!, /^coap:\/\/fw\.example\.com:5783\/fw\/[\w-]{22}$/);
    const token = device.uri!.split("/").at(-1)!;
    const served = await world.wait(world.downloads.find(token));
    assert.include(served, { deviceId, operationId: id, length: 1600 });
    assert.deepEqual(await world.wait(served!.read("coap", 0, 2000)), fota.image);
    device.change({ state: 2 });
    await device.settle();
    assert.equal(device.state, 3);
    device.change({ state: 0, result: 1 });
    await device.settle();
    assert.equal(await status(id), "SUCCESSFUL");
    assert.deepInclude(await installed(), { version: "2.0" });
    assert.deepEqual(device.paths().slice(-2), ["CANCEL /5/0/3", "CANCEL /5/0/5"]);
    assert.isUndefined(await world.wait(world.downloads.find(token)), "the token is worth nothing any more");
  });

  it("OMA 760: the state is observed through a push; 1 and 2 may come often", async () => {
    const { device, update, status } = await open();
    device.onPackage = () => {};
    await device.register();
    const id = await update();
    for (let round = 0; round < 3; round++) {
      device.state = 0;
      device.change({ state: 1 });
      await device.settle();
    }
    device.change({ state: 2 });
    await device.settle();
    assert.equal(device.state, 3);
    assert.equal(await status(id), "EXECUTING");
  });

  describe("OMA 773-779: a result of 2 and more fails the update, with its reason", () => {
    const REASONS: readonly [result: number, oma: string, reason: string][] = [
      [2, "OMA 773", "not enough storage for the package"],
      [3, "OMA 774", "out of memory while downloading"],
      [4, "OMA 775", "connection lost while downloading"],
      [5, "OMA 776", "integrity check of the package failed"],
      [6, "OMA 777", "package type is not supported"],
      [7, "OMA 778", "the URI of the package is not valid"],
      [8, "OMA 779", "firmware update failed"],
      [9, "result 9", "protocol is not supported"],
      [10, "result 10", "update was cancelled"],
    ];
    for (const [result, oma, reason] of REASONS) {
      for (const [name, method] of [
        ["push", PUSH],
        ["pull", PULL],
      ] as const) {
        it(`${oma}, ${name}: ${reason}`, async () => {
          const { device, update, status, installed } = await open(method);
          device.onPackage = () => device.change({ state: 2 });
          if (result !== 8) {
            device.onPackage = () => device.change({ state: 0, result });
            device.onUri = () => device.change({ state: 1 });
          }
          await device.register();
          const id = await update();
          if (method === PULL) device.change(result === 8 ? { state: 2 } : { state: 0, result });
          await device.settle();
          if (result === 8) {
            device.change({ state: 2, result });
            await device.settle();
          }
          assert.equal(await status(id), `FAILED: Update Result ${result}: ${reason}`);
          assert.isUndefined(await installed());
        });
      }
    }

    it("OMA 773: a device that refuses a block has its result read", async () => {
      const { device, update, status } = await open();
      device.override = ({ block1 }) => {
        if (block1?.num !== 2) return undefined;
        device.change({ state: 0, result: 2 });
        return { code: 141, block1 };
      };
      await device.register();
      const id = await update();
      assert.equal(await status(id), "FAILED: Update Result 2: not enough storage for the package");
    });

    it("OMA 779: refused by the device itself, its version stays", async () => {
      const { device, update, status } = await open();
      device.onUpdate = () => device.change({ state: 2, result: 8 });
      await device.register();
      assert.equal(await status(await update()), "FAILED: Update Result 8: firmware update failed");
      assert.equal(device.version, "1.0");
    });
  });

  describe("20-19: the reset follows the delivery method", () => {
    const cases: readonly [string, number, Readonly<Record<string, unknown>>, string, string | undefined][] = [
      ["PUSH", PUSH, {}, "/5/0/0", undefined],
      ["PULL", PULL, {}, "/5/0/1", "\0"],
      ["BOTH", BOTH, {}, "/5/0/1", "\0"],
      ["PACKAGE", PULL, { fwUpdateResetMechanism: "PACKAGE" }, "/5/0/0", undefined],
      ["PACKAGE_URI", PUSH, { fwUpdateResetMechanism: "PACKAGE_URI" }, "/5/0/1", ""],
      ["the operator's PULL", PUSH, { fwUpdateDeliveryMethod: "PULL" }, "/5/0/1", "\0"],
    ];
    for (const [name, method, fragments, path, uri] of cases) {
      it(name, async () => {
        const { device, update, set } = await open(method);
        await set(fragments);
        await device.register();
        await update();
        const reset = device.wire.asked.find(each => each.method === "PUT")!;
        assert.equal(reset.path, path);
        if (uri === undefined) assert.deepEqual([...reset.payload], [0]);
        else assert.equal(device.uris[0], uri);
      });
    }

    it("a device that does not say its method: skipped, and tried again when it connects; nothing is guessed", async () => {
      const { world, device, update, status } = await open(PULL);
      device.override = ({ path }) => (path === "/5/0/9" ? "silent" : undefined);
      await device.register();
      const id = await update();
      await world.clock.advance(200_000);
      assert.equal(await status(id), "PENDING");
      assert.isFalse(device.wire.asked.some(({ method }) => method === "PUT"));
      device.override = () => undefined;
      await device.update();
      assert.equal(device.uri?.slice(0, 7), "coap://");
      assert.equal(await status(id), "EXECUTING");
    });

    it("an error is the end, and names the Write", async () => {
      const { device, update, status } = await open(PULL);
      device.override = ({ method }) => (method === "PUT" ? { code: 133 } : undefined);
      await device.register();
      assert.equal(
        await status(await update()),
        "FAILED: Reset by Write of /5/0/1 was answered 4.05 Method Not Allowed",
      );
    });

    it("none where that is set; the operation is executing when the device has answered", async () => {
      const { device, update, status, set } = await open(PULL);
      await set({ fwResetStateMachineOnStart: false });
      await device.register();
      const id = await update();
      assert.deepEqual(device.paths().slice(0, 2), ["GET /5/0", "GET /3/0/3"]);
      assert.equal(await status(id), "EXECUTING");
      assert.lengthOf(
        device.wire.asked.filter(({ method }) => method === "PUT"),
        1,
      );
    });
  });

  describe("overrides (agent specification 14.3)", () => {
    it("a method and a protocol of the operator's beat the device's", async () => {
      const { device, update, set } = await open(PUSH);
      await set({ fwUpdateDeliveryMethod: "PULL", fwUpdateSupportedDeviceProtocol: "COAP" });
      await device.register();
      await update();
      assert.match(device.uri!, /^coap:\/\/fw\.example\.com:5783\/fw\//);
    });

    it("an external URL goes to the device as it is", async () => {
      const { device, update } = await open(PULL);
      await device.register();
      await update({ url: "https://cdn.example.com/a%20b.bin?x=1" });
      assert.equal(device.uri, "https://cdn.example.com/a%20b.bin?x=1");
    });

    it("fwUpdateURL is used whatever the operation says; the managed object shows the operation's", async () => {
      const { device, update, set, installed, url } = await open(PULL);
      await set({ fwUpdateURL: "coap://fixed.example.com/fw" });
      await device.register();
      await update();
      assert.equal(device.uri, "coap://fixed.example.com/fw");
      device.change({ state: 2 });
      await device.settle();
      device.change({ state: 0, result: 1 });
      await device.settle();
      assert.deepInclude(await installed(), { url });
    });

    for (const [encoding, format] of [
      ["TLV", 11542],
      ["TEXT", 0],
    ] as const) {
      it(`binaryDeliveryEncoding ${encoding}: the package is pushed so`, async () => {
        const { device, update, set, image } = await open();
        await set({ binaryDeliveryEncoding: encoding });
        device.override = ({ path, contentFormat, payload }) =>
          path === "/5/0/0" && contentFormat === format && payload.length < 8 ? { code: 68 } : undefined;
        await device.register();
        await update();
        const blocks = device.wire.asked.filter(({ block1 }) => block1);
        assert.deepEqual([...new Set(blocks.map(({ contentFormat }) => contentFormat))], [format]);
        const body = Buffer.from(device.packages[0]!);
        const bytes = encoding === "TEXT" ? Buffer.from(body.toString(), "base64") : body.subarray(-image.length);
        assert.isTrue(bytes.equals(image));
      });
    }
  });

  it("LwM2M 1.0 and 1.1, text alone or TLV: the same", async () => {
    for (const [query, links] of [
      ["ep=dev", "</1/0>,</3/0>,</5/0>"],
      ["ep=dev&lwm2m=1.0", "</>;ct=11542,</5/0>"],
      ["ep=dev&lwm2m=1.1", '</>;ct="11542 0",</5>,</5/0>'],
    ] as const) {
      const { device, update, status, image } = await open();
      await device.register(query, links);
      const id = await update();
      Object.assign(device, { state: 0, result: 1 });
      await device.register(query, links);
      assert.equal(await status(id), "SUCCESSFUL", query);
      assert.deepEqual(device.packages, [image]);
      await fota[Symbol.asyncDispose]();
    }
    await open();
  });

  it("another instance than 0 is used where the device has that", async () => {
    const { device, update } = await open();
    const seen: string[] = [];
    device.override = ({ path }: Asked) => {
      seen.push(path);
      return path.startsWith("/5/3/9") ? { code: 69, contentFormat: 0, payload: "1" } : undefined;
    };
    await device.register("ep=dev&lwm2m=1.1", "</5/3>");
    await update();
    assert.deepEqual(seen.slice(0, 2), ["/5/3/9", "/5/3/0"]);
  });

  it("OMA 751: a device that is not idle after the reset is left alone", async () => {
    const { device, update, status } = await open(PULL);
    device.override = ({ method, path }) => (method === "PUT" && path === "/5/0/1" ? { code: 68 } : undefined);
    device.state = 2;
    await device.register();
    assert.equal(
      await status(await update()),
      "FAILED: the device is in state 2 (downloaded) before the update; it must be idle",
    );
  });

  describe("a state that cannot be observed", () => {
    const alarms = async () => {
      const page = { currentPage: 1, pageSize: 10, withTotal: false };
      const { items } = await fota.world.wait(fota.world.platform.alarms.list(TENANT, {}, page));
      return items.map(({ type, severity, status }) => `${type} ${severity} ${status}`);
    };
    const OPEN = ["c8y_LWM2MFirmwareObserveFailure MAJOR ACTIVE"];

    for (const [name, answer] of [
      ["4.05", { code: 133 }],
      ["D7: a plain Read", { code: 69, contentFormat: 0, payload: "0" }],
    ] as const) {
      it(`${name}: alarm, and the state is read every 60 s`, async () => {
        const { world, device, update, status } = await open(PULL);
        device.override = ({ observe }) => (observe === 0 ? answer : undefined);
        await device.register();
        const id = await update();
        assert.deepEqual(await alarms(), OPEN);
        device.wire.asked.splice(0);
        await world.clock.advance(60_000);
        await device.settle();
        assert.deepEqual(device.paths(), ["GET /5/0/3", "GET /5/0/5"]);
        device.state = 2;
        await world.clock.advance(60_000);
        await device.settle();
        assert.equal(device.state, 3);
        Object.assign(device, { state: 0, result: 1 });
        await world.clock.advance(60_000);
        await device.settle();
        assert.equal(await status(id), "SUCCESSFUL");
        device.wire.asked.splice(0);
        await world.clock.advance(300_000);
        assert.isEmpty(device.paths());
      });
    }

    it("the alarm is cleared when it can be observed again", async () => {
      const { device, update } = await open(PULL);
      device.override = ({ observe }) => (observe === 0 ? { code: 133 } : undefined);
      await device.register();
      await update();
      device.override = () => undefined;
      await device.register();
      assert.deepEqual(await alarms(), ["c8y_LWM2MFirmwareObserveFailure MAJOR CLEARED"]);
    });
  });

  it("an observation that somebody else has is used, and stays", async () => {
    const { world, device, deviceId, update, status } = await open(PULL);
    await device.register();
    await world.command(deviceId, "observe /5/0/3");
    await device.settle();
    device.wire.asked.splice(0);
    const id = await update();
    assert.notInclude(device.paths(), "OBSERVE /5/0/3");
    device.change({ state: 2 });
    await device.settle();
    device.change({ state: 0, result: 1 });
    await device.settle();
    assert.equal(await status(id), "SUCCESSFUL");
    assert.deepEqual(
      device.paths().filter(path => path.startsWith("CANCEL")),
      ["CANCEL /5/0/5"],
    );
  });

  it("one update at a time, in the order of creation; commands are not held up by one that waits", async () => {
    const { world, device, deviceId, update, status } = await open(PULL);
    await device.register();
    const first = await update();
    const second = await update({ version: "3.0" });
    const command = await world.command(deviceId, "read /3/0/3");
    await device.settle();
    assert.deepEqual(await Promise.all([status(first), status(second)]), ["EXECUTING", "PENDING"]);
    assert.equal(await status(command.id), "SUCCESSFUL");
    device.change({ state: 0, result: 5 });
    await device.settle();
    assert.match(await status(first), /^FAILED: Update Result 5/);
    assert.equal(await status(second), "EXECUTING");
    assert.equal(device.state, 1);
  });

  it("each of the states of the log level: VERBOSE writes the steps as events, the usual one does not", async () => {
    for (const logLevel of ["VERBOSE", "LIFECYCLE"]) {
      const { world, device, deviceId, update, set } = await open(PULL);
      await set({ logLevel });
      await device.register();
      const id = await update();
      await world.clock.advance(1000);
      const events = (await world.events(deviceId)).filter(({ type }) => type === "c8y_LWM2MFirmwareLog");
      if (logLevel === "VERBOSE") {
        assert.deepInclude(events[0], { text: "Firmware update, RESET: the device registered" });
        assert.deepInclude(events[1]?.fragments["c8y_LWM2MFirmwareLog"], { operationId: id, step: "RESET" });
        assert.isAbove(events.length, 5);
      } else assert.isEmpty(events);
      await fota[Symbol.asyncDispose]();
    }
    await open();
  });
});
