/** OMA's cases of Read and Discover with Leshan's client. */
import { assert } from "chai";
import { CONNECTIVITY, DEVICE, SERVER } from "./configuration.ts";
import type { Operator } from "./operator.ts";
import { openScriptClient, type ScriptClient } from "./script-client.ts";
import { operatorFor, withLeshan } from "./with-leshan.ts";

describe("interop/OMA: Read", () => {
  const leshan = withLeshan({ endpoint: "oma-reading" });
  afterEach(() => leshan.operator.prefer(undefined));

  /** Reads in that format, and makes sure that the answer came in it. */
  const readAs = async (format: string, path: string) => {
    await leshan.operator.prefer(format);
    const { values, exchange } = await leshan.operator.exchange(`read ${path}`, `GET ${path}`);
    assert.match(exchange.answerContent!.contentFormat!, new RegExp(`^${format} `), JSON.stringify(exchange));
    return values;
  };

  it("OMA 201: Read of manufacturer, model and serial number as plain text", async () => {
    for (const path of ["/3/0/0", "/3/0/1", "/3/0/2"] as const) {
      assert.deepEqual(await readAs("TEXT", path), { [path]: DEVICE[path] });
    }
  });

  it("OMA 203: Read of the Device instance as TLV", async () => {
    assert.deepEqual(await readAs("TLV", "/3/0"), DEVICE);
  });

  it("OMA 204: Read of the Device instance as JSON", async () => {
    assert.deepEqual(await readAs("JSON", "/3/0"), DEVICE);
  });

  it("OMA 211: Read of an integer, a truth value and a text as CBOR", async () => {
    for (const [path, value] of [
      ["/1/0/0", 1],
      ["/1/0/6", false],
      ["/1/0/7", "U"],
    ] as const) {
      assert.deepEqual(await readAs("CBOR", path), { [path]: value });
    }
  });

  it("OMA 222: Read of the objects Server and Device", async () => {
    assert.deepEqual(await leshan.operator.read("/1"), SERVER);
    assert.deepEqual(await leshan.operator.read("/3"), DEVICE);
  });

  it("OMA 223: Read of the instances of Server and Device", async () => {
    assert.deepEqual(await leshan.operator.read("/1/0"), SERVER);
    assert.deepEqual(await leshan.operator.read("/3/0"), DEVICE);
  });

  it("OMA 224: Read of single resources", async () => {
    for (const path of ["/1/0/0", "/1/0/1", "/1/0/6", "/1/0/7"] as const) {
      assert.deepEqual(await leshan.operator.read(path), { [path]: SERVER[path] });
    }
    assert.deepEqual(await leshan.operator.read("/3/0/16"), { "/3/0/16": "U" });
  });

  it("OMA 225: Read of a resource instance", async () => {
    assert.deepEqual(await leshan.operator.read("/3/0/11/0"), { "/3/0/11/0": 0 });
  });

  for (const [id, format] of [
    [231, "SENML_JSON"],
    [232, "SENML_CBOR"],
  ] as const) {
    it(`OMA ${id}: Read of object, instance, resource and resource instance as ${format}`, async () => {
      assert.deepEqual(await readAs(format, "/1"), SERVER);
      assert.deepEqual(await readAs(format, "/3/0"), DEVICE);
      assert.deepEqual(await readAs(format, "/3/0/16"), { "/3/0/16": "U" });
      assert.deepEqual(await readAs(format, "/3/0/11/0"), { "/3/0/11/0": 0 });
    });
  }

  it("OMA 221: Read, Write and Write-Attributes of the Security Object are refused, and shown as such", async () => {
    for (const text of ["read /0", "write /0/0/0 coap://192.0.2.1:5683", "writeattr /0 pmin=30&pmax=45"]) {
      assert.match(await leshan.operator.refused(text), /^4\.01 Unauthorized/, text);
    }
  });

  describe("composite", () => {
    /** In one FETCH, answered in SenML. */
    const readTogether = async (...paths: readonly string[]) => {
      const { values, exchange } = await leshan.operator.exchange(`cread ${paths.join(" ")}`, "FETCH /");
      assert.match(exchange.answerContent!.contentFormat!, /^SENML_(CBOR|JSON) /);
      return values;
    };

    it("OMA 229: Read-Composite of object, instance, resource and resource instance", async () => {
      const values = { ...CONNECTIVITY, ...SERVER, "/3/0/16": "U", "/3/0/11/0": 0 };
      assert.deepEqual(await readTogether("/4", "/1/0", "/3/0/16", "/3/0/11/0"), values);
    });

    it("OMA 235: Read-Composite of the root: all that is readable, nothing of /0, /21 and /23", async () => {
      const values = await readTogether("/");
      assert.deepInclude(values, { ...SERVER, ...DEVICE, "/3303/0/5700": 20, "/6/0/0": 43.5723 });
      assert.isEmpty(Object.keys(values).filter(path => /^\/(0|21|23)\//.test(path)));
    });

    it("OMA 236: Read-Composite with paths that are absent: those that are there", async () => {
      const paths = ["/1/0", "/3/0/11/0", "/3339/0/5522", "/3353/0/6030"];
      assert.deepEqual(await readTogether(...paths), { ...SERVER, "/3/0/11/0": 0 });
    });

    describe("of paths that lie within each other, which Leshan's client refuses with 4.00, with a script as the client", () => {
      const values = { "/1/0/0": 1, "/1/0/1": 3600, "/3/0/0": "ACME", "/3/0/11/0": 0, "/3/0/16": "U" };
      let operator: Operator;
      let client: ScriptClient;
      before(async () => {
        operator = await operatorFor(leshan.suite, { endpointId: "oma-reading-script" });
        const serverPort = leshan.suite.host.coapPort;
        client = await openScriptClient({
          endpoint: operator.endpoint,
          serverPort,
          values: new Map(Object.entries(values)),
        });
        await client.register();
      });
      after(() => client[Symbol.asyncDispose]());

      it("OMA 229: Read-Composite of an object and what is in it", async () => {
        assert.deepEqual((await operator.run("cread /3 /1/0 /1/0/1 /3/0/11/0")).values, values);
      });

      it("OMA 236: Read-Composite with paths that are absent beside them", async () => {
        const { "/3/0/0": _, "/3/0/16": __, ...wanted } = values;
        assert.deepEqual((await operator.run("cread /1/0 /1/0/1 /3/0/11/0 /3339/0/5522 /3353/0/6030")).values, wanted);
      });
    });

    it("OMA 280: Read-Composite of exactly three paths", async () => {
      const values = { ...SERVER, "/3/0/16": "U", "/3/0/11/0": 0 };
      for (const format of ["SENML_CBOR", "SENML_JSON"]) {
        await leshan.operator.prefer(format);
        assert.deepEqual(await readTogether("/3/0/16", "/3/0/11/0", "/1/0"), values, format);
      }
    });

    it("OMA 281: Read-Composite with a resource that is executed: it is left out", async () => {
      assert.deepEqual(await readTogether("/1/0/1", "/1/0/7", "/1/0/8"), { "/1/0/1": 300, "/1/0/7": "U" });
    });
  });

  it("OMA 237: Read without Accept: decoded by the format that the client chose", async () => {
    for (const [uri, values] of [
      ["/1", SERVER],
      ["/3", DEVICE],
    ] as const) {
      const { values: answer } = await leshan.operator.run(`coap {"method":"get","uri":"${uri}"}`);
      assert.isNumber(answer["contentFormat"]);
      assert.deepEqual(answer["values"], values);
    }
  });

  describe("Discover", () => {
    before(() => leshan.restarted());

    it("OMA 260: Discover shows dimensions, and attributes where they are set, inherited ones with a resource", async () => {
      const { run } = leshan.operator;
      const attributes = async (path: string) => (await run(`discover ${path}`)).values;
      const atFirst = await attributes("/3");
      assert.containsAllKeys(atFirst, ["/3", "/3/0", "/3/0/1", "/3/0/4", "/3/0/9", "/3/0/16"]);
      for (const path of ["/3/0/6", "/3/0/7", "/3/0/8"]) assert.deepEqual(atFirst[path], { dim: "2" });
      await run("writeattr /3 pmin=10&pmax=200");
      assert.deepEqual((await attributes("/3/0"))["/3/0/7"], { dim: "2" });
      await run("writeattr /3/0/7 lt=1&gt=6&st=1");
      assert.deepEqual((await attributes("/3/0"))["/3/0/7"], { dim: "2", lt: "1", gt: "6", st: "1" });
      const inherited = { dim: "2", pmin: "10", pmax: "200", lt: "1", gt: "6", st: "1" };
      assert.deepEqual((await attributes("/3/0/7"))["/3/0/7"], inherited);
    });

    it("OMA 261: attributes of object, instance and resource instance, Discover shows each where it was set", async () => {
      await leshan.restarted();
      const { run } = leshan.operator;
      const attributes = async (path: string) => (await run(`discover ${path}`)).values;
      assert.deepEqual(await attributes("/3/0/11"), { "/3/0/11": { dim: "1" }, "/3/0/11/0": {} });
      await run("writeattr /3 pmin=10&pmax=200");
      await run("writeattr /3/0 pmax=320");
      await run("writeattr /3/0/11/0 pmax=100&epmin=1&epmax=20");
      assert.deepEqual(await attributes("/3/0/11"), {
        "/3/0/11": { dim: "1", pmin: "10", pmax: "320" },
        "/3/0/11/0": { pmax: "100", epmin: "1", epmax: "20" },
      });
      assert.deepInclude(await attributes("/3"), {
        "/3": { ver: "1.2", pmin: "10", pmax: "200" },
        "/3/0": { pmax: "320" },
      });
    });
  });
});
