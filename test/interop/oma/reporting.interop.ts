/** OMA's cases of information reporting in which no time passes, with Leshan's client. */
import { assert } from "chai";
import { wireOf } from "./wire.ts";
import { withLeshan } from "./with-leshan.ts";

describe("interop/OMA: Information Reporting", () => {
  const leshan = withLeshan({ endpoint: "oma-reporting", isProxied: true });
  const run = (text: string) => leshan.operator.run(text);
  /** Sends what the paths hold. @returns the answer's code as Leshan names it */
  const sends = async (paths: readonly string[], format: "SENML_JSON" | "SENML_CBOR"): Promise<string> => {
    const before = leshan.told("answered").length;
    leshan.device.sendPaths(paths, format);
    return (await leshan.tells("answered", before)).slice("answered ".length);
  };

  it("OMA 305: a composite observation is cancelled by Observe 1 with the same paths", async () => {
    const paths = "/1/0/1 /3/0/11/0 /3/0/16";
    const values = { "/1/0/1": 300, "/3/0/11/0": 0, "/3/0/16": "U" };
    assert.deepEqual((await run(`cobserve ${paths}`)).values, values);
    leshan.device.set("/3/0/11/0", 4);
    await leshan.operator.lastValues({ ...values, "/3/0/11/0": 4 });
    const cancelled = await run(`cancelCompositeObserve ${paths}`);
    assert.equal(cancelled.status, "2.05 Content");
    const [observe, cancel] = wireOf(leshan.proxy!).requests("0.05");
    assert.equal(cancel!.observe, 1);
    assert.deepEqual(
      { token: cancel!.token, payload: cancel!.payload },
      { token: observe!.token, payload: observe!.payload },
    );
    leshan.device.set("/3/0/11/0", 5);
    // What comes later than the Send would, comes never.
    assert.equal(await sends(["/3/0/9"], "SENML_CBOR"), "CHANGED(204)");
    await leshan.operator.lastValues({ "/3/0/9": 77, "/3/0/11/0": 4 });
    assert.lengthOf(wireOf(leshan.proxy!).notifications(observe!.token), 1);
  });

  for (const format of ["SENML_CBOR", "SENML_JSON"] as const) {
    it(`OMA 306: a Send in ${format} is accepted, its values are shown`, async () => {
      const level = format === "SENML_CBOR" ? 55 : 56;
      leshan.device.set("/3/0/9", level);
      assert.equal(await sends(["/3/0/9", "/6/0/0"], format), "CHANGED(204)");
      await leshan.operator.lastValues({ "/3/0/9": level, "/6/0/0": 43.5723 });
    });
  }

  it("OMA 307: Send is muted and none arrives, it is allowed again and one arrives", async () => {
    leshan.device.set("/3/0/9", 40);
    assert.equal(await sends(["/3/0/9"], "SENML_CBOR"), "CHANGED(204)");
    await leshan.operator.lastValues({ "/3/0/9": 40 });
    await run("write /1/0/23 true");
    leshan.device.set("/3/0/9", 41);
    leshan.device.sendPaths(["/3/0/9"], "SENML_CBOR");
    await leshan.tells("muted", 0);
    await run("write /1/0/23 false");
    await leshan.operator.lastValues({ "/3/0/9": 40 });
    leshan.device.set("/3/0/9", 42);
    assert.equal(await sends(["/3/0/9"], "SENML_CBOR"), "CHANGED(204)");
    await leshan.operator.lastValues({ "/3/0/9": 42 });
  });

  it("OMA 311: a Send of two named resources: their values, under their paths", async () => {
    await leshan.restarted();
    assert.equal(await sends(["/1/0/1", "/3/0/11/0"], "SENML_JSON"), "CHANGED(204)");
    await leshan.operator.lastValues({ "/1/0/1": 300, "/3/0/11/0": 0 });
    const send = wireOf(leshan.proxy!).sends().at(-1)!;
    assert.equal(send.contentFormat, 110);
  });
});
