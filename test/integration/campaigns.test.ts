/** A firmware campaign over a hundred simulated devices that fetch and install: too many fail in its first wave. */
import { assert } from "chai";
import {
  AGENT,
  awaitOperation,
  type BulkResult,
  expectStatus,
  type ManagedObject,
  type Operation,
  uploadDevices,
} from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { alarms } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { storeImage } from "../harness/firmware.ts";
import { type Host, startHost } from "../harness/host.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { type FirmwareDevice, openFirmwareDevice } from "../simulator/firmware-device.ts";

const DEVICES = 100;
const WAVE = 50;
/** Every fifth: 20 % of each wave. */
const FAILS_EACH = 5;
const UPDATE_FAILED = 8;
const CAMPAIGNS = `${AGENT}/campaigns`;

interface Campaign {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly waves: readonly { devices: number; waiting: number; running: number; successful: number; failed: number }[];
}

describe("a firmware campaign over 100 devices", function () {
  this.timeout(60_000);
  let host: Host;
  let client: Api;
  let ids: string[];
  let url: string;
  const devices: FirmwareDevice[] = [];

  const endpoint = (at: number): string => `meter-${String(at).padStart(3, "0")}`;
  const operations = async (): Promise<readonly Operation[]> => {
    const path = "/devicecontrol/operations?fragmentType=c8y_Firmware&pageSize=2000";
    return expectStatus(await client.get<{ operations: Operation[] }>(path), 200, "operations").operations;
  };
  const campaign = async (id: string): Promise<Campaign> =>
    expectStatus(await client.get<Campaign>(`${CAMPAIGNS}/${id}`), 200, "campaign");
  const until = (id: string, what: string, isSo: (seen: Campaign) => boolean): Promise<Campaign> =>
    eventually(
      async () => {
        const seen = await campaign(id);
        if (!isSo(seen)) throw new Error(JSON.stringify(seen));
        return seen;
      },
      { withinMs: 40_000, what },
    );
  const start = async (more: object): Promise<string> => {
    const body = { name: "winter", firmware: { name: "meter", version: "2.0", url }, ...more };
    const { id } = expectStatus(await client.post<Campaign>(CAMPAIGNS, body), 201, "a campaign");
    expectStatus(await client.put<Campaign>(`${CAMPAIGNS}/${id}`, { action: "start" }), 200, "starting it");
    return id;
  };

  before(async () => {
    host = await startHost();
    client = api(host);
    const rows = Array.from({ length: DEVICES }, (_, at) => `${endpoint(at)};c8y_lwm2m;NO_SEC;coap://127.0.0.1:5783`);
    const file = ["endpoint id;type;securityMode;lwm2m server uri", ...rows].join("\n");
    const { id } = expectStatus(await uploadDevices(client, file), 201, "the file of devices");
    const done = await awaitOperation(client, id, 30_000);
    const result = JSON.parse(done.c8y_Command!.result!) as BulkResult;
    assert.equal(result.numberOfSuccessful, DEVICES);
    const path = "/inventory/managedObjects?type=c8y_lwm2m&pageSize=2000";
    const { managedObjects } = (await client.get<{ managedObjects: ManagedObject[] }>(path)).body;
    ids = managedObjects.toSorted((a, b) => (a.name! < b.name! ? -1 : 1)).map(each => each.id);
    url = `/inventory/binaries/${await storeImage(client, new Uint8Array(4000).fill(7))}`;
    // What a device asks while the host is down is asked again after 1, 3, 7 and 15 s: not minutes later.
    const pull = { serverPort: host.coapPort, method: 0, protocols: [0], ackTimeoutMs: 1000 };
    devices.push(...(await inParallel(ids, (_, at) => openFirmwareDevice({ ...pull, endpoint: endpoint(at) }))));
    for (const [at, each] of devices.entries()) {
      if (at % FAILS_EACH === 0) each.outcome = { result: UPDATE_FAILED, at: "install" };
    }
    await inParallel(devices, each => each.connect());
  });
  after(async () => {
    for (const each of devices) await each.close();
    await host[Symbol.asyncDispose]();
  });

  it("20 % of wave 1 fail: it halts with an alarm, and nothing is sent to wave 2", async () => {
    const id = await start({ devices: { ids }, waves: [{ devices: WAVE }, { percent: 100 }], maxFailurePercent: 15 });
    const halted = await until(id, "the halt", ({ state, waves }) => state === "HALTED" && waves[0]!.running === 0);
    assert.match(halted.reason!, /of 50 devices of wave 1 failed \(\d+ %\), more than maxFailurePercent 15/);
    const [first, second] = halted.waves as [Campaign["waves"][number], Campaign["waves"][number]];
    assert.isAbove(first.failed, 0.15 * WAVE);
    assert.isAtMost(first.failed, 0.2 * WAVE);
    assert.deepInclude(second, { waiting: WAVE, running: 0, successful: 0, failed: 0 });
    const sent = await operations();
    const waveTwo = new Set(ids.slice(WAVE));
    assert.isEmpty(sent.filter(({ deviceId }) => waveTwo.has(deviceId)));
    for (const each of devices.slice(WAVE)) assert.isEmpty(each.seen.filter(asked => asked.includes("/5")));
    assert.isEmpty(sent.filter(({ status }) => status === "PENDING"));
    const failed = sent.filter(({ failureReason }) => failureReason?.startsWith("Update Result 8"));
    assert.lengthOf(failed, first.failed);
    const connector = "/identity/externalIds/c8y_Serial/lwm2m-connector";
    const { managedObject } = (await client.get<{ managedObject: { id: string } }>(connector)).body;
    const raised = (await alarms(client, managedObject.id)).filter(({ type }) => type.endsWith(`_${id}`));
    assert.deepEqual(
      raised.map(({ severity, status }) => [severity, status]),
      [["MAJOR", "ACTIVE"]],
    );
    await client.put(`${CAMPAIGNS}/${id}`, { action: "cancel" });
  });

  it("kill -9 while a wave goes out: every device is sent to once, and the campaign is done", async () => {
    const before = new Set((await operations()).map(({ id }) => id));
    const good = ids.slice(WAVE).filter((_, at) => (at + WAVE) % FAILS_EACH !== 0);
    const id = await start({ devices: { ids: good }, waves: [{ percent: 100 }], maxFailurePercent: 0 });
    await until(id, "the first that is sent", ({ waves }) => waves[0]!.waiting < good.length);
    await host.kill();
    await host.start();
    const done = await until(id, "its end", ({ state }) => state === "COMPLETED" || state === "HALTED");
    assert.equal(done.state, "COMPLETED", done.reason);
    const made = (await operations()).filter(operation => !before.has(operation.id));
    assert.sameMembers(
      made.map(({ deviceId }) => deviceId),
      good,
    );
  });
});
