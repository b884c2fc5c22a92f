import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const ACME = "/service/lwm2m-agent/decoders/acme";
const COUNTS = { equal: 8, different: 1, failed: 1, repaired: 0, slower: 0, compared: 10, skipped: 2 };
const STAGE = {
  version: "2.0.0",
  against: "1.0.0",
  counts: COUNTS,
  mayActivate: false,
  objection: "1 of 10 payloads would be stored otherwise and 1 not at all: 20 %, allowed are 0 %",
  samples: [
    {
      verdict: "different",
      from: "recorded",
      deviceId: "7",
      path: "/33456/0/123",
      time: "2026-01-01T00:00:00.000Z",
      hex: "08fd",
      differences: [{ what: "measurement acme at ...: acme.U.value", active: 230.1, staged: 23.01 }],
    },
  ],
};
const JOB = {
  id: "12",
  version: "2.0.0",
  apply: false,
  state: "DONE",
  payloads: { read: 3, equal: 2, changed: 1 },
  documents: { equal: 2, changed: 1, added: 0, removed: 0 },
  samples: [
    {
      deviceId: "7",
      path: "/33456/0/123",
      time: "2026-01-01T00:00:00.000Z",
      value: "08fd",
      outcome: "changed",
      differences: [{ document: "measurement 0", member: "acme.T", after: { value: 1 } }],
    },
  ],
  contentHash: "abcd",
};
const OF_PAYLOAD = { deviceId: "7", path: "/33456/0/123", time: "2026-01-01T00:00:00.000Z" };
const LATE = {
  alarms: {
    raised: 1,
    cleared: 0,
    left: { open: 2, unmade: 0, done: 0, older: 0, maintenance: 0, notOpen: 0 },
    samples: [
      { ...OF_PAYLOAD, type: "leak", outcome: "raised" },
      { ...OF_PAYLOAD, type: "tamper", outcome: "open" },
    ],
  },
  lastValues: {
    added: 1,
    changed: 0,
    equal: 0,
    older: 1,
    samples: [
      { ...OF_PAYLOAD, resource: "/9/0/1", outcome: "added", after: "3" },
      { ...OF_PAYLOAD, resource: "/9/0/2", outcome: "older", before: { 0: 1 } },
    ],
  },
};

describe("cli: decoder stage, redecode, logs", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = createFakeHost();
  });
  async function run(...argv: string[]) {
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(["decoder", ...argv], io), output: output(), errors: errors() };
  }
  const answers = (asked: string, body: unknown, status = 200): void => void host.routes.set(asked, { status, body });
  /** One answer after the other; the last one stays. */
  const answersInTurn = (asked: string, ...bodies: unknown[]): void =>
    void host.routes.set(asked, () => ({ body: bodies.length > 1 ? bodies.shift() : bodies[0] }));

  it("stages a version, waits for the kept payloads, and shows what it would change", async () => {
    answers(`POST ${ACME}/stage`, STAGE);
    const running = { ...STAGE, run: { state: "running", done: 1 } };
    answersInTurn(`GET ${ACME}/stage`, running, running, { ...STAGE, run: { state: "done", done: 10 } });
    const { code, output } = await run("stage", "acme", "2.0.0", "--days", "2", "--limit", "500");
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), { version: "2.0.0", recorded: { days: 2, limit: 500 } });
    assert.equal(host.asked.filter(asked => asked === `GET ${ACME}/stage`).length, 3);
    assert.equal(code, EXIT.failed);
    assert.deepEqual(output.trimEnd().split("\n"), [
      "acme 2.0.0 in the shadow of 1.0.0: 10 payloads compared: 8 equal, 1 different, 1 failed, 0 repaired, 0 slower; 2 skipped",
      "  different: /33456/0/123 of 7 at 2026-01-01T00:00:00.000Z, recorded: 08fd",
      "      measurement acme at ...: acme.U.value",
      "        active  230.1",
      "        staged  23.01",
      "it may not be activated: 1 of 10 payloads would be stored otherwise and 1 not at all: 20 %, allowed are 0 %",
      "Next: npx mooring decoder deploy, with a version that is mended",
      "      npx mooring decoder activate acme 2.0.0 --force, if this is meant",
    ]);
  });

  it("shows what a staged version has shown; ends with 0 where it may be activated; --end, --json", async () => {
    answers(`GET ${ACME}/stage`, { ...STAGE, mayActivate: true, samples: [] });
    const { code, output } = await run("stage", "acme");
    assert.equal(code, EXIT.ok);
    assert.match(output, /it may be activated\nNext: npx mooring decoder activate acme 2\.0\.0\n/);
    assert.equal(JSON.parse((await run("stage", "acme", "--json")).output).version, "2.0.0");
    answers(`DELETE ${ACME}/stage`, "");
    assert.equal((await run("stage", "acme", "--end")).output, "acme: no version is staged\n");
    assert.deepInclude(await run("stage", "acme", "--days", "some"), {
      code: EXIT.usage,
      errors: '--days "some" must be a number over 0\n',
    });
  });

  it("shows what decoding again would change, then changes it", async () => {
    answers(`POST ${ACME}/redecode`, { ...JOB, state: "RUNNING" }, 201);
    answersInTurn(`GET ${ACME}/redecode/12`, { ...JOB, state: "RUNNING", waitsFor: "its decoder" }, JOB);
    const dry = await run(
      "redecode",
      "acme",
      "2.0.0",
      "--from",
      "2026-01-01T00:00:00Z",
      "--device",
      "dev",
      "--path",
      "/33456/0/123",
    );
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), {
      version: "2.0.0",
      dateFrom: "2026-01-01T00:00:00Z",
      deviceId: "7",
      path: "/33456/0/123",
      apply: false,
    });
    assert.deepEqual(dry.errors.trimEnd().split("\n"), [
      "job 12 runs, also without this command: npx mooring decoder redecode acme --job 12 goes on watching",
      "waits for its decoder",
    ]);
    assert.deepEqual(dry.output.trimEnd().split("\n"), [
      "job 12: acme 2.0.0, what would change: DONE",
      "payloads: 3 read, 2 equal, 1 changed",
      "documents: 2 equal, 1 changed, 0 added, 0 removed",
      "  changed: /33456/0/123 of 7 at 2026-01-01T00:00:00.000Z: 08fd",
      "      measurement 0: acme.T",
      "        before  (not there)",
      '        after   {"value":1}',
      "content hash: abcd",
      "Next: npx mooring decoder redecode acme --job 12 --apply, to change what is stored",
    ]);
    answers(`GET ${ACME}/redecode/12`, { ...JOB, samples: [], ...LATE });
    assert.deepEqual((await run("redecode", "acme", "--job", "12")).output.split("\n").slice(3, -2), [
      "alarms: 1 raised, 0 cleared",
      "  left: 2 open already, which decoding again never rewrites",
      "  raised: /33456/0/123 of 7 at 2026-01-01T00:00:00.000Z: leak",
      "  open: /33456/0/123 of 7 at 2026-01-01T00:00:00.000Z: tamper",
      "last values: 1 added, 0 changed, 0 equal, 1 older",
      "  added: /33456/0/123 of 7 at 2026-01-01T00:00:00.000Z",
      "      /9/0/1",
      "        before  (not there)",
      '        after   "3"',
      "  older: /33456/0/123 of 7 at 2026-01-01T00:00:00.000Z",
      "      /9/0/2",
      '        stays  {"0":1}',
      "content hash: abcd",
    ]);
    answers(`POST ${ACME}/redecode/12/apply`, { ...JOB, id: "13", apply: true }, 201);
    const applied = await run("redecode", "acme", "--job", "12", "--apply");
    assert.match(applied.output, /^job 13: acme 2\.0\.0, applied: DONE\n/);
    assert.notInclude(applied.output, "Next");
    answers(`POST ${ACME}/redecode`, { ...JOB, state: "FAILED", reason: "no such device" }, 201);
    assert.deepInclude(await run("redecode", "acme", "--days", "3"), { code: EXIT.failed });
    assert.match((await run("redecode", "acme", "1.0.0", "--job", "12")).errors, /either --job or a version/);
    assert.match((await run("redecode", "acme", "--days", "1", "--from", "x")).errors, /either --days or --from/);
  });

  it("lists the jobs of a decoder, and says where there is none", async () => {
    const begun = { owner: "anna", creationTime: "2026-01-02T00:00:00.000Z" };
    const jobs = [
      { ...JOB, ...begun, id: "14", state: "RUNNING", waitsFor: "its decoder" },
      { ...JOB, ...begun, id: "13", apply: true, state: "FAILED", reason: "no such version" },
      { ...JOB, ...begun, payloads: { read: 3, equal: 1, changed: 1, recovered: 1 } },
    ];
    answers(`GET ${ACME}/redecode`, { jobs });
    const listed = await run("redecode", "acme", "--list");
    assert.deepEqual(listed, {
      code: EXIT.ok,
      errors: "",
      output: [
        "JOB  VERSION  APPLY  STATE    BEGUN                     BY    PAYLOADS  CHANGED  WHY",
        "14   2.0.0    no     RUNNING  2026-01-02T00:00:00.000Z  anna  3         1        waits for its decoder",
        "13   2.0.0    yes    FAILED   2026-01-02T00:00:00.000Z  anna  3         1        no such version",
        "12   2.0.0    no     DONE     2026-01-02T00:00:00.000Z  anna  3         2",
        "Next: npx mooring decoder redecode acme --job 14 shows one",
        "",
      ].join("\n"),
    });
    assert.deepEqual(JSON.parse((await run("redecode", "acme", "--list", "--json")).output), jobs);
    answers(`GET ${ACME}/redecode`, { jobs: [] });
    assert.equal(
      (await run("redecode", "acme", "--list")).output,
      "acme: no job\nNext: npx mooring decoder redecode acme begins one\n",
    );
  });

  it("takes up again to watch a job that runs, and ends with 1 where somebody cancels it", async () => {
    const running = { ...JOB, state: "RUNNING" };
    answersInTurn(`GET ${ACME}/redecode/12`, running, running, JOB);
    const { code, output } = await run("redecode", "acme", "--job", "12");
    assert.equal(code, EXIT.ok);
    assert.match(output, /^job 12: acme 2\.0\.0, what would change: DONE\n/);
    assert.equal(host.asked.filter(asked => asked === `GET ${ACME}/redecode/12`).length, 3);
    answersInTurn(`GET ${ACME}/redecode/12`, running, { ...JOB, state: "CANCELLED" });
    const cancelled = await run("redecode", "acme", "--job", "12");
    assert.equal(cancelled.code, EXIT.failed);
    assert.match(cancelled.output, /^job 12: .*: CANCELLED\n/);
    assert.notInclude(cancelled.output, "--apply");
  });

  it("cancels a job that runs, and no other: the host would forget it", async () => {
    answers(`GET ${ACME}/redecode/12`, { ...JOB, apply: true, state: "RUNNING" });
    answers(`DELETE ${ACME}/redecode/12`, "");
    assert.deepInclude(await run("redecode", "acme", "--job", "12", "--cancel"), {
      code: EXIT.ok,
      output: "job 12 is cancelled: what it has changed stays\nNext: npx mooring decoder redecode acme --list\n",
    });
    assert.equal(host.asked.at(-1), `DELETE ${ACME}/redecode/12`);
    answers(`GET ${ACME}/redecode/12`, JOB);
    assert.deepInclude(await run("redecode", "acme", "--job", "12", "--cancel"), {
      code: EXIT.failed,
      errors: "job 12 is DONE: there is nothing to cancel\n",
    });
    assert.equal(host.asked.filter(asked => asked.startsWith("DELETE")).length, 1);
  });

  it("says of jobs what cannot be, and where to look", async () => {
    const refusals = [
      [["--cancel"], "--cancel needs the job: --job <id>"],
      [["--job", "12", "--cancel", "--apply"], "either --cancel or --apply"],
      [["--list", "--job", "12"], "either --list or --job"],
      [["2.0.0", "--list"], "jobs of all versions are listed: either --list or a version"],
    ] as const;
    for (const [options, errors] of refusals) {
      assert.deepInclude(await run("redecode", "acme", ...options), { code: EXIT.usage, errors: `${errors}\n` });
    }
    assert.isEmpty(host.asked);
    answers(`POST ${ACME}/redecode`, { message: "job 11 of decoder acme is running" }, 409);
    const { errors } = await run("redecode", "acme");
    assert.match(
      errors,
      /job 11 of decoder acme is running\nnpx mooring decoder redecode acme --list shows its jobs\n$/,
    );
    assert.match((await run("redecode", "acme", "--job", "9")).errors, /acme --list shows its jobs\n$/);
  });

  it("shows figures and the payloads that could not be decoded, the latest last; has them decoded once more", async () => {
    const letter = {
      deviceId: "7",
      endpoint: "dev",
      path: "/33456/0/123",
      value: "08",
      reason: "threw",
      version: "1.0.0",
    };
    answers(`GET ${ACME}/stats`, {
      versions: [{ version: "1.0.0", decoded: 4, failed: { threw: 2, timeout: 0 }, cpuMs: 2, queued: 1 }],
    });
    answers(`GET ${ACME}/dead-letters`, {
      deadLetters: [
        { ...letter, time: "2026-01-01T00:00:02.000Z", message: "oops" },
        { ...letter, time: "2026-01-01T00:00:01.000Z", message: "eh" },
      ],
    });
    const { output } = await run("logs", "acme");
    assert.deepEqual(output.split("\n").slice(0, 5), [
      "1.0.0: 4 decoded, 0.500 ms each, failed: 2 threw, 1 waiting",
      "2026-01-01T00:00:01.000Z  dev /33456/0/123 [1.0.0]  threw: eh",
      "    08",
      "2026-01-01T00:00:02.000Z  dev /33456/0/123 [1.0.0]  threw: oops",
      "    08",
    ]);
    assert.include(output, "npx mooring decoder logs acme --replay");
    answers(`POST ${ACME}/dead-letters/replay`, { replayed: 2 });
    assert.match((await run("logs", "acme", "--replay")).output, /^acme: 2 payloads are decoded once more\n/);
    assert.match((await run("logs", "none")).errors, /npx mooring decoder list shows all decoders/);
  });
});
