import { assert } from "chai";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

describe("rest/applications (platform API 15)", () => {
  let rest: RestFixture;
  before(async () => {
    rest = await openRest();
    await rest.tenants.createUser("t1", { userName: "none", password: PASSWORD, roles: [] });
  });
  after(() => rest[Symbol.asyncDispose]());
  const namesAt = async (path: string, as = "t1/none"): Promise<string[]> => {
    const { status, body } = await rest.ask("GET", `/application/${path}`, { as });
    assert.equal(status, 200, path);
    return body.applications.map(({ name }: { name: string }) => name);
  };

  it("agent specification 3.1: the agent, with both extensions that register devices, for every user", async () => {
    const { body } = await rest.ask("GET", "/application/applications?withTotalPages=true", { as: "t1/none" });
    const [agent, ...others] = body.applications;
    assert.isEmpty(others);
    assert.deepInclude(agent, { name: "lwm2m-agent", type: "MICROSERVICE", contextPath: "lwm2m-agent" });
    assert.deepEqual(
      agent.manifest.extensions.map(({ type }: { type: string }) => type),
      ["extensibleDeviceRegistration", "extensibleBulkDeviceRegistration"],
    );
    assert.equal(body.statistics.totalPages, 1);
    const one = await rest.ask("GET", new URL(agent.self).pathname);
    assert.deepEqual(one.body, agent);
    assert.equal((await rest.ask("GET", "/application/applications/2")).status, 404);
  });

  it("lists by name, owner, tenant and user", async () => {
    const AGENT = ["lwm2m-agent"];
    assert.deepEqual(await namesAt("applicationsByName/lwm2m-agent"), AGENT);
    assert.deepEqual(await namesAt("applicationsByName/cockpit"), []);
    assert.deepEqual(await namesAt("applicationsByOwner/management"), AGENT);
    assert.deepEqual(await namesAt("applicationsByTenant/t1"), AGENT);
    assert.deepEqual(await namesAt("applicationsByTenant/t2"), []);
    assert.deepEqual(await namesAt("applicationsByUser/none"), AGENT);
  });

  it("needs a login; nobody calls as an application", async () => {
    assert.equal((await rest.ask("GET", "/application/applications", { as: null })).status, 401);
    assert.equal((await rest.ask("GET", "/application/currentApplication")).status, 404);
  });
});
