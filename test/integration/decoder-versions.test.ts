/**
 * Versions of a decoder on a host that works: deployed, rolled back and deployed again under load, killed on the way; a seeded bug that the
 * shadow of a staged version finds. Books are kept by devices, which count a payload as stored when its notification was acknowledged.
 */
import { setTimeout as pause } from "node:timers/promises";
import { assert } from "chai";
import { registerDevice, seriesValue } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { allMeasurements, duplicates, missing } from "../harness/documents.ts";
import { eventually, within } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { mapAcmeMeter } from "../harness/meter-protocol.ts";
import { atScale } from "../harness/scale.ts";
import { createSteadyDevice, OPAQUE_NUMBER, type SteadyDevice } from "../harness/steady-device.ts";

const DECODERS = "/service/lwm2m-agent/decoders";
const KEY = "counter";
const DEVICES = atScale(6, 60, 3);
/** Of a device between two payloads. */
const PAUSE_MS = 10;
const PHASE_MS = atScale(500, 5000);
/** Kept payloads that a staged version is tried on. */
const RECORDED = atScale(200, 200, 40);
/** Payloads of all devices a second, at least, that are a load. */
const LOAD = atScale(20, 20, 1);
/** Distance between the values of two devices. */
const APART = 1_000_000;

/** Counts what it is given; says which version it is, too. @param change what it does to the number */
const decoder = (version: string, change = "n", mark = version) => ({
  manifest: { key: KEY, name: "Counter", version },
  source: `export default { decode({ value }) {
    const n = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0);
    const values = [{ seriesName: "N", value: ${change} }, { seriesName: "V", value: ${Number.parseInt(mark, 10)} }];
    return { success: true, measurements: [{ type: "counted", values }] };
  } };`,
});

interface Point {
  readonly value: number;
  /** That the decoder itself says. */
  readonly mark: number;
  readonly decodedBy: { readonly key: string; readonly version: string };
}

async function pointsOf(client: Api, source: string): Promise<Point[]> {
  return (await allMeasurements(client, { source, valueFragmentType: "counted" })).map(each => ({
    value: seriesValue(each, "counted.N")!,
    mark: seriesValue(each, "counted.V")!,
    decodedBy: each["decodedBy"] as Point["decodedBy"],
  }));
}

describe("versions of a decoder", () => {
  let host: Host;
  let client: Api;
  const devices: SteadyDevice[] = [];
  const ids: string[] = [];

  const post = async (what: string, body: unknown, status: number) => {
    // biome-ignore lint/suspicious/noExplicitAny: a test reads members of whatever came
    const answer = await client.post<any>(`${DECODERS}${what}`, body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  };
  const activate = (version: string) => post(`/${KEY}/activate`, { version }, 200);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const stageReport = async () => (await client.get<any>(`${DECODERS}/${KEY}/stage`)).body;

  before(async function () {
    this.timeout(120_000);
    host = await startHost({ readyWithinMs: 60_000 });
    client = api(host);
    const first = await post("", decoder("1.0.0"), 201);
    assert.equal(first.status, "active");
    assert.equal((await post("", decoder("2.0.0"), 201)).status, "idle");
    await mapAcmeMeter(client, KEY);
    for (let at = 0; at < DEVICES; at++) {
      const endpoint = `counting-${at}`;
      ids.push((await registerDevice(client, { endpointId: endpoint })).id);
      const options = {
        serverPort: host.coapPort,
        firstValue: (at + 1) * APART,
        resource: OPAQUE_NUMBER,
        pauseMs: PAUSE_MS,
      };
      const device = await createSteadyDevice({ endpoint, ...options });
      devices.push(device);
      await device.register();
      await within(device.observed(), 10_000, `the observation of ${endpoint}`);
    }
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    for (const device of devices) await device[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });

  const acknowledged = (): number => devices.reduce((sum, device) => sum + device.acknowledged.length, 0);
  /** A while, and until each device has sent some more. */
  async function phase(payloads = 2): Promise<void> {
    const wanted = devices.map(device => device.acknowledged.length + payloads);
    const hasSent = () => devices.every((device, at) => device.acknowledged.length >= wanted[at]!);
    await pause(PHASE_MS);
    await eventually(() => hasSent() || undefined, { withinMs: 30_000, what: `${payloads} payloads of each device` });
  }
  const load = async (during: () => Promise<void>): Promise<number> => {
    const stopping = new AbortController();
    const running = Promise.all(devices.map(device => device.run(stopping.signal)));
    const [before, from] = [devices.reduce((sum, { sent }) => sum + sent.length, 0), performance.now()];
    await during();
    const rate =
      (1000 * (devices.reduce((sum, { sent }) => sum + sent.length, 0) - before)) / (performance.now() - from);
    stopping.abort();
    await within(running, 30_000, "the last acknowledgements");
    return rate;
  };

  async function checkBooks(): Promise<Set<string>> {
    const versions = new Set<string>();
    for (const [at, device] of devices.entries()) {
      const points = await eventually(
        async () => {
          const stored = await pointsOf(client, ids[at]!);
          const lost = missing(
            device.acknowledged,
            stored.map(({ value }) => value),
          );
          if (lost.length > 0) throw new Error(`${lost.length} of ${device.acknowledged.length} missing`);
          return stored;
        },
        { withinMs: 20_000, what: `all points of ${device.endpoint}` },
      );
      assert.deepEqual(duplicates(points.map(({ value }) => value)), [], `${device.endpoint}: stored twice`);
      for (const { mark, decodedBy } of points) {
        assert.deepEqual(decodedBy, { key: KEY, version: `${mark}.0.0` });
        versions.add(decodedBy.version);
      }
    }
    return versions;
  }

  /** The report once it has all kept payloads and all of a load: those that came last are still compared when they are acknowledged. */
  async function comparedUnderLoad() {
    const before = acknowledged();
    // One payload in seven of each device is among them.
    await load(() => phase(7));
    const sent = acknowledged() - before;
    return await eventually(
      async () => {
        const now = await stageReport();
        const { equal, slower, different, failed, repaired, skipped } = now.live;
        const seen = equal + slower + different + failed + repaired + skipped;
        if (now.run.state !== "done" || seen < sent) throw new Error(`${JSON.stringify(now.run)}, ${seen} of ${sent}`);
        return now;
      },
      { withinMs: 20_000, what: "the comparison of recorded and live payloads" },
    );
  }

  it("deployed, rolled back and deployed again under load: sent is stored, once, and names its version", async function () {
    this.timeout(300_000);
    const rate = await load(async () => {
      await phase();
      await activate("2.0.0");
      await phase();
      assert.equal((await post(`/${KEY}/rollback`, {}, 200)).version, "1.0.0");
      await phase();
      await activate("2.0.0");
      await phase();
    });
    assert.deepEqual([...(await checkBooks())].sort(), ["1.0.0", "2.0.0"]);
    assert.isAbove(rate, LOAD, "the load was none");
  });

  it("the same with kill -9 right after a switch: it stands, and nothing is lost or doubled", async function () {
    this.timeout(300_000);
    await load(async () => {
      await phase();
      await post(`/${KEY}/rollback`, {}, 200);
      await host.kill();
      await host.start();
      client = api(host);
      assert.equal((await client.get(`${DECODERS}/${KEY}`)).body["version"], "1.0.0");
      await phase();
      await activate("2.0.0");
      await phase();
    });
    await checkBooks();
    for (const device of devices) assert.equal(device.resets, 0);
  });

  it("a seeded bug in a staged version is reported and refused; after the fix it passes", async function () {
    this.timeout(120_000);
    // As many as it is tried on are kept, whatever the load has been until now.
    await load(() => phase(Math.ceil(RECORDED / DEVICES)));
    // Wrong for one payload in seven.
    await post("", decoder("3.0.0", "n % 7 === 0 ? n + 1 : n", "2"), 201);
    await post(`/${KEY}/stage`, { version: "3.0.0", recorded: { days: 1, limit: RECORDED } }, 200);
    const report = await comparedUnderLoad();
    assert.include(report, { version: "3.0.0", against: "2.0.0", mayActivate: false });
    assert.equal(report.run.done, RECORDED);
    assert.isAbove(report.recorded.different, RECORDED / 20);
    assert.isAbove(report.live.different, 0);
    // Beside those that took longer, as one may on a machine that is busy.
    const sample = report.samples.find(({ verdict }: { verdict: string }) => verdict === "different");
    const sent = Number.parseInt(sample.hex, 16);
    assert.equal(sent % 7, 0);
    const [{ what, active, staged }] = sample.differences;
    assert.match(what, /^measurement counted at .*: counted\.N\.value$/);
    assert.deepEqual([active, staged], [sent, sent + 1]);
    const refused = await post(`/${KEY}/activate`, {}, 409);
    assert.match(refused.message, /payloads would be stored otherwise/);
    assert.equal(refused.details.counts.different, report.counts.different);
    assert.equal((await client.get(`${DECODERS}/${KEY}`)).body["version"], "2.0.0");
    const labels = 'tenant="t1",decoder="counter",version="3.0.0",verdict="different"';
    const { body: metrics } = await client.get<string>("/metrics");
    assert.match(
      metrics,
      new RegExp(`^mooring_decoder_shadow_payloads\\{${labels}\\} ${report.counts.different}$`, "m"),
    );

    await post("", decoder("3.0.1", "n", "2"), 201);
    await post(`/${KEY}/stage`, { version: "3.0.1", recorded: { days: 1, limit: RECORDED } }, 200);
    await comparedUnderLoad();
    const activated = await post(`/${KEY}/activate`, {}, 200);
    assert.include(activated, { version: "3.0.1", previousVersion: "2.0.0" });
    assert.include(activated.counts, { different: 0, failed: 0 });
    assert.isAbove(activated.counts.compared, RECORDED);
  });

  it("the report of a staged version outlives kill -9", async function () {
    this.timeout(120_000);
    await post(`/${KEY}/stage`, { version: "3.0.0", recorded: { days: 1, limit: RECORDED / 2 } }, 200);
    const isDone = async () => {
      const now = await stageReport();
      if (now.run?.state !== "done") throw new Error(JSON.stringify(now));
      return now;
    };
    await host.kill();
    await host.start();
    client = api(host);
    const report = await eventually(isDone, { withinMs: 20_000, what: "the end of the run" });
    assert.equal(report.run.done, RECORDED / 2);
    assert.isAbove(report.recorded.different, RECORDED / 40);
    assert.equal(report.mayActivate, false);
  });
});
