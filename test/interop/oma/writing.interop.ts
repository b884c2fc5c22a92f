/** OMA's cases of Write, Execute, Create and Delete with Leshan's client. */
import { assert } from "chai";
import { DEVICE, PORTFOLIO, SERVER } from "./configuration.ts";
import { withLeshan } from "./with-leshan.ts";

/** All that is writable of /1/0 as the device had it at first. */
const SAVED_SERVER = '{"1":300,"2":1,"3":10,"5":86400,"6":false,"7":"U","23":false}';

describe("interop/OMA: Write", () => {
  const leshan = withLeshan({ endpoint: "oma-writing" });
  beforeEach(() => leshan.restarted());
  afterEach(() => leshan.operator.prefer(undefined));

  /** Runs a command that writes, and makes sure of the format that it wrote in. */
  const writeAs = async (format: string, text: string, request: string): Promise<void> => {
    await leshan.operator.prefer(format);
    const { status, exchange } = await leshan.operator.exchange(text, request);
    assert.equal(status, "2.04 Changed", text);
    assert.match(exchange.content!.contentFormat!, new RegExp(`^${format} `), text);
  };
  /** Runs a command, and waits for the Update that the new lifetime leads to. */
  const updates = async (lifetimeSeconds: number, write: () => Promise<unknown>): Promise<void> => {
    const before = leshan.told("updated").length;
    await write();
    assert.equal(await leshan.tells("updated", before), `updated lt=${lifetimeSeconds}`);
    assert.include(await leshan.operator.registration(), { lifetime: lifetimeSeconds });
  };
  const { run, read } = {
    run: (text: string) => leshan.operator.run(text),
    read: (path: string) => leshan.operator.read(path),
  };

  for (const [id, format, values] of [
    [205, "TEXT", { "2": 101, "3": 1010, "5": 2000 }],
    [212, "CBOR", { "2": 101, "3": 1010, "6": true }],
  ] as const) {
    it(`OMA ${id}: Write of three resources of the Server Object as ${format}, read back and restored`, async () => {
      const changed: Record<string, unknown> = { ...SERVER };
      for (const [resource, value] of Object.entries(values)) {
        await writeAs(format, `write /1/0/${resource} ${value}`, `PUT /1/0/${resource}`);
        changed[`/1/0/${resource}`] = value;
      }
      assert.deepEqual(await read("/1/0"), changed);
      for (const resource of Object.keys(values)) {
        await run(`write /1/0/${resource} ${SERVER[`/1/0/${resource}` as keyof typeof SERVER]}`);
      }
      assert.deepEqual(await read("/1/0"), SERVER);
    });
  }

  for (const [id, format] of [
    [215, "TLV"],
    [220, "JSON"],
  ] as const) {
    it(`OMA ${id}: partial update of the Server instance as ${format}, then its replacement by what it was`, async () => {
      await writeAs(format, 'writep /1/0 {"2":101,"3":1010,"5":2000,"6":true,"7":"U"}', "POST /1/0");
      const changed = { ...SERVER, "/1/0/2": 101, "/1/0/3": 1010, "/1/0/5": 2000, "/1/0/6": true };
      assert.deepEqual(await read("/1/0"), changed);
      await writeAs(format, `write /1/0 ${SAVED_SERVER}`, "PUT /1/0");
      assert.deepEqual(await read("/1/0"), SERVER);
    });
  }

  it("OMA 226: partial update of lifetime and storing in one message, the Update with the new lifetime follows", async () => {
    await updates(61, () => run('writep /1/0 {"1":61,"6":true}'));
    assert.deepEqual(await read("/1/0"), { ...SERVER, "/1/0/1": 61, "/1/0/6": true });
    await updates(300, () => run('writep /1/0 {"1":300,"6":false}'));
    assert.deepEqual(await read("/1/0"), SERVER);
  });

  it("OMA 227: the lifetime is replaced, the Update with it follows", async () => {
    await updates(63, () => run("write /1/0/1 63"));
    assert.deepEqual(await read("/1/0/1"), { "/1/0/1": 63 });
    await updates(300, () => run("write /1/0/1 300"));
  });

  it("OMA 228: Write of one resource instance leaves the others", async () => {
    await run("write /16/0/0/1 test");
    assert.deepEqual(await read("/16/0/0/1"), { "/16/0/0/1": "test" });
    assert.deepEqual(await read("/16/0"), { ...PORTFOLIO, "/16/0/0/1": "test" });
  });

  it("OMA 230: one Write-Composite over Server and Portfolio, the Update with the new lifetime follows", async () => {
    const values = '/1/0/1 61 /1/0/6 true /16/0/0/0 aa /16/0/0/1 bb /16/0/0/2 cc /16/0/0/3 "d d"';
    await updates(61, async () => {
      const { exchange } = await leshan.operator.exchange(`cwrite ${values}`, "IPATCH /");
      assert.match(exchange.content!.contentFormat!, /^SENML_(CBOR|JSON) /);
    });
    assert.deepEqual(await read("/1/0"), { ...SERVER, "/1/0/1": 61, "/1/0/6": true });
    assert.deepEqual(await read("/16"), {
      "/16/0/0/0": "aa",
      "/16/0/0/1": "bb",
      "/16/0/0/2": "cc",
      "/16/0/0/3": "d d",
    });
  });

  for (const [id, format] of [
    [233, "SENML_CBOR"],
    [234, "SENML_JSON"],
  ] as const) {
    it(`OMA ${id}: Writes of instance, resource instance and resource as ${format}`, async () => {
      await updates(61, () => writeAs(format, 'writep /1/0 {"1":61,"6":true}', "POST /1/0"));
      assert.deepEqual(await read("/1"), { ...SERVER, "/1/0/1": 61, "/1/0/6": true });
      await writeAs(format, "write /16/0/0/0 test_value", "PUT /16/0/0/0");
      assert.deepEqual(await read("/16"), { ...PORTFOLIO, "/16/0/0/0": "test_value" });
      await updates(63, () => writeAs(format, "write /1/0/1 63", "PUT /1/0/1"));
      assert.deepEqual(await read("/1/0/1"), { "/1/0/1": 63 });
    });
  }

  it("OMA 241: Reboot is executed, a new Register of the endpoint takes the place of the old", async () => {
    const before = await leshan.operator.registration();
    const registrations = leshan.told("registered").length;
    assert.equal((await run("execute /3/0/4")).status, "2.04 Changed");
    const line = await leshan.tells("registered", registrations);
    const after = await leshan.operator.registration();
    assert.equal(line, `registered /rd/${after!.registrationId}`);
    assert.notEqual(after!.registrationId, before!.registrationId);
    assert.deepEqual(await read("/3/0"), DEVICE);
  });

  it("OMA 256: Write of a resource that is only read gets 4.05, its value is what it was", async () => {
    assert.match(await leshan.operator.refused("write /1/0/0 123"), /^4\.05 Method Not Allowed/);
    assert.deepEqual(await read("/1/0/0"), { "/1/0/0": 1 });
  });

  it("OMA 257: Write-Composite over Server and Device, read before and after", async () => {
    assert.deepEqual({ ...(await read("/1")), ...(await read("/3")) }, { ...SERVER, ...DEVICE });
    await run("cwrite /1/0/2 101 /1/0/6 true /3/0/13 0");
    const changed = { "/1/0/2": 101, "/1/0/6": true, "/3/0/13": 0 };
    assert.deepEqual({ ...(await read("/1")), ...(await read("/3")) }, { ...SERVER, ...DEVICE, ...changed });
  });
});
