/**
 * The host is killed with SIGKILL at the moments between two steps: an operation is with the device, a change is acknowledged,
 * an observation is half made, a payload waits for its decoder. What was answered before must hold after.
 */
import { assert } from "chai";
import {
  AGENT,
  awaitOperation,
  createCommand,
  expectStatus,
  type Operation,
  registerDevice,
  runCommand,
} from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { alarms, events, managedObject, measuredValue } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { mapAcmeMeter, mapTemperature } from "../harness/meter-protocol.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { optionNumber, type Received, uintBytes } from "../harness/raw-socket.ts";

const [GET, POST, DELETE, FETCH] = ["0.01", "0.02", "0.04", "0.05"];
const TEMPERATURE = "/3303/0/5700";
const FRAME = "/33456/0/123";
const TEXT = 0;
const OPAQUE = 42;
const SENML_JSON = 110;
/** Devices of a file, and how often one that was at its end when the host was killed is followed by another. */
const ROWS = 3000;
const MOST_FILES = 5;
/** 230.1 V, 21.5 degrees (see decoders/acme-meter). */
const ACME_FRAME = Buffer.from("08fd0866", "hex");

describe("kill -9 between two steps", function () {
  this.timeout(60_000);
  let host: Host;
  let client: Api;
  let device: RawDevice;
  let deviceId: string;
  let endpoint: string;
  let count = 0;

  before(async () => {
    host = await startHost();
    client = api(host);
    await mapTemperature(client);
    await mapAcmeMeter(client);
  });
  beforeEach(async () => {
    endpoint = `between-${++count}`;
    deviceId = (await registerDevice(client, { endpointId: endpoint })).id;
    device = await openRawDevice(host.coapPort);
  });
  afterEach(async function () {
    await device[Symbol.asyncDispose]();
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(() => host?.[Symbol.asyncDispose]());

  async function killAndStart(): Promise<void> {
    await host.kill();
    await host.start();
    client = api(host);
  }
  const operation = async (id: string): Promise<Operation> =>
    expectStatus(await client.get<Operation>(`/devicecontrol/operations/${id}`), 200, "operation");
  const becomes = (id: string, status: Operation["status"]): Promise<Operation> =>
    eventually(
      async () => {
        const now = await operation(id);
        return now.status === status ? now : undefined;
      },
      { what: `operation ${id} ${status}` },
    );
  const acceptObservation = (observation: Received, value: string, contentFormat = TEXT): Promise<void> =>
    device.answer(observation, {
      code: "2.05",
      payload: value,
      contentFormat,
      options: [{ name: "Observe", value: uintBytes(1) }],
    });
  const reply = (messageId: number): Promise<Received> =>
    device.socket.receive("ACK or Reset", message => message.code === "0.00" && message.messageId === messageId);
  const update = async (location: string, query = ""): Promise<string> =>
    (await device.request({ code: POST, uri: `${location}${query}` })).code;

  it("an operation that was with the device is delivered again, those behind it follow in order", async () => {
    const location = await device.register({ endpoint, links: "</1/0>,</3/0>" });
    const ids: string[] = [];
    for (const resource of [0, 1, 2]) ids.push((await createCommand(client, deviceId, `read /3/0/${resource}`)).id);
    await device.expectRequest(GET, "/3/0/0");
    await becomes(ids[0]!, "EXECUTING");
    await killAndStart();
    // No Update is needed: the device is taken to be where it was.
    for (const resource of [0, 1, 2]) {
      // What is in between are retransmissions of the host that was killed.
      const request = await device.expectRequest(GET, `/3/0/${resource}`);
      await device.answer(request, { code: "2.05", payload: `answer ${resource}`, contentFormat: TEXT });
    }
    for (const [resource, id] of ids.entries()) {
      const { status, c8y_Command } = await awaitOperation(client, id);
      assert.equal(status, "SUCCESSFUL", c8y_Command?.result);
      assert.include(c8y_Command?.result, `answer ${resource}`);
    }
    assert.equal(await update(location), "2.04");
    await device.socket.silence(300, message => message.code === GET);
  });

  it("an Update's new lifetime, binding and links hold once it was answered", async () => {
    const location = await device.register({ endpoint, query: "lt=3600&lwm2m=1.0&b=U", links: "</1/0>,</3/0>" });
    await device.request({
      code: POST,
      uri: `${location}?lt=7200&b=UQ`,
      payload: "</1/0>,</3/0>,</3303/0>",
      contentFormat: 40,
    });
    await killAndStart();
    // The new object is observed without any further message of the device.
    const observation = await device.expectRequest(GET, TEMPERATURE);
    assert.equal(optionNumber(observation, "Observe"), 0);
    await acceptObservation(observation, "20");
    assert.equal(await update(location), "2.04");
    const isRequired = (responseInterval: number) =>
      eventually(
        async () => {
          const { c8y_RequiredAvailability: required } = await managedObject(client, deviceId);
          assert.deepEqual(required, { responseInterval });
          return true;
        },
        { what: `the interval of ${responseInterval} minutes` },
      );
    await isRequired(122);
    assert.equal(await update(location, "?lt=600"), "2.04");
    await killAndStart();
    await isRequired(12);
  });

  it("a composite observation goes on, and is cancelled by its paths in any order with its own list", async () => {
    const links = '</>;ct="110",</1/0>,</3/0>,</3303/0>';
    await device.register({ endpoint, query: "lt=3600&lwm2m=1.1", links });
    await acceptObservation(await device.expectRequest(GET, TEMPERATURE), "20");
    const pack = (celsius: number): string => `[{"n":"/3303/0/5700","v":${celsius}},{"n":"/3/0/0","vs":"ACME"}]`;
    const { id } = await createCommand(client, deviceId, "cobserve /3303/0 /3/0/0");
    const observation = await device.expectRequest(FETCH, "/");
    await acceptObservation(observation, pack(21), SENML_JSON);
    assert.equal((await awaitOperation(client, id)).status, "SUCCESSFUL");
    await killAndStart();
    const content = { code: "2.05", payload: pack(22.5), contentFormat: SENML_JSON };
    assert.isFalse((await reply(await device.notify(observation, 2, content, true))).reset);
    await measuredValue(client, deviceId, "c8y_Temperature.T", 22.5);
    const cancel = await createCommand(client, deviceId, "cancelCompositeObserve /3/0/0 /3303/0");
    const cancelled = await device.expectRequest(FETCH, "/");
    assert.equal(optionNumber(cancelled, "Observe"), 1);
    assert.deepEqual(cancelled.token, observation.token);
    assert.equal(String(cancelled.payload), '[{"n":"/3303/0"},{"n":"/3/0/0"}]');
    await device.answer(cancelled, { code: "2.05", payload: pack(23), contentFormat: SENML_JSON });
    assert.equal((await awaitOperation(client, cancel.id)).status, "SUCCESSFUL");
    assert.isTrue((await reply(await device.notify(observation, 3, content, true))).reset);
  });

  it("an observation that the device made and nobody noted is reset, and made anew", async () => {
    await device.register({ endpoint, links: "</1/0>,</3303/0>" });
    const first = await device.expectRequest(GET, TEMPERATURE);
    await host.kill();
    await acceptObservation(first, "1");
    await host.start();
    client = api(host);
    const second = await device.expectRequest(GET, TEMPERATURE);
    assert.equal(optionNumber(second, "Observe"), 0);
    await acceptObservation(second, "2");
    await measuredValue(client, deviceId, "c8y_Temperature.T", 2);
    const stale = await device.notify(first, 9, { code: "2.05", payload: "3", contentFormat: TEXT }, true);
    assert.isTrue((await reply(stale)).reset || first.token.equals(second.token));
    const fresh = await device.notify(second, 9, { code: "2.05", payload: "4", contentFormat: TEXT }, true);
    assert.isFalse((await reply(fresh)).reset);
    await measuredValue(client, deviceId, "c8y_Temperature.T", 4);
  });

  it("a De-register that was answered holds: an Update is 4.04, a Register 2.01", async () => {
    const location = await device.register({ endpoint });
    assert.equal((await device.request({ code: DELETE, uri: location })).code, "2.02");
    await killAndStart();
    assert.equal(await update(location), "4.04");
    await device.register({ endpoint });
  });

  it("payloads that were acknowledged reach their decoder, each once", async () => {
    await device.register({ endpoint, links: "</1/0>,</33456/0>" });
    const observation = await device.expectRequest(GET, FRAME);
    await acceptObservation(observation, "", OPAQUE);
    const sent = [];
    for (let at = 0; at < 20; at++) {
      sent.push(
        device
          .notify(observation, at + 2, { code: "2.05", payload: ACME_FRAME, contentFormat: OPAQUE }, true)
          .then(reply),
      );
    }
    await Promise.all(sent);
    await killAndStart();
    await eventually(
      async () => {
        const query = `source=${deviceId}&valueFragmentType=acme_meter&withTotalElements=true&pageSize=1`;
        const { body } = await client.get<{ statistics: { totalElements: number } }>(
          `/measurement/measurements?${query}`,
        );
        assert.equal(body.statistics.totalElements, 20);
        const open = (await events(client, deviceId, "c8y_decoder_event")).length;
        // The first, empty value is none that the decoder reads: its event says so.
        assert.isAtMost(open, 1);
        return true;
      },
      { what: "20 decoded frames", withinMs: 20_000 },
    );
  });

  it("alarms are neither lost nor doubled: as many occurrences as were answered, one more at most", async () => {
    const body = {
      source: { id: deviceId },
      type: "flood",
      text: "t",
      severity: "MAJOR",
      time: new Date().toISOString(),
    };
    let answered = 0;
    let isDown = false;
    const posting = Array.from({ length: 4 }, async () => {
      while (!isDown) {
        const answer = await client.post("/alarm/alarms", body).catch(() => undefined);
        if (answer?.status === 201) answered++;
      }
    });
    await eventually(() => answered > 50 || undefined);
    await host.kill();
    isDown = true;
    await Promise.all(posting);
    await host.start();
    client = api(host);
    const [alarm, ...more] = await alarms(client, deviceId);
    assert.isEmpty(more);
    assert.isAtLeast(alarm!.count, answered);
    assert.isAtMost(alarm!.count, answered + posting.length);
  });

  it("a file of devices is told as interrupted, what it made is whole, and it may be sent again", async () => {
    const send = async (prefix: string): Promise<Operation> => {
      const rows = Array.from({ length: ROWS }, (_, i) => `${prefix}-${i};NO_SEC`);
      const form = new FormData();
      form.set("file", new Blob([["endpoint id;securityMode", ...rows].join("\n")]), "devices.csv");
      return expectStatus(await client.post<Operation>(`${AGENT}/deviceRegistration/bulk`, form), 201, "bulk");
    };
    let prefix = "";
    let interrupted: Operation | undefined;
    for (let file = 1; interrupted?.status !== "FAILED"; file++) {
      assert.isAtMost(file, MOST_FILES, "each was at its end");
      prefix = `${endpoint}-${file}`;
      const { id } = await send(prefix);
      const some = `/identity/externalIds/c8y_Id/${prefix}-200`;
      await eventually(async () => ((await client.get(some)).status === 200 ? true : undefined));
      await killAndStart();
      interrupted = await operation(id);
    }
    assert.include(interrupted.failureReason, "interrupted");
    const again = await awaitOperation(client, (await send(prefix)).id, 30_000);
    const result = JSON.parse(again.c8y_Command!.result!) as {
      numberOfSuccessful: number;
      failed: { reason: string }[];
    };
    for (const { reason } of result.failed) assert.include(reason, "registered already");
    // Whatever was half made when the host died was completed or cleared.
    for (const at of [0, 199, 200, 1000, 2999]) {
      const found = await client.get<{ managedObject: { id: string } }>(`/identity/externalIds/c8y_Id/${prefix}-${at}`);
      assert.equal(found.status, 200, String(at));
      assert.equal((await managedObject(client, found.body.managedObject.id)).name, `${prefix}-${at}`);
    }
    const query = `text=${prefix}&withTotalElements=true&pageSize=1`;
    assert.equal((await client.get(`/inventory/managedObjects?${query}`)).status, 200);
  });

  it("a device whose removal was interrupted can be removed again, and its endpoint is free then", async () => {
    await device.register({ endpoint, links: "</1/0>,</3303/0>" });
    const body = { source: { id: deviceId }, type: "x", time: new Date().toISOString(), x: { y: { value: 1 } } };
    for (let at = 0; at < 30; at++) {
      await client.post("/measurement/measurements", { measurements: Array.from({ length: 500 }, () => body) });
    }
    const removing = client.del(`${AGENT}/deviceRegistration/${deviceId}`).catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, 20));
    await host.kill();
    await removing;
    await host.start();
    client = api(host);
    // Either it had not begun and is done now, or the next start has finished it.
    assert.include([204, 404], (await client.del(`${AGENT}/deviceRegistration/${deviceId}`)).status);
    await registerDevice(client, { endpointId: endpoint });
    assert.equal((await client.get(`/inventory/managedObjects/${deviceId}`)).status, 404);
  });

  it("after all of it commands work", async () => {
    await device.register({ endpoint });
    const running = runCommand(client, deviceId, "read /3/0/0");
    await device.answer(await device.expectRequest(GET, "/3/0/0"), {
      code: "2.05",
      payload: "ok",
      contentFormat: TEXT,
    });
    assert.equal((await running).status, "SUCCESSFUL");
  });
});
