/**
 * OMA's cases of composite observations with periods. Leshan's client has no attributes for them, so a script is the client
 * (script-client.ts). They wait side by side.
 */
import { assert } from "chai";
import { describeObject } from "../../harness/agent.ts";
import { managedObject } from "../../harness/documents.ts";
import { eventually } from "../../harness/eventually.ts";
import { withHost } from "../../harness/with-host.ts";
import { openScriptClient, type ScriptClient, type ScriptValue } from "./script-client.ts";
import { sideBySide } from "./side-by-side.ts";
import { operatorFor } from "./with-leshan.ts";

const PMIN_S = 30;
const PMAX_S = 45;
/** What a busy machine may add to a period. */
const SLACK_S = 3;

describe("interop/OMA: composite observations with periods", function () {
  this.timeout(240_000);
  const suite = withHost();
  const clients: ScriptClient[] = [];
  before(() => describeObject(suite.api, "oma-objects.xml"));
  after(() => Promise.all(clients.map(client => client[Symbol.asyncDispose]())));
  const aside = sideBySide();

  const begin = async (endpoint: string, more: Readonly<Record<string, ScriptValue>> = {}) => {
    // What a device has no more is not kept.
    const operator = await operatorFor(suite, { endpointId: endpoint, genericUIRetainOldValuesIfError: false });
    const basic = { "/1/0/0": 1, "/1/0/1": 3600, "/1/0/3": 10, "/3/0/0": "ACME", "/3/0/11/0": 0, "/3/0/16": "U" };
    const values = new Map<string, ScriptValue>(Object.entries({ ...basic, ...more }));
    const client = await openScriptClient({ endpoint, serverPort: suite.host.coapPort, values });
    clients.push(client);
    await client.register();
    return { operator, client };
  };
  /** Waits for that notification, counted from 0. */
  const notification = ({ notified }: ScriptClient, at: number) =>
    eventually(() => notified[at], { withinMs: (PMAX_S + SLACK_S) * 1000, everyMs: 250, what: `notification ${at}` });
  const portfolio = (instance: number, ...identity: readonly string[]) =>
    Object.fromEntries(identity.map((value, id) => [`/16/${instance}/0/${id}`, value]));
  const createText = (instance: number, ...identity: readonly string[]): string =>
    `create /16 ${JSON.stringify({ id: instance, resources: { "0": { ...identity } } })}`;

  aside("OMA 304: a composite observation of three paths, a notification with all of them in its period", async () => {
    const { operator, client } = await begin("oma-304");
    await operator.run(`writeattr /1/0/1 pmin=${PMIN_S}&pmax=${PMAX_S}`);
    assert.include(client.asked, `0.03 /1/0/1?pmin=${PMIN_S}&pmax=${PMAX_S}`);
    const { values } = await operator.run("cobserve /1/0/1 /3/0/11/0 /3/0/16");
    assert.deepEqual(values, { "/1/0/1": 3600, "/3/0/11/0": 0, "/3/0/16": "U" });
    const startMs = Date.now();
    client.set("/3/0/11/0", 2);
    const { atMs, paths } = await notification(client, 0);
    assert.isAtLeast(atMs - startMs, (PMIN_S - 1) * 1000);
    assert.sameMembers([...paths], ["/1/0/1", "/3/0/11/0", "/3/0/16"]);
    await operator.lastValues({ "/1/0/1": 3600, "/3/0/11/0": 2, "/3/0/16": "U" });
  });

  aside("OMA 308: an instance made while it is observed appears in the next notification", async () => {
    const { operator, client } = await begin("oma-308");
    assert.equal((await operator.run(createText(0, "aa", "bb", "cc", "dd"))).status, "2.01 Created");
    await operator.run(`writeattr /16/0 pmin=${PMIN_S}&pmax=${PMAX_S}`);
    const first = portfolio(0, "aa", "bb", "cc", "dd");
    assert.deepEqual((await operator.run("cobserve /16/0 /16/1")).values, first);
    client.set("/16/0/0/3", "d2");
    assert.sameMembers([...(await notification(client, 0)).paths], Object.keys(first));
    await operator.lastValues({ ...first, "/16/0/0/3": "d2" });
    await operator.run(createText(1, "11", "22", "33", "44"));
    client.set("/16/1/0/3", "45");
    const second = { ...first, "/16/0/0/3": "d2", ...portfolio(1, "11", "22", "33", "45") };
    assert.sameMembers([...(await notification(client, 1)).paths], Object.keys(second));
    await operator.lastValues(second);
  });

  aside("OMA 309: an instance deleted while it is observed is gone from the next notification", async () => {
    const { operator, client } = await begin("oma-309");
    await operator.run(createText(0, "aa", "bb", "cc", "dd"));
    await operator.run(createText(1, "11", "22", "33", "44"));
    await operator.run(`writeattr /16/0 pmin=${PMIN_S}&pmax=${PMAX_S}`);
    const both = { ...portfolio(0, "aa", "bb", "cc", "dd"), ...portfolio(1, "11", "22", "33", "44") };
    assert.deepEqual((await operator.run("cobserve /16/0 /16/1")).values, both);
    client.set("/16/1/0/3", "45");
    assert.sameMembers([...(await notification(client, 0)).paths], Object.keys(both));
    await operator.lastValues({ ...both, "/16/1/0/3": "45" });
    assert.equal((await operator.run("delete /16/1")).status, "2.02 Deleted");
    client.set("/16/0/0/3", "d2");
    const left = portfolio(0, "aa", "bb", "cc", "d2");
    assert.sameMembers([...(await notification(client, 1)).paths], Object.keys(left));
    await operator.lastValues(left);
    assert.notProperty(await managedObject(suite.api, operator.deviceId), "c8y_Lwm2m_16!1");
  });

  aside("OMA 310: notifications follow the pmax that is set while paths are observed together", async () => {
    const { operator, client } = await begin("oma-310");
    const { values } = await operator.run("cobserve /1/0/3 /3/0");
    assert.deepEqual(values, { "/1/0/3": 10, "/3/0/0": "ACME", "/3/0/11/0": 0, "/3/0/16": "U" });
    client.set("/1/0/3", 11);
    await operator.lastValues({ "/1/0/3": 11 });
    await operator.run("writeattr /3 pmax=5");
    for (const at of [1, 2, 3]) await notification(client, at);
    const gaps = client.notified
      .slice(1, 4)
      .map(({ atMs }, at, all) => (at === 0 ? undefined : atMs - all[at - 1]!.atMs));
    for (const gap of gaps.slice(1)) assert.isAtMost(gap!, (5 + SLACK_S) * 1000);
    await operator.lastValues({ "/1/0/3": 11, "/3/0/0": "ACME" });
  });
});
