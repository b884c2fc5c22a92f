/** A recorded day of Leshan's client: read by Wireshark, and done again by another host. */
import { assert } from "chai";
import { registerDevice, registerPskDevice, runCommand } from "../harness/agent.ts";
import { measuredValue, storedValues } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { fetchRecording, replay, startRecording } from "../harness/recordings.ts";
import { withHost } from "../harness/with-host.ts";
import { startLeshanDevice } from "./leshan/leshan.ts";
import { dissect } from "./wireshark.ts";

const ENDPOINT = "leshan-recorded";
const KEY = "a-key-for-leshan-1";
const SERIES = "c8y_Temperature.T";
const JAVA_STARTS_WITHIN_MS = 30_000;

describe("interop/a recording of Leshan's client", () => {
  const first = withHost();
  const second = withHost();
  let file: Uint8Array;
  let values: readonly number[];

  before(async function () {
    this.timeout(90_000);
    await mapTemperature(first.api);
    const { id } = await registerPskDevice(first.api, { endpoint: ENDPOINT, key: KEY });
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

  it("another host does the same, and stores the same values", async () => {
    await mapTemperature(second.api);
    const { id: deviceId } = await registerDevice(second.api, { endpointId: ENDPOINT });
    const { difference } = await replay(file, { host: second.host, api: second.api, deviceId });
    assert.isUndefined(difference);
    await eventually(
      async () => {
        assert.sameMembers(await storedValues(second.api, deviceId, SERIES), [...values]);
        return true;
      },
      { what: "the same values" },
    );
  });
});
