import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo, type FakeHost } from "./fake-host.ts";

const DECODERS = "/service/lwm2m-agent/decoders";
const SHOWN = { key: "acme", name: "ACME", version: "1.0.0", origin: "own" };
const version = (number: string, status: string) => ({
  key: "acme",
  version: number,
  status,
  origin: "own",
  author: "ann",
  creationTime: "2026-01-01T00:00:00.000Z",
  manifest: { key: "acme", name: "ACME", version: number },
});

/** What runs vectors starts sandbox processes. */
describe("cli: decoder deploy, activate, rollback, list; protocol; device", function () {
  this.timeout(30_000);
  let host: FakeHost;
  let folder: string;
  beforeEach(() => {
    host = createFakeHost();
    folder = mkdtempSync(join(tmpdir(), "mooring-cli-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function run(...argv: string[]) {
    const { io, output, errors } = createFakeIo(host);
    return { code: await runCli(argv, io), output: output(), errors: errors() };
  }
  const answers = (asked: string, body: unknown, status = 200): void => void host.routes.set(asked, { status, body });
  async function created(): Promise<string> {
    const at = join(folder, "acme");
    await run("decoder", "create", at);
    return at;
  }

  it("deploys a folder, a package, or a service; says whether it is in force and what comes next", async () => {
    const at = await created();
    answers(`POST ${DECODERS}`, version("0.1.0", "active"), 201);
    const first = await run("decoder", "deploy", at);
    assert.equal(first.code, EXIT.ok, first.errors);
    assert.match(first.output, /^acme 0\.1\.0: .* characters of JavaScript, 2 vectors, not signed\nuploaded, active\n/);
    assert.include(first.output, "npx mooring protocol map '/33456/*/123' decoder:acme, unless");
    const body = JSON.parse(host.bodies.at(-1)!);
    assert.deepEqual([body.format, body.manifest.key, body.vectors.length], [1, "acme", 2]);

    answers(`POST ${DECODERS}`, version("0.1.0", "idle"), 201);
    await run("decoder", "pack", at, "-o", join(folder, "p.json"));
    const second = await run("decoder", "deploy", join(folder, "p.json"));
    assert.match(second.output, /uploaded, not active yet\nNext: npx mooring decoder stage acme 0\.1\.0/);
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), body);

    await run("decoder", "deploy", at, "--service", "http://127.0.0.1:8090");
    const { manifest } = body;
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), { manifest, service: { url: "http://127.0.0.1:8090" } });
  });

  it("nothing is deployed or staged whose vectors fail, be it a folder, a package or a version of the host", async () => {
    const at = await created();
    const source = join(at, "src/decoder.ts");
    const good = readFileSync(source, "utf8");
    const broken = good.replace("frame.i16() / 100", "frame.i16() / 10");
    const words =
      /^acme 0\.1\.0, in the sandbox.*:\n {2}FAIL {2}230\.1 V[\s\S]* {10}actual {4}215\n[\s\S]*1 passed, 1 failed, in \d+ ms\n/;
    const refused = async (undone: string, ...argv: string[]): Promise<void> => {
      const { code, output, errors } = await run("decoder", ...argv);
      assert.deepEqual([code, output], [EXIT.failed, ""]);
      assert.match(errors, words);
      assert.include(errors, `\n${undone}: --no-test leaves the vectors out\nNext: npx mooring decoder `);
    };
    writeFileSync(source, broken);
    await run("decoder", "pack", at, "-o", join(folder, "p.json"), "--no-test");
    await refused("not deployed", "deploy", at);
    await refused("not deployed", "deploy", join(folder, "p.json"));
    await refused("not deployed", "deploy", at, "--service", "http://127.0.0.1:8090");
    assert.deepEqual(host.asked, []);
    answers(`POST ${DECODERS}`, version("0.1.0", "idle"), 201);
    assert.deepInclude(await run("decoder", "deploy", at, "--no-test"), { code: EXIT.ok, errors: "" });

    const manifest = { key: "acme", name: "acme", version: "0.1.0" };
    const packed = JSON.parse(readFileSync(join(folder, "p.json"), "utf8"));
    const onHost = { ...version("0.1.0", "idle"), manifest, source: packed.source, language: "javascript" };
    answers(`GET ${DECODERS}/acme/versions/0.1.0`, onHost);
    answers(`POST ${DECODERS}/acme/stage`, {});
    answers(`GET ${DECODERS}/acme/stage`, { version: "0.1.0", counts: {}, mayActivate: true, samples: [] });
    await refused("not staged", "stage", "acme", "0.1.0", "--folder", at);
    assert.notInclude(host.asked, `POST ${DECODERS}/acme/stage`);
    assert.deepInclude(await run("decoder", "stage", "acme", "0.1.0", "--folder", at, "--no-test"), { errors: "" });
    const told = async (...argv: string[]) => (await run("decoder", "stage", "acme", ...argv)).errors;
    assert.match(await told("0.2.0", "--folder", at), /is not the folder of acme 0\.2\.0, .*: nothing is tested\n$/);
    assert.match(await told("0.1.0"), /^this is not the folder of acme 0\.1\.0/);
    answers(`GET ${DECODERS}/acme/versions/0.1.0`, { ...onHost, source: undefined, service: {} });
    assert.equal(await told("0.1.0", "--folder", at), "acme 0.1.0 is a service: nothing is tested\n");
  });

  it("a version that is there already, and what else the host refuses, is told with what to do", async () => {
    const at = await created();
    answers(`POST ${DECODERS}`, { message: "decoder version acme 0.1.0 is there already" }, 409);
    assert.match(
      (await run("decoder", "deploy", at)).errors,
      /there already\na version never changes: raise version in manifest/,
    );
    answers(`POST ${DECODERS}`, { message: "signature is missing: this host takes signed decoders only" }, 422);
    assert.match((await run("decoder", "deploy", at)).errors, /\(422\): signature is missing/);
    writeFileSync(join(folder, "p.json"), "{}");
    const broken = await run("decoder", "deploy", join(folder, "p.json"));
    assert.deepInclude(broken, { code: EXIT.failed, errors: "format is missing\n" });
    answers(`POST ${DECODERS}/acme/activate`, { message: "30 % of 100 payloads are different" }, 409);
    assert.match((await run("decoder", "activate", "acme")).errors, /30 % .*\nnpx mooring decoder list acme shows how/);
    answers(`POST ${DECODERS}/none/rollback`, { message: "decoder none" }, 404);
    assert.match((await run("decoder", "rollback", "none")).errors, /npx mooring decoder list shows all decoders/);
  });

  it("activates and rolls back, with what was before", async () => {
    answers(`POST ${DECODERS}/acme/activate`, { ...SHOWN, version: "2.0.0", previousVersion: "1.0.0" });
    const activated = await run("decoder", "activate", "acme", "2.0.0", "--force", "--max-different", "1.5");
    assert.match(
      activated.output,
      /^acme: 2\.0\.0 is in force .*; before: 1\.0\.0\nNext: npx mooring decoder rollback acme/,
    );
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), { version: "2.0.0", maxDifferent: 1.5, force: true });
    answers(`POST ${DECODERS}/acme/rollback`, { ...SHOWN, previousVersion: null });
    assert.match(
      (await run("decoder", "rollback", "acme")).output,
      /^acme: 1\.0\.0 is in force for what comes from now on\n/,
    );
    const bad = await run("decoder", "activate", "acme", "--max-different", "all");
    assert.deepInclude(bad, { code: EXIT.usage, errors: '--max-different "all" must be 0 to 100\n' });
  });

  it("lists decoders, and the versions of one", async () => {
    answers(`GET ${DECODERS}`, { decoders: [SHOWN, { ...SHOWN, key: "b", staged: "1.1.0" }] });
    assert.deepEqual((await run("decoder", "list")).output.split("\n").slice(0, 3), [
      "KEY   ACTIVE  STAGED  FROM  NAME",
      "acme  1.0.0   -       own   ACME",
      "b     1.0.0   1.1.0   own   ACME",
    ]);
    answers(`GET ${DECODERS}/acme/versions`, { versions: [version("1.1.0", "staged"), version("1.0.0", "active")] });
    const { output } = await run("decoder", "list", "acme");
    assert.include(output, "1.1.0    staged  own   2026-01-01T00:00:00.000Z  ann     no");
    const json = JSON.parse((await run("decoder", "list", "acme", "--json")).output);
    assert.equal(json[0].version, "1.1.0");
  });

  it("maps a resource to a decoder that is there, to another action, to a measurement", async () => {
    const ADD = "/service/lwm2m-agent/objectResourceMappings/33456/add";
    answers(`PUT ${ADD}`, {});
    answers("GET /service/lwm2m-agent/mappingActions/resourceactions", [
      { name: "scale", args: ["double"] },
      { name: "plain", args: [] },
      { name: "decoder", args: ["acme"] },
    ]);
    const mapped = await run("protocol", "map", "/33456/*/123", "decoder:acme");
    assert.equal(mapped.code, EXIT.ok, mapped.errors);
    const observed = { observeParameters: { autoObserve: true } };
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), {
      123: { resourceID: 123, customAction: { type: null, actionName: "decoder:acme" }, ...observed },
    });
    await run("protocol", "map", "/33456/0/5", "c8y_T.T", "--unit", "°C", "--no-observe");
    assert.deepEqual(JSON.parse(host.bodies.at(-1)!), {
      5: { resourceID: 5, measurementCreation: { type: "c8y_T", series: "T", unit: "°C" } },
    });
    const cases: [string[], RegExp][] = [
      [["/33456/0/1", "decoder:none"], /there is no decoder none: npx mooring decoder deploy/],
      [["/33456/0/1", "scale:halve"], /there is no action scale:halve; there are scale:double, plain, decoder:acme/],
      [["/33456/0", "decoder:acme"], /"\/33456\/0" must be the path of a resource/],
      [["/33456/0/1", "temperature"], /"temperature" must be an action .* or a measurement/],
    ];
    for (const [argv, errors] of cases) {
      const refused = await run("protocol", "map", ...argv);
      assert.equal(refused.code, EXIT.usage);
      assert.match(refused.errors, errors);
    }
  });

  it("uploads an object file, and names what is refused", async () => {
    const file = join(folder, "o.xml");
    writeFileSync(file, "<LWM2M/>");
    const DDF = "/service/lwm2m-agent/objectResourceMappings/ddf";
    answers(`POST ${DDF}`, {
      new: [{ id: "1", name: "ACME meter" }],
      updated: [],
      error: [{ id: "7", msg: "no name" }],
    });
    const { code, output } = await run("protocol", "upload", file);
    assert.deepInclude([code, output], EXIT.failed);
    assert.equal(output, "ACME meter: new\n7: refused: no name\n");
    assert.match((await run("protocol", "upload", join(folder, "none.xml"))).errors, /none\.xml: ENOENT/);
  });

  it("shows what became of a device's data, the latest last, and who decoded it", async () => {
    answers("GET /measurement/measurements", {
      measurements: [
        {
          id: "2",
          type: "acme",
          time: "2026-01-01T00:00:02.000Z",
          source: { id: "7" },
          acme: { U: { value: 230.1, unit: "V" }, n: { value: 3 } },
          decodedBy: { key: "acme", version: "1.0.0" },
        },
      ],
    });
    const failed = { status: "ERROR", message: "too short" };
    answers("GET /event/events", {
      events: [
        { id: "1", type: "c8y_decoder_event", text: "x", time: "2026-01-01T00:00:01.000Z", decoderData: failed },
      ],
    });
    answers("GET /alarm/alarms", {
      alarms: [
        {
          id: "3",
          type: "hot",
          text: "too hot",
          severity: "MAJOR",
          status: "ACTIVE",
          time: "2026-01-01T00:00:03.000Z",
        },
      ],
    });
    assert.deepEqual((await run("device", "data", "dev")).output.trimEnd().split("\n"), [
      "2026-01-01T00:00:01.000Z  event c8y_decoder_event: x (ERROR: too short)",
      "2026-01-01T00:00:02.000Z  acme.U 230.1 V, acme.n 3  [acme 1.0.0]",
      "2026-01-01T00:00:03.000Z  alarm hot: too hot (MAJOR, ACTIVE)",
    ]);
    for (const list of ["measurement/measurements", "event/events", "alarm/alarms"]) answers(`GET /${list}`, {});
    assert.match((await run("device", "data", "dev")).output, /^no data of dev: npx mooring explain dev says where/);
    assert.equal((await run("device", "data", "dev", "--limit", "0")).code, EXIT.usage);
  });

  it("device add registers an endpoint; device send says what is wrong before it sends", async () => {
    answers("POST /service/lwm2m-agent/deviceRegistration", { id: "9" }, 201);
    const { output } = await run("device", "add", "dev");
    assert.match(output, /^dev: may register; managed object 9\nNext: npx mooring device send dev <path>/);
    const cases: [string[], RegExp][] = [
      [["dev", "/33456/0", "00"], /"\/33456\/0" must be the path of a resource/],
      [["dev", "/33456/0/1", "00", "0"], /payload "0" must be bytes in hexadecimal/],
      [["dev", "/33456/0/1", "00", "--to", "coaps://h:1"], /--to "coaps:\/\/h:1" must be like coap/],
    ];
    for (const [argv, errors] of cases) assert.match((await run("device", "send", ...argv)).errors, errors);
  });
});
