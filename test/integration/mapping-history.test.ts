/**
 * Another device protocol over what a device has said: a plan, and what it says done. The device sends days of values with times of their
 * own; the host is killed while the plan is carried out.
 */
import { createHash } from "node:crypto";
import { assert } from "chai";
import { AGENT, describeObject, expectStatus, mapResources, registerDevice } from "../harness/agent.ts";
import type { Api } from "../harness/api.ts";
import { alarms, allMeasurements } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { atScale } from "../harness/scale.ts";
import { withHost } from "../harness/with-host.ts";

const SENML_JSON = 110;
const OBJECT = 3303;
const SENDS = atScale(120, 120, 20);
const VALUES = atScale(25, 25, 10);
const PAGE_SIZE = 2000;
const MINUTE_S = 60;
/** To kill the host while it carries out a plan. */
const MOST_ATTEMPTS = 5;

interface Kind {
  readonly produced: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
}
interface Plan {
  readonly plan: string;
  readonly deviceId: string;
  readonly dateFrom: string;
  readonly dateTo: string;
  readonly messages: number;
  readonly measurements: Kind;
  readonly events: Kind;
  readonly alarms: Kind;
}

const measure = (type: string) => ({ measurementCreation: { type, series: "T" } });
const alarm = (status: string) => ({ alarmCreation: { severity: "MAJOR", type: "c8y_Hot", status, text: "hot" } });
const OLD = { 5700: measure("c8y_Temperature") };
const NEW = {
  5700: { ...measure("c8y_Room"), eventCreation: { type: "c8y_Read", text: "read" } },
  5701: alarm("ACTIVE"),
  5605: alarm("CLEARED"),
};
const counts = ({ measurements: m, events: e, alarms: a }: Plan): string =>
  [m, e, a]
    .map(({ produced, changed, removed, unchanged }) => `+${produced} ~${changed} -${removed} =${unchanged}`)
    .join(", ");

describe("another mapping over a device's history", function () {
  this.timeout(atScale(60_000, 60_000, 240_000));
  const suite = withHost();
  let device: RawDevice;
  let deviceId: string;
  const client = (): Api => suite.api;

  before(async () => {
    await describeObject(client(), "3303.xml");
    await mapResources(client(), OBJECT, OLD);
    deviceId = (await registerDevice(client(), { endpointId: "days", enableResourceLevelTimestamp: true })).id;
    await client().put(`/inventory/managedObjects/${deviceId}`, { keepValueHistory: true });
    device = await openRawDevice(suite.host.coapPort);
    await device.register({ endpoint: "days", query: "lt=86400&lwm2m=1.1&b=U", links: "</1/0>,</3303/0>" });
    await sendDays();
  });
  after(() => device?.[Symbol.asyncDispose]());

  async function send(records: readonly object[]): Promise<void> {
    const answer = await device.request({
      ...{ code: "0.02", uri: "/dp", contentFormat: SENML_JSON },
      payload: JSON.stringify(records),
    });
    assert.equal(answer.code, "2.04");
  }

  /** A value a minute, the last of them now; hot on its way up, cool again in the next message. */
  async function sendDays(): Promise<void> {
    const nowS = Math.floor(Date.now() / 1000);
    for (let at = 0; at < SENDS; at++) {
      const bt = nowS - (SENDS - at) * VALUES * MINUTE_S;
      const values = Array.from({ length: VALUES }, (_, n) => ({ n: "5700", t: n * MINUTE_S, v: at + n / 100 }));
      const extreme = at % 10 === 4 ? [{ n: "5605", vd: "AQ" }] : at % 10 === 5 ? [{ n: "5701", vs: "F" }] : [];
      await send([{ bn: "/3303/0/", bt, ...values[0] }, ...values.slice(1), ...extreme]);
    }
  }

  /** The protocol in force, with other mappings. */
  async function protocol(resourceMappings: object): Promise<object> {
    const all = expectStatus(
      await client().get<readonly Record<string, unknown>[]>(`${AGENT}/objectResourceMappings`),
      200,
      "mappings",
    );
    const inForce = all.map(each => each["c8y_objectmapping_ObjectMapping"] as { objectId: number } | undefined);
    return { ...inForce.find(each => each?.objectId === OBJECT), resourceMappings };
  }
  const ask = async (what: "dryRun" | "apply", mappings: object, more: object = {}) =>
    client().post<Plan>(`${AGENT}/objectResourceMappings/${OBJECT}/${what}`, {
      protocol: await protocol(mappings),
      deviceId,
      ...more,
    });
  const planned = async (mappings: object): Promise<Plan> => expectStatus(await ask("dryRun", mappings), 200, "dryRun");
  const asPlanned = ({ plan, dateFrom, dateTo }: Plan) => ({ plan, dateFrom, dateTo });
  const applied = async (mappings: object, plan: Plan): Promise<Plan> =>
    expectStatus(await ask("apply", mappings, asPlanned(plan)), 200, "apply");

  async function readEvents(): Promise<readonly Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    for (let currentPage = 1; ; currentPage++) {
      const query = new URLSearchParams({ source: deviceId, type: "c8y_Read", pageSize: String(PAGE_SIZE) });
      const page = await client().get<{ events: Record<string, unknown>[] }>(
        `/event/events?${query}&currentPage=${currentPage}`,
      );
      found.push(...page.body.events);
      if (page.body.events.length < PAGE_SIZE) return found;
    }
  }

  /** Of all that the device's messages became, without the moment at which it was stored. */
  async function contentHash(): Promise<string> {
    const stored = await Promise.all([
      allMeasurements(client(), { source: deviceId }),
      readEvents(),
      alarms(client(), deviceId),
    ]);
    const texts = stored
      .flatMap(documents => documents as readonly Record<string, unknown>[])
      .map(({ creationTime: _, lastUpdated: __, ...document }) => JSON.stringify(document));
    return createHash("sha256").update(texts.sort().join("\n")).digest("hex");
  }
  const measured = async (type: string): Promise<number> => {
    const query = new URLSearchParams({ source: deviceId, type, pageSize: "1", withTotalElements: "true" });
    const page = await client().get<{ statistics: { totalElements: number } }>(`/measurement/measurements?${query}`);
    return page.body.statistics.totalElements;
  };

  /** @returns the plan that the host was killed at when some of it was done; one that was done by then is undone, and killed anew */
  async function killedInBetween(): Promise<Plan> {
    for (let attempt = 1; ; attempt++) {
      const plan = await planned(NEW);
      const running = ask("apply", NEW, asPlanned(plan)).catch(() => undefined);
      await eventually(async () => ((await measured("c8y_Room")) > 0 ? true : undefined), {
        withinMs: 20_000,
        everyMs: 1,
      });
      await suite.host.kill();
      await running;
      await suite.host.start();
      if ((await measured("c8y_Temperature")) > 0) return plan;
      assert.isBelow(attempt, MOST_ATTEMPTS, "it was at its end each time");
      await applied(OLD, await planned(OLD));
    }
  }

  it("what is in force would change nothing", async () => {
    const plan = await planned(OLD);
    assert.equal(counts(plan), `+0 ~0 -0 =${SENDS * VALUES}, +0 ~0 -0 =0, +0 ~0 -0 =0`);
    assert.equal(plan.messages, SENDS);
  });

  it("a plan is what applying it makes; twice, or killed in between and repeated, the content is the same", async () => {
    const before = await contentHash();
    const plan = await planned(NEW);
    const all = SENDS * VALUES;
    assert.equal(counts(plan), `+0 ~${all} -0 =0, +${all} ~0 -0 =0, +${SENDS / 10 - 1} ~0 -0 =0`);
    assert.equal(await contentHash(), before, "a plan changes nothing");
    assert.equal(counts(await applied(NEW, plan)), counts(plan));
    const wanted = await contentHash();
    assert.notEqual(wanted, before);
    assert.equal(await measured("c8y_Room"), all);
    assert.match(counts(await applied(NEW, plan)), /^\+0 ~0 -0 =\d+, \+0 ~0 -0 =\d+, \+0 ~0 -0 =\d+$/);
    assert.equal(await contentHash(), wanted);

    await applied(OLD, await planned(OLD));
    assert.equal(await contentHash(), before, "back again");

    await applied(NEW, await killedInBetween());
    assert.equal(await contentHash(), wanted);
    assert.equal(counts(await planned(OLD)).split(",")[0], `+0 ~${all} -0 =0`);
  });

  it("values that come after it are mapped by the new protocol", async () => {
    const before = await measured("c8y_Room");
    await device.register({ endpoint: "days", query: "lt=86400&lwm2m=1.1&b=U", links: "</1/0>,</3303/0>" });
    await send([{ bn: "/3303/0/", n: "5700", v: 99 }]);
    assert.equal(await measured("c8y_Room"), before + 1);
  });

  it("an old plan is refused, and so is what is none", async () => {
    const plan = await planned(OLD);
    const refused = async (mappings: object, more: object) => {
      const { status, body } = await ask("apply", mappings, more);
      return `${status} ${JSON.stringify(body)}`;
    };
    assert.match(await refused(NEW, asPlanned(plan)), /^409 .*changed since the plan was made/);
    assert.match(await refused(OLD, { ...asPlanned(plan), dateTo: plan.dateFrom }), /^409 /);
    assert.match(await refused(OLD, { ...asPlanned(plan), plan: "x" }), /^422 .*plan must be the id of a plan/);
    assert.match(await refused(OLD, {}), /^422 .*plan is missing/);
    await mapResources(client(), OBJECT, { 5605: measure("other") });
    assert.match(await refused(OLD, asPlanned(plan)), /^409 .*the device protocol changed/);
    assert.match(
      JSON.stringify((await ask("dryRun", { 5700: { measurementCreation: { type: "a b", series: "T" } } })).body),
      /5700.*white space/,
    );
    assert.match(JSON.stringify((await ask("dryRun", OLD, { dateFrom: "yesterday" })).body), /dateFrom must be a time/);
    assert.equal((await ask("dryRun", OLD, { deviceId: "1" })).status, 404);
  });
});
