/** OMA's cases of Read and Discover with Leshan's client. */
import { assert } from "chai";
import { withLeshan } from "./with-leshan.ts";

/** What /1/0 and /3/0 hold (configurations 3 and 6 of the enabler test specification). */
const SERVER = {
  "/1/0/0": 1,
  "/1/0/1": 300,
  "/1/0/2": 1,
  "/1/0/3": 10,
  "/1/0/5": 86_400,
  "/1/0/6": false,
  "/1/0/7": "U",
  "/1/0/23": false,
};
const DEVICE = {
  "/3/0/0": "Leshan",
  "/3/0/1": "client-cf",
  "/3/0/2": "L-1",
  "/3/0/3": "1.0.0",
  "/3/0/6/0": 1,
  "/3/0/6/1": 2,
  "/3/0/7/0": 3800,
  "/3/0/7/1": 4200,
  "/3/0/8/0": 120,
  "/3/0/8/1": 80,
  "/3/0/9": 77,
  "/3/0/10": 512,
  "/3/0/11/0": 0,
  "/3/0/13": 1_700_000_000,
  "/3/0/14": "+00:00",
  "/3/0/15": "Etc/UTC",
  "/3/0/16": "U",
  "/3/0/17": "sensor",
  "/3/0/18": "A2",
  "/3/0/19": "3.1",
  "/3/0/20": 0,
  "/3/0/21": 1024,
  "/3/0/22/0": "4:0",
};

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
});
