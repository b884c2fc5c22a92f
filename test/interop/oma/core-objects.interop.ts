/** OMA's cases of the objects Device, Connectivity Monitoring, Location and Connectivity Statistics with Leshan's client. */
import { assert } from "chai";
import { managedObject } from "../../harness/documents.ts";
import { CONNECTIVITY, DEVICE, LOCATION } from "./configuration.ts";
import { withLeshan } from "./with-leshan.ts";

describe("interop/OMA: core objects", () => {
  const leshan = withLeshan({ endpoint: "oma-core-objects" });
  const run = (text: string) => leshan.operator.run(text);
  const read = (path: string) => leshan.operator.read(path);

  it("OMA 651: partial update of time, offset and zone, then their replacement by what they were", async () => {
    await leshan.operator.prefer("TLV");
    const partial = 'writep /3/0 {"13":1367491215,"14":"+02:00","15":"Europe/Paris"}';
    const { exchange } = await leshan.operator.exchange(partial, "POST /3/0");
    assert.match(exchange.content!.contentFormat!, /^TLV /);
    const changed = { "/3/0/13": 1_367_491_215, "/3/0/14": "+02:00", "/3/0/15": "Europe/Paris" };
    assert.deepEqual(await read("/3/0"), { ...DEVICE, ...changed });
    await leshan.operator.lastValues(changed);
    await run('write /3/0 {"13":"2023-11-14T22:13:20Z","14":"+00:00","15":"Etc/UTC"}');
    assert.deepEqual(await read("/3/0"), DEVICE);
    await leshan.operator.prefer(undefined);
  });

  it("OMA 652: Read of the firmware version", async () => {
    assert.deepEqual(await read("/3/0/3"), { "/3/0/3": "1.0.0" });
  });

  it("OMA 680: Create of a second Device instance is refused", async () => {
    assert.match(await leshan.operator.refused("create /3"), /^4\.05 Method Not Allowed/);
  });

  it("OMA 685: Delete of the Device instance is refused", async () => {
    assert.match(await leshan.operator.refused("delete /3/0"), /^4\.05 Method Not Allowed/);
    assert.deepEqual(await read("/3/0/0"), { "/3/0/0": "Leshan" });
  });

  it("OMA 701: Read of Connectivity Monitoring", async () => {
    assert.deepEqual(await read("/4/0"), CONNECTIVITY);
  });

  it("OMA 801: Read of Location: decimals and a time, and the position of the device", async () => {
    assert.deepEqual(await read("/6/0"), LOCATION);
    const { c8y_Position } = await managedObject(leshan.suite.api, leshan.operator.deviceId);
    assert.deepInclude(c8y_Position, { lat: 43.5723, lng: 153.2176, alt: 140 });
  });

  it("OMA 901: Start and Stop of the collection are executed, the counters are read", async () => {
    assert.equal((await run("execute /7/0/6")).status, "2.04 Changed");
    const counted = { "/7/0/0": 1, "/7/0/1": 2, "/7/0/2": 12, "/7/0/3": 8, "/7/0/4": 600, "/7/0/5": 250 };
    for (const [path, value] of Object.entries(counted)) leshan.device.set(path, value);
    assert.equal((await run("execute /7/0/7")).status, "2.04 Changed");
    assert.deepEqual(await read("/7/0"), { ...counted, "/7/0/8": 0 });
    assert.deepEqual(leshan.told("executed"), ["executed /7/0/6", "executed /7/0/7"]);
  });

  it("OMA 905: the Collection Period is written and read back", async () => {
    assert.deepInclude(await read("/7/0"), { "/7/0/8": 0 });
    await run("write /7/0/8 3600");
    assert.deepInclude(await read("/7/0"), { "/7/0/8": 3600 });
  });
});
