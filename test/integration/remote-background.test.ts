/** A decoder service that is busy with decoding again has its places for what devices send now. */
import { assert } from "chai";
import { AGENT, describeObject, expectStatus, mapResources, registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { CUMULOCITY_MANIFEST, type DecoderService, openDecoderService } from "../harness/decoder-service.ts";
import { storedValues } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import type { Received } from "../harness/raw-socket.ts";

const KEY = CUMULOCITY_MANIFEST.contextPath;
const DECODER = `${AGENT}/decoders/${KEY}`;
const REDECODE = `${DECODER}/redecode`;
const OPAQUE = 42;
const OBSERVED = { autoObserve: true };
const ENDPOINT = "busy-gauge";
/** Half of the connections to a service. */
const MOST_IN_BACKGROUND = 8;
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);
/** More than a page of payloads that are decoded together. */
const KEPT = range(1, 60);
/** More than there are connections. */
const LIVE = range(101, 40);

interface Job {
  readonly id: string;
  readonly state: string;
  readonly payloads: Readonly<Record<string, number>>;
}

describe("a decoder service while kept payloads are decoded again", function () {
  this.timeout(60_000);
  let service: DecoderService;
  let host: Host;
  let client: Api;
  let device: RawDevice;
  let deviceId: string;
  let observation: Received;
  let observe = 2;

  before(async () => {
    service = await openDecoderService();
    const origin = `http://127.0.0.1:${service.port}`;
    // Calls that are held shall not end by themselves.
    host = await startHost({ env: { MOORING_DECODING_ALLOWED_ORIGINS: origin, MOORING_DECODING_CALL_MS: "60000" } });
    client = api(host);
    await describeObject(client, "33456.xml");
    const upload = { manifest: CUMULOCITY_MANIFEST, service: { url: origin } };
    expectStatus(await client.post(`${AGENT}/decoders`, upload), 201, "upload of the service");
    const resource = { customAction: { type: null, actionName: `decoder:${KEY}` }, observeParameters: OBSERVED };
    await mapResources(client, 33456, { 123: resource });
    deviceId = (await registerDevice(client, { endpointId: ENDPOINT })).id;
    device = await openRawDevice(host.coapPort);
    await device.register({ endpoint: ENDPOINT, links: "</33456/0>" });
    observation = await device.expectRequest("0.01", "/33456/0/123");
    const options = [{ name: "Observe", value: Buffer.from([1]) }] as const;
    await device.answer(observation, {
      code: "2.05",
      contentFormat: OPAQUE,
      payload: Buffer.from([KEPT[0]!]),
      options,
    });
    for (const value of KEPT.slice(1)) await send(value);
    await stored(KEPT);
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    await device?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
    await service?.[Symbol.asyncDispose]();
  });

  const send = (value: number): Promise<void> =>
    device.notifyStored(observation, ++observe, { code: "2.05", contentFormat: OPAQUE, payload: Buffer.from([value]) });
  const stored = (values: readonly number[]): Promise<true> =>
    eventually(
      async () => {
        assert.sameMembers(await storedValues(client, deviceId, "gauge_Level.L"), [...values]);
        return true as const;
      },
      { what: `${values.length} values, each once`, withinMs: 30_000 },
    );
  const job = async (id: string): Promise<Job> =>
    expectStatus(await client.get<Job>(`${REDECODE}/${id}`), 200, "the job");

  it("what devices send is decoded while no call of the background is answered", async () => {
    const held: (() => void)[] = [];
    service.hold = ([value]) => (KEPT.includes(value!) ? new Promise(resolve => void held.push(resolve)) : undefined);
    const { id } = expectStatus(await client.post<Job>(REDECODE, {}), 201, "decoding again");
    await eventually(() => held.length >= MOST_IN_BACKGROUND || undefined, { what: "calls of the background" });
    for (const value of LIVE) await send(value);
    await stored([...KEPT, ...LIVE]);
    assert.lengthOf(held, MOST_IN_BACKGROUND);
    assert.equal((await job(id)).state, "RUNNING");

    service.hold = undefined;
    for (const release of held) release();
    const done = await eventually(async () => {
      const found = await job(id);
      return found.state === "RUNNING" ? undefined : found;
    });
    assert.equal(done.state, "DONE");
    assert.deepInclude(done.payloads, { read: KEPT.length, equal: KEPT.length });
    await stored([...KEPT, ...LIVE]);
  });

  it("how long live payloads took is told, by decoder", async () => {
    const { body } = await client.get<string>("/metrics");
    const count = /^mooring_decoder_duration_seconds_count\{decoder="gauge-decoder",[^}]*kind="remote"\} (\d+)$/m;
    assert.equal(Number(count.exec(body)?.[1]), KEPT.length + LIVE.length, "each once, decoding again not counted");
    const figures = await client.get<{ versions: { durationMs?: { p50: number; p99: number } }[] }>(`${DECODER}/stats`);
    const { p50, p99 } = figures.body.versions[0]!.durationMs!;
    assert.isAbove(p50, 0);
    assert.isAtLeast(p99, p50);
  });
});
