/** Simulated meters on the npm `coap` package: the demo's devices, each value on its way to a document. */
import { assert } from "chai";
import { registerDevice, runCommand } from "../harness/agent.ts";
import { events, eventsOf, managedObject, measuredValue } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { mapAcmeMeter, mapDevice, mapSignalStrength, mapTemperature } from "../harness/meter-protocol.ts";
import { withHost } from "../harness/with-host.ts";
import {
  acmeFrame,
  acmeReadingsFrame,
  createSimulatedDevice,
  meterObjects,
  type SimulatedDevice,
} from "../simulator/index.ts";

for (const lwm2mVersion of ["1.0", "1.1"] as const) {
  describe(`interop/npm coap, a LwM2M ${lwm2mVersion} device`, () => {
    const suite = withHost();
    let device: SimulatedDevice;
    let deviceId: string;
    let reboots = 0;
    let count = 0;

    before(async () => {
      await mapTemperature(suite.api);
      await mapDevice(suite.api);
      await mapSignalStrength(suite.api);
      await mapAcmeMeter(suite.api);
    });
    beforeEach(async () => {
      const endpoint = `coap-${++count}`;
      deviceId = (await registerDevice(suite.api, { endpointId: endpoint })).id;
      device = await createSimulatedDevice({
        endpoint,
        serverPort: suite.host.coapPort,
        lwm2mVersion,
        objects: meterObjects({ serialNumber: `S-${count}`, onReboot: () => reboots++ }),
      });
      suite.onFailure(() => device.seen.map(each => `    ${JSON.stringify(each)}`).join("\n"));
    });
    afterEach(() => device.close());

    const isObserved = (...paths: string[]): Promise<true> =>
      eventually(
        () => {
          assert.includeMembers([...device.observed], paths);
          return true as const;
        },
        { what: `observations of ${paths}` },
      );

    it("registers, is observed by mapping alone, and updates", async () => {
      const location = await device.register();
      assert.match(location, /^\/rd\/[\w-]{10,}$/);
      await isObserved("/3303/0/5700", "/3/0/0", "/3/0/1", "/4/0/2", "/33456/0/123");
      await device.update("lt=600");
      await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistration");
      await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistrationUpdate");
    });

    it("registers in 64-byte blocks (RFC 7959 section 2.2)", async () => {
      assert.match(await device.register({ blockSzx: 2 }), /^\/rd\/[\w-]{10,}$/);
      await isObserved("/3303/0/5700");
    });

    it("temperature becomes c8y_Temperature.T", async () => {
      await device.register();
      await isObserved("/3303/0/5700");
      device.set("/3303/0/5700", 24.75);
      await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 24.75);
    });

    it("/4/0/2 becomes c8y_SignalStrength.rssi by connectivity:updateRssi", async () => {
      await device.register();
      await isObserved("/4/0/2");
      device.set("/4/0/2", -97);
      await measuredValue(suite.api, deviceId, "c8y_SignalStrength.rssi", -97);
    });

    it("an opaque meter frame becomes the decoder's measurement", async () => {
      await device.register();
      await isObserved("/33456/0/123");
      device.set("/33456/0/123", acmeFrame({ volts: 228.5, celsius: -3.25 }));
      await measuredValue(suite.api, deviceId, "acme_meter.U", 228.5, 5000);
      const readings = { volts: 231.4, celsius: 19.5, amperes: 3.25, watts: 752, wattHours: 120_500 };
      device.set("/33456/0/123", acmeReadingsFrame({ serialNumber: "20260001", ...readings }));
      const measurement = await measuredValue(suite.api, deviceId, "acme_meter.E", 120_500, 5000);
      assert.nestedPropertyVal(measurement, "acme_meter.T.value", 19.5);
    });

    it("/6 becomes c8y_Position and c8y_LocationUpdate by read /6/0", async () => {
      await device.register();
      const { status, failureReason } = await runCommand(suite.api, deviceId, "read /6/0");
      assert.equal(status, "SUCCESSFUL", failureReason);
      await eventually(async () => {
        const { c8y_Position } = await managedObject(suite.api, deviceId);
        assert.deepInclude(c8y_Position, { lat: 53.5511, lng: 9.9937 });
        assert.isNotEmpty(await events(suite.api, deviceId, "c8y_LocationUpdate"));
        return true;
      });
    });

    it("read, write, execute and discover end SUCCESSFUL with the device's answer", async () => {
      await device.register();
      const read = await runCommand(suite.api, deviceId, "read /3/0");
      assert.equal(read.status, "SUCCESSFUL", read.failureReason);
      assert.include(read.c8y_Command!.result!, "M-100");
      const write = await runCommand(suite.api, deviceId, "write /3/0/15 Asia/Tokyo");
      assert.equal(write.status, "SUCCESSFUL", write.failureReason);
      assert.equal(device.value("/3/0/15"), "Asia/Tokyo");
      const before = reboots;
      const execute = await runCommand(suite.api, deviceId, "execute /3/0/4");
      assert.equal(execute.status, "SUCCESSFUL", execute.failureReason);
      assert.equal(reboots, before + 1);
      const discover = await runCommand(suite.api, deviceId, "discover /3303");
      assert.equal(discover.status, "SUCCESSFUL", discover.failureReason);
      assert.include(discover.c8y_Command!.result!, "/3303/0/5700");
    });

    it("de-registers", async () => {
      await device.register();
      await device.deregister();
      await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceDeRegistration");
    });
  });
}
