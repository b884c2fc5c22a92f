import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const BROKEN = {
  link: "handshake",
  state: "broken",
  fault: "wrong-key",
  text: "another key",
  evidence: { count: 3, address: "192.0.2.1:9" },
};
const ACCOUNT = { link: "account", state: "ok", text: "with a pre-shared key" };

describe("cli: explain", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = createFakeHost();
  });
  async function run(argv: readonly string[], body: unknown) {
    host.routes.set("GET /service/lwm2m-agent/explain/7", { body });
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(["explain", ...argv], io), output: output(), errors: errors() };
  }

  it("shows each link, then the broken one with its evidence", async () => {
    const body = { endpoint: "dev", verdict: BROKEN, links: [ACCOUNT, BROKEN] };
    const { code, output } = await run(["dev"], body);
    assert.equal(code, EXIT.failed);
    assert.deepEqual(output.trimEnd().split("\n"), [
      "account       ok      with a pre-shared key",
      "handshake     BROKEN  another key",
      "",
      "wrong-key: another key",
      "  count: 3",
      "  address: 192.0.2.1:9",
    ]);
    assert.deepEqual(JSON.parse((await run(["dev", "--json"], body)).output), body);
  });

  it("ends with 0 where all hold, and where something only waits", async () => {
    assert.deepInclude(await run(["7"], { endpoint: "dev", links: [ACCOUNT] }), { code: EXIT.ok });
    const verdict = { link: "reachability", state: "waiting", fault: "asleep", text: "it sleeps" };
    assert.deepInclude(await run(["7"], { endpoint: "dev", verdict, links: [verdict] }), { code: EXIT.ok });
  });

  it("bad input: no device of that name", async () => {
    const { code, errors } = await run(["nobody"], {});
    assert.equal(code, EXIT.usage);
    assert.include(errors, '"nobody" is no device');
  });
});
