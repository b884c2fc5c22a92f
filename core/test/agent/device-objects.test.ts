import { assert } from "chai";
import { isFailure } from "../../src/base/errors.ts";
import { lastValueOps } from "../../src/platform/last-values.ts";
import { TENANT } from "./support/agent-world.ts";
import { openShellWorld, type ShellWorld } from "./support/shell-world.ts";

describe("agent/device-objects", () => {
  let shell: ShellWorld;
  beforeEach(async () => {
    shell = await openShellWorld({ awakeTimeRegistrationParameter: 1000 });
  });
  afterEach(() => shell.world[Symbol.asyncDispose]());

  const objects = () => shell.world.wait(shell.world.agent.deviceObjects(TENANT, shell.deviceId));

  it("what a device has registered, with the resources of the models; what has no model has none", async () => {
    await shell.register("ep=dev&lwm2m=1.1", "</0/0>,</3303/10>,</3303/2>,</3303/0>,</1>;ver=1.1,</33456/0>,</5>");
    const { objects: shown, ...device } = await objects();
    assert.deepInclude(device, { endpoint: "dev", registered: true, awake: true, lwm2mVersion: "1.1" });
    assert.deepEqual(
      shown.map(({ id, name, instances }) => [id, name, instances]),
      [
        [1, "LwM2M Server", []],
        [5, "Firmware Update", []],
        [3303, "Temperature", [0, 2, 10]],
        [33456, undefined, [0]],
      ],
    );
    const temperature = shown.find(({ id }) => id === 3303)!;
    assert.deepInclude(
      temperature.resources.find(({ id }) => id === 5700),
      { id: 5700, operations: "R", multiple: false, type: "FLOAT" },
    );
    const server = shown.find(({ id }) => id === 1)!;
    assert.deepInclude(
      server.resources.find(({ id }) => id === 8),
      { name: "Registration Update Trigger", operations: "E" },
    );
    await shell.world.clock.advance(2000);
    assert.isFalse((await objects()).awake);
  });

  it("a device that is away: what its last values know", async () => {
    const { objects: shown, ...device } = await objects();
    assert.deepEqual(device, { deviceId: shell.deviceId, endpoint: "dev", registered: false, awake: false });
    assert.isEmpty(shown);
    const value = { path: [3303, 4, 5700], value: 20, atMs: 0 };
    await shell.world.wait(shell.world.platform.write(lastValueOps(TENANT, shell.deviceId, [value])));
    assert.deepEqual(
      (await objects()).objects.map(({ id, instances }) => [id, instances]),
      [[3303, [4]]],
    );
  });

  it("what is no device of the tenant is not found", async () => {
    for (const tenant of [TENANT, "t2"]) {
      const asked = shell.world.agent.deviceObjects(tenant, tenant === TENANT ? "77" : shell.deviceId);
      const error = await shell.world.wait(asked).catch((failure: unknown) => failure);
      assert.isTrue(isFailure(error, "NOT_FOUND"));
    }
  });
});
