/** `mooring shell` as its users start it, against a host with a device. */
import { assert } from "chai";
import { registerDevice } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { type MooringProcess, startMooring } from "../harness/mooring-cli.ts";
import { withHost } from "../harness/with-host.ts";
import { createSimulatedDevice, meterObjects, type SimulatedDevice } from "../simulator/index.ts";

describe("mooring shell", () => {
  const suite = withHost();
  let device: SimulatedDevice;
  let deviceId: string;
  let reboots = 0;

  before(async () => {
    await mapTemperature(suite.api);
    deviceId = (await registerDevice(suite.api, { endpointId: "meter-1" })).id;
    const objects = meterObjects({ serialNumber: "S-1", onReboot: () => reboots++ });
    device = await createSimulatedDevice({ endpoint: "meter-1", serverPort: suite.host.coapPort, objects });
    await device.register();
  });
  after(() => device?.[Symbol.asyncDispose]());

  function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): MooringProcess {
    const shell = startMooring(suite.host, ["shell", ...args], env);
    suite.onFailure(shell.tail);
    return shell;
  }
  async function run(args: readonly string[], typed?: string, env?: Readonly<Record<string, string>>) {
    const shell = start(args, env);
    shell.end(typed);
    const { code } = await shell.ended;
    return { code, output: shell.stdout(), lines: shell.lines };
  }

  it("one command: the result of the device, exit code 0", async () => {
    const { code, output } = await run(["meter-1", "-c", "read /3/0/0"]);
    assert.equal(code, 0);
    assert.equal(output, '2.05 Content\n{"/3/0/0":"ACME"}\n');
  });

  it("by the id of the managed object; the device does what it is told", async () => {
    const { code, output } = await run([
      deviceId,
      "-c",
      "write /3/0/15 Europe/Rome",
      "-c",
      "execute /3/0/4",
      "-c",
      "read /3/0/15",
    ]);
    assert.equal(code, 0);
    assert.equal(output, '2.04 Changed\n2.04 Changed\n2.05 Content\n{"/3/0/15":"Europe/Rome"}\n');
    assert.equal(reboots, 1);
  });

  it("exit code 1 for what the device refuses, 2 for what is no command, 3 for a wrong password; nothing of the last two is sent", async () => {
    const { length } = device.seen;
    assert.equal((await run(["meter-1", "-c", "write /3/0/0 x"])).code, 1);
    const sent = device.seen.length;
    assert.equal(sent, length + 1);
    const { code, lines } = await run(["meter-1", "-c", "read /3/0 /x"]);
    assert.equal(code, 2);
    assert.deepEqual(lines.slice(0, 2), ["read /3/0 /x", "          ^^"]);
    const wrong = await run(["meter-1", "-c", "read /3"], undefined, { MOORING_PASSWORD: "wrong" });
    assert.equal(wrong.code, 3);
    assert.match(wrong.lines.join(), /refuses the login/);
    assert.equal(device.seen.length, sent);
  });

  it("bad input: a value of the wrong type is pointed at by the host, nothing is sent", async () => {
    const { length } = device.seen;
    const { code, lines } = await run(["meter-1", "-c", "write /1/0/1 soon"]);
    assert.equal(code, 1);
    assert.deepEqual(lines.slice(0, 2), ["write /1/0/1 soon", "             ^^^^"]);
    assert.equal(device.seen.length, length);
  });

  it("over a pipe, as JSON for programs", async () => {
    const { code, output } = await run(["meter-1", "--json"], "# values\nread /3303/0/5700\nread /9/0/0\n");
    const [value, missing] = output
      .trim()
      .split("\n")
      .map(line => JSON.parse(line));
    assert.equal(code, 1);
    assert.match(value.result, /^2\.05 Content\n\{"\/3303\/0\/5700":/);
    assert.deepInclude(missing, { command: "read /9/0/0", status: "FAILED", failureReason: "4.04 Not Found" });
  });

  it("what has a device is offered for completion", async () => {
    const { body } = await suite.api.get<{ readonly objects: readonly { readonly id: number }[] }>(
      `/service/lwm2m-agent/v1/device/${deviceId}/objects`,
    );
    assert.includeMembers(
      body.objects.map(({ id }) => id),
      [1, 3, 4, 6, 3303],
    );
  });

  it("waits for a device that is away, through a kill of the host, and shows its answer", async () => {
    await device.deregister();
    const shell = start(["meter-1", "-c", "read /3/0/1"]);
    await shell.line(/waits: the device is not registered/);
    await suite.host.kill();
    await suite.host.start();
    await eventually(() => device.register(), { what: "the registration" });
    assert.equal((await shell.ended).code, 0);
    assert.equal(shell.stdout(), '2.05 Content\n{"/3/0/1":"M-100"}\n');
  });
});
