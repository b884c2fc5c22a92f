import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const PATH = "/service/lwm2m-agent/recording/7";
const STATUS = { recording: true, until: "2026-01-01T00:00:00.000Z", packets: 2, bytes: 30, dropped: 1 };

describe("cli: record and replay", () => {
  let host: FakeHost;
  let folder: string;
  beforeEach(async () => {
    host = createFakeHost();
    folder = await mkdtemp(join(tmpdir(), "mooring-record-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  async function run(argv: readonly string[]) {
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(argv, io), output: output(), errors: errors() };
  }

  for (const [action, route] of [
    ["start", `PUT ${PATH}`],
    ["status", `GET ${PATH}`],
    ["stop", `POST ${PATH}/stop`],
  ] as const) {
    it(`${action} tells how it stands`, async () => {
      host.routes.set(route, { body: STATUS });
      const { code, output } = await run(["record", "dev", action]);
      assert.equal(code, EXIT.ok);
      assert.equal(output, "dev is recorded until 2026-01-01T00:00:00.000Z: 2 messages, 30 bytes, 1 older ones gone\n");
    });
  }

  it("fetch writes the file", async () => {
    host.routes.set(`GET ${PATH}/pcapng`, { body: "bytes" });
    const file = join(folder, "a.pcapng");
    assert.deepInclude(await run(["record", "dev", "fetch", "-o", file]), { code: EXIT.ok });
    assert.equal(await readFile(file, "utf8"), "bytes");
  });

  const bad: readonly [argv: readonly string[], part: string][] = [
    [["record", "dev"], "Usage: mooring record"],
    [["record", "dev", "begin"], '"begin" is none of start, status, stop, fetch'],
    [["record", "dev", "toString"], "is none of"],
    [["record", "dev", "start", "--minutes", "soon"], "must be whole minutes"],
    [["replay", "/nowhere.pcapng"], "/nowhere.pcapng: ENOENT"],
    [["replay", "x", "--to", "coaps://h:1"], "must be like coap://127.0.0.1:5783"],
  ];
  for (const [argv, part] of bad) {
    it(`bad input: mooring ${argv.join(" ")}`, async () => {
      const { code, errors } = await run(argv);
      assert.equal(code, EXIT.usage);
      assert.include(errors, part);
    });
  }

  it("bad input: replay of a file that is no recording", async () => {
    const file = join(folder, "b.pcapng");
    await writeFile(file, "something else");
    const { code, errors } = await run(["replay", file]);
    assert.equal(code, EXIT.usage);
    assert.include(errors, "no capture file of this kind");
  });
});
