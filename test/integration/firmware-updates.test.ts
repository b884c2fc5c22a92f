/** Firmware updates of simulated devices by the host as users start it: push and pull over each protocol, every result. */
import { assert } from "chai";
import { createSeededRandom } from "../../core/src/base/random.ts";
import { AGENT, awaitOperation, createCommand, registerDevice, registerPskDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { firmwareUpdates, storeImage, updateFirmware } from "../harness/firmware.ts";
import { type Host, startHost } from "../harness/host.ts";
import { type FirmwareDevice, type FirmwareDeviceOptions, openFirmwareDevice } from "../simulator/firmware-device.ts";

const KEY = "a-key-of-16-byte";
const PULL = 0;
const PUSH = 1;
const BLOCK = 512;

const imageOf = (length: number, seed: number): Buffer<ArrayBuffer> =>
  Buffer.from(createSeededRandom(seed).bytes(length));

describe("firmware updates over the host", () => {
  let host: Host;
  let client: Api;
  let image: Buffer<ArrayBuffer>;
  let url: string;
  let count = 0;

  before(async () => {
    host = await startHost();
    client = api(host);
    image = imageOf(20_000, 1);
    url = `${host.http}/inventory/binaries/${await storeImage(client, image)}`;
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
  });

  async function open(
    options: Pick<FirmwareDeviceOptions, "method" | "protocols" | "lwm2mVersion">,
    secured = false,
  ): Promise<{ readonly device: FirmwareDevice; readonly id: string }> {
    const endpoint = `fw-${++count}`;
    const { id } = secured
      ? await registerPskDevice(client, { endpoint, key: KEY })
      : await registerDevice(client, { endpointId: endpoint });
    const device = await openFirmwareDevice({
      endpoint,
      serverPort: secured ? host.coapsPort : host.coapPort,
      ...(secured ? { psk: { identity: endpoint, key: Buffer.from(KEY) } } : {}),
      ...options,
    });
    await device.connect();
    return { device, id };
  }

  for (const secured of [false, true]) {
    for (const lwm2mVersion of ["1.0", "1.1"] as const) {
      it(`OMA 770: push over ${secured ? "CoAPS" : "CoAP"} to a ${lwm2mVersion} device, whose start brings the new version`, async () => {
        const opened = await open({ method: PUSH, lwm2mVersion }, secured);
        await using device = opened.device;
        const { id } = await updateFirmware(client, opened.id, url);
        const { status, failureReason } = await awaitOperation(client, id);
        assert.equal(status, "SUCCESSFUL", failureReason);
        assert.isTrue(device.packages[0]?.equals(image));
        assert.equal(device.blocks.length, Math.ceil(image.length / BLOCK));
        const object = await client.get(`/inventory/managedObjects/${opened.id}`);
        assert.deepEqual(object.body["c8y_Firmware"], { name: "fw", version: "2.0", url });
      });
    }
  }

  for (const [name, protocol, secured] of [
    ["coap", 0, false],
    ["coaps", 1, true],
    ["http", 2, false],
    ["https", 3, false],
  ] as const) {
    it(`OMA 771: pull over ${name}`, async () => {
      const opened = await open({ method: PULL, protocols: [protocol] }, secured);
      await using device = opened.device;
      const { id } = await updateFirmware(client, opened.id, url);
      const { status, failureReason } = await awaitOperation(client, id);
      assert.equal(status, "SUCCESSFUL", failureReason);
      assert.match(device.uri!, new RegExp(`^${name}://127\\.0\\.0\\.1:\\d+/fw/`));
      assert.isTrue(device.packages[0]?.equals(image));
      const [shown] = await firmwareUpdates(client, opened.id);
      assert.deepInclude(shown, { status: "SUCCESSFUL", step: "SUCCEEDED" });
      assert.deepInclude(
        shown!.timeline.map(({ text }) => text),
        `${image.length} of ${image.length} bytes`,
      );
    });
  }

  for (const result of [2, 3, 4, 5, 6, 7, 8, 9]) {
    for (const method of [PUSH, PULL]) {
      const oma = result < 9 ? `OMA ${771 + result}: ` : "";
      it(`${oma}result ${result} of a ${method === PUSH ? "push" : "pull"} is FAILED with the reason`, async () => {
        const opened = await open({ method });
        await using device = opened.device;
        device.outcome = { result, at: result === 8 ? "install" : "download" };
        const { id } = await updateFirmware(client, opened.id, url);
        const { status, failureReason } = await awaitOperation(client, id);
        assert.equal(status, "FAILED");
        assert.match(failureReason!, new RegExp(`^Update Result ${result}: [a-z]`, "i"));
        assert.equal(device.version, "1.0");
      });
    }
  }

  it("OMA 751, 755, 756, 760, 772: the object by commands: read, reset and image by Write, observed, Execute too early", async () => {
    const opened = await open({ method: PUSH });
    await using device = opened.device;
    const run = async (text: string) => {
      const { id } = await createCommand(client, opened.id, text);
      const { status, c8y_Command, failureReason } = await awaitOperation(client, id);
      return { status, result: c8y_Command?.result ?? "", failureReason };
    };
    const read = await run("read /5/0");
    assert.equal(read.status, "SUCCESSFUL", read.failureReason);
    assert.include(read.result, '"/5/0/3":0,"/5/0/5":0');
    assert.equal((await run("execute /5/0/2")).failureReason, "4.05 Method Not Allowed");
    assert.deepEqual([device.state(), device.result()], [0, 0]);
    assert.equal((await run("observe /5/0/3")).status, "SUCCESSFUL");
    assert.equal((await run("writeb /5/0/0 00")).status, "SUCCESSFUL");
    assert.equal((await run("writeb /5/0/0 cafe0123")).status, "SUCCESSFUL");
    await eventually(() => (device.state() === 2 ? true : undefined), { what: "state 2" });
    await eventually(
      async () => {
        const object = await client.get(`/inventory/managedObjects/${opened.id}`);
        return (object.body["c8y_Lwm2m_5!0"] as Record<string, unknown>)["3"] === 2 ? true : undefined;
      },
      { what: "the notified state" },
    );
    assert.equal((await run('write /5/0/1 ""')).status, "SUCCESSFUL");
    await eventually(() => (device.state() === 0 ? true : undefined), { what: "state 0" });
    assert.equal((await run(`write /5/0/1 http://127.0.0.1:1/nothing`)).status, "SUCCESSFUL");
    await eventually(() => (device.result() === 4 ? true : undefined), { what: "result 4" });
  });

  it("agent specification 14.5: cancelled by REST in the middle", async () => {
    const opened = await open({ method: PULL, protocols: [0] });
    await using device = opened.device;
    await device.close();
    const { id } = await updateFirmware(client, opened.id, url);
    const cancel = () => client.put(`${AGENT}/shell/${host.admin.tenant}/${opened.id}/cancelFirmwareUpdate`, {});
    const answer = await eventually(async () => ((await cancel()).status === 200 ? 200 : undefined));
    assert.equal(answer, 200);
    assert.include(await awaitOperation(client, id), { status: "FAILED", failureReason: "Firmware update cancelled" });
    assert.equal((await cancel()).status, 404);
  });

  it("bad input: FAILED at once with the member and the rule, nothing is sent", async () => {
    const opened = await open({ method: PUSH });
    await using device = opened.device;
    const before = device.seen.length;
    for (const bad of ["ftp://h/fw", "", "$PROVIDED", `${host.http}/inventory/binaries/999`]) {
      const { id } = await updateFirmware(client, opened.id, bad);
      const { status, failureReason } = await awaitOperation(client, id);
      assert.equal(status, "FAILED");
      assert.match(failureReason!, /^c8y_Firmware\.url /);
    }
    assert.equal(device.seen.length, before);
  });
});
