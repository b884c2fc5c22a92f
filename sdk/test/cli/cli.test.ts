import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { type CliCommand, CliError, EXIT } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const HELLO: CliCommand = {
  name: "hello",
  usage: "<name> [--loud]",
  summary: "Greets somebody",
  notes: ["Only here."],
  options: { loud: { type: "boolean", short: "l", summary: "In capitals" } },
  arguments: [1, 1],
  async run({ args, flag, io, connect }) {
    if (args[0] === "nobody") throw new CliError(EXIT.failed, "nobody is there");
    if (args[0] === "host") await (await connect()).get("/health");
    io.output.write(flag("loud") ? args[0]!.toUpperCase() : args[0]!);
    return EXIT.ok;
  },
};

const ASK: CliCommand = {
  ...HELLO,
  name: "ask",
  usage: "<name>",
  options: {
    from: { type: "string", summary: "Since then" },
    days: { type: "string", summary: "Since so many days" },
    to: { type: "string", summary: "Until then" },
  },
  fields: { dateFrom: ["--from", "--days"], dateTo: "--to", "recorded.days": "--days", "*.unit": "<name>" },
  async run({ connect }) {
    await (await connect()).get("/ask");
    return EXIT.ok;
  },
};

describe("cli", () => {
  let host: FakeHost;
  beforeEach(() => {
    host = createFakeHost();
  });
  async function run(argv: readonly string[], env: Readonly<Record<string, string>> = { MOORING_PASSWORD: "secret" }) {
    const { io, output, errors } = createFakeIo(host, { env });
    return { code: await runCli(argv, io, [HELLO, ASK]), output: output(), errors: errors() };
  }

  it("a refusal names the option, or the argument, behind the field that it is about", async () => {
    const cases: [argv: string[], field: string, message: string, shown: string][] = [
      [[], "dateFrom", 'dateFrom "x" must be a time', '--from "x" must be a time'],
      [["--days", "7"], "dateFrom", "dateFrom must not be after dateTo", "--days must not be after --to"],
      [["--from", "x"], "recorded.days", "recorded.days must be <= 30", "--days must be <= 30"],
      [[], "123.unit", "123.unit must be string", "<name> must be string"],
      [[], "path", "path must be a path", "path must be a path"],
    ];
    for (const [argv, field, message, shown] of cases) {
      host.routes.set("GET /ask", { status: 422, body: { message, details: { field, rule: "must be" } } });
      const { code, errors } = await run(["ask", "x", ...argv]);
      assert.deepEqual([code, errors], [EXIT.host, `http://127.0.0.1:8068 refuses (422): ${shown}\n`]);
    }
    host.routes.set("GET /ask", { status: 404, body: { message: "no dateFrom here" } });
    assert.include((await run(["ask", "x"])).errors, "no dateFrom here");
  });

  it("what commands say to be behind a field is an option of theirs, or an argument", () => {
    for (const { name, usage, options, fields = {} } of COMMANDS) {
      for (const shown of Object.values(fields).flat()) {
        const isThere = shown.startsWith("--") ? Object.hasOwn(options, shown.slice(2)) : usage.includes(shown);
        assert.isTrue(isThere, `${name}: ${shown}`);
      }
    }
  });

  it("help lists every command, and explains each from the table", async () => {
    for (const argv of [["--help"], ["-h"], ["help"]]) {
      const { code, output } = await run(argv);
      assert.equal(code, EXIT.ok);
      assert.match(output, /hello <name> \[--loud\] +Greets somebody/);
    }
    for (const argv of [
      ["hello", "--help"],
      ["hello", "x", "-h"],
      ["help", "hello"],
    ]) {
      const { code, output } = await run(argv);
      assert.equal(code, EXIT.ok);
      assert.include(output, "Usage: mooring hello <name> [--loud]");
      assert.match(output, /-l, --loud +In capitals/);
      assert.match(output, /--url <url> +Of the host; MOORING_URL/);
    }
    assert.equal((await run([])).code, EXIT.usage);
  });

  it("commands of two words: a group alone shows what it has, a word that is none of it says so", async () => {
    const groupRun = async (...argv: readonly string[]) => {
      const { io, output, errors } = createFakeIo(host);
      const pets = ["pet cat", "pet dog"].map(name => ({ ...HELLO, name }));
      return { code: await runCli(argv, io, [HELLO, ...pets]), output: output(), errors: errors() };
    };
    assert.deepEqual(await groupRun("pet", "cat", "you"), { code: EXIT.ok, output: "you", errors: "" });
    for (const argv of [
      ["pet", "--help"],
      ["help", "pet"],
      ["pet", "help"],
    ]) {
      const { code, output } = await groupRun(...argv);
      assert.equal(code, EXIT.ok);
      assert.match(output, /pet cat <name>[\s\S]*pet dog <name>/);
      assert.notInclude(output, "hello <name>");
    }
    assert.deepInclude(await groupRun("pet"), { code: EXIT.usage, errors: "" });
    assert.match((await groupRun("help", "pet", "dog")).output, /^Usage: mooring pet dog <name>/);
    assert.match((await groupRun("pet", "cow")).errors, /^"pet cow" is no command of mooring\n[\s\S]*pet cat/);
    assert.include((await groupRun("pet", "cat")).errors, "Usage: mooring pet cat <name>");
  });

  it("every command of ours has a help of its own", async () => {
    for (const { name, summary } of COMMANDS) {
      const { io, output } = createFakeIo(host);
      assert.equal(await runCli([name, "--help"], io), EXIT.ok);
      assert.include(output(), summary);
    }
  });

  it("arguments and options reach the command", async () => {
    assert.deepEqual(await run(["hello", "you"]), { code: EXIT.ok, output: "you", errors: "" });
    assert.equal((await run(["hello", "-l", "you"])).output, "YOU");
    assert.deepEqual(await run(["hello", "nobody"]), { code: EXIT.failed, output: "", errors: "nobody is there\n" });
  });

  const bad: readonly [argv: readonly string[], part: string][] = [
    [["helo"], '"helo" is no command of mooring'],
    [["hello"], "Usage: mooring hello"],
    [["hello", "a", "b"], "Usage: mooring hello"],
    [["hello", "a", "--soft"], "--soft"],
    [["hello", "a", "--url"], "--url"],
    [["hello", "host", "--url", "ftp://x"], '"ftp://x" is no address of a host'],
  ];
  for (const [argv, part] of bad) {
    it(`bad input: mooring ${argv.join(" ")}`, async () => {
      const { code, output, errors } = await run(argv);
      assert.equal(code, EXIT.usage);
      assert.include(errors, part);
      assert.equal(output, "");
    });
  }

  it("bad input: no password and nobody to ask", async () => {
    const { code, errors } = await run(["hello", "host"], {});
    assert.equal(code, EXIT.usage);
    assert.include(errors, "MOORING_PASSWORD");
  });

  describe("the login", () => {
    const logins: readonly [
      env: Readonly<Record<string, string>>,
      argv: readonly string[],
      url: string,
      login: string,
    ][] = [
      [{ MOORING_PASSWORD: "p" }, [], "http://127.0.0.1:8068/health", "admin:p"],
      [
        { MOORING_URL: "https://h:1", MOORING_USER: "t1/ann", MOORING_PASSWORD: "p:q" },
        [],
        "https://h:1/health",
        "t1/ann:p:q",
      ],
      [
        { MOORING_URL: "https://h:1", MOORING_USER: "t1/ann", MOORING_PASSWORD: "p" },
        ["--url", "http://i", "--user", "bob", "--password", "x"],
        "http://i/health",
        "bob:x",
      ],
    ];
    for (const [env, argv, url, login] of logins) {
      it(`${url} as ${login}`, async () => {
        const calls: [url: string, authorization: string][] = [];
        host = {
          ...host,
          async fetch(input, init) {
            const { authorization = "" } = init!.headers as Record<string, string>;
            calls.push([String(input), Buffer.from(authorization.slice("Basic ".length), "base64").toString()]);
            return new Response("{}");
          },
        };
        assert.equal((await run(["hello", "host", ...argv], env)).code, EXIT.ok);
        assert.deepEqual(calls, [[url, login]]);
      });
    }
  });

  const answers: readonly [name: string, answer: () => Response | Promise<Response>, part: string][] = [
    [
      "refuses the login",
      () => new Response('{"message":"Bad credentials"}', { status: 401 }),
      "refuses the login of admin: Bad credentials",
    ],
    ["refuses", () => new Response('{"message":"Access is denied"}', { status: 403 }), "(403): Access is denied"],
    ["is something else", () => new Response("<html>", { status: 200 }), "is it a host?"],
    ["is busy", () => new Response("{}", { status: 503 }), "is busy"],
    [
      "is not there",
      () =>
        Promise.reject(
          new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) }),
        ),
      "does not answer: ECONNREFUSED",
    ],
  ];
  for (const [name, answer, part] of answers) {
    it(`a host that ${name} is told of`, async () => {
      host = { ...host, fetch: async () => answer() };
      const { code, errors } = await run(["hello", "host"]);
      assert.equal(code, EXIT.host);
      assert.include(errors, part);
    });
  }
});
