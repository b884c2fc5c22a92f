import { assert } from "chai";
import { noted, type Timeline } from "../../../src/agent/firmware/timeline.ts";
import { FIRMWARE_POSITIONS } from "../../../src/store/collections/firmware.ts";
import { TENANT, USER } from "../support/agent-world.ts";
import { createFirmwareWorld, type FirmwareWorld } from "./support/firmware-world.ts";

const PUSH = 1;
const PULL = 0;

describe("agent/firmware: what is refused and what is ended", () => {
  let fota: FirmwareWorld;
  afterEach(() => fota[Symbol.asyncDispose]());

  async function open(method = PUSH): Promise<FirmwareWorld> {
    fota = await createFirmwareWorld();
    fota.device.method = method;
    return fota;
  }
  const services = () => fota.world.agent.firmware;
  const failure = (promise: Promise<unknown>) => fota.world.failure(promise);

  const bad: readonly [string, Readonly<Record<string, unknown>>, string][] = [
    ["no name", { name: undefined }, "c8y_Firmware.name is missing"],
    ["a blank name", { name: "  " }, "c8y_Firmware.name must not be blank"],
    ["no version", { version: "" }, "c8y_Firmware.version is missing"],
    ["a number as version", { version: 2 }, "c8y_Firmware.version must be a text"],
    ["no url", { url: null }, "c8y_Firmware.url is missing"],
    ["$PROVIDED", { url: "$PROVIDED" }, "c8y_Firmware.url is $PROVIDED: a LwM2M device"],
    ["a path that is no URL", { url: "firmware.bin" }, "c8y_Firmware.url must be the URL of a binary, or begin with"],
    ["ftp", { url: "ftp://h/fw" }, "c8y_Firmware.url must be the URL of a binary, or begin with"],
    ["javascript", { url: "javascript:alert(1)" }, "c8y_Firmware.url must be"],
    ["file", { url: "file:///etc/passwd" }, "c8y_Firmware.url must be"],
    ["blanks", { url: "https://h/a b" }, "c8y_Firmware.url must not hold blanks"],
    ["an unknown binary", { url: "https://h/inventory/binaries/4711" }, "c8y_Firmware.url names no binary: 4711"],
    ["longer than a Package URI", { url: `https://h/${"x".repeat(255)}` }, "c8y_Firmware.url must have at most 255"],
  ];
  for (const [name, firmware, part] of bad) {
    it(`bad input: ${name} fails at once, nothing is sent`, async () => {
      const { device, deviceId, update, status, url } = await open();
      await device.register();
      device.wire.asked.splice(0);
      assert.include(await status(await update(firmware)), `FAILED: ${part}`);
      assert.isEmpty(device.paths());
      const error = await failure(
        services().startFirmware(TENANT, deviceId, { name: "fw", version: "2.0", url, ...firmware }),
      );
      assert.equal(error.code, "VALIDATION");
      assert.include(error.message, part);
    });
  }

  it("bad input: an empty binary, and one of another tenant", async () => {
    const { world, device, update, status, store } = await open();
    await device.register();
    const empty = await store(new Uint8Array(0));
    assert.equal(
      await status(await update({ url: `/inventory/binaries/${empty}` })),
      `FAILED: c8y_Firmware.url names an empty binary: ${empty}`,
    );
    const upload = await world.wait(world.platform.binaries.begin("t2"));
    await world.wait(upload.write(Uint8Array.of(1)));
    const { id } = await world.wait(upload.create({ body: { name: "theirs" }, owner: USER }));
    assert.equal(
      await status(await update({ url: `/inventory/binaries/${id}` })),
      `FAILED: c8y_Firmware.url names no binary: ${id}`,
    );
    assert.isEmpty(device.paths());
  });

  it("bad input: it fails at once, also while the device is away or another update runs", async () => {
    const { device, update, status } = await open(PULL);
    assert.match(await status(await update({ name: "" })), /^FAILED/);
    await device.register();
    await update();
    assert.match(await status(await update({ name: "" })), /^FAILED/);
  });

  it("bad input: an operation that is changed while it waits fails when its turn comes, the next one begins", async () => {
    const { world, device, update, status } = await open(PULL);
    await device.register();
    await update();
    const [changed, last] = [await update(), await update()];
    const changes = { status: "PENDING", c8y_Firmware: { name: "fw" } };
    await world.wait(world.platform.operations.update(TENANT, changed, changes));
    device.change({ state: 0, result: 5 });
    await device.settle();
    assert.equal(await status(changed), "FAILED: c8y_Firmware.version is missing");
    assert.equal(await status(last), "EXECUTING");
  });

  it("agent specification 14.7: disableFirmwareStateMachine", async () => {
    const { device, update, status, set } = await open();
    await set({ disableFirmwareStateMachine: true });
    await device.register();
    assert.equal(
      await status(await update()),
      "FAILED: the host updates no firmware of this device (disableFirmwareStateMachine)",
    );
    assert.isEmpty(device.paths());
  });

  it("a device without the object: FAILED, nothing is sent", async () => {
    const { device, update, status } = await open();
    await device.register("ep=dev&lwm2m=1.1", "</1/0>,</3/0>");
    assert.equal(await status(await update()), "FAILED: the device registers no Firmware Update object (/5)");
    assert.isEmpty(device.paths());
  });

  it("no protocol in common, an external URL that it cannot fetch, no method: FAILED before anything is delivered", async () => {
    for (const [change, firmware, part] of [
      [{ protocols: [4] }, {}, "the device fetches firmware by COAP+TCP, this host offers COAP, COAPS, HTTP, HTTPS"],
      [
        { protocols: [0] },
        { url: "https://h/fw" },
        "the device fetches firmware by COAP, its URL begins with https://",
      ],
      [{ method: PUSH }, { url: "https://h/fw" }, "the device takes firmware by PUSH only"],
      [{ method: undefined }, {}, "set fwUpdateDeliveryMethod"],
    ] as const) {
      const { device, update, status } = await open(PULL);
      Object.assign(device, change);
      await device.register();
      const shown = await status(await update(firmware));
      assert.include(shown, part);
      assert.isEmpty(device.packages);
      assert.isEmpty(device.uris.filter(uri => uri.length > 1));
      await fota[Symbol.asyncDispose]();
    }
    await open();
  });

  it("OMA 772: Execute Update with nothing downloaded is answered 4.05 and changes nothing", async () => {
    const { world, device, deviceId, status } = await open();
    await device.register();
    const { id } = await world.command(deviceId, "execute /5/0/2");
    await device.settle();
    assert.equal(await status(id), "FAILED: 4.05 Method Not Allowed");
    assert.deepInclude(device, { state: 0, result: 0 });
  });

  describe("agent specification 14.5: cancel", () => {
    const cancel = () => fota.world.wait(services().cancelFirmware(TENANT, fota.deviceId));

    it("by REST: FAILED, the device is reset and not observed any more; nothing to cancel afterwards", async () => {
      const { device, update, status } = await open(PULL);
      await device.register();
      const id = await update();
      device.wire.asked.splice(0);
      assert.equal(await cancel(), id);
      await device.settle();
      assert.equal(await status(id), "FAILED: Firmware update cancelled");
      assert.deepEqual(device.paths(), ["PUT /5/0/1", "CANCEL /5/0/3", "CANCEL /5/0/5"]);
      assert.deepInclude(device, { state: 0, uri: "\0" });
      assert.isUndefined(await cancel());
    });

    it("in the middle of a push: no further block leaves, the next update begins", async () => {
      const { world, device, update, status } = await open(PUSH);
      device.override = ({ block1 }) => (block1?.num === 2 ? "silent" : undefined);
      await device.register();
      const id = await update();
      const next = await update({ version: "3.0" });
      device.wire.asked.splice(0);
      await cancel();
      device.override = () => undefined;
      await device.settle();
      assert.equal(await status(id), "FAILED: Firmware update cancelled");
      assert.equal(device.paths()[0], "PUT /5/0/0");
      assert.isUndefined(device.wire.asked[0]?.block1);
      assert.equal(await status(next), "EXECUTING");
      assert.lengthOf(device.packages, 1);
      assert.isUndefined(await world.wait(world.store.collection(FIRMWARE_POSITIONS).findOne({ _id: id })));
    });

    it("while the device is away; nothing is sent when it comes", async () => {
      const { device, update, status } = await open(PULL);
      const id = await update();
      assert.equal(await cancel(), id);
      assert.equal(await status(id), "FAILED: Firmware update cancelled");
      await device.register();
      assert.isEmpty(device.paths());
    });

    it("while it installs: the update is ended here, the device is left alone", async () => {
      const { device, update, status } = await open(PULL);
      await device.register();
      const id = await update();
      device.change({ state: 2 });
      await device.settle();
      device.wire.asked.splice(0);
      await cancel();
      await device.settle();
      assert.equal(await status(id), "FAILED: Firmware update cancelled");
      assert.deepEqual(device.paths(), ["CANCEL /5/0/3", "CANCEL /5/0/5"]);
    });

    it("another tenant's device is not known", async () => {
      const { device, deviceId, update } = await open(PULL);
      await device.register();
      await update();
      assert.isUndefined(await fota.world.wait(services().cancelFirmware("t2", deviceId)));
    });

    it("by deletion of the operation", async () => {
      const { world, device, deviceId, update } = await open(PULL);
      await device.register();
      const id = await update();
      device.wire.asked.splice(0);
      await world.wait(world.platform.operations.deleteMatching(TENANT, { deviceId }));
      await device.settle();
      assert.deepEqual(device.paths(), ["PUT /5/0/1", "CANCEL /5/0/3", "CANCEL /5/0/5"]);
      assert.equal((await failure(world.operation(id))).code, "NOT_FOUND");
      assert.equal(world.agent.figures.firmwareUpdatesWaiting, 0);
    });

    it("by an end that somebody writes into the operation: that stays, with the timeline", async () => {
      const { world, device, update, status, step } = await open(PULL);
      await device.register();
      const id = await update();
      const changes = { status: "FAILED", failureReason: "enough" };
      await world.wait(world.platform.operations.update(TENANT, id, changes, null));
      await device.settle();
      assert.equal(await status(id), "FAILED: enough");
      assert.equal(await step(id), "AWAIT_DOWNLOAD");
      device.change({ state: 2 });
      await device.settle();
      assert.equal(device.state, 2, "nothing is executed");
    });

    it("a device that is removed takes its updates with it", async () => {
      const { world, device, deviceId, update } = await open(PUSH);
      device.override = ({ block1 }) => (block1?.num === 2 ? "silent" : undefined);
      await device.register();
      await update();
      await update();
      await world.wait(world.agent.removeDevice(TENANT, deviceId), 10);
      assert.equal(world.agent.figures.firmwareUpdatesWaiting, 0);
      const positions = world.store.collection(FIRMWARE_POSITIONS);
      assert.equal(await world.wait(positions.count({ deviceId })), 0);
    });
  });

  it("bytes that are replaced or deleted in the middle of a push: FAILED, not a mixture", async () => {
    const { world, device, binaryId, update, status } = await open(PUSH);
    device.override = ({ block1 }) => (block1?.num === 1 ? "silent" : undefined);
    await device.register();
    const id = await update();
    const upload = await world.wait(world.platform.binaries.begin(TENANT));
    await world.wait(upload.write(new Uint8Array(1600)));
    await world.wait(upload.replace(binaryId));
    device.override = () => undefined;
    await world.restart("crash");
    await device.settle();
    assert.equal(await status(id), "FAILED: the bytes of the firmware were replaced while they were delivered");
    assert.isEmpty(device.packages);
  });

  it("fwupdate of the shell makes the operation", async () => {
    const { world, device, deviceId, status, url } = await open(PULL);
    await device.register();
    const { id } = await world.command(deviceId, `fwupdate fw;2.0;${url}`);
    await device.settle();
    const command = await world.operation(id);
    assert.equal(command.status, "SUCCESSFUL", command.failureReason);
    const page = { currentPage: 1, pageSize: 10, withTotal: false };
    const filter = { deviceId, fragmentType: "c8y_Firmware" };
    const { items } = await world.wait(world.platform.operations.list(TENANT, filter, page));
    assert.lengthOf(items, 1);
    assert.include((command.fragments["c8y_Command"] as { result: string }).result, items[0]!.id);
    assert.deepEqual(items[0]!.fragments["c8y_Firmware"], { name: "fw", version: "2.0", url });
    assert.equal(await status(items[0]!.id), "EXECUTING");
  });

  describe("where is it stuck, and since when", () => {
    it("step, since, what it waits for, bytes and the timeline", async () => {
      const { world, device, deviceId, update } = await open(PUSH);
      device.override = ({ block1 }) => (block1?.num === 2 ? "silent" : undefined);
      await device.register();
      const startedMs = world.clock.now();
      const id = await update();
      const queued = await update();
      await world.clock.advance(5_000);
      const { device: shown, updates } = await world.wait(services().firmwareUpdates(TENANT, deviceId));
      assert.deepInclude(shown, { registered: true, reachable: true });
      const [second, first] = updates;
      assert.deepInclude(second, { operationId: queued, status: "PENDING", waitsFor: "the update before it" });
      assert.deepInclude(first, {
        operationId: id,
        status: "EXECUTING",
        step: "DELIVER",
        since: new Date(startedMs).toISOString(),
        waitsFor: "the device to take the package or its URI",
        delivery: { method: "PUSH" },
        bytes: 1024,
        totalBytes: 1600,
      });
      const texts = first!.timeline.map(({ step, text }) => `${step}: ${text}`);
      assert.match(texts[0]!, /^RESET: accepted: fw 2\.0 from http/);
      assert.includeMembers(texts, [
        "RESET: the device takes firmware by PUSH",
        "QUERY: the device was reset",
        "DELIVER: state and result are observed",
        "DELIVER: 512 of 1600 bytes",
        "DELIVER: 1024 of 1600 bytes",
      ]);
    });

    it("away: it says so; ended: the timeline stays with the operation", async () => {
      const { world, deviceId, update, device } = await open(PULL);
      await update();
      const away = await world.wait(services().firmwareUpdates(TENANT, deviceId));
      assert.deepEqual(away.device, { registered: false, reachable: false });
      assert.match(away.updates[0]!.waitsFor!, /^the next registration or update of the device/);
      await device.register();
      device.change({ state: 0, result: 5 });
      await device.settle();
      await world.restart("crash");
      const [ended] = (await world.wait(services().firmwareUpdates(TENANT, deviceId))).updates;
      assert.deepInclude(ended, { status: "FAILED", step: "FAILED" });
      assert.isUndefined(ended!.waitsFor);
      assert.match(ended!.timeline.at(-1)!.text, /integrity check/);
    });

    it("the bytes of a pull are those that the device has fetched", async () => {
      const { world, device, deviceId, update } = await open(PULL);
      await device.register();
      await update();
      const served = await world.wait(world.downloads.find(device.uri!.split("/").at(-1)!));
      await world.wait(served!.read("coap", 0, 800));
      await world.settle();
      const [shown] = (await world.wait(services().firmwareUpdates(TENANT, deviceId))).updates;
      assert.deepInclude(shown, { bytes: 800, totalBytes: 1600 });
    });

    it("no device: NOT_FOUND", async () => {
      await open();
      assert.equal((await failure(services().firmwareUpdates(TENANT, "4711"))).code, "NOT_FOUND");
    });

    it("the timeline counts what comes again, and keeps its beginning and its end", async () => {
      await open();
      let timeline: Timeline = [];
      for (let n = 0; n < 500; n++) {
        for (let again = 0; again < 3; again++) {
          timeline = noted(timeline, { atMs: n * 10 + again, step: "S", text: String(n) });
        }
      }
      assert.lengthOf(timeline, 100);
      assert.deepEqual(timeline[0], { atMs: 0, step: "S", text: "0", count: 3, lastMs: 2 });
      assert.equal(timeline[19]?.text, "19");
      assert.equal(timeline[20]?.text, "420");
      assert.equal(timeline.at(-1)?.text, "499");
    });
  });
});
