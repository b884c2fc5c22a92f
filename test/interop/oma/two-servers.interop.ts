/** OMA's cases of a client with two servers: two hosts, and a script as the client, since Leshan's client has one server only. */
import { assert } from "chai";
import { withHost } from "../../harness/with-host.ts";
import type { Operator } from "./operator.ts";
import { openScriptClient, type ScriptClient, type ScriptValue } from "./script-client.ts";
import { operatorFor } from "./with-leshan.ts";

describe("interop/OMA: two servers", () => {
  const suites = [withHost(), withHost()];
  const endpoint = "oma-two-servers";
  /** Of the one client, whoever asks. */
  const values = new Map<string, ScriptValue>([
    ["/1/0/0", 1],
    ["/1/1/0", 2],
    ["/3/0/0", "ACME"],
    ["/3/0/1", "two"],
    ["/3/0/2", "2"],
    ["/3/0/3", "1.0"],
    ["/3/0/11/0", 0],
    ["/3/0/16", "U"],
  ]);
  const accounts: { readonly operator: Operator; readonly client: ScriptClient; readonly location: string }[] = [];

  before(async () => {
    for (const suite of suites) {
      const operator = await operatorFor(suite, { endpointId: endpoint });
      const client = await openScriptClient({ endpoint, serverPort: suite.host.coapPort, values });
      accounts.push({ operator, client, location: await client.register() });
    }
  });
  after(() => Promise.all(accounts.map(({ client }) => client[Symbol.asyncDispose]())));

  it("OMA 950: a client registers with both, and each has it", async () => {
    for (const { operator, location } of accounts) {
      const registration = (await operator.registration())!;
      assert.equal(location, `/rd/${registration.registrationId}`);
      assert.include(registration, { endpoint, lifetime: 3600, lwm2mVersion: "1.1" });
      assert.includeMembers([...registration.objectLinks], ["/1/0", "/1/1", "/3/0"]);
      assert.deepEqual(await operator.read("/3/0/0"), { "/3/0/0": "ACME" });
    }
  });

  it("OMA 951: the attributes of each server are its own", async () => {
    const periods = [
      { pmin: "2", pmax: "10" },
      { pmin: "15", pmax: "50" },
    ];
    for (const [at, { operator }] of accounts.entries()) {
      const { pmin, pmax } = periods[at]!;
      await operator.run(`writeattr /3/0 pmin=${pmin}&pmax=${pmax}`);
    }
    for (const [at, { operator }] of accounts.entries()) {
      const { values: links } = await operator.run("discover /3/0");
      const resources = Object.fromEntries(["0", "1", "2", "3", "11", "16"].map(id => [`/3/0/${id}`, {}]));
      assert.deepEqual(links, { "/3/0": periods[at], ...resources });
    }
  });
});
