/** OMA's cases of observations with periods, with Leshan's client. They wait side by side. */
import { setTimeout as pause } from "node:timers/promises";
import { assert } from "chai";
import { describeObject } from "../../harness/agent.ts";
import { events } from "../../harness/documents.ts";
import { eventually } from "../../harness/eventually.ts";
import { type NatProxy, openNatProxy } from "../../harness/nat-proxy.ts";
import { withHost } from "../../harness/with-host.ts";
import { type LeshanDevice, startLeshanDevice } from "../leshan/leshan.ts";
import { CELLULAR, CONNECTIVITY, LOCATION } from "./configuration.ts";
import type { Exchange, Operator, Values } from "./operator.ts";
import { sideBySide } from "./side-by-side.ts";
import { wireOf } from "./wire.ts";
import { DDFS, JAVA_STARTS_WITHIN_MS, operatorFor } from "./with-leshan.ts";

/** What a busy machine may add to a period, its garbage collections and Java's; and beyond which nothing more comes where nothing shall. */
const SLACK_S = 10;
const SILENCE_S = 3;

interface Player {
  readonly operator: Operator;
  readonly device: LeshanDevice;
  readonly proxy: NatProxy;
}

type Changes = Readonly<Record<string, string | number>>;

interface Reporting {
  readonly path: string;
  /** Seconds. */
  readonly pmin: number;
  readonly pmax: number;
  /** Of the answer to Observe, by path. */
  readonly first: Values;
  /** What the device sets once it is observed. */
  readonly changes: Changes;
  /** What it has measured by the time that pmax passes. */
  readonly later: Changes;
}

describe("interop/OMA: observations with periods", function () {
  this.timeout(180_000);
  const suite = withHost();
  const players: Player[] = [];
  const start = async (endpoint: string): Promise<Player> => {
    const operator = await operatorFor(suite, { endpointId: endpoint });
    const proxy = await openNatProxy({ serverPort: suite.host.coapPort });
    const device = startLeshanDevice({ endpoint, port: proxy.port, ddfs: DDFS });
    players.push({ operator, device, proxy });
    await device.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
    return { operator, device, proxy };
  };
  let ofDevice: Player;
  let ofOthers: Player;
  before(async () => {
    for (const ddf of DDFS) await describeObject(suite.api, ddf);
    [ofDevice, ofOthers] = await Promise.all([start("oma-device-observed"), start("oma-others-observed")]);
  });
  beforeEach(() => {
    for (const { device } of players) suite.onFailure(() => device.process.tail(15));
  });
  after(async () => {
    for (const { device, proxy } of players) {
      await device.stop();
      await proxy.close();
    }
  });
  const aside = sideBySide();

  /** Times of the answer to Observe and of the notifications since, ms since the epoch. */
  const reportTimes = async ({ deviceId }: Operator, path: string): Promise<readonly number[]> => {
    const wanted = [`GET ${path}`, `NOTIFY ${path}`];
    return (await events(suite.api, deviceId, "c8y_LWM2MTraffic"))
      .filter(event => wanted.includes((event["c8y_LWM2MTraffic"] as Exchange).request))
      .map(({ time }) => Date.parse(time))
      .sort((a, b) => a - b);
  };
  /** A change comes no sooner than pmin after the answer to Observe, and without another the values come by pmax. */
  const reports = async (player: Player, { path, pmin, pmax, first, changes, later }: Reporting) => {
    const { operator, device } = player;
    await operator.run(`writeattr ${path} pmin=${pmin}&pmax=${pmax}`);
    assert.deepEqual((await operator.run(`observe ${path}`)).values, first);
    for (const [each, value] of Object.entries(changes)) device.set(each, value);
    await operator.lastValues(changes, (pmin + SLACK_S) * 1000);
    for (const [each, value] of Object.entries(later)) device.hold(each, value);
    await operator.lastValues(later, (pmax + SLACK_S) * 1000);
    const times = await eventually(
      async () => {
        const seen = await reportTimes(operator, path);
        return seen.length >= 3 ? seen : undefined;
      },
      { what: `the notifications of ${path}` },
    );
    const [change, again] = times.slice(1).map((time, at) => (time - times[at]!) / 1000);
    assert.isAtLeast(change!, pmin - 0.5, `the change of ${path}`);
    assert.isAtMost(change!, pmin + SLACK_S, `the change of ${path}`);
    assert.isAtLeast(again!, pmax - 0.5, `the next report of ${path}`);
    assert.isAtMost(again!, pmax + SLACK_S, `the next report of ${path}`);
  };

  const voltage: Reporting = {
    path: "/3/0/7",
    pmin: 5,
    pmax: 15,
    first: { "/3/0/7/0": 3800, "/3/0/7/1": 4200 },
    changes: { "/3/0/7/0": 3700 },
    later: { "/3/0/7/1": 4150 },
  };
  const current: Reporting = {
    path: "/3/0/8",
    pmin: 10,
    pmax: 20,
    first: { "/3/0/8/0": 120, "/3/0/8/1": 80 },
    changes: { "/3/0/8/1": 95 },
    later: { "/3/0/8/0": 125 },
  };
  /** The observation that a path has now. */
  const observationOf = ({ proxy }: Player, path: string) =>
    wireOf(proxy)
      .requests("0.01")
      .findLast(request => request.path === path && request.observe === 0)!;
  const notificationsOf = (player: Player, path: string) =>
    wireOf(player.proxy).notifications(observationOf(player, path).token);
  /** Past pmax of both: what is still observed would have been reported. */
  const silence = () => pause((current.pmax + SILENCE_S) * 1000);

  const case301 = aside("OMA 301: voltage and current are observed, and shown in their periods", async () => {
    assert.deepEqual(await ofDevice.operator.read("/3/0/6"), { "/3/0/6/0": 1, "/3/0/6/1": 2 });
    await Promise.all([reports(ofDevice, voltage), reports(ofDevice, current)]);
  });

  const case302 = aside("OMA 302: a dropped observation's next notification gets Reset, and none follows", async () => {
    await case301();
    const { operator, device, proxy } = ofDevice;
    for (const { path } of [voltage, current]) {
      assert.equal((await operator.run(`cancelobservation ${path}`)).status, "0.00 Nothing sent");
    }
    device.set("/3/0/7/0", 3600);
    device.set("/3/0/8/1", 99);
    await silence();
    for (const { path } of [voltage, current]) {
      const ids = notificationsOf(ofDevice, path).map(({ messageId }) => messageId);
      assert.deepEqual(
        ids.filter(id => wireOf(proxy).resets().includes(id)),
        ids.slice(-1),
        `the last notification of ${path}, and no other, got Reset`,
      );
    }
    await operator.lastValues({ ...voltage.changes, ...voltage.later, ...current.changes, ...current.later });
  });

  aside(
    "OMA 303: an observation is cancelled by Observe 1 with its token and options, and no notification follows",
    async () => {
      await case302();
      const { operator, device, proxy } = ofDevice;
      for (const { path } of [voltage, current]) await operator.run(`observe ${path}`);
      const shown = { "/3/0/7/0": 3600, "/3/0/8/1": 99 };
      await operator.lastValues(shown);
      for (const { path } of [voltage, current]) {
        assert.equal((await operator.run(`cancelobserve ${path}`)).status, "2.05 Content");
        const { token, accept } = observationOf(ofDevice, path);
        const cancel = wireOf(proxy).requests("0.01").at(-1)!;
        assert.deepInclude(cancel, { path, observe: 1, token, accept });
      }
      const before = [voltage, current].map(({ path }) => notificationsOf(ofDevice, path).length);
      device.set("/3/0/7/0", 3500);
      device.set("/3/0/8/1", 101);
      await silence();
      assert.deepEqual(
        [voltage, current].map(({ path }) => notificationsOf(ofDevice, path).length),
        before,
      );
      await operator.lastValues(shown);
    },
  );

  const others = (reporting: Omit<Reporting, "pmin" | "pmax">, [pmin, pmax]: readonly [number, number] = [2, 10]) =>
    reports(ofOthers, { ...reporting, pmin, pmax });

  const resource = (
    path: keyof typeof CELLULAR,
    change: string | number,
    later: string | number,
    periods: readonly [number, number],
  ) =>
    others({ path, first: { [path]: CELLULAR[path] }, changes: { [path]: change }, later: { [path]: later } }, periods);

  aside("OMA 710: Connectivity Monitoring is observed", () =>
    others({
      path: "/4/0",
      first: CONNECTIVITY,
      changes: { "/4/0/2": -70, "/4/0/8": 118 },
      later: { "/4/0/2": -71 },
    }),
  );

  aside("OMA 810: Location is observed", () =>
    others({
      path: "/6/0",
      first: LOCATION,
      changes: { "/6/0/0": 44.5, "/6/0/5": 1_367_491_300 },
      later: { "/6/0/1": 153.25, "/6/0/5": 1_367_491_400 },
    }),
  );

  aside("OMA 910: Connectivity Statistics are observed from Start to Stop", async () => {
    const { operator, device, proxy } = ofOthers;
    await operator.run("write /7/0/8 0");
    const first = { "/7/0/0": 4, "/7/0/1": 2, "/7/0/2": 900, "/7/0/3": 700, "/7/0/4": 512, "/7/0/5": 128, "/7/0/8": 0 };
    await others({ path: "/7/0", first, changes: { "/7/0/2": 901 }, later: { "/7/0/2": 905 } });
    await operator.run("execute /7/0/6");
    await operator.lastValues({ "/7/0/2": 0, "/7/0/3": 0 });
    device.set("/7/0/2", 14);
    await operator.lastValues({ "/7/0/2": 14 });
    await operator.run("execute /7/0/7");
    await operator.run("cancelobserve /7/0");
    const { token } = observationOf(ofOthers, "/7/0");
    assert.deepInclude(wireOf(proxy).requests("0.01").at(-1)!, { path: "/7/0", observe: 1, token });
  });

  aside("OMA 1203: Power Saving Modes are observed", async () => {
    const shown = (await ofOthers.operator.run("discover /10")).values;
    assert.containsAllKeys(shown, ["/10/0/13", "/10/0/14"]);
    await Promise.all([resource("/10/0/13", 1, 3, [5, 15]), resource("/10/0/14", 2, 1, [10, 20])]);
  });

  aside("OMA 1204: timers and eDRX parameters are observed", async () => {
    await Promise.all([
      resource("/10/0/4", 7200, 7300, [5, 15]),
      resource("/10/0/5", 60, 70, [10, 20]),
      resource("/10/0/8", "0d", "0c", [5, 15]),
      resource("/10/0/9", "0e", "0f", [10, 20]),
    ]);
  });

  // With 2 and 10 s: the case has 300 and 3,600.
  aside("OMA 1900: the data of a container are observed", async () => {
    const { values } = await ofOthers.operator.run("discover /19");
    assert.containsAllKeys(values, ["/19", "/19/0", "/19/0/0", "/19/1/0"]);
    const container = (meter: number) => ({ "/19/0/0/0": Buffer.from(`{"meter":${meter}}`).toString("hex") });
    await others({ path: "/19/0/0", first: container(1), changes: container(2), later: container(3) });
  });
});
