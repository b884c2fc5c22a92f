/**
 * The host is killed with SIGKILL under load, ten times. Books are kept on the other side: by devices that count a value
 * as stored when its notification was acknowledged, and by REST clients that count a document when 201 came.
 */
import { setTimeout as pause } from "node:timers/promises";
import { assert } from "chai";
import { registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { duplicates, eventsOf, missing, storedValues } from "../harness/documents.ts";
import { eventually, within } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { createSteadyDevice, type SteadyDevice } from "../harness/steady-device.ts";

const KILLS = 10;
const DEVICES = 8;
const REST_CLIENTS = 2;
/** Acknowledgements of each sender before the next kill. */
const MORE = 20;
/** Distance between the values of two senders: each value says who sent it. */
const APART = 1_000_000;

interface RestBooks {
  /** Values whose POST was answered 201. */
  readonly acknowledged: number[];
  /** Answers other than 201 that came from a host that was up. */
  readonly refused: string[];
}

/** Posts numbered measurements until aborted; one that got no answer is not sent again, for it may have been stored. */
async function post(client: () => Api, source: string, first: number, books: RestBooks, signal: AbortSignal) {
  for (let value = first; !signal.aborted; value++) {
    const body = { source: { id: source }, type: "rest", time: new Date().toISOString(), rest: { N: { value } } };
    try {
      const answer = await client().post("/measurement/measurements", body);
      if (answer.status === 201) books.acknowledged.push(value);
      else books.refused.push(`${answer.status} ${JSON.stringify(answer.body)}`);
    } catch {
      // The host is down.
      await pause(50);
    }
    await pause(2);
  }
}

describe("kill -9 of the host under load, ten times", () => {
  let host: Host;
  let client: Api;
  const devices: SteadyDevice[] = [];
  const ids: string[] = [];
  const books: RestBooks = { acknowledged: [], refused: [] };

  before(async function () {
    this.timeout(180_000);
    host = await startHost();
    client = api(host);
    await mapTemperature(client);
    for (let at = 0; at < DEVICES; at++) {
      const endpoint = `steady-${at}`;
      ids.push((await registerDevice(client, { endpointId: endpoint })).id);
      const options = { endpoint, serverPort: host.coapPort, firstValue: (at + 1) * APART };
      const device = await createSteadyDevice(options);
      devices.push(device);
      await device.register();
      await within(device.observed(), 10_000, `the observation of ${endpoint}`);
    }
    await loadAndKill();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    for (const device of devices) await device[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });

  /** Resolves when every device and the REST clients have been acknowledged some more. */
  async function loadIsReal(): Promise<void> {
    const counts = () => [...devices.map(({ acknowledged }) => acknowledged.length), books.acknowledged.length];
    const before = counts();
    await eventually(() => counts().every((count, at) => count > before[at]! + MORE) || undefined, {
      withinMs: 30_000,
      what: `${MORE} acknowledgements more of each`,
    });
  }

  async function loadAndKill(): Promise<void> {
    const stopping = new AbortController();
    const running = [
      ...devices.map(device => device.run(stopping.signal)),
      ...Array.from({ length: REST_CLIENTS }, (_, at) =>
        post(() => client, ids[0]!, (at + 100) * APART, books, stopping.signal),
      ),
    ];
    for (let kill = 0; kill < KILLS; kill++) {
      await loadIsReal();
      await pause(Math.random() * 700);
      await host.kill();
      await host.start();
    }
    await loadIsReal();
    stopping.abort();
    await within(Promise.all(running), 30_000, "the last acknowledgements");
  }

  it("the load was real: every device and REST client was acknowledged all the way", () => {
    for (const device of devices) {
      assert.isAbove(device.acknowledged.length, MORE * KILLS, device.endpoint);
      assert.isAtLeast(device.repeated, KILLS, `${device.endpoint}: nothing was under way at a kill`);
    }
    assert.isAbove(books.acknowledged.length, MORE * KILLS);
  });

  it("nothing that was acknowledged to a device is missing, nothing is stored twice", async () => {
    for (const [at, device] of devices.entries()) {
      const stored = await storedValues(client, ids[at]!, "c8y_Temperature.T");
      assert.deepEqual(missing(device.acknowledged, stored), [], `${device.endpoint}: missing`);
      assert.deepEqual(duplicates(stored), [], `${device.endpoint}: stored twice`);
    }
  });

  it("nothing that was acknowledged to a REST client is missing, nothing is stored twice", async () => {
    const stored = await storedValues(client, ids[0]!, "rest.N");
    assert.deepEqual(missing(books.acknowledged, stored), [], "missing");
    assert.deepEqual(duplicates(stored), [], "stored twice");
    assert.deepEqual(books.refused, [], "refused by a host that was up");
  });

  it("devices go on without registering again, every Update is 2.04, no notification is reset", async () => {
    for (const [at, device] of devices.entries()) {
      assert.deepEqual([...device.updates.keys()], ["2.04"], device.endpoint);
      assert.equal(device.resets, 0, device.endpoint);
      assert.equal(device.observations, 1, `${device.endpoint}: observed again`);
      await eventsOf(client, ids[at]!, "c8y_LWM2MDeviceRegistration");
    }
  });
});
