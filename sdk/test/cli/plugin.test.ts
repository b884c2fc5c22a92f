import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const PATH = "/service/lwm2m-agent/plugins";
const ACME = {
  name: "acme",
  state: "ACTIVE",
  origin: "folder",
  location: "/data/plugins/acme",
  version: "1.0.0",
  description: "A meter",
  contract: "^1.2.0",
  permissions: ["actions", "routes"],
  dependencies: { base: "^1.0.0" },
  routes: [{ method: "GET", path: `${PATH}/acme/x`, roles: [] }],
  pages: [{ title: "ACME", url: `${PATH}/acme/pages/main/` }],
  calls: {
    activate: { calls: 1, failures: 0, seconds: 0.2 },
    action: { calls: 3, failures: 1, seconds: 0.012 },
  },
};
const BROKEN = { ...ACME, name: "broken-one", state: "FAULTY", version: undefined, fault: "name is missing" };

describe("cli: plugin", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = createFakeHost();
    host.routes.set(`GET ${PATH}`, { body: { plugins: [ACME, BROKEN] } });
    host.routes.set(`PUT ${PATH}`, { body: { plugins: [] } });
    host.routes.set(`GET ${PATH}/acme`, { body: ACME });
  });
  async function run(...argv: readonly string[]) {
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(["plugin", ...argv], io), output: output(), errors: errors() };
  }

  it("lists them with state and fault", async () => {
    const { code, output } = await run("list");
    assert.equal(code, EXIT.ok);
    assert.deepEqual(output.trimEnd().split("\n"), [
      "NAME        VERSION  STATE   FROM    ABOUT",
      "acme        1.0.0    ACTIVE  folder  A meter",
      "broken-one  -        FAULTY  folder  name is missing",
    ]);
    assert.equal((await run("discover")).output, "no plugin\n");
    assert.deepEqual(JSON.parse((await run("list", "--json")).output).plugins[0], ACME);
  });

  it("shows one", async () => {
    assert.deepEqual((await run("show", "acme")).output.trimEnd().split("\n"), [
      "acme 1.0.0: ACTIVE",
      "  A meter",
      "  folder, /data/plugins/acme",
      "  contract ^1.2.0, may use actions, routes",
      "  needs base ^1.0.0",
      "  GET    /service/lwm2m-agent/plugins/acme/x",
      "  page   /service/lwm2m-agent/plugins/acme/pages/main/  ACME",
      "  called since the host started:",
      "    activate: 1 call, 0 failed, 0.2 s",
      "    action: 3 calls, 1 failed, 0.012 s",
    ]);
  });

  for (const [argv, body] of [
    [["enable", "acme"], { action: "enable" }],
    [["disable", "acme", "--cascade"], { action: "disable", cascade: true }],
    [["reload", "acme"], { action: "reload" }],
  ] as const) {
    it(argv.join(" "), async () => {
      host.routes.set(`PUT ${PATH}/acme`, { body: ACME });
      const { code, output } = await run(...argv);
      assert.equal(code, EXIT.ok);
      assert.deepEqual(
        host.bodies.map(text => JSON.parse(text)),
        [body],
      );
      assert.match(output, /^acme 1\.0\.0: ACTIVE/);
    });
  }

  it("a refusal of the host is shown as it is", async () => {
    host.routes.set(`PUT ${PATH}/acme`, { status: 409, body: { message: "plugin acme is needed by user" } });
    const { code, errors } = await run("disable", "acme");
    assert.equal(code, EXIT.host);
    assert.include(errors, "plugin acme is needed by user");
  });

  it("bad input: another word, no name, a name too many", async () => {
    assert.deepInclude(await run("remove", "acme"), { code: EXIT.usage });
    assert.include((await run("show")).errors, "show needs the name of a plugin");
    assert.include((await run("list", "acme")).errors, "list is about all plugins");
  });
});
