import { assert } from "chai";
import type { FirmwareServices } from "../../src/agent/firmware/firmware-updates.ts";
import { MooringError } from "../../src/base/errors.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const AGENT = "/service/lwm2m-agent";

describe("rest: firmware updates", () => {
  let rest: RestFixture;
  const calls: string[][] = [];
  const firmware: FirmwareServices = {
    startFirmware: () => Promise.reject(new TypeError("not by REST")),
    async cancelFirmware(tenant, deviceId) {
      calls.push([tenant, deviceId]);
      return deviceId === "7" ? "12" : undefined;
    },
    async firmwareUpdates(_tenant, deviceId) {
      if (deviceId !== "7") throw new MooringError("NOT_FOUND", `no managed object ${deviceId}`);
      return { device: { registered: true, reachable: false, lastSeen: "2026-01-01T00:00:00.000Z" }, updates: [] };
    },
  };
  before(async () => {
    rest = await openRest({ firmwareUpdates: firmware });
    const roles = ["ROLE_DEVICE_CONTROL_READ"];
    await rest.tenants.createUser("t1", { userName: "reader", password: PASSWORD, roles });
    await rest.tenants.createUser("t1", { userName: "none", password: PASSWORD, roles: [] });
  });
  beforeEach(() => void calls.splice(0));
  after(() => rest[Symbol.asyncDispose]());

  it("agent specification 14.5: cancelFirmwareUpdate is 200 where one runs, 404 where none does", async () => {
    const cancelled = await rest.ask("PUT", `${AGENT}/shell/t1/7/cancelFirmwareUpdate`);
    assert.equal(cancelled.status, 200);
    assert.deepEqual(cancelled.body, { operationId: "12" });
    assert.equal((await rest.ask("PUT", `${AGENT}/shell/t1/8/cancelFirmwareUpdate`)).status, 404);
    assert.deepEqual(calls, [
      ["t1", "7"],
      ["t1", "8"],
    ]);
  });

  it("a device of another tenant is not known, whoever asks", async () => {
    assert.equal((await rest.ask("PUT", `${AGENT}/shell/t2/7/cancelFirmwareUpdate`)).status, 404);
    assert.isEmpty(calls);
  });

  it("shows the updates of a device", async () => {
    const shown = await rest.ask("GET", `${AGENT}/firmware/7`);
    assert.equal(shown.status, 200);
    assert.deepNestedInclude(shown.body, { "device.registered": true, updates: [] });
    assert.equal((await rest.ask("GET", `${AGENT}/firmware/8`)).status, 404);
  });

  it("needs the roles of device control", async () => {
    const cancel = (as: string | null) => rest.ask("PUT", `${AGENT}/shell/t1/7/cancelFirmwareUpdate`, { as });
    const show = (as: string | null) => rest.ask("GET", `${AGENT}/firmware/7`, { as });
    assert.equal((await cancel(null)).status, 401);
    assert.equal((await show(null)).status, 401);
    assert.equal((await cancel("t1/reader")).status, 403);
    assert.equal((await show("t1/reader")).status, 200);
    assert.equal((await show("t1/none")).status, 403);
    assert.isEmpty(calls);
  });
});
