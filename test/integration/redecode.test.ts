/**
 * Kept payloads decoded again on a host that works: by a version that makes less and reads what was ERROR, twice, killed on the way and begun
 * again, and while the same devices go on sending. What is stored is compared as a whole.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { registerDevice, seriesValue } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { alarms, allMeasurements, duplicates, events, missing } from "../harness/documents.ts";
import { eventually, within } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { mapAcmeMeter } from "../harness/meter-protocol.ts";
import { runMooring } from "../harness/mooring-cli.ts";
import { atScale } from "../harness/scale.ts";
import { createSteadyDevice, OPAQUE_NUMBER, type SteadyDevice } from "../harness/steady-device.ts";
import { copyData, dropStore } from "../harness/store.ts";

const KEY = "counter";
const DECODER = `/service/lwm2m-agent/decoders/${KEY}`;
const DEVICES = atScale(4, 20, 2);
/** Payloads of each device in a phase. */
const PAYLOADS = atScale(60, 2000, 28);
const KILLS = atScale(1, 5);
const MOST_ATTEMPTS = 5;
/** Of what takes longer with more payloads. */
const LIMIT_MS = atScale(60_000, 600_000, 240_000);
/** Distance between the values of two devices. */
const APART = 1_000_000;

const READ = "const n = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0);";
const measurement = (type: string, value: string): string =>
  `{ type: "${type}", values: [{ seriesName: "N", value: ${value} }] }`;
/** Three documents of most payloads; every seventh is beyond it. */
const FIRST = `export default { decode({ value }) {
  ${READ}
  if (n % 7 === 0) throw new Error("seven");
  const events = n % 5 === 0 ? [{ type: "five", text: "by five" }, { type: "five", text: "again" }] : [];
  return { success: true, events, measurements: [${measurement("counted", "n")}, ${measurement("surplus", "n")}] };
} };`;
/** Two at most, an alarm and a last value, and takes its time, so that there is a middle in which it can be killed. */
const SECOND = `export default { decode({ value }) {
  ${READ}
  for (let turn = 0; turn < 1e6; turn++);
  const events = n % 5 === 0 ? [{ type: "five", text: "by five once" }] : [];
  return {
    success: true,
    events,
    measurements: [${measurement("counted", "n")}],
    alarms: [{ type: "high", text: "by the second", severity: "MINOR" }],
    dataFragments: [{ key: "/3441/0/1", value: String(n) }],
  };
} };`;

interface Job {
  readonly id: string;
  readonly state: string;
  readonly payloads: Readonly<Record<"read" | "equal" | "changed" | "recovered" | "failed" | "skipped", number>>;
  readonly documents: Readonly<Record<string, number>>;
  readonly alarms: { readonly raised: number; readonly left: { readonly older: number } };
  readonly lastValues: Readonly<Record<"added" | "changed" | "equal" | "older", number>>;
  readonly contentHash: string;
}

interface Counted {
  readonly value: number;
  readonly version: string;
}

describe("kept payloads are decoded again", () => {
  let host: Host;
  let client: Api;
  let copies: string;
  const devices: SteadyDevice[] = [];
  const ids: string[] = [];

  before(async function () {
    this.timeout(LIMIT_MS);
    copies = await mkdtemp(join(tmpdir(), "mooring-redecode-"));
    host = await startHost();
    client = api(host);
    for (const [version, source] of [
      ["1.0.0", FIRST],
      ["2.0.0", SECOND],
    ]) {
      const body = { manifest: { key: KEY, name: "Counter", version }, source };
      assert.equal((await client.post("/service/lwm2m-agent/decoders", body)).status, 201);
    }
    await mapAcmeMeter(client, KEY);
    for (let at = 0; at < DEVICES; at++) {
      const endpoint = `counting-${at}`;
      ids.push((await registerDevice(client, { endpointId: endpoint })).id);
      const options = {
        endpoint,
        serverPort: host.coapPort,
        firstValue: at * APART + 1,
        resource: OPAQUE_NUMBER,
        pauseMs: 1,
      };
      const device = await createSteadyDevice(options);
      devices.push(device);
      await device.register();
      await within(device.observed(), 10_000, `the observation of ${endpoint}`);
    }
    await send(PAYLOADS);
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    for (const device of devices) await device[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
    // Of the copy that no host worked on.
    await dropStore(join(copies, "1"));
    await rm(copies, { recursive: true, force: true });
  });

  /** Every value that a device had taken off its hands; the first is the answer to the Observe. */
  const sentBy = (at: number): number[] => [at * APART, ...devices[at]!.acknowledged];
  const decodable = (values: readonly number[]): number[] => values.filter(value => value % 7 !== 0);

  async function counted(of: Api, source: string, type = "counted"): Promise<Counted[]> {
    return (await allMeasurements(of, { source, valueFragmentType: type })).map(each => {
      const { version } = each["decodedBy"] as { readonly version: string };
      return { value: seriesValue(each, `${type}.N`)!, version };
    });
  }
  const valuesOf = async (source: string, type?: string): Promise<number[]> =>
    (await counted(client, source, type)).map(({ value }) => value);

  /** So many payloads of each device more, and until all are decoded or given up. */
  async function send(count: number, meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    const stopping = new AbortController();
    const wanted = devices.map(({ acknowledged }) => acknowledged.length + count);
    const running = devices.map(device => device.run(stopping.signal));
    await meanwhile();
    await eventually(() => devices.every(({ acknowledged }, at) => acknowledged.length >= wanted[at]!) || undefined, {
      withinMs: LIMIT_MS,
      what: `${count} payloads of each device`,
    });
    stopping.abort();
    await within(Promise.all(running), 30_000, "the last acknowledgements");
    for (const [at, id] of ids.entries()) {
      await eventually(
        async () => (missing(decodable(sentBy(at)), await valuesOf(id)).length === 0 ? true : undefined),
        { withinMs: LIMIT_MS, everyMs: 100, what: `all of device ${at}` },
      );
      await eventually(async () => ((await waiting(id)) === 0 ? true : undefined), {
        withinMs: LIMIT_MS,
        everyMs: 100,
        what: `the last failure of device ${at}`,
      });
    }
  }
  const waiting = async (source: string): Promise<number> =>
    (await events(client, source, "c8y_decoder_event")).filter(
      ({ decoderData }) => (decoderData as { readonly status: string }).status !== "ERROR",
    ).length;

  async function deadLetters(of: Api): Promise<number> {
    const answer = await of.get<{ readonly statistics: { readonly totalElements: number } }>(
      `${DECODER}/dead-letters?withTotalElements=true&pageSize=1`,
    );
    return answer.body.statistics.totalElements;
  }

  /** That of a registration's update comes after its answer, at a time of its own. */
  const OF_DECODING = new Set(["five", "c8y_decoder_event"]);

  /** All documents of all devices that come of payloads: everything but addresses of the host, and its own times. */
  async function content(of: Api): Promise<readonly string[]> {
    const all: unknown[] = [];
    for (const source of ids) {
      all.push(
        ...(await counted(of, source)),
        ...(await counted(of, source, "surplus")),
        ...(await allMeasurements(of, { source })).map(({ id, type, time }) => [id, type, time]),
        ...(await events(of, source))
          .filter(({ type }) => OF_DECODING.has(type))
          .map(({ self: _, source: __, creationTime: ___, lastUpdated: ____, ...rest }) => rest),
        // Two of one millisecond come in the order of their ids, which tell when they were made.
        ...(await alarms(of, source)).map(({ type, status, count, time }) => [type, status, count, time]).sort(),
      );
    }
    return [...all.map(each => JSON.stringify(each)), String(await deadLetters(of))];
  }
  /** Tells the first document that differs. */
  function assertSameContent(actual: readonly string[], expected: readonly string[], message: string): void {
    const length = Math.max(actual.length, expected.length);
    for (let at = 0; at < length; at++)
      assert.equal(actual[at], expected[at], `${message}: ${at} of ${expected.length} documents, now ${actual.length}`);
  }

  async function begin(of: Api, body: object): Promise<string> {
    const answer = await of.post<Job>(`${DECODER}/redecode`, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body.id;
  }
  const jobOf = async (of: Api, id: string): Promise<Job> => (await of.get<Job>(`${DECODER}/redecode/${id}`)).body;
  const ended = (of: Api, id: string): Promise<Job> =>
    eventually(
      async () => {
        const job = await jobOf(of, id);
        if (job.state === "RUNNING") throw new Error(JSON.stringify(job.payloads));
        return job;
      },
      { withinMs: LIMIT_MS, what: `the end of job ${id}` },
    );
  const run = async (of: Api, body: object): Promise<Job> => ended(of, await begin(of, body));

  /** Directories with the data as it is now, each for a host of its own. */
  async function copied(count: number): Promise<string[]> {
    const folders = Array.from({ length: count }, (_, at) => join(copies, String(at)));
    await host.stop();
    for (const folder of folders) await copyData(host.dataDir, folder);
    await host.start();
    return folders;
  }

  const payloadsRead = (of: Api, id: string): Promise<number> =>
    eventually(async () => (await jobOf(of, id)).payloads.read || undefined, {
      withinMs: LIMIT_MS,
      everyMs: 5,
      what: "the middle of the job",
    });

  /** A host on a copy of these data and its job, killed when some of the payloads were done; a job that was faster than that is tried anew. */
  async function killedInTheMiddle(
    data: string,
    total: number,
  ): Promise<{ readonly killed: Host; readonly id: string }> {
    for (let attempt = 1; ; attempt++) {
      const dataDir = join(copies, `killed-${attempt}`);
      await copyData(data, dataDir);
      await using stack = new AsyncDisposableStack();
      const killed = stack.use(await startHost({ dataDir }));
      const id = await begin(api(killed), { version: "2.0.0", apply: true });
      const read = await payloadsRead(api(killed), id);
      await killed.kill();
      if (read < total) {
        stack.move();
        return { killed, id };
      }
      assert.isBelow(attempt, MOST_ATTEMPTS, "it was at its end each time");
    }
  }

  it("a dry run tells it, alarms and last values as well, and changes nothing", async () => {
    const before = await content(client);
    const sent = ids.flatMap((_, at) => sentBy(at));
    const lost = sent.length - decodable(sent).length;
    assert.isAbove(lost, 0);
    assert.equal(await deadLetters(client), lost);
    const { state, payloads, alarms: ofAlarms, lastValues } = await run(client, { version: "2.0.0" });
    assert.equal(state, "DONE");
    assert.deepInclude(payloads, { read: sent.length, recovered: lost, changed: sent.length - lost, failed: 0 });
    assert.equal(ofAlarms.raised, DEVICES);
    assert.equal(ofAlarms.left.older, sent.length - DEVICES);
    assert.deepInclude(lastValues, { added: DEVICES, changed: sent.length - DEVICES, equal: 0, older: 0 });
    assertSameContent(await content(client), before, "a dry run changes nothing");
  }).timeout(LIMIT_MS);

  it("killed in the middle, again and again, the job goes on and ends with what an undisturbed one stores", async () => {
    const [first, second] = await copied(2);
    const total = ids.flatMap((_, at) => sentBy(at)).length;
    let whole: readonly string[];
    {
      await using undisturbed = await startHost({ dataDir: first! });
      const other = api(undisturbed);
      const shown = await run(other, { version: "2.0.0" });
      const { contentHash: told, alarms: ofAlarms, lastValues } = await run(other, { version: "2.0.0", apply: true });
      assert.deepEqual([told, ofAlarms, lastValues], [shown.contentHash, shown.alarms, shown.lastValues]);
      whole = await content(other);
      const again = await run(other, { version: "2.0.0", apply: true });
      assertSameContent(await content(other), whole, "a second time changes nothing");
      assert.equal(again.contentHash, told);
      assert.deepInclude(again.payloads, { read: total, equal: total });
    }
    const { killed, id } = await killedInTheMiddle(second!, total);
    await using _ = killed;
    const other = api(killed);
    await killed.start();
    for (let kill = 2; kill <= KILLS; kill++) {
      await payloadsRead(other, id);
      await killed.kill();
      await killed.start();
    }
    const { state, payloads } = await ended(other, id);
    assert.equal(state, "DONE");
    assert.deepInclude(payloads, { read: total, failed: 0, skipped: 0 });
    assertSameContent(await content(other), whole, "killed and taken up again");
    await run(other, { version: "2.0.0", apply: true });
    assertSameContent(await content(other), whole, "repeated");
  }).timeout(2 * LIMIT_MS);

  it("while the same devices send: no point is lost or doubled, each names the version that made it", async () => {
    const before = ids.map((_, at) => sentBy(at));
    let job: Job | undefined;
    await send(PAYLOADS, async () => {
      job = await run(client, { version: "2.0.0", apply: true });
    });
    assert.equal(job!.state, "DONE");
    assert.isAtLeast(job!.payloads.read, before.flat().length);
    for (const [at, id] of ids.entries()) {
      const points = await counted(client, id);
      const values = points.map(({ value }) => value);
      assert.deepEqual(duplicates(values), [], `device ${at}: doubled`);
      assert.deepEqual(missing(decodable(sentBy(at)), values), [], `device ${at}: lost`);
      assert.deepEqual(missing(before[at]!, values), [], `device ${at}: what was ERROR`);
      const versions = new Map(points.map(({ value, version }) => [value, version]));
      for (const value of before[at]!) assert.equal(versions.get(value), "2.0.0", String(value));
      const surplus = await valuesOf(id, "surplus");
      assert.sameMembers(
        surplus,
        values.filter(value => versions.get(value) === "1.0.0"),
        `device ${at}: surplus of the version before`,
      );
    }
  }).timeout(LIMIT_MS);

  it("dead letters put back under a version that reads them are decoded; their events and the alarm are gone", async () => {
    assert.isAbove(await deadLetters(client), 0);
    assert.equal((await client.post(`${DECODER}/activate`, { version: "2.0.0", force: true })).status, 200);
    const { status, body } = await client.post<{ readonly replayed: number }>(`${DECODER}/dead-letters/replay`, {});
    assert.equal(status, 200, JSON.stringify(body));
    await eventually(async () => ((await deadLetters(client)) === 0 ? true : undefined), {
      withinMs: LIMIT_MS,
      what: "no dead letter",
    });
    for (const [at, id] of ids.entries()) {
      await eventually(async () => (missing(sentBy(at), await valuesOf(id)).length === 0 ? true : undefined), {
        withinMs: LIMIT_MS,
        what: `everything of device ${at}`,
      });
      // A moment after its documents, where the store does not write both at once.
      const told = async (): Promise<true> => {
        assert.deepEqual(await events(client, id, "c8y_decoder_event"), []);
        for (const { type, status } of await alarms(client, id))
          assert.equal(status, type === "high" ? "ACTIVE" : "CLEARED", type);
        return true;
      };
      await eventually(told, { withinMs: LIMIT_MS, what: `no event, and alarms as they shall be, of device ${at}` });
    }
  }).timeout(LIMIT_MS);

  it("mooring decoder redecode --apply, twice: the same content hash, and nothing differs the second time", async () => {
    const hashes: string[] = [];
    for (let time = 1; time <= 2; time++) {
      const { code, output } = await runMooring(host, ["decoder", "redecode", KEY, "2.0.0", "--apply"]);
      assert.equal(code, 0, output);
      hashes.push(/content hash: ([0-9a-f]{64})/.exec(output)?.[1] ?? output);
      if (time === 2) assert.match(output, /payloads: (\d+) read, \1 equal, 0 changed, 0 recovered, 0 failed/);
    }
    assert.equal(hashes[1], hashes[0]);
    const listed = await runMooring(host, ["decoder", "redecode", KEY, "--list"]);
    assert.match(listed.output, /^JOB .*\n\d+ +2\.0\.0 +yes +DONE .*\n\d+ +2\.0\.0 +yes +DONE /);
  }).timeout(2 * LIMIT_MS);

  it("bad input is refused by member and rule, and nothing begins", async () => {
    const jobs = async (): Promise<number> =>
      (await client.get<{ readonly jobs: readonly unknown[] }>(`${DECODER}/redecode?pageSize=100`)).body.jobs.length;
    const before = await jobs();
    for (const [path, body, status, said] of [
      ["redecode", { version: "9.9.9" }, 404, "9.9.9"],
      ["redecode", { since: "2026-01-01" }, 422, "since is not known here"],
      ["redecode", { dateFrom: "today" }, 422, "dateFrom"],
      ["redecode", { limit: "all" }, 422, "limit"],
      ["redecode", { status: ["PENDING"] }, 422, "status[0] must be one of DONE, ERROR"],
      ["redecode/4711/apply", {}, 404, "4711"],
      ["dead-letters/replay", { ids: [] }, 422, "ids"],
      ["dead-letters/replay", { version: "9.9.9" }, 404, "9.9.9"],
    ] as const) {
      const answer = await client.post<{ readonly message: string }>(`${DECODER}/${path}`, body);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.include(answer.body.message, said);
    }
    assert.equal((await client.del(`${DECODER}/dead-letters`)).status, 422);
    for (const [query, said] of [
      ["deviceId=meter", "deviceId"],
      ["path=/x/0/1", "LwM2M path"],
      ["path=/33456", "path must name a resource"],
      ["dateFrom=today", "dateFrom"],
      ["dateFrom=2026-02-01&dateTo=2026-01-01", "dateFrom must not be after dateTo"],
      ["pageSize=none", "pageSize"],
    ] as const) {
      const { status, body } = await client.get<{ readonly message: string }>(`${DECODER}/dead-letters?${query}`);
      assert.equal(status, 422, query);
      assert.include(body.message, said);
    }
    assert.equal((await client.get(`${DECODER}/redecode?currentPage=0`)).status, 422);
    for (const list of ["dead-letters", "redecode"]) {
      const { status } = await client.get(`${DECODER}/${list}?since=2026-01-01`);
      assert.equal(status, 200, "platform API 2.1: what is not known of a query is not looked at");
    }
    assert.equal(await jobs(), before);
  });
});
