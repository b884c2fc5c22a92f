/** Decoders that come with the host, and scripts of network servers, from a device's opaque value to what REST shows. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "chai";
import { AGENT, expectStatus, type Measurement, measurements, registerDevice, seriesValue } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { root } from "../harness/host.ts";
import { mapAcmeMeter } from "../harness/meter-protocol.ts";
import { openRawDevice } from "../harness/raw-device.ts";
import { withHost } from "../harness/with-host.ts";

const SENML_JSON = 110;
const PATH = "/33456/0/123";
const RECEIVED = 1_767_225_600;

describe("formats that decoders read", () => {
  const suite = withHost();
  let count = 0;

  /** A new device sends `payload` to the decoder. @returns its measurements, as many as awaited */
  async function decoded(
    decoder: string,
    payload: Uint8Array,
    awaited: number,
    fragments: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly Measurement[]> {
    await mapAcmeMeter(suite.api, decoder);
    const endpoint = `${decoder}-${++count}`;
    const { id } = await registerDevice(suite.api, { endpointId: endpoint });
    expectStatus(await suite.api.put(`/inventory/managedObjects/${id}`, fragments), 200, "fragments of the device");
    await using device = await openRawDevice(suite.host.coapPort);
    await device.register({ endpoint, query: "lt=86400&lwm2m=1.1&b=U", links: "</1/0>,</33456/0>" });
    const value = Buffer.from(payload).toString("base64url");
    const body = JSON.stringify([{ bn: PATH, vd: value }]);
    const { code } = await device.request({ code: "0.02", uri: "/dp", payload: body, contentFormat: SENML_JSON });
    assert.equal(code, "2.04");
    return eventually(
      async () => {
        const found = await measurements(suite.api, { source: id });
        if (found.length < awaited) throw new Error(`${found.length} of ${awaited} measurements`);
        return found;
      },
      { withinMs: 10_000, what: `measurements of ${decoder}` },
    );
  }
  const points = (found: readonly Measurement[], series: string): [time: string, value: number | undefined][] =>
    found.map(each => [each.time, seriesValue(each, series)]);

  it("senml-batch: samples of one value stand at their own times", async () => {
    const records = [0, 900, 1800].map(t => ({ n: "temp", u: "Cel", t, v: 20 + t / 900 }));
    const pack = [{ bn: "dev:", bt: RECEIVED }, ...records];
    const found = await decoded("senml-batch", Buffer.from(JSON.stringify(pack)), 3);
    assert.deepEqual(points(found, "senml_dev.temp"), [
      ["2026-01-01T00:00:00.000Z", 20],
      ["2026-01-01T00:15:00.000Z", 21],
      ["2026-01-01T00:30:00.000Z", 22],
    ]);
    for (const each of found) assert.deepEqual(each["decodedBy"], { key: "senml-batch", version: "1.0.0" });
  });

  it("cbor: what the device says about its names holds", async () => {
    const payload = Buffer.from("a2011908fd021a6955b900", "hex");
    const says = { names: { "1": "voltage" }, units: { voltage: "mV" }, time: "2" };
    const [found] = await decoded("cbor", payload, 1, { mooring_Cbor: says });
    assert.deepInclude(found, { time: "2026-01-01T00:00:00.000Z", cbor: { voltage: { value: 2301, unit: "mV" } } });
  });

  it("xml", async () => {
    const text = '<m time="2026-01-01T06:00:00Z"><t unit="Cel">21.5</t></m>';
    const [found] = await decoded("xml", Buffer.from(text), 1);
    assert.deepInclude(found, { time: "2026-01-01T06:00:00.000Z", xml: { t: { value: 21.5, unit: "Cel" } } });
  });

  it("a script of ChirpStack is uploaded as it is, and tested, and decodes", async () => {
    const folder = join(root, "sdk/test/uplink/chirpstack-variables");
    const source = await readFile(join(folder, "src/decoder.js"), "utf8");
    const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
    expectStatus(await suite.api.post(`${AGENT}/decoders`, { manifest, source }), 201, "the upload");
    const test = { value: "07", args: { resourcePath: PATH } };
    const answer = await suite.api.post<{ result: { measurements: unknown[] } }>(
      `${AGENT}/decoders/${manifest.key}/test`,
      test,
    );
    assert.lengthOf(expectStatus(answer, 200, "the test").result.measurements, 1);
    const variables = { mooring_Uplink: { variables: { offset: "-1" } } };
    const [found] = await decoded(manifest.key, Uint8Array.of(7), 1, variables);
    assert.equal(seriesValue(found!, "chirpstack-variables.distance"), 6);
    assert.equal(found?.["chirpstack-variables_site"], "north");
  });

  it("a script that is none is refused at its upload", async () => {
    const manifest = { key: "no-script", name: "None", version: "1.0.0", format: "ttn-v3" };
    const source = "function decode(input) { return {}; }";
    const answer = await suite.api.post<{ message: string }>(`${AGENT}/decoders`, { manifest, source });
    assert.equal(answer.status, 422);
    assert.include(answer.body.message, "the script has no function decodeUplink");
  });
});
