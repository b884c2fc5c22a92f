import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { PluginAnswer, PluginRequest, PluginRoute } from "../../src/contract/plugin-web.ts";
import { createPages } from "../../src/plugin-host/pages.ts";
import { createRoutes } from "../../src/plugin-host/routes.ts";
import { openTestPlugins, type TestPlugin, type TestPlugins } from "../plugin-host/support.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/service/lwm2m-agent/plugins";
const OWN = `${PATH}/acme`;

describe("rest/plugins", () => {
  let rest: RestFixture;
  let host: TestPlugins;
  beforeEach(async () => {
    const [routes, pages] = [createRoutes(), createPages()];
    host = openTestPlugins({ routes, pages });
    rest = await openRest({
      pluginServices: { plugins: host.plugins, routes, pages, isOperator: tenant => tenant === "t1" },
      healthDetails: () => ({ plugins: { acme: "ACTIVE" } }),
    });
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    for (const [userName, role] of [
      ["reader", "ROLE_OPTION_MANAGEMENT_READ"],
      ["viewer", "ROLE_INVENTORY_READ"],
    ] as const) {
      await rest.tenants.createUser("t1", { userName, password: PASSWORD, roles: [role] });
    }
  });
  afterEach(async () => {
    await rest[Symbol.asyncDispose]();
    await host.plugins[Symbol.asyncDispose]();
  });

  const put = (name: string, body: unknown, as = "t1/admin") => rest.ask("PUT", `${PATH}/${name}`, { body, as });
  const plugin = (name: string, more: Partial<TestPlugin> = {}): TestPlugin => ({ name, activate: () => {}, ...more });
  /** A plugin `acme` with one route, GET /x unless told otherwise. */
  const serve = (handle: PluginRoute["handle"], more: Partial<PluginRoute> = {}) =>
    host.activate(
      plugin("acme", {
        activate: ({ routes }) => void routes.add({ method: "GET", path: "/x", roles: [], handle, ...more }),
      }),
    );

  describe("management", () => {
    it("lists, shows, disables, enables, reloads", async () => {
      host.put(
        plugin("acme", {
          description: "A meter",
          dependencies: { base: "^1.0.0" },
          activate: ({ routes }) => void routes.add({ method: "GET", path: "/x/:id", roles: [], handle: () => ({}) }),
        }),
        plugin("base"),
        plugin("broken", { fault: "name is missing" }),
      );
      assert.equal((await rest.ask("PUT", PATH, { body: { action: "discover" } })).status, 200);
      const { body } = await rest.ask("GET", PATH);
      assert.deepEqual(
        body.plugins.map(({ name, state, fault }: { name: string; state: string; fault?: string }) => [
          name,
          state,
          fault,
        ]),
        [
          ["acme", "ACTIVE", undefined],
          ["base", "ACTIVE", undefined],
          ["broken", "FAULTY", "name is missing"],
        ],
      );
      const { calls, ...acme } = (await rest.ask("GET", OWN)).body;
      assert.deepInclude(acme, {
        name: "acme",
        state: "ACTIVE",
        origin: "folder",
        location: "/plugins/acme",
        version: "1.0.0",
        description: "A meter",
        dependencies: { base: "^1.0.0" },
        routes: [{ method: "GET", path: `${OWN}/x/:id`, roles: [] }],
        pages: [],
      });
      assert.deepInclude(calls.activate, { calls: 1, failures: 0 });
      const refused = await put("base", { action: "disable" });
      assert.deepEqual([refused.status, refused.body.error], [409, "lwm2m/conflict"]);
      assert.include(refused.body.message, "needed by acme");
      assert.equal((await put("base", { action: "disable", cascade: true })).body.state, "DISABLED");
      assert.equal((await rest.ask("GET", `${OWN}/x/1`)).status, 404);
      assert.equal((await put("acme", { action: "enable", cascade: true })).body.state, "ACTIVE");
      host.put(plugin("acme", { version: "1.1.0" }));
      assert.equal((await put("acme", { action: "reload" })).body.version, "1.1.0");
      const faulty = await put("broken", { action: "enable" });
      assert.deepEqual([faulty.status, faulty.body.message], [422, "plugin broken: name is missing"]);
    });

    it("bad input: no such plugin, no action, another member", async () => {
      assert.equal((await rest.ask("GET", `${PATH}/nobody`)).status, 404);
      assert.equal((await put("nobody", { action: "enable" })).status, 404);
      await host.activate(plugin("acme"));
      for (const [body, field] of [
        [{}, "action"],
        [{ action: "remove" }, "action"],
        [{ action: "enable", force: true }, "force"],
        [{ action: "disable", cascade: "yes" }, "cascade"],
      ] as const) {
        const answer = await put("acme", body);
        assert.deepEqual([answer.status, answer.body.details.field], [422, field]);
      }
      assert.equal((await put("acme", "{")).status, 400);
      assert.equal((await rest.ask("PUT", PATH, { body: { action: "enable" } })).status, 422);
      assert.equal((await rest.ask("DELETE", OWN)).status, 405);
    });

    it("platform API 19: roles of options, and only users of the operator's tenant", async () => {
      await host.activate(plugin("acme"));
      const statuses = async (as: string) => [
        (await rest.ask("GET", PATH, { as })).status,
        (await rest.ask("GET", OWN, { as })).status,
        (await put("acme", { action: "enable" }, as)).status,
        (await rest.ask("PUT", PATH, { body: { action: "discover" }, as })).status,
      ];
      assert.deepEqual(await statuses("t1/reader"), [200, 200, 403, 403]);
      assert.deepEqual(await statuses("t1/viewer"), [403, 403, 403, 403]);
      assert.deepEqual(await statuses("t2/admin"), [403, 403, 403, 403]);
      assert.equal((await rest.ask("GET", PATH, { as: null })).status, 401);
    });

    it("health tells of plugins and stays up whatever they are", async () => {
      const { status, body } = await rest.ask("GET", "/health", { as: null });
      assert.equal(status, 200);
      assert.deepEqual(body, { status: "UP", components: { store: { status: "UP" } }, plugins: { acme: "ACTIVE" } });
    });
  });

  describe("routes", () => {
    it("a request comes with method, path, query, body and who asks; the answer goes as it is", async () => {
      let seen: PluginRequest | undefined;
      await serve(
        request => {
          seen = request;
          return { status: 201, json: { got: request.json() }, headers: { Location: "/x/7" } };
        },
        { method: "POST", path: "/x/:id", roles: ["ROLE_INVENTORY_READ"] },
      );
      const answer = await rest.ask("POST", `${OWN}/x/a%20b?q=1&q=2`, { body: { a: 1 }, as: "t1/viewer" });
      assert.deepEqual([answer.status, answer.body], [201, { got: { a: 1 } }]);
      assert.equal(answer.headers.get("location"), "/x/7");
      assert.include(answer.headers.get("content-security-policy"), "default-src 'none'");
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      const { method, path, params, query, contentType, user } = seen!;
      assert.deepEqual(
        { method, path, params, contentType, user },
        {
          method: "POST",
          path: "/x/a%20b",
          params: { id: "a b" },
          contentType: "application/json",
          user: { tenant: "t1", userName: "viewer", isDevice: false, roles: ["ROLE_INVENTORY_READ"] },
        },
      );
      assert.deepEqual(query.getAll("q"), ["1", "2"]);
    });

    it("roles: any of them, an administrator always, nobody without a login", async () => {
      await serve(({ user }) => ({ json: user.tenant }), { roles: ["ROLE_ALARM_READ", "ROLE_ALARM_ADMIN"] });
      assert.equal((await rest.ask("GET", `${OWN}/x`, { as: "t1/viewer" })).status, 403);
      assert.equal((await rest.ask("GET", `${OWN}/x`, { as: null })).status, 401);
      assert.equal((await rest.ask("GET", `${OWN}/x`, { as: "t2/admin" })).body, "t2");
    });

    it("bytes, nothing, HEAD, another method, no such path", async () => {
      await serve(() => ({ body: Uint8Array.of(104, 105), contentType: "text/csv" }));
      const bytes = await rest.ask("GET", `${OWN}/x`);
      assert.deepEqual([bytes.text, bytes.headers.get("content-type")], ["hi", "text/csv"]);
      assert.equal((await rest.ask("HEAD", `${OWN}/x`)).status, 200);
      const other = await rest.ask("DELETE", `${OWN}/x`);
      assert.deepEqual([other.status, other.headers.get("allow")], [405, "GET"]);
      assert.equal((await rest.ask("GET", `${OWN}/y`)).status, 404);
      assert.equal((await rest.ask("GET", `${OWN}/%ff`)).status, 400);
      assert.equal((await rest.ask("GET", `${PATH}/other/x`)).status, 404);
    });

    it("a body past its limit is refused before the plugin sees it", async () => {
      let calls = 0;
      const handle = (): PluginAnswer => ({ status: 200, json: ++calls });
      await serve(handle, { method: "POST", maxBodyBytes: 10 });
      assert.equal((await rest.ask("POST", `${OWN}/x`, { body: "x".repeat(11) })).status, 413);
      assert.equal((await rest.ask("POST", `${OWN}/x`, { body: "x".repeat(10) })).status, 200);
      assert.equal(calls, 1);
    });

    it("what a route throws: the caller's faults are answered as they are, its own as 502 without a word of the inside", async () => {
      const throwing: Record<string, () => PluginAnswer | Promise<PluginAnswer>> = {
        mine: () => {
          throw new MooringError("VALIDATION", "id must be digits", { field: "id", rule: "must be digits" });
        },
        own: () => assert.fail("secret"),
        late: () => Promise.reject(new TypeError("secret")),
        none: () => undefined as never,
        inside: () => {
          throw new MooringError("STORE_FAILED", "secret");
        },
      };
      await serve(({ query }) => throwing[query.get("how")!]!());
      const ask = (how: string) => rest.ask("GET", `${OWN}/x?how=${how}`);
      const mine = await ask("mine");
      assert.deepEqual([mine.status, mine.body.details], [422, { field: "id", rule: "must be digits" }]);
      for (const how of ["own", "late", "none", "inside"]) {
        const answer = await ask(how);
        assert.deepEqual([answer.status, answer.body.message], [502, "plugin acme failed at GET /x"]);
        assert.notInclude(answer.text, "secret");
      }
      assert.deepInclude(host.plugins.get("acme").figures.route, { calls: 5, failures: 4 });
      assert.equal(host.plugins.get("acme").state, "ACTIVE");
      assert.equal((await ask("own")).status, 502);
      while (host.plugins.get("acme").state === "ACTIVE") await new Promise(resolve => setImmediate(resolve));
      assert.equal(host.plugins.get("acme").fault, "route GET /x: secret");
      assert.equal((await ask("own")).status, 404);
    });
  });

  describe("pages", () => {
    let home: string;
    beforeEach(async () => {
      home = await mkdtemp(join(tmpdir(), "mooring-rest-pages-"));
      await mkdir(join(home, "web/sub"), { recursive: true });
      await writeFile(join(home, "web/index.html"), "<p>hello");
      await writeFile(join(home, "web/sub/app.js"), "1");
      await writeFile(join(home, "secret.txt"), "secret");
      await host.activate(
        plugin("acme", {
          location: home,
          activate: ({ pages }) => void pages.add({ name: "main", title: "ACME", folder: "web" }),
        }),
      );
    });
    afterEach(() => rm(home, { recursive: true }));

    it("are listed for every user, and served below their own path under a policy of their own", async () => {
      const listed = await rest.ask("GET", "/service/lwm2m-agent/pluginPages", { as: "t2/admin" });
      const url = `${OWN}/pages/main/`;
      assert.deepEqual(listed.body, { pages: [{ plugin: "acme", name: "main", title: "ACME", url }] });
      const page = await rest.ask("GET", url, { as: "t1/viewer" });
      assert.deepEqual([page.status, page.text], [200, "<p>hello"]);
      assert.equal(page.headers.get("content-type"), "text/html;charset=UTF-8");
      const policy = page.headers.get("content-security-policy")!;
      assert.include(policy, "default-src 'none'");
      assert.include(policy, `script-src ${rest.origin}${url};`);
      assert.notInclude(policy, "unsafe");
      assert.equal((await rest.ask("GET", `${url}sub/app.js`)).text, "1");
      assert.equal((await rest.ask("GET", `${OWN}/pages/main`)).text, "<p>hello", "by the address with its slash");
      assert.equal((await rest.ask("GET", url, { as: null })).status, 401);
    });

    it("nothing else is", async () => {
      for (const path of ["main/..%2fsecret.txt", "main/%2e%2e/secret.txt", "main/none", "other/", "main/sub"]) {
        const answer = await rest.ask("GET", `${OWN}/pages/${path}`);
        assert.equal(answer.status, 404, path);
        assert.notInclude(answer.text, "secret.txt\n");
      }
      await host.plugins.disable("acme");
      assert.equal((await rest.ask("GET", `${OWN}/pages/main/`)).status, 404);
      assert.deepEqual((await rest.ask("GET", "/service/lwm2m-agent/pluginPages")).body, { pages: [] });
    });
  });
});
