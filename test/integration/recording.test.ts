/** Recordings of a device's messages: switched on over REST, fetched as a capture file, played against another host. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { AGENT, mapResources, registerDevice, runCommand } from "../harness/agent.ts";
import { measuredValue, storedValues } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { runMooring } from "../harness/mooring-cli.ts";
import { fetchRecording, recordingStatus, replay, startRecording } from "../harness/recordings.ts";
import { pskOf, uploadSecureDevices } from "../harness/secure-accounts.ts";
import { withHost } from "../harness/with-host.ts";
import { createSimulatedDevice, meterObjects } from "../simulator/index.ts";
import { openSecuredSocket } from "../simulator/secured-socket.ts";

const ENDPOINT = "recorded-1";
const SERIES = "c8y_Temperature.T";

describe("recordings", () => {
  const first = withHost();
  const second = withHost();
  let file: Uint8Array;
  let values: readonly number[];

  before(async function () {
    this.timeout(30_000);
    await mapTemperature(first.api);
    const { id } = await registerDevice(first.api, { endpointId: ENDPOINT });
    await startRecording(first.api, id);
    const device = await createSimulatedDevice({
      endpoint: ENDPOINT,
      serverPort: first.host.coapPort,
      objects: meterObjects({ serialNumber: "S-1" }),
    });
    try {
      // In blocks, so that a Register of several messages is among them.
      await device.register({ blockSzx: 2 });
      await eventually(async () => device.observed.includes("/3303/0/5700") || undefined, { what: "the observation" });
      for (const celsius of [21.5, 22.5]) {
        device.set("/3303/0/5700", celsius);
        await measuredValue(first.api, id, SERIES, celsius);
      }
      assert.equal((await runCommand(first.api, id, "read /3/0")).status, "SUCCESSFUL");
      await device.update("lt=600");
      await device.deregister();
    } finally {
      await device.close();
    }
    values = await storedValues(first.api, id, SERIES);
    assert.deepInclude(await recordingStatus(first.api, id), { recording: true, dropped: 0 });
    file = await fetchRecording(first.host, first.api, id);
  });

  it("another host does the same with the same device, from Register to De-register", async () => {
    await mapTemperature(second.api);
    const { id: deviceId } = await registerDevice(second.api, { endpointId: ENDPOINT });
    const { difference, sent, matched } = await replay(file, {
      ...second,
      host: second.host,
      api: second.api,
      deviceId,
    });
    assert.isUndefined(difference);
    assert.isAtLeast(sent, 8);
    assert.isAtLeast(matched, 8);
    assert.deepEqual(await storedValues(second.api, deviceId, SERIES), values);
  });

  it("a host that does something else is told apart, at the first message", async () => {
    const [{ id: deviceId }] = await Promise.all([
      registerDevice(second.api, { endpointId: "recorded-2" }),
      mapResources(second.api, 3303, {
        5701: { eventCreation: { type: "unit", text: "u" }, observeParameters: { autoObserve: true } },
      }),
    ]);
    const renamed = Buffer.from(file).toString("latin1").replaceAll(ENDPOINT, "recorded-2");
    const { difference } = await replay(Buffer.from(renamed, "latin1"), {
      host: second.host,
      api: second.api,
      deviceId,
      withinMs: 2000,
    });
    assert.include(difference?.got.join(), "GET /3303/0/5701");
  });

  it("mooring record fetches the file, mooring replay plays it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "mooring-recording-"));
    const output = join(folder, "day.pcapng");
    const fetched = await runMooring(first.host, ["record", ENDPOINT, "fetch", "--output", output]);
    assert.equal(fetched.code, 0, fetched.lines.join("\n"));
    assert.deepEqual(new Uint8Array(await readFile(output)), file);
    const to = `coap://127.0.0.1:${first.host.coapPort}`;
    const played = await runMooring(first.host, ["replay", output, "--to", to]);
    await rm(folder, { recursive: true });
    assert.equal(played.code, 0, played.lines.join("\n"));
    assert.match(played.output, /^recorded-1: \d+ messages of the device/);
  });

  it("messages of a device with keys are recorded in the clear", async () => {
    const endpoint = "recorded-psk";
    const [id] = await uploadSecureDevices(first.api, [endpoint]);
    await startRecording(first.api, id!);
    const { coapsPort: serverPort } = first.host;
    const { socket } = await openSecuredSocket({ serverHost: "127.0.0.1", serverPort, psk: pskOf(endpoint) });
    const objects = meterObjects({ serialNumber: "S-2" });
    const device = await createSimulatedDevice({ endpoint, serverPort, objects, socket });
    await device.register();
    await device.deregister();
    await device.close();
    const text = Buffer.from(await fetchRecording(first.host, first.api, id!)).toString("latin1");
    assert.include(text, `ep=${endpoint}`);
  });

  it("stopped it keeps what it has, removed it is gone, and so it is with its device", async () => {
    const { api } = first;
    const { id } = await registerDevice(api, { endpointId: "recorded-3" });
    const path = `${AGENT}/recording/${id}`;
    assert.equal((await api.get(path)).status, 404);
    assert.deepInclude((await api.put(path, {})).body, { deviceId: id, endpoint: "recorded-3", recording: true });
    assert.deepInclude((await api.post(`${path}/stop`)).body, { recording: false, packets: 0 });
    assert.equal((await api.del(path)).status, 204);
    assert.equal((await api.del(path)).status, 404);
    assert.equal((await api.put(path, { minutes: 5 })).status, 200);
    assert.equal((await api.del(`${AGENT}/deviceRegistration/${id}`)).status, 204);
    assert.equal((await api.get(path)).status, 404);
  });

  for (const [body, rule] of [
    [{ minutes: 0 }, "minutes"],
    [{ minutes: 1.5 }, "minutes"],
    [{ minutes: "10" }, "minutes"],
    [{ minutes: 1_000_000 }, "minutes"],
    [{ hours: 1 }, "hours"],
    [[], "object"],
  ] as const) {
    it(`${JSON.stringify(body)} is refused`, async () => {
      const { id } = await registerDevice(first.api, {
        endpointId: `recorded-bad-${JSON.stringify(body).length}-${rule}`,
      });
      const answer = await first.api.put<{ message: string }>(`${AGENT}/recording/${id}`, body);
      assert.equal(answer.status, 422);
      assert.include(answer.body.message, rule);
    });
  }

  it("a device that is none of ours is not found", async () => {
    assert.equal((await first.api.put(`${AGENT}/recording/999999`, {})).status, 404);
  });
});
