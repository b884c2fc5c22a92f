/** A plugin of somebody else with every extension point: found, exchanged under load, failing everywhere, and again after `kill -9`. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import {
  AGENT,
  describeObject,
  expectStatus,
  mapResources,
  measurements,
  registerDevice,
  seriesValue,
} from "../harness/agent.ts";
import { api as clientOf } from "../harness/api.ts";
import { managedObject } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { type Host, root, startHost } from "../harness/host.ts";
import { metricOf } from "../harness/metrics.ts";
import { runMooring } from "../harness/mooring-cli.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { type Received, uintBytes } from "../harness/raw-socket.ts";
import { atScale } from "../harness/scale.ts";

const GET = "0.01";
const TEMPERATURE = "/3303/0/5700";
const TEXT = 0;
const FIXTURES = join(root, "test/fixtures/plugins");
const PATH = `${AGENT}/plugins`;
const OWN = `${PATH}/acme`;
const LIMIT = 5;
/** Of a stream under which a plugin is changed, at least. */
const STREAM = { values: atScale(100, 100, 30), changes: 4 };

interface View {
  readonly name: string;
  readonly state: string;
  readonly fault?: string;
  readonly version?: string;
  readonly calls: Readonly<Record<string, { readonly calls: number; readonly failures: number }>>;
}
interface AcmeState {
  readonly type: string;
  readonly factor: number;
  readonly published: number;
  readonly ticks: number;
}

describe("plugins", () => {
  let dataDir: string;
  let host: Host;
  let device: RawDevice;
  let deviceId: string;
  let observation: Received;
  let sequence = 1;
  const api = () => clientOf(host);
  const folder = () => join(dataDir, "plugins/acme");

  const plugin = async (name = "acme") => expectStatus(await api().get<View>(`${PATH}/${name}`), 200, name);
  const put = (name: string, action: string, more: object = {}) =>
    api().put<View & { readonly message?: string }>(`${PATH}/${name}`, { action, ...more });
  const change = async (name: string, action: string, more: object = {}): Promise<View> =>
    expectStatus(await put(name, action, more), 200, `${action} ${name}`);
  const state = async () => expectStatus(await api().get<AcmeState>(`${OWN}/state`), 200, "the route of acme");
  const untilState = (wanted: string) =>
    eventually(
      async () => {
        const view = await plugin();
        if (view.state !== wanted) throw new Error(JSON.stringify(view));
        return view;
      },
      { what: `acme ${wanted}` },
    );

  async function observed(): Promise<void> {
    observation = await device.expectRequest(GET, TEMPERATURE);
    const options = [{ name: "Observe", value: uintBytes(++sequence) } as const];
    await device.answer(observation, { code: "2.05", payload: "1", contentFormat: TEXT, options });
  }
  const notify = (value: number): Promise<void> =>
    device.notifyStored(observation, ++sequence, { code: "2.05", payload: String(value), contentFormat: TEXT });
  /**
   * Notifies of the values after `from` while `change` is made, and once after it, over and over: how many notifications go on a change is
   * the machine's affair. @returns how many values
   */
  async function notifyWhile(from: number, change: (round: number) => Promise<void>): Promise<number> {
    let sent = 0;
    for (let round = 1; round <= STREAM.changes || sent < STREAM.values; round++) {
      let isMade = false;
      const stream = async (): Promise<void> => {
        while (!isMade) await notify(from + ++sent);
      };
      await Promise.all([change(round).finally(() => (isMade = true)), stream()]);
      await notify(from + ++sent);
    }
    return sent;
  }
  const scaled = async () =>
    (await measurements(api(), { source: deviceId, valueFragmentType: "acme_Scaled" })).map(each => ({
      type: each.type,
      value: seriesValue(each, "acme_Scaled.V"),
    }));

  before(async function () {
    this.timeout(40_000);
    dataDir = await mkdtemp(join(tmpdir(), "mooring-test-"));
    await cp(join(FIXTURES, "acme"), folder(), { recursive: true });
    await cp(join(FIXTURES, "base"), join(dataDir, "plugins/node_modules/@acme/base"), { recursive: true });
    await mkdir(join(dataDir, "plugins/broken"));
    await writeFile(join(dataDir, "plugins/broken/mooring-plugin.json"), '{ "name": "broken", "version": "one" }');
    host = await startHost({
      dataDir,
      env: {
        MOORING_PLUGINS_PACKAGES: "@acme/base,not-installed",
        MOORING_PLUGINS_OPTIONS: '{"acme": {"factor": 2}}',
      },
    });
    await describeObject(api(), "3303.xml");
    const customAction = { type: null, actionName: "acme:scale" };
    await mapResources(api(), 3303, { 5700: { customAction, observeParameters: { autoObserve: true } } });
    deviceId = (await registerDevice(api(), { endpointId: "plug-1" })).id;
    device = await openRawDevice(host.coapPort);
    await device.register({ endpoint: "plug-1", query: "lt=86400&lwm2m=1.1", links: "</1/0>,</3303/0>" });
    await observed();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    await device[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("are found in a folder, as npm packages and by this distribution; what is broken is named, and the host starts", async () => {
    const { plugins } = expectStatus(await api().get<{ plugins: readonly View[] }>(PATH), 200, "plugins");
    assert.deepEqual(Object.fromEntries(plugins.map(({ name, state: is }) => [name, is])), {
      connectivity: "ACTIVE",
      device: "ACTIVE",
      location: "ACTIVE",
      streaming: "ACTIVE",
      "acme-base": "ACTIVE",
      "not-installed": "FAULTY",
      acme: "ACTIVE",
      broken: "FAULTY",
    });
    const base = await plugin("acme-base");
    assert.equal(base.version, "1.4.0");
    assert.equal(base.calls["stray"]?.failures, 1, "what it left behind while it was activated has not ended the host");
    assert.include((await plugin("broken")).fault, "mooring-plugin.json:");
    assert.include((await plugin("not-installed")).fault, "no package not-installed is installed");
    const health = await api().get<{ status: string; plugins: Readonly<Record<string, string>> }>("/health");
    assert.equal(health.body.status, "UP");
    assert.deepInclude(health.body.plugins, { acme: "ACTIVE", broken: "FAULTY" });
  });

  it("each extension point works", async () => {
    await notify(21);
    assert.deepInclude(await scaled(), { type: "acme_v1", value: 42 });
    assert.equal((await managedObject(api(), deviceId))["acme_Last"], 21);
    const { factor, published, ticks } = await eventually(async () => {
      const now = await state();
      assert.isAbove(now.ticks, 0);
      return now;
    });
    assert.equal(factor, 2);
    assert.isAtLeast(published, 1);
    assert.isAbove(ticks, 0);
    const metrics = (await api().get<string>("/metrics")).body;
    assert.match(metrics, /^mooring_plugin_acme_published_total [1-9]/m);
    assert.match(metrics, /^mooring_plugins_active\{plugin="acme"\} 1$/m);
    assert.match(metrics, /^mooring_plugins_calls_total\{plugin="acme",point="action"\} [1-9]/m);
    const { body } = await api().get<{ pages: readonly { title: string; url: string }[] }>(`${AGENT}/pluginPages`);
    assert.deepEqual(
      body.pages.map(({ title, url }) => [title, url]),
      [["ACME", `${OWN}/pages/main/`]],
    );
    assert.include((await api().get<string>(`${OWN}/pages/main/app.js`)).body, "ACME is here");
    assert.equal((await api().get(`${OWN}/pages/main/..%2f..%2fsrc%2findex.ts`)).status, 404);
    assert.equal((await api().post(`${OWN}/leave/nothing`, {})).status, 404);
  });

  it("reloads under a stream of notifications: each is stored once, by the old code or by the new", async () => {
    const before = (await scaled()).length;
    const sent = await notifyWhile(1000, async round => {
      await writeFile(join(folder(), "src/version.ts"), `export const TYPE: string = "acme_v${round + 1}";`);
      await change("acme", "reload");
    });
    const stored = (await scaled()).slice(before);
    assert.deepEqual(
      stored.map(({ value }) => value).sort((a, b) => a! - b!),
      Array.from({ length: sent }, (_, at) => 2 * (1001 + at)),
    );
    const types = new Set(stored.map(({ type }) => type));
    assert.isAbove(types.size, 2, "several versions have made them");
    await notify(5000);
    assert.equal((await scaled()).at(-1)?.type, (await state()).type);
    assert.isAbove(host.lines.filter(line => line.includes('"acme.closed"')).length, 2);
  });

  it("a reload of code that cannot run changes nothing", async () => {
    const good = await readFile(join(folder(), "src/version.ts"), "utf8");
    const broken = 'throw new Error("half a change");\nexport const TYPE: string = "";';
    await writeFile(join(folder(), "src/version.ts"), broken);
    const refused = await put("acme", "reload");
    assert.deepEqual([refused.status, refused.body.message], [422, "plugin acme: activate failed: half a change"]);
    const { type } = await state();
    await notify(6000);
    assert.deepEqual((await scaled()).at(-1), { type, value: 12_000 });
    await writeFile(join(folder(), "src/version.ts"), good);
    await change("acme", "reload");
  });

  it("disabling: refused while another needs it; values are stored without it, and nothing of it is left", async () => {
    const refused = await put("acme-base", "disable");
    assert.deepEqual(
      [refused.status, refused.body.message],
      [409, "plugin acme-base is needed by acme; cascade disables them too"],
    );
    const before = (await scaled()).length;
    await change("acme-base", "disable", { cascade: true });
    await notify(7000);
    assert.lengthOf(await scaled(), before);
    const fragment = (await managedObject(api(), deviceId))["c8y_Lwm2m_3303!0"] as Record<string, unknown>;
    assert.equal(fragment["5700"], 7000);
    assert.equal((await api().get(`${OWN}/state`)).status, 404);
    assert.equal((await api().get(`${OWN}/pages/main/`)).status, 404);
    assert.notInclude((await api().get<string>("/metrics")).body, "mooring_plugin_acme_");
    await change("acme", "enable", { cascade: true });
    await notify(7001);
    assert.lengthOf(await scaled(), before + 1);
  });

  it("enabling and disabling under a stream: each value has its effect once, or is counted as one that had none", async () => {
    const before = (await scaled()).length;
    const failures = await metricOf(api(), "mooring_uplink_failures_total");
    const sent = await notifyWhile(20_000, async () => {
      await change("acme", "disable");
      await change("acme", "enable");
    });
    const failed = (await metricOf(api(), "mooring_uplink_failures_total")) - failures;
    const stored = (await scaled()).slice(before).map(({ value }) => value);
    assert.equal(stored.length + failed, sent);
    assert.lengthOf([...new Set(stored)], stored.length);
    const fragment = (await managedObject(api(), deviceId))["c8y_Lwm2m_3303!0"] as Record<string, unknown>;
    assert.equal(fragment["5700"], 20_000 + sent);
  });

  const afterMode = async (point: string, once: () => Promise<unknown>): Promise<void> => {
    expectStatus(await api().put(`${OWN}/mode/${point}`, {}), 204, "mode");
    for (let failed = 0; failed < LIMIT; failed++) await once();
  };
  let value = 8000;
  const notifyOnce = () => notify(++value);
  const points: readonly [point: string, place: string, once: () => Promise<unknown>][] = [
    ["action", "action acme:scale", notifyOnce],
    ["handler", "handler of object 3303", notifyOnce],
    ["publisher", "publisher counter", notifyOnce],
    ["figure", "figure published", () => api().get("/metrics")],
    ["route", "route GET /fail", async () => assert.equal((await api().get(`${OWN}/fail`)).status, 502)],
    ["timer", "timer", async () => {}],
    ["callback", "outside of any call", () => api().post(`${OWN}/leave/callback`, {})],
    ["rejection", "outside of any call", () => api().post(`${OWN}/leave/rejection`, {})],
  ];
  for (const [point, place, once] of points) {
    it(`one whose ${point} fails is stopped with an alarm and harms nobody; enabling starts it again`, async () => {
      const { pid } = host;
      await afterMode(point, once);
      const { fault, calls } = await untilState("STOPPED");
      assert.equal(fault, `${place}: ${point} fails`);
      const counted = calls[["callback", "rejection"].includes(point) ? "stray" : point]!;
      assert.isAtLeast(counted.failures, LIMIT);
      assert.equal((await plugin("acme-base")).state, "ACTIVE");
      const alarms = async (status: string) => {
        const found = await api().get<{ alarms: readonly { text: string }[] }>(
          `/alarm/alarms?type=c8y_LWM2MPluginFailure_acme&status=${status}`,
        );
        return found.body.alarms.map(({ text }) => text);
      };
      const said = [`Plugin acme failed too often and is stopped: ${fault}`];
      const raised = () => eventually(async () => (await alarms("ACTIVE")).at(0), { what: "the alarm" });
      assert.deepEqual([await raised()], said);
      await notify(++value);
      assert.equal((await api().get<{ status: string }>("/health")).body.status, "UP");
      await change("acme", "enable");
      assert.isEmpty(await alarms("ACTIVE"));
      await notify(++value);
      assert.equal((await scaled()).at(-1)?.value, 2 * value);
      assert.equal(host.pid, pid);
    });
  }

  it("one whose end fails is gone all the same", async () => {
    expectStatus(await api().put(`${OWN}/mode/close`, {}), 204, "mode");
    assert.equal((await change("acme", "disable")).state, "DISABLED");
    const isSaid = (line: string): boolean => line.includes('"plugin.closeFailed"') && line.includes("close fails");
    await eventually(async () => host.lines.find(isSaid), { what: "the failure in the log" });
  });

  it("what is disabled stays so after kill -9, and may be enabled then; the command line says the same", async () => {
    await host.kill();
    await host.start();
    assert.equal((await plugin()).state, "DISABLED");
    const listed = await runMooring(host, ["plugin", "list"]);
    assert.match(listed.output, /^acme +1\.0\.0 +DISABLED /m);
    const enabled = await runMooring(host, ["plugin", "enable", "acme"]);
    assert.equal(enabled.code, 0);
    assert.match(enabled.output, /^acme 1\.0\.0: ACTIVE$/m);
    const refused = await runMooring(host, ["plugin", "disable", "acme-base"]);
    assert.equal(refused.code, 3);
    assert.include(refused.lines.join("\n"), "is needed by acme");
    await notify(9999);
    assert.equal((await scaled()).at(-1)?.value, 2 * 9999);
  });
});
