/** OMA's cases of further objects with Leshan's client: connectivity management, Portfolio, BinaryAppDataContainer, Event Log. */
import { assert } from "chai";
import { describeObject } from "../../harness/agent.ts";
import { type NatProxy, openNatProxy } from "../../harness/nat-proxy.ts";
import { CELLULAR, EVENT_LOG, PORTFOLIO } from "./configuration.ts";
import { withLeshan } from "./with-leshan.ts";

describe("interop/OMA: further objects", () => {
  const leshan = withLeshan({ endpoint: "oma-further-objects" });
  beforeEach(() => leshan.restarted());
  afterEach(() => leshan.operator.prefer(undefined));
  const run = (text: string) => leshan.operator.run(text);
  const read = (path: string) => leshan.operator.read(path);
  const readTlv = async (path: string) => {
    await leshan.operator.prefer("TLV");
    const { values, exchange } = await leshan.operator.exchange(`read ${path}`, `GET ${path}`);
    assert.match(exchange.answerContent!.contentFormat!, /^TLV /);
    return values;
  };
  /** Runs a command, and waits for the Update with object links that follows. */
  const updates = async (command: () => Promise<unknown>): Promise<void> => {
    const before = leshan.told("updated").length;
    await command();
    await leshan.tells("updated", before);
  };
  const links = async () => (await leshan.operator.registration())!.objectLinks;

  it("OMA 1200: Read of Cellular Connectivity as TLV", async () => {
    assert.deepEqual(await readTlv("/10/0"), CELLULAR);
  });

  it("OMA 1201: the client has Cellular Connectivity 1.1: its model counts for Discover and Read, with that of 1.0 beside it", async () => {
    await describeObject(leshan.suite.api, "10-1_0.xml");
    const { values } = await run("discover /10");
    assert.deepEqual(values["/10"], { ver: "1.1" });
    assert.containsAllKeys(values, [
      "/10/0",
      "/10/0/4",
      "/10/0/5",
      "/10/0/8",
      "/10/0/9",
      "/10/0/11",
      "/10/0/13",
      "/10/0/14",
    ]);
    // Resources 13 and 14 came with 1.1: by the model of 1.0 they would be bytes without a type.
    assert.deepEqual(await readTlv("/10/0"), CELLULAR);
  });

  it("OMA 1202: the Power Saving Mode is written as TLV and read back", async () => {
    assert.containsAllKeys((await run("discover /10")).values, ["/10", "/10/0/11", "/10/0/13", "/10/0/14"]);
    assert.deepEqual(await read("/10/0/13"), { "/10/0/13": 3 });
    await leshan.operator.prefer("TLV");
    const { exchange } = await leshan.operator.exchange("write /10/0/14 2", "PUT /10/0/14");
    assert.match(exchange.content!.contentFormat!, /^TLV /);
    assert.deepEqual(await read("/10/0/14"), { "/10/0/14": 2 });
  });

  it("OMA 1250: a second APN profile is made and enabled; the Update with it replaces the object list", async () => {
    assert.notInclude(await links(), "/11/1");
    await updates(() => run('create /11 {"id":1,"resources":{"0":"second","3":false,"4":3}}'));
    await updates(() => run("execute /1/0/8"));
    assert.includeMembers([...(await links())], ["/11/0", "/11/1", "/1/0"]);
    await run("write /11/1/3 true");
    assert.deepEqual(await readTlv("/10/0/11"), { "/10/0/11/0": "11:0", "/10/0/11/1": "11:1" });
  });

  describe("behind a router", () => {
    let proxy: NatProxy;
    before(async () => {
      proxy = await openNatProxy({ serverPort: leshan.suite.host.coapPort });
    });
    after(() => proxy.close());

    it("OMA 1350: the bearer is selected, the client's address changes with it, its Updates keep the registration", async () => {
      await leshan.restarted({ port: proxy.port });
      const { registrationId } = (await leshan.operator.registration())!;
      const addresses = new Set<string>();
      for (const [select, bearer] of [
        // The client tells of a new instance by itself.
        [() => updates(() => run('create /13 {"id":0,"resources":{"0":{"0":21}}}')), 21],
        [() => run('write /13/0/0 {"0":1}'), 1],
      ] as const) {
        await select();
        await proxy.rebind();
        await updates(async () => leshan.device.update());
        const now = (await leshan.operator.registration())!;
        assert.equal(now.registrationId, registrationId);
        assert.include(now.objectLinks, "/13/0");
        addresses.add(now.address);
        assert.deepEqual(await read("/13/0"), { "/13/0/0/0": bearer });
      }
      assert.equal(addresses.size, 2);
      assert.deepEqual(await read("/10"), CELLULAR);
    });
  });

  it("OMA 1630: a Portfolio instance is made with TLV, Discover shows its dimension, both instances are read", async () => {
    const dimension = async (path: string) => (await run(`discover ${path}`)).values[`${path}/0`];
    assert.deepEqual(await dimension("/16/0"), { dim: "4" });
    await leshan.operator.prefer("TLV");
    const create = 'create /16 {"id":1,"resources":{"0":{"0":"Host Device ID #2","1":"Host Device Model #2"}}}';
    const { status, exchange } = await leshan.operator.exchange(create, "POST /16");
    assert.equal(status, "2.01 Created");
    assert.match(exchange.content!.contentFormat!, /^TLV /);
    assert.deepEqual(await dimension("/16/1"), { dim: "2" });
    const made = { "/16/1/0/0": "Host Device ID #2", "/16/1/0/1": "Host Device Model #2" };
    assert.deepEqual(await readTlv("/16"), { ...PORTFOLIO, ...made });
  });

  it("OMA 1635: all Portfolio instances are deleted, Discover shows the bare object", async () => {
    await updates(() => run('create /16 {"id":1,"resources":{"0":{"0":"another"}}}'));
    assert.deepInclude((await run("discover /16/0")).values, { "/16/0": {}, "/16/0/0": { dim: "4" } });
    for (const path of ["/16/0", "/16/1"]) {
      const before = leshan.told("updated").length;
      assert.equal((await run(`delete ${path}`)).status, "2.02 Deleted");
      await leshan.tells("updated", before);
    }
    assert.deepEqual((await run("discover /16")).values, { "/16": {} });
    const now = await links();
    assert.include(now, "/16");
    assert.notInclude(now, "/16/0");
  });

  it("OMA 1901: bytes are written to a container and read back", async () => {
    await run("write /19/1/0/0 00ff17a0");
    assert.deepEqual(await read("/19/1/0"), { "/19/1/0/0": "00ff17a0" });
    assert.deepInclude(await read("/19"), { "/19/1/0/0": "00ff17a0" });
  });

  it("OMA 2000: LogStart is written and read back", async () => {
    await run("write /20/0/4011 0,250");
    assert.deepEqual(await read("/20/0/4011"), { "/20/0/4011": "0,250" });
  });

  it("OMA 2001: Read of the Event Log as TLV", async () => {
    assert.deepEqual(await readTlv("/20/0"), EVENT_LOG);
  });
});
