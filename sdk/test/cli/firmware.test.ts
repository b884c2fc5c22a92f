import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const RUNNING = {
  operationId: "12",
  status: "EXECUTING",
  firmware: { name: "fw", version: "2.0", url: "/inventory/binaries/5" },
  step: "DELIVER",
  since: "2026-01-01T00:00:05.000Z",
  waitsFor: "the device to take the package or its URI",
  bytes: 1024,
  totalBytes: 4096,
  timeline: [
    { time: "2026-01-01T00:00:00.000Z", step: "RESET", text: "accepted: fw 2.0" },
    {
      time: "2026-01-01T00:00:06.000Z",
      step: "DELIVER",
      text: "the device tells state 1 (downloading)",
      count: 3,
      lastTime: "2026-01-01T00:00:08.000Z",
    },
  ],
};
const FAILED = { operationId: "11", status: "FAILED", failureReason: "Update Result 5: integrity", timeline: [] };
const DEVICE = { registered: true, reachable: false, lastSeen: "2026-01-01T00:00:09.000Z" };

describe("cli: firmware", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = createFakeHost();
  });
  async function run(argv: readonly string[], updates: readonly unknown[] = []) {
    host.routes.set("GET /service/lwm2m-agent/firmware/7", { body: { device: DEVICE, updates } });
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(["firmware", ...argv], io), output: output(), errors: errors() };
  }

  it("shows the latest update: step, since, what it waits for, bytes, timeline", async () => {
    const { code, output } = await run(["dev"], [RUNNING, FAILED]);
    assert.equal(code, EXIT.ok);
    assert.deepEqual(output.trimEnd().split("\n"), [
      "dev: registered, asleep, last seen 2026-01-01T00:00:09.000Z",
      "",
      "operation 12: fw 2.0, EXECUTING",
      "  DELIVER since 2026-01-01T00:00:05.000Z, waits for the device to take the package or its URI",
      "  1024 of 4096 bytes",
      "  2026-01-01T00:00:00.000Z RESET          accepted: fw 2.0",
      "  2026-01-01T00:00:06.000Z DELIVER        the device tells state 1 (downloading) (3 times, last 2026-01-01T00:00:08.000Z)",
    ]);
  });

  it("ends with 1 where the latest FAILED; all with --all, all of it with --json", async () => {
    const { code, output } = await run(["dev", "--all"], [FAILED, RUNNING]);
    assert.equal(code, EXIT.failed);
    assert.include(output, "operation 11: ? ?, FAILED\n  Update Result 5: integrity");
    assert.include(output, "operation 12");
    const { output: json } = await run(["dev", "--json"], [RUNNING]);
    assert.deepEqual(JSON.parse(json), { device: DEVICE, updates: [RUNNING] });
    assert.include((await run(["dev"])).output, "no firmware update");
  });

  it("cancels the update that runs; says so where none does", async () => {
    host.routes.set("GET /tenant/currentTenant", { body: { name: "t1" } });
    host.routes.set("PUT /service/lwm2m-agent/shell/t1/7/cancelFirmwareUpdate", { body: { operationId: "12" } });
    const { code, output } = await run(["dev", "cancel"]);
    assert.equal(code, EXIT.ok);
    assert.include(output, "dev: operation 12 is cancelled");
    host.routes.delete("PUT /service/lwm2m-agent/shell/t1/7/cancelFirmwareUpdate");
    assert.notEqual((await run(["dev", "cancel"])).code, EXIT.ok);
  });

  it("bad input: another word, no device of that name", async () => {
    assert.deepInclude(await run(["dev", "stop"]), { code: EXIT.usage });
    assert.include((await run(["nobody"])).errors, '"nobody" is no device');
  });
});
