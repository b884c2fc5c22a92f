import { assert } from "chai";
import type { SettingsServices } from "../../src/agent/settings.ts";
import { MooringError } from "../../src/base/errors.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const AGENT = "/service/lwm2m-agent";

describe("rest/device-settings (agent specification 4.2)", () => {
  let rest: RestFixture;
  let calls: unknown[][];
  let id: string;

  /** Notes what it was asked, and says so in its answer. */
  const noting = new Proxy({} as SettingsServices, {
    get:
      (_target, name: string) =>
      (...given: unknown[]) => {
        calls.push([name, ...given]);
        if (name === "serverCertificateNames") return ["default"];
        if (name.startsWith("validate")) return { [name]: given[0] };
        if (given[1] === "999") return Promise.reject(new MooringError("NOT_FOUND", "no LwM2M device 999"));
        return Promise.resolve(name === "servers" ? [{ id: "0" }] : { id: "1", asked: name });
      },
  });

  before(async () => {
    rest = await openRest({ settings: noting });
    id = await rest.createDevice();
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    await rest.tenants.createUser("t1", { userName: "none", password: PASSWORD, roles: [] });
    await rest.tenants.createUser("t1", { userName: "reader", password: PASSWORD, roles: ["ROLE_INVENTORY_READ"] });
    await rest.tenants.createUser("t1", { userName: "writer", password: PASSWORD, roles: ["ROLE_INVENTORY_ADMIN"] });
  });
  after(() => rest[Symbol.asyncDispose]());
  beforeEach(() => {
    calls = [];
  });

  type Route = [method: string, path: string, call: unknown[], status?: number];
  const body = { any: "thing" };
  const configuration = (of: string) => `${AGENT}/v1/device/${of}/configuration`;
  const routes = (of: string, tenant = "t1"): Route[] => [
    ...["basic", "bootstrap", "connectivity", "firmware"].flatMap((section): Route[] => [
      ["GET", `${configuration(of)}/${section}`, ["read", tenant, of, section]],
      ["PUT", `${configuration(of)}/${section}`, ["write", tenant, of, section, body]],
    ]),
    ["GET", `${configuration(of)}/servers`, ["servers", tenant, of]],
    ["POST", `${configuration(of)}/servers`, ["addServer", tenant, of, body], 201],
    ["GET", `${configuration(of)}/servers/1`, ["server", tenant, of, "1"]],
    ["PUT", `${configuration(of)}/servers/1`, ["changeServer", tenant, of, "1", body]],
    ["DELETE", `${configuration(of)}/servers/1`, ["removeServer", tenant, of, "1"], 204],
    ["GET", `${AGENT}/device/${of}`, ["readFlat", tenant, of]],
    ["PUT", `${AGENT}/device/${of}`, ["writeFlat", tenant, of, body]],
  ];
  const ask = (method: string, path: string, as = "t1/admin") =>
    rest.ask(method, path, { as, ...(method === "PUT" || method === "POST" ? { body } : {}) });

  it("each route asks for its own", async () => {
    for (const [method, path, call, status = 200] of routes(id)) {
      calls = [];
      assert.equal((await ask(method, path)).status, status, `${method} ${path}`);
      assert.deepEqual(calls, [call]);
    }
  });

  it("a new server tells its address", async () => {
    const { headers } = await ask("POST", `${configuration(id)}/servers`);
    assert.equal(headers.get("location"), `${rest.origin}${configuration(id)}/servers/1`);
  });

  it("helpers and dictionary", async () => {
    const path = `${AGENT}/v1/device/configuration`;
    const certificate = await ask("POST", `${path}/x509certificate/validate`);
    assert.deepEqual([certificate.status, certificate.body], [200, { validateCertificate: body }]);
    const key = await ask("POST", `${path}/certificatePrivateKey/validate`);
    assert.deepEqual([key.status, key.body], [200, { validatePrivateKey: body }]);
    assert.deepEqual((await ask("GET", `${AGENT}/v1/dictionary/server-certificates`)).body, ["default"]);
  });

  it("18: reading and changing need their roles, or the device as one's own", async () => {
    const owned = (await rest.ask("POST", "/inventory/managedObjects", { body: { name: "mine", owner: "none" } })).body
      .id;
    for (const [method, path, , status = 200] of routes(id)) {
      const reads = method === "GET";
      assert.equal((await ask(method, path, "t1/none")).status, 403, `${method} ${path}`);
      assert.equal((await ask(method, path, "t1/reader")).status, reads ? status : 403, `${method} ${path}`);
      assert.equal((await ask(method, path, "t1/writer")).status, status, `${method} ${path}`);
    }
    for (const [method, path, , status = 200] of routes(owned)) {
      assert.equal((await ask(method, path, "t1/none")).status, status, `${method} ${path}`);
    }
    for (const path of ["x509certificate", "certificatePrivateKey"]) {
      const helper = `${AGENT}/v1/device/configuration/${path}/validate`;
      assert.equal((await ask("POST", helper, "t1/none")).status, 403);
      assert.equal((await ask("POST", helper, "t1/reader")).status, 200);
    }
    assert.equal((await ask("GET", `${AGENT}/v1/dictionary/server-certificates`, "t1/none")).status, 403);
  });

  it("isolation: another tenant asks about its own devices only", async () => {
    for (const [method, path, call] of routes(id, "t2")) {
      calls = [];
      await ask(method, path, "t2/admin");
      assert.deepEqual(calls, [call]);
    }
  });

  it("a device that is not there: 404; a body that is no JSON: 400", async () => {
    for (const [method, path] of routes("999"))
      assert.equal((await ask(method, path)).status, 404, `${method} ${path}`);
    calls = [];
    for (const [method, path] of routes(id).filter(([way]) => way === "PUT" || way === "POST")) {
      assert.equal((await rest.ask(method, path, { body: "{" })).status, 400, `${method} ${path}`);
    }
    assert.deepEqual(calls, []);
  });

  describe("registration form (agent specification 3.1)", () => {
    const path = `${AGENT}/deviceRegistration`;

    it("the form, whatever the language", async () => {
      for (const query of ["", "?lang=en", "?lang=de"]) {
        const { status, body: form } = await ask("GET", `${path}/metadata${query}`);
        assert.equal(status, 200);
        assert.lengthOf(form.c8y_DeviceRegistration.pages, 4);
      }
      assert.equal((await ask("GET", `${path}/metadata`, "t1/reader")).status, 403);
    });

    it("the example files, at the addresses that it tells, without a login", async () => {
      const { body: form } = await ask("GET", `${path}/metadata`);
      const { exampleFileUrls } = form.c8y_DeviceRegistration.bulk;
      assert.lengthOf(exampleFileUrls, 4);
      for (const { url } of exampleFileUrls as readonly { url: string }[]) {
        assert.isTrue(url.startsWith(rest.origin));
        const { status, headers, text } = await rest.ask("GET", url.slice(rest.origin.length), { as: null });
        assert.equal(status, 200);
        assert.match(headers.get("content-type")!, /^text\/csv/);
        assert.match(headers.get("content-disposition")!, /^attachment; filename="[a-z-]+\.csv"$/);
        assert.isTrue(text.startsWith("endpoint id;"));
      }
      assert.equal((await rest.ask("GET", `${path}/examples/none.csv`, { as: null })).status, 404);
    });
  });
});
