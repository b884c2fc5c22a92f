/** A device fetches its firmware from the host, over each of the four protocols, and goes on where it was after `kill -9`. */
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { Agent, request as coapRequest, type OutgoingMessage } from "coap";
import { systemClock } from "../../core/src/base/clock.ts";
import { silentLog } from "../../core/src/base/log.ts";
import { createSeededRandom, createSystemRandom } from "../../core/src/base/random.ts";
import { createFirmwareDownloads } from "../../core/src/firmware/downloads.ts";
import { createPlatform } from "../../core/src/platform/create-platform.ts";
import { FIRMWARE_DOWNLOADS } from "../../core/src/store/collections/firmware.ts";
import { openStore } from "../../core/src/store/open-store.ts";
import { createCommand, type ManagedObject, registerDevice, registerPskDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { type Host, startHost } from "../harness/host.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { optionValues } from "../harness/raw-socket.ts";
import { openSecuredSocket, type SecuredSocket } from "../simulator/secured-socket.ts";

const BYTES = Buffer.from(createSeededRandom(4).bytes(40_000));
const KEY = "a-key-of-16-byte";

/** Whole bodies and blocks over CoAP, as the npm package puts them together. */
function overCoap(agent: Agent, port: number, pathname: string): Promise<{ code: string; payload: Buffer }> {
  return new Promise((resolve, reject) => {
    const sent: OutgoingMessage = coapRequest({ agent, host: "127.0.0.1", port, pathname });
    sent.on("response", ({ code, payload }) => resolve({ code, payload }));
    sent.on("error", reject);
    sent.end();
  });
}

function overHttp(sent: ReturnType<typeof httpRequest>): Promise<{ status: number | undefined; payload: Buffer }> {
  return new Promise((resolve, reject) => {
    sent.on("error", reject);
    sent.on("response", async (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ status: answer.statusCode, payload: Buffer.concat(chunks) });
    });
    sent.end();
  });
}

describe("firmware downloads over the host", () => {
  let dataDir: string;
  let host: Host;
  let client: Api;
  let plain: RawDevice;
  let secured: SecuredSocket;
  let plainId: string;
  const tokens: Record<string, string> = {};
  const operations: Record<string, string> = {};
  const resources = new AsyncDisposableStack();

  /** As the part that runs firmware updates does; the host is down meanwhile, so that its store is free. */
  async function offer(binaryId: string, devices: Readonly<Record<string, string>>): Promise<void> {
    const store = await openStore({ store: "sqlite", dataDirectory: dataDir, clock: systemClock });
    const parts = { store, clock: systemClock, random: createSystemRandom(), log: silentLog };
    const platform = createPlatform(parts);
    const ports = { coap: 1, coaps: 1, http: 1, https: 1 };
    const downloads = createFirmwareDownloads({ ...parts, platform, address: "localhost", ports });
    const binary = await platform.binaries.open("t1", binaryId);
    for (const [name, deviceId] of Object.entries(devices)) {
      const operationId = operations[name]!;
      tokens[name] = (await downloads.offer({ tenant: "t1", deviceId, operationId, binary })).token;
    }
    await store.close();
  }

  before(async function () {
    this.timeout(60_000);
    dataDir = await mkdtemp(join(tmpdir(), "mooring-firmware-"));
    resources.defer(() => rm(dataDir, { recursive: true, force: true }));
    host = resources.use(await startHost({ dataDir, store: "sqlite" }));
    client = api(host);
    const file = await fetch(`${host.http}/inventory/binaries?name=fw.bin`, {
      method: "POST",
      headers: { authorization: client.authorization, "content-type": "application/octet-stream" },
      body: BYTES,
    });
    const { id: binaryId } = (await file.json()) as ManagedObject;
    const devices = {
      plain: (await registerDevice(client, { endpointId: "plain" })).id,
      secured: (await registerPskDevice(client, { endpoint: "secured", key: KEY })).id,
    };
    plainId = devices.plain;
    await registerPskDevice(client, { endpoint: "other", key: KEY });
    for (const [name, deviceId] of Object.entries(devices)) {
      // The devices of this test answer no request, so that it stays open.
      operations[name] = (await createCommand(client, deviceId, "read /3/0/0")).id;
    }
    await host.stop();
    await offer(binaryId, devices);
    await host.start();
    plain = resources.use(await openRawDevice(host.coapPort));
    await plain.register({ endpoint: "plain" });
    secured = await connect("secured");
    assert.equal((await register(secured, "secured")).code, "2.01");
  });
  after(() => resources.disposeAsync());

  async function connect(identity: string): Promise<SecuredSocket> {
    const psk = { identity, key: Buffer.from(KEY) };
    const socket = await openSecuredSocket({ serverPort: host.coapsPort, psk });
    resources.defer(() => void socket.socket.close());
    // The package would refuse requests of the host with Reset.
    const { emit } = socket.socket;
    socket.socket.emit = function (this: unknown, event: string, ...told: unknown[]) {
      const code = event === "message" ? (told[0] as Buffer)[1]! : 0;
      return code > 0 && code < 32 ? false : Reflect.apply(emit, this, [event, ...told]);
    };
    return socket;
  }
  const agents = new Map<unknown, Agent>();
  function agentOf(over: SecuredSocket["socket"] | undefined): Agent {
    const agent = agents.get(over) ?? new Agent(over ? { socket: over } : { type: "udp4" });
    agents.set(over, agent);
    return agent;
  }
  function register({ socket }: SecuredSocket, endpoint: string): Promise<{ code: string }> {
    return new Promise((resolve, reject) => {
      const query = `ep=${endpoint}&lt=60&lwm2m=1.0&b=U`;
      const target = { agent: agentOf(socket), host: "127.0.0.1", port: host.coapsPort, method: "POST" as const };
      const sent = coapRequest({ ...target, pathname: "/rd", query });
      sent.on("response", resolve).on("error", reject);
      sent.end("</1/0>,</3/0>");
    });
  }

  it("CoAP: with another socket than it registered with, in blocks", async () => {
    const { code, payload } = await overCoap(agentOf(undefined), host.coapPort, `/fw/${tokens["plain"]}`);
    assert.equal(code, "2.05");
    assert.isTrue(payload.equals(BYTES));
  });

  it("CoAPS: the device that it is for, in blocks", async () => {
    const { code, payload } = await overCoap(agentOf(secured.socket), host.coapsPort, `/fw/${tokens["secured"]}`);
    assert.equal(code, "2.05");
    assert.isTrue(payload.equals(BYTES));
  });

  it("CoAPS: 4.04 for every other device, registered or not, and for unknown tokens", async () => {
    const other = await connect("other");
    const code = async (token: string | undefined, over = other): Promise<string> =>
      (await overCoap(agentOf(over.socket), host.coapsPort, `/fw/${token}`)).code;
    assert.equal(await code(tokens["secured"]), "4.04");
    await register(other, "other");
    assert.equal(await code(tokens["secured"]), "4.04");
    assert.equal(await code("a".repeat(22), secured), "4.04");
  });

  it("HTTP, whole and in part", async () => {
    const target = { host: "127.0.0.1", port: host.firmwareHttpPort, path: `/fw/${tokens["plain"]}`, agent: false };
    const whole = await overHttp(httpRequest(target));
    assert.equal(whole.status, 200);
    assert.isTrue(whole.payload.equals(BYTES));
    const part = await overHttp(httpRequest({ ...target, headers: { Range: "bytes=39990-" } }));
    assert.equal(part.status, 206);
    assert.isTrue(part.payload.equals(BYTES.subarray(39_990)));
    assert.equal((await overHttp(httpRequest({ ...target, path: "/fw/nothing" }))).status, 404);
  });

  it("HTTPS, with the certificate that the host made for itself", async () => {
    const target = { host: "127.0.0.1", port: host.firmwareHttpsPort, path: `/fw/${tokens["secured"]}`, agent: false };
    const { status, payload } = await overHttp(httpsRequest({ ...target, rejectUnauthorized: false }));
    assert.equal(status, 200);
    assert.isTrue(payload.equals(BYTES));
  });

  it("kill -9 in the middle: the next block comes from the host that is started after it", async function () {
    this.timeout(120_000);
    const block = async (num: number) => {
      // Block2: number, nothing more to come from this side, 512 bytes.
      const value = (num << 4) | 5;
      const bytes = Buffer.of((value >> 8) & 0xff, value & 0xff);
      const uri = `/fw/${tokens["plain"]}`;
      const answer = await plain.request({ code: "0.01", uri, options: [{ name: "Block2", value: bytes }] });
      assert.equal(answer.code, "2.05");
      return { payload: Buffer.from(answer.payload), etag: optionValues(answer, "ETag")[0] };
    };
    const before = await block(39);
    await host.kill();
    await host.start();
    const after = await block(40);
    assert.isTrue(Buffer.concat([before.payload, after.payload]).equals(BYTES.subarray(39 * 512, 41 * 512)));
    assert.deepEqual(after.etag, before.etag);
  });

  it("is over with the operation, and a start clears away what ended", async function () {
    this.timeout(120_000);
    await client.del(`/devicecontrol/operations?deviceId=${plainId}`);
    await host.stop();
    await host.start();
    const { code } = await overCoap(agentOf(undefined), host.coapPort, `/fw/${tokens["plain"]}`);
    assert.equal(code, "4.04");
    await host.stop();
    const store = await openStore({ store: "sqlite", dataDirectory: dataDir, clock: systemClock });
    const left = await store.collection(FIRMWARE_DOWNLOADS).find({}, { limit: 10 });
    await store.close();
    await host.start();
    assert.deepEqual(
      left.map(({ operation }) => operation),
      [operations["secured"]],
    );
  });
});
