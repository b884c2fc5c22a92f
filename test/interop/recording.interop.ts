/** A recorded day of Leshan's client, a firmware update in it: read by Wireshark, and done again by another host. */
import { assert } from "chai";
import { awaitOperation, expectStatus, registerDevice, registerPskDevice, runCommand } from "../harness/agent.ts";
import type { Api } from "../harness/api.ts";
import { managedObject, measuredValue, storedValues } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { storeImage, updateFirmware } from "../harness/firmware.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { fetchRecording, replay, startRecording } from "../harness/recordings.ts";
import { withHost } from "../harness/with-host.ts";
import { startLeshanDevice } from "./leshan/leshan.ts";
import { firmwareImage } from "./oma/firmware-images.ts";
import { dissect } from "./wireshark.ts";

const ENDPOINT = "leshan-recorded";
const KEY = "a-key-for-leshan-1";
const VERSION = "2.0.0";
const SERIES = "c8y_Temperature.T";
const JAVA_STARTS_WITHIN_MS = 30_000;

/** Bytes of several blocks, pushed. */
const imageAt = async (api: Api): Promise<string> =>
  `/inventory/binaries/${await storeImage(api, Uint8Array.from(firmwareImage({ version: VERSION, bytes: 3000 })))}`;

async function pushesFirmware(api: Api, deviceId: string): Promise<void> {
  const answer = await api.put(`/inventory/managedObjects/${deviceId}`, { fwUpdateDeliveryMethod: "PUSH" });
  expectStatus(answer, 200, "way of delivery");
}

describe("interop/a recording of Leshan's client", () => {
  const first = withHost();
  const second = withHost();
  let file: Uint8Array;
  let values: readonly number[];

  /** Ends when the device is back with it. */
  const updatesFirmware = async (deviceId: string): Promise<void> => {
    const { id } = await updateFirmware(first.api, deviceId, await imageAt(first.api), VERSION);
    const { status, failureReason } = await awaitOperation(first.api, id, 60_000);
    assert.equal(status, "SUCCESSFUL", failureReason);
  };

  before(async function () {
    this.timeout(120_000);
    await mapTemperature(first.api);
    const { id } = await registerPskDevice(first.api, { endpoint: ENDPOINT, key: KEY });
    await pushesFirmware(first.api, id);
    await startRecording(first.api, id);
    const leshan = startLeshanDevice({
      endpoint: ENDPOINT,
      port: first.host.coapsPort,
      account: { mode: "psk", identity: ENDPOINT, key: KEY },
    });
    first.onFailure(() => leshan.process.tail());
    await leshan.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
    await measuredValue(first.api, id, SERIES, 20);
    for (const celsius of [21.25, 22.25]) {
      leshan.setTemperature(celsius);
      await measuredValue(first.api, id, SERIES, celsius);
    }
    for (const command of ["read /3/0", "discover /3303", "write /1/0/1 600", "read /1/0/1"]) {
      const { status, failureReason } = await runCommand(first.api, id, command);
      assert.equal(status, "SUCCESSFUL", `${command}: ${failureReason}`);
    }
    // With its new lifetime.
    await leshan.process.line(/^updated/);
    leshan.send([23.25, 24.25], "SENML_CBOR");
    await measuredValue(first.api, id, SERIES, 24.25);
    await updatesFirmware(id);
    await leshan.stop();
    values = await storedValues(first.api, id, SERIES);
    file = await fetchRecording(first.host, first.api, id);
  });

  it("Wireshark reads all of it as CoAP, with nothing to complain about", async () => {
    const packets = await dissect(file);
    assert.isAbove(packets.length, 20);
    for (const { protocols, expert } of packets) {
      assert.match(protocols, /^raw:ip:udp:coap\b/);
      assert.equal(expert, "");
    }
    // Register, De-register, 2.01, 2.02.
    assert.includeMembers(
      packets.map(({ code }) => code),
      ["2", "4", "65", "66"],
    );
    assert.include(packets.map(({ comment }) => comment).join(), "discover /3303");
  });

  it("another host does the same, and stores the same values and firmware", async () => {
    await mapTemperature(second.api);
    const { id: deviceId } = await registerDevice(second.api, { endpointId: ENDPOINT });
    await pushesFirmware(second.api, deviceId);
    const url = await imageAt(second.api);
    const { difference } = await replay(file, {
      host: second.host,
      api: second.api,
      deviceId,
      adapt: fragments =>
        fragments["c8y_Firmware"] ? { c8y_Firmware: { ...(fragments["c8y_Firmware"] as object), url } } : fragments,
    });
    assert.isUndefined(difference);
    await eventually(
      async () => {
        assert.sameMembers(await storedValues(second.api, deviceId, SERIES), [...values]);
        assert.deepInclude((await managedObject(second.api, deviceId))["c8y_Firmware"], { version: VERSION });
        return true;
      },
      { what: "the same values and firmware" },
    );
  });
});
