/** First light with a client nobody here wrote: Leshan's, on Californium. */
import { assert } from "chai";
import { registerDevice, runCommand } from "../harness/agent.ts";
import { eventsOf, managedObject, measuredValue } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { mapDevice, mapTemperature } from "../harness/meter-protocol.ts";
import { withHost } from "../harness/with-host.ts";
import { type LeshanDevice, startLeshanDevice } from "./leshan/leshan.ts";

const JAVA_STARTS_WITHIN_MS = 60_000;
const REGISTRATION = "c8y_LWM2MDeviceRegistration";

describe("interop/Leshan's client", () => {
  const suite = withHost();
  const endpoint = "leshan-1";
  let device: LeshanDevice;
  let deviceId: string;

  before(async function () {
    this.timeout(JAVA_STARTS_WITHIN_MS);
    await mapTemperature(suite.api);
    await mapDevice(suite.api);
    deviceId = (await registerDevice(suite.api, { endpointId: endpoint })).id;
    // Long enough for no Update but the one that a test asks for.
    device = startLeshanDevice({ endpoint, port: suite.host.coapPort, lifetimeSeconds: 86_400 });
    await device.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
  });
  beforeEach(() => suite.onFailure(() => device.process.tail()));
  after(() => device?.stop());

  const observes = (path: string): Promise<string> =>
    device.process.line(line => /established observe relation/.test(line) && line.includes(`resource /${path} `));

  it("registers without security, /3 and /3303 are observed by mapping alone", async () => {
    await observes("3303");
    await observes("3");
    await eventsOf(suite.api, deviceId, REGISTRATION);
    const named = await eventually(
      async () => {
        const object = await managedObject(suite.api, deviceId);
        assert.equal(object.name, `LWM2M Leshan ${endpoint}`);
        return object;
      },
      { what: "the name that the manufacturer gives" },
    );
    assert.nestedPropertyVal(named, "c8y_Hardware.model", "client-cf");
  });

  it("a temperature notification is c8y_Temperature.T within 2 s", async () => {
    await observes("3303");
    for (const celsius of [22.5, 23.25, -4.125]) {
      device.setTemperature(celsius);
      const measurement = await measuredValue(suite.api, deviceId, "c8y_Temperature.T", celsius, 2000);
      assert.equal(measurement.source.id, deviceId);
      assert.nestedPropertyVal(measurement, "c8y_Temperature.T.unit", "°C");
    }
  });

  it("read /3/0 ends SUCCESSFUL with the device's values", async () => {
    const { status, failureReason, c8y_Command } = await runCommand(suite.api, deviceId, "read /3/0");
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.include(c8y_Command!.result!, "Leshan");
    assert.include(c8y_Command!.result!, "client-cf");
  });

  it("write /3/0/15 ends SUCCESSFUL and reaches the device", async () => {
    const { status, failureReason } = await runCommand(suite.api, deviceId, "write /3/0/15 Asia/Tokyo");
    assert.equal(status, "SUCCESSFUL", failureReason);
    await device.process.line(/^written \/3\/0\/15 Asia\/Tokyo CHANGED/);
    const read = await runCommand(suite.api, deviceId, "read /3/0/15");
    assert.include(read.c8y_Command!.result!, "Asia/Tokyo");
  });

  it("execute /3/0/12 ends SUCCESSFUL and reaches the device", async () => {
    const { status, failureReason, c8y_Command } = await runCommand(suite.api, deviceId, "execute /3/0/12");
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.include(c8y_Command!.result!, "2.04");
    await device.process.line(/^executed \/3\/0\/12/);
  });

  for (const [format, values] of [
    ["SENML_JSON", [31.5, 32.25, 33]],
    ["SENML_CBOR", [41.5, 42.25, 43]],
  ] as const) {
    it(`D11: several times of one resource in a Send in ${format} are a measurement each, with its own time`, async () => {
      device.send(values, format);
      await device.process.line(/^sent/);
      const times: string[] = [];
      for (const celsius of values) {
        const { time } = await measuredValue(suite.api, deviceId, "c8y_Temperature.T", celsius);
        times.push(time);
      }
      assert.equal(new Set(times).size, values.length, times.join(" "));
      assert.deepEqual(times, [...times].sort());
    });
  }

  it("a command that the device refuses ends FAILED with its answer", async () => {
    const { status, failureReason } = await runCommand(suite.api, deviceId, "execute /3/0/5");
    assert.equal(status, "FAILED");
    assert.include(failureReason!, "4.04");
  });

  it("discover /3303 lists what Leshan has", async () => {
    const { status, failureReason, c8y_Command } = await runCommand(suite.api, deviceId, "discover /3303");
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.include(c8y_Command!.result!, "/3303/0/5700");
  });

  it("Update is accepted and keeps the observation", async () => {
    await observes("3303");
    device.update();
    await device.process.line(/^updated/);
    await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistrationUpdate");
    device.setTemperature(30.5);
    await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 30.5);
  });

  it("notifications go on after a restart of the host, without registering again", async () => {
    await observes("3303");
    await suite.host.stop();
    await suite.host.start();
    device.setTemperature(36.5);
    await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 36.5);
    assert.lengthOf(
      device.process.lines.filter(line => line.startsWith("registered ")),
      1,
    );
  });
});
