import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const PATH = "/service/lwm2m-agent/objectResourceMappings";
const PROTOCOL = { objectId: 3303, objectModel: { id: 3303 }, resourceMappings: {} };
const none = { produced: 0, changed: 0, removed: 0, unchanged: 0, samples: [] };
const PLAN = {
  ...{
    plan: "a-b",
    dateFrom: "2026-01-01T00:00:00.000Z",
    dateTo: "2026-01-03T00:00:00.000Z",
    more: true,
    inForce: false,
  },
  ...{
    messages: 12,
    withoutValues: 1,
    failures: [{ path: "/3303/0/1", action: "no:such", reason: "no such action", count: 3 }],
  },
  measurements: { ...none, changed: 12, samples: [{ id: "1", before: { type: "a" }, after: { type: "b" } }] },
  events: { ...none, produced: 7 },
  alarms: { ...none, leftOpen: 2 },
  decoders: [{ decoder: "acme", given: 4, taken: 0, tried: { payloads: 4, failed: 1, reason: "too short" } }],
};

describe("cli: mapping", () => {
  let host: FakeHost;
  let folder: string;
  let file: string;
  beforeEach(async () => {
    host = createFakeHost();
    folder = await mkdtemp(join(tmpdir(), "mooring-mapping-"));
    file = join(folder, "protocol.json");
    await writeFile(file, JSON.stringify(PROTOCOL));
    host.routes.set(`POST ${PATH}/3303/dryRun`, { body: PLAN });
    host.routes.set(`POST ${PATH}/3303/apply`, { body: { ...PLAN, more: false } });
  });
  afterEach(() => rm(folder, { recursive: true }));
  async function run(...argv: readonly string[]) {
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(["mapping", ...argv], io), output: output(), errors: errors() };
  }
  const body = () => JSON.parse(host.bodies.at(-1)!);

  it("show prints what plan reads", async () => {
    host.routes.set(`GET ${PATH}`, { body: [{ id: "1" }, { id: "2", c8y_objectmapping_ObjectMapping: PROTOCOL }] });
    assert.deepEqual(JSON.parse((await run("show", "3303")).output), PROTOCOL);
    const { code, errors } = await run("show", "9");
    assert.equal(code, EXIT.usage);
    assert.include(errors, "no device protocol of object 9");
  });

  it("plan says how much would change, and how to do it", async () => {
    const { code, output } = await run("plan", "dev", file, "--from", PLAN.dateFrom);
    assert.equal(code, EXIT.ok);
    assert.deepEqual(body(), { protocol: PROTOCOL, deviceId: "7", dateFrom: PLAN.dateFrom });
    assert.deepEqual(output.trimEnd().split("\n"), [
      "12 messages from 2026-01-01T00:00:00.000Z to 2026-01-03T00:00:00.000Z",
      "                   new   changed   removed unchanged",
      "measurements         0        12         0         0",
      "events               7         0         0         0",
      "alarms               0         0         0         0",
      "decoder:acme 4 payloads given, 0 taken away; tried 4, 1 failed: too short",
      "/3303/0/1 no:such: no such action (3 times)",
      "2 alarms are open, or would be: they are left to what the device says next",
      "1 messages were too long to be kept: their documents stay",
      "more follows: the next plan begins after 2026-01-03T00:00:00.000Z",
      "",
      `npx mooring mapping apply dev ${file} a-b --from 2026-01-01T00:00:00.000Z --to 2026-01-03T00:00:00.000Z`,
    ]);
  });

  it("plan shows the first documents, before and after, and all of it as JSON", async () => {
    const { output } = await run("plan", "dev", file, "--samples");
    assert.include(output, '  - {"type":"a"}\n  + {"type":"b"}\n');
    assert.deepEqual(JSON.parse((await run("plan", "dev", file, "--json")).output), PLAN);
  });

  it("apply sends what plan printed", async () => {
    const { code, output } = await run("apply", "dev", file, "a-b", "--from", PLAN.dateFrom, "--to", PLAN.dateTo);
    assert.equal(code, EXIT.ok);
    const { plan, dateFrom, dateTo } = PLAN;
    assert.deepEqual(body(), { protocol: PROTOCOL, deviceId: "7", dateFrom, dateTo, plan });
    assert.include(output, "12 messages");
  });

  it("a file that is no protocol, and a refusal, end it with a text", async () => {
    await writeFile(file, "{");
    assert.include((await run("plan", "dev", file)).errors, "cannot be read as JSON");
    await writeFile(file, JSON.stringify([{ resourceMappings: {} }]));
    const { code, errors } = await run("plan", "dev", file);
    assert.equal(code, EXIT.usage);
    assert.include(errors, "objectId must be the number of an object");
    await writeFile(file, JSON.stringify([PROTOCOL]));
    host.routes.set(`POST ${PATH}/3303/apply`, { status: 409, body: { message: "changed since the plan was made" } });
    const refused = await run("apply", "dev", file, "a-b");
    assert.equal(refused.code, EXIT.host);
    assert.include(refused.errors, "changed since the plan was made");
  });
});
