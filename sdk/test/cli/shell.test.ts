import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import type { CliIo } from "../../src/cli/io.ts";
import { openHistory } from "../../src/cli/shell/history.ts";
import { failureText, prettyResult } from "../../src/cli/shell/show-result.ts";
import { createFakeHost, createFakeIo, type FakeHost, OBJECTS } from "./fake-host.ts";

const done = (text: string, result: string) => ({ status: "SUCCESSFUL", c8y_Command: { text, result } });

describe("cli: mooring shell", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = createFakeHost();
  });
  async function run(
    argv: readonly string[],
    { typed = "", ...more }: Partial<CliIo> & { readonly typed?: string } = {},
  ) {
    const fake = createFakeIo(host, more);
    fake.input.end(typed);
    const code = await runCli(["shell", ...argv], fake.io);
    return { code, output: fake.output(), errors: fake.errors(), waitedMs: fake.waitedMs() };
  }

  it("runs commands one after the other and shows their results as they are", async () => {
    host.run = text => [done(text, `2.05 Content\n{"/3/0/0":"${text}"}`)];
    const { code, output } = await run(["dev", "-c", "read /3/0/0", "-c", " read /3/0/1 "]);
    assert.equal(code, EXIT.ok);
    assert.deepEqual(host.commands, ["read /3/0/0", "read /3/0/1"]);
    assert.equal(output, '2.05 Content\n{"/3/0/0":"read /3/0/0"}\n2.05 Content\n{"/3/0/0":"read /3/0/1"}\n');
  });

  for (const device of ["7", "dev"]) {
    it(`the device is found as ${device}`, async () => {
      assert.equal((await run([device, "-c", "read /3"])).code, EXIT.ok);
    });
  }

  it("digits that are no id may be an endpoint", async () => {
    host.routes.set("GET /identity/externalIds/c8y_Id/0815", { body: { managedObject: { id: "7" } } });
    assert.equal((await run(["0815", "-c", "read /3"])).code, EXIT.ok);
  });

  it("bad input: what is no device is said so", async () => {
    const { code, errors } = await run(["a/b", "-c", "read /3"]);
    assert.equal(code, EXIT.usage);
    assert.include(errors, '"a/b" is no device');
    assert.include(host.asked, "GET /identity/externalIds/c8y_Id/a%2Fb");
  });

  it("bad input: a command that is none is pointed at, and nothing is sent; the next one runs", async () => {
    const { code, output, errors } = await run(["dev", "-c", "read /x", "-c", "read /3"]);
    assert.equal(code, EXIT.usage);
    assert.match(errors, /^read \/x\n {5}\^\^\n"\/x" is no path/);
    assert.equal(output, "2.04 Changed\n");
    assert.deepEqual(host.commands, ["read /3"]);
  });

  it("a failure goes to standard error, with what the device said", async () => {
    const c8y_Command = { text: "read /3", result: "4.04 Not Found" };
    host.run = () => [{ status: "FAILED", failureReason: "4.04 Not Found", c8y_Command }];
    assert.deepInclude(await run(["dev", "-c", "read /3"]), {
      code: EXIT.failed,
      output: "",
      errors: "4.04 Not Found\n",
    });
  });

  it("lines of a pipe: comments and empty ones are left out, the first bad end is the end of all", async () => {
    host.run = text => [text.includes("/9") ? { status: "FAILED", failureReason: "no" } : done(text, text)];
    const { code, output, errors } = await run(["dev"], {
      typed: "# header\n\nread /3\nread /9\nread nothing\nread /4\n",
    });
    assert.equal(code, EXIT.failed);
    assert.equal(output, "read /3\nread /4\n");
    assert.match(errors, /^no\nread nothing\n/);
  });

  it("--json: a line for each command, refused ones too", async () => {
    const error = { code: "VALUE_TYPE", word: "x", position: 13 };
    host.run = text => [{ status: "FAILED", failureReason: "bad", c8y_Command: { text, result: "picture", error } }];
    const { code, output, errors } = await run([
      "dev",
      "--json",
      "-c",
      "write /3/0/0 x",
      "-c",
      "reed /3",
      "-c",
      "help",
    ]);
    const lines = output
      .trim()
      .split("\n")
      .map(line => JSON.parse(line));
    assert.equal(code, EXIT.failed);
    assert.equal(errors, "");
    assert.deepEqual(lines[0], {
      command: "write /3/0/0 x",
      operationId: "101",
      status: "FAILED",
      result: "picture",
      failureReason: "bad",
      error,
    });
    assert.deepInclude(lines[1], { command: "reed /3", status: "REFUSED" });
    assert.deepInclude(lines[1].error, { word: "reed", position: 1 });
    assert.equal(lines[2].status, "FAILED", "help is asked of the host, for programs");
  });

  it("waits, says why, and gives up in time; the operation goes on", async () => {
    host.routes.set("GET /service/lwm2m-agent/v1/device/7/objects", {
      body: { ...OBJECTS, awake: false, lastSeen: "2026-01-01T00:00:00.000Z" },
    });
    host.run = () => [{ status: "PENDING" }];
    const { code, errors, waitedMs } = await run(["dev", "--timeout", "5", "-c", "read /3"]);
    assert.equal(code, EXIT.late);
    assert.equal(waitedMs, 5000);
    assert.equal(
      errors,
      "operation 101 waits: the device is asleep, last heard 2026-01-01T00:00:00.000Z\n" +
        "operation 101 is PENDING: it goes on without being waited for\n",
    );
  });

  it("--timeout 0 does not wait; a bad one is refused", async () => {
    host.run = () => [{ status: "PENDING" }];
    const { code, waitedMs } = await run(["dev", "--timeout", "0", "-c", "read /3"]);
    assert.deepEqual([code, waitedMs], [EXIT.late, 0]);
    assert.equal((await run(["dev", "--timeout", "soon"])).code, EXIT.usage);
  });

  it("a host that is away for a moment is waited for", async () => {
    let polls = 0;
    const { fetch: answering } = host;
    host = {
      ...host,
      async fetch(input, init) {
        if (String(input).includes("/operations/1") && polls++ < 3) throw new TypeError("fetch failed");
        return answering(input, init);
      },
    };
    assert.equal((await run(["dev", "-c", "read /3"])).code, EXIT.ok);
    assert.isAbove(polls, 3);
  });

  it("help is answered without the host", async () => {
    const { output } = await run(["dev", "-c", "help read"]);
    assert.match(output, /^read \/object/);
    assert.isEmpty(host.commands);
  });

  describe("at a terminal", () => {
    /** Types, each key for itself as a keyboard does, and waits for what is to be seen then. */
    async function type(session: (keys: (text: string, awaited: RegExp) => Promise<void>) => Promise<void>, env = {}) {
      const fake = createFakeIo(host, {
        isInputTerminal: true,
        isOutputTerminal: true,
        env: { MOORING_PASSWORD: "secret", MOORING_HISTORY: "", TERM: "dumb", ...env },
      });
      const ended = runCli(["shell", "dev"], fake.io);
      await fake.shows(/dev> /);
      await session(async (text, awaited) => {
        for (const key of text) {
          fake.input.write(key);
          await new Promise(resolve => setImmediate(resolve));
        }
        await fake.shows(awaited);
      });
      fake.input.write("\x04");
      return { code: await ended, output: fake.output(), errors: fake.errors() };
    }

    it("shows values as a table with the names of the models", async () => {
      host.run = text => [done(text, '2.05 Content\n{"/3303/0/5700":21.5,"/3/0/13":1700000000,"/9/0/1":"00ff"}')];
      const { code, output } = await type(async keys => keys("read /3303\r", /00ff/));
      assert.equal(code, EXIT.ok);
      assert.include(output, "/3303/0/5700  Sensor Value  21.5 Cel\n");
      assert.include(output, "/3/0/13       Current Time  1700000000 (2023-11-14T22:13:20.000Z)\n");
      assert.include(output, "/9/0/1                      00ff\n");
    });

    it("completes commands and the paths of the device", async () => {
      await type(async keys => {
        await keys("rea\t", /read $/);
        await keys("/330\t", /read \/3303\/$/);
        await keys("1\t", /read \/3303\/1\/$/);
        await keys("\t\r", /2\.04 Changed/);
      });
      assert.deepEqual(host.commands, ["read /3303/1/5700"]);
    });

    it("points at what is wrong and goes on", async () => {
      const { errors } = await type(async keys => {
        await keys("read /x\r", /is no path/);
        await keys("read /3\r", /2\.04 Changed/);
      });
      assert.include(errors, "read /x\n     ^^\n");
      assert.deepEqual(host.commands, ["read /3"]);
    });

    it("Ctrl-C ends the waiting, not the shell and not the operation", async () => {
      host.run = text => [text === "read /3" ? { status: "EXECUTING" } : done(text, "2.04 Changed")];
      await type(async keys => {
        await keys("read /3\r", /operation 101 waits: for the device's answer/);
        await keys("\x03", /operation 101 is EXECUTING: it goes on/);
        await keys("read /4\r", /2\.04 Changed/);
      });
    });

    it("Ctrl-C before that takes back what was typed", async () => {
      await type(async keys => {
        await keys("read /3", /read \/3/);
        await keys("\x03", /\^C/);
        await keys("read /4\r", /2\.04 Changed/);
      });
      assert.deepEqual(host.commands, ["read /4"]);
    });

    it("exit leaves", async () => {
      const { code } = await type(async keys => keys("exit\r", /exit/));
      assert.equal(code, EXIT.ok);
    });

    it("remembers lines for the next time, none that begins with a blank", async () => {
      const folder = await mkdtemp(join(tmpdir(), "mooring-history-"));
      const file = join(folder, "state", "history");
      try {
        await type(
          async keys => {
            await keys("read /3\r", /2\.04 Changed/);
            await keys(" write /0/0/5 00ff\r", /write \/0\/0\/5/);
          },
          { MOORING_HISTORY: file },
        );
        assert.equal(await readFile(file, "utf8"), "read /3\n");
        assert.equal((await stat(file)).mode & 0o777, 0o600);
        assert.deepEqual(openHistory({ MOORING_HISTORY: file }).lines, ["read /3"]);
        await type(async keys => keys("\x1b[A\r", /2\.04 Changed/), { MOORING_HISTORY: file });
        assert.equal(host.commands.at(-1), "read /3");
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
});

describe("cli: results for people", () => {
  const tree = { resource: () => undefined };

  it("a table where values have paths, anything else as it is", () => {
    assert.equal(
      prettyResult('2.05 Content\n{"/3/0":{"pmin":"10"},"/3/0/1":{}}', tree),
      "2.05 Content\n/3/0    pmin=10\n/3/0/1",
    );
    for (const result of [
      "2.04 Changed",
      "2.05 Content\n{}",
      '2.05 Content\n{"payloadHex":"00"}',
      "2.05 Content\n{cut",
      "",
    ]) {
      assert.equal(prettyResult(result, tree), result);
    }
  });

  it("a failure says its reason once", () => {
    const failed = { id: "1", status: "FAILED" } as const;
    assert.equal(failureText(failed), "it failed");
    assert.equal(failureText({ ...failed, failureReason: "why" }), "why");
    assert.equal(
      failureText({ ...failed, failureReason: "why", c8y_Command: { text: "", result: "x\n^\nwhy" } }),
      "x\n^\nwhy",
    );
    assert.equal(
      failureText({ ...failed, failureReason: "why", c8y_Command: { text: "", result: "2.05" } }),
      "2.05\nwhy",
    );
  });
});
