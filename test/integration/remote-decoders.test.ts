/**
 * Decoder services that exist already, and everything that they do wrong: what was acknowledged is kept, told
 * by metrics and alarms, and decoded when the service is well again.
 */
import { assert } from "chai";
import { AGENT, describeObject, expectStatus, mapResources, measurements, registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import {
  CUMULOCITY_MANIFEST,
  type DecoderService,
  type Misbehaviour,
  openDecoderService,
} from "../harness/decoder-service.ts";
import { alarms, events, measuredValue, type StoredAlarm, storedValues } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import type { Received } from "../harness/raw-socket.ts";

const DECODERS = `${AGENT}/decoders`;
const KEY = "gauge-decoder";
const VERSION = "1.4.0-SNAPSHOT";
const SERIES = "gauge_Level.L";
const GET = "0.01";
const OPAQUE = 42;
const SECRET = "Basic dDEvc2VydmljZTpzZWNyZXQ=";
const CALL_MS = 400;
const RETRIES = 8;
const hang: Misbehaviour = ctx => {
  ctx.respond = false;
};

describe("decoder services behind HTTP", function () {
  this.timeout(60_000);
  let service: DecoderService;
  let host: Host;
  let client: Api;
  let device: RawDevice;
  let deviceId: string;
  let observation: Received;
  let last = 0;
  let observe = 2;

  before(async () => {
    service = await openDecoderService();
    host = await startHost({
      env: {
        MOORING_DECODING_ALLOWED_ORIGINS: `http://127.0.0.1:${service.port}`,
        MOORING_DECODING_SERVICES: JSON.stringify({
          inside: { url: `http://localhost:${service.port}` },
          metadata: { url: "http://169.254.169.254/latest", name: "Metadata" },
          elsewhere: { url: "http://127.0.0.1:9", tenants: ["t2"] },
        }),
        MOORING_DECODING_CALL_MS: String(CALL_MS),
        MOORING_DECODING_SWEEP_MS: "100",
        // Enough for a test to look while a payload is tried again.
        MOORING_DECODING_MAX_RETRIES: String(RETRIES),
        MOORING_DECODING_RETRY_DELAY_MINUTES: "0.01",
        MOORING_DECODING_UNAVAILABLE_DELAY_MINUTES: "0.01",
      },
    });
    client = api(host);
    await describeObject(client, "33456.xml");
    const upload = { manifest: CUMULOCITY_MANIFEST, service: { url: `http://127.0.0.1:${service.port}` } };
    const withHeaders = { ...upload, service: { ...upload.service, headers: { Authorization: SECRET } } };
    expectStatus(await client.post(DECODERS, withHeaders), 201, "upload of the service");
  });
  beforeEach(async () => {
    service.misbehave = undefined;
    const endpoint = `gauge-${++last}`;
    deviceId = (await registerDevice(client, { endpointId: endpoint })).id;
    await mapTo(KEY);
    device = await openRawDevice(host.coapPort);
    await device.register({ endpoint, links: "</33456/0>" });
    observation = await device.expectRequest(GET, "/33456/0/123");
    const Observe = { name: "Observe", value: Buffer.from([1]) } as const;
    await device.answer(observation, { code: "2.05", contentFormat: OPAQUE, payload: "", options: [Observe] });
    // The first, empty value is one that the service cannot decode.
    await eventually(async () => (await shown()).find(({ status }) => status === "ERROR"));
  });
  afterEach(async function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
    await device[Symbol.asyncDispose]();
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
    await service?.[Symbol.asyncDispose]();
  });

  const mapTo = (decoder: string): Promise<unknown> =>
    mapResources(client, 33456, {
      123: {
        customAction: { type: null, actionName: `decoder:${decoder}` },
        observeParameters: { autoObserve: true },
      },
    });
  const send = (value: number): Promise<void> =>
    device.notifyStored(observation, ++observe, { code: "2.05", contentFormat: OPAQUE, payload: Buffer.from([value]) });
  const shown = async (): Promise<{ value: string; status: string; reason?: string; message?: string }[]> =>
    (await events(client, deviceId, "c8y_decoder_event")).map(event => event["decoderData"] as never);
  const shownValue = async (value: number) =>
    (await shown()).find(({ value: hex }) => Number.parseInt(hex, 16) === value);
  async function counted(reason: string, decoder = KEY): Promise<number> {
    const { body } = await client.get<string>("/metrics");
    const line = new RegExp(
      `^mooring_decoder_service_payloads_total\\{service="${decoder}",version="[^"]+",reason="${reason}"\\} (\\d+)$`,
      "m",
    );
    return Number(line.exec(String(body))?.[1] ?? 0);
  }
  async function serviceAlarm(decoder = KEY): Promise<StoredAlarm | undefined> {
    const found = await client.get<{ managedObjects: { id: string }[] }>(
      "/inventory/managedObjects?type=c8y_lwm2m_connector_device",
    );
    const [connector] = found.body.managedObjects;
    if (!connector) return undefined;
    return (await alarms(client, connector.id)).find(({ type }) => type === `c8y_LWM2MDecoderFailure_${decoder}`);
  }
  const allDecoded = (values: readonly number[]): Promise<true> =>
    eventually(
      async () => {
        const stored = await storedValues(client, deviceId, SERIES);
        assert.sameMembers(stored, [...values], JSON.stringify(await shown()));
        return true as const;
      },
      { what: `the values ${values.join(", ")}, each once`, withinMs: 15_000 },
    );

  it("9.1, 9.3: a Cumulocity decoder service works by pointing at it", async () => {
    await send(83);
    const measurement = await measuredValue(client, deviceId, SERIES, 83);
    assert.deepInclude(measurement, {
      type: "gauge_Level",
      rawHex: "53",
      decodedBy: { key: KEY, version: VERSION },
    });
    assert.deepEqual(measurement["gauge_Level"], { L: { value: 83, unit: "cm" } });
    assert.equal((await events(client, deviceId, "gauge_Decoded")).length, 1);
    assert.equal(
      service.bodies.at(-1),
      JSON.stringify({
        args: { resourcePath: "/33456/0/123" },
        sourceDeviceId: deviceId,
        serviceKey: KEY,
        value: "53",
        status: "IN_PROGRESS",
      }),
    );
    assert.equal(service.headers["authorization"], SECRET);
    const actions = await client.get(`${AGENT}/mappingActions/resourceactions`);
    assert.include(JSON.stringify(actions.body), KEY);
  });

  it("headers are written and never read", async () => {
    const { body } = await client.get(`${DECODERS}/${KEY}/versions/${VERSION}`);
    assert.deepInclude(body, { language: "service", key: KEY, version: VERSION });
    assert.deepEqual(body["service"], {
      url: `http://127.0.0.1:${service.port}`,
      headers: { Authorization: "<<Encrypted>>" },
    });
    for (const path of ["", `/${KEY}`, `/${KEY}/versions`, `/${KEY}/versions/${VERSION}`]) {
      assert.notInclude(JSON.stringify((await client.get(`${DECODERS}${path}`)).body), "Basic");
    }
  });

  it("is tried out like any decoder", async () => {
    const { body } = await client.post<{ result: { measurements: unknown[] } }>(`${DECODERS}/${KEY}/test`, {
      value: "2a",
    });
    assert.lengthOf(body.result.measurements, 1);
  });

  it("9.1: a service that shows its cumulocity.json needs no other manifest; a further version waits to be activated", async () => {
    const found = await client.post(DECODERS, { service: { url: `http://127.0.0.1:${service.port}` } });
    assert.deepInclude(found.body, { key: KEY, version: "1.5.0", status: "idle" }, JSON.stringify(found.body));
    const none = await client.post(DECODERS, { service: { url: `http://127.0.0.1:${service.port}/nowhere` } });
    assert.equal(none.status, 422);
    assert.match(JSON.stringify(none.body), /manifest is missing, and .* has no cumulocity\.json: it answered 404/);
  });

  it("what cannot be called is refused with field and rule", async () => {
    const cases: readonly (readonly [service: object, field: string])[] = [
      [{}, "service.url"],
      [{ url: "ftp://example.com" }, "service.url"],
      [{ url: "http://user:secret@example.com" }, "service.url"],
      [{ url: "http://example.com/x?y=1" }, "service.url"],
      [{ url: "http://127.0.0.1:1" }, "decoding.allowedOrigins"],
      [{ url: "http://[::ffff:169.254.169.254]/latest" }, "decoding.allowedOrigins"],
      [{ url: "http://example.com", headers: { Host: "x" } }, "service.headers.Host"],
      [{ url: "http://example.com", headers: { a: "x\r\ny: z" } }, "service.headers.a"],
      [{ url: "http://example.com", batch: { maxItems: 51 } }, "service.batch.maxItems"],
    ];
    for (const [described, field] of cases) {
      const answer = await client.post(DECODERS, { manifest: CUMULOCITY_MANIFEST, service: described });
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      assert.include(JSON.stringify(answer.body), field);
    }
  });

  const failures: readonly (readonly [name: string, reason: string, misbehave: Misbehaviour])[] = [
    ["hangs", "timeout", hang],
    [
      "is slow within its answer",
      "timeout",
      ctx => {
        ctx.respond = false;
        ctx.res.writeHead(200, { "content-type": "application/json" });
        ctx.res.write('{"success":');
      },
    ],
    [
      "answers 500 with a result",
      "status",
      ctx => {
        ctx.status = 500;
        ctx.body = { success: true };
      },
    ],
    ["redirects", "redirect", ctx => ctx.redirect("http://169.254.169.254/latest/meta-data")],
    [
      "answers 10 MB",
      "tooLarge",
      ctx => {
        ctx.body = Buffer.alloc(10 * 2 ** 20, " ");
      },
    ],
    [
      "closes early",
      "closed",
      ctx => {
        ctx.respond = false;
        ctx.req.socket.destroy();
      },
    ],
    [
      "answers no JSON",
      "notJson",
      ctx => {
        ctx.body = "<html>login</html>";
      },
    ],
  ];
  for (const [name, reason, misbehave] of failures) {
    it(`a service that ${name}: its payload waits, others go on, and all is decoded when it is well`, async () => {
      const before = await counted(reason);
      service.misbehave = misbehave;
      await send(11);
      await eventually(async () => ((await counted(reason)) > before ? true : undefined), { what: reason });
      const held = await eventually(async () => (await shownValue(11))?.message);
      assert.match(held, /gave no result/);
      assert.equal((await shownValue(11))!.status === "ERROR", false);
      service.misbehave = undefined;
      await send(12);
      await allDecoded([11, 12]);
      assert.isUndefined(await shownValue(11));
    });
  }

  it("a result that breaks the contract ends its payload, with the reason and an alarm", async () => {
    service.misbehave = ctx => {
      ctx.body = { success: true, measurements: [{ type: "x" }] };
    };
    await send(21);
    const ended = await eventually(async () => {
      const found = await shownValue(21);
      return found?.status === "ERROR" ? found : undefined;
    });
    assert.deepInclude(ended, { reason: "invalidResult" });
    assert.isAbove(await counted("invalidResult"), 0);
    const [alarm] = await alarms(client, deviceId);
    assert.deepInclude(alarm, { type: `c8y_LWM2MDecoderFailure_${KEY}`, status: "ACTIVE", severity: "MAJOR" });
  });

  it("9.2 item 4: a payload whose calls keep failing is given up after the retries", async () => {
    service.misbehave = ctx => {
      ctx.status = 503;
    };
    const calls = service.bodies.length;
    await send(31);
    const ended = await eventually(async () => {
      const found = await shownValue(31);
      return found?.status === "ERROR" ? found : undefined;
    });
    assert.equal(service.bodies.length - calls, 1 + RETRIES);
    assert.deepInclude(ended, { reason: "callFailed" });
  });

  it("a service that is away: one alarm, explained; kill -9 within a call; drained in full when it is back", async () => {
    await send(1);
    await allDecoded([1]);
    await service.stop();
    const sent = [41, 42, 43, 44, 45, 46, 47, 48];
    for (const value of sent.slice(0, 4)) await send(value);
    const alarm = await eventually(async () => {
      const found = await serviceAlarm();
      return found?.status === "ACTIVE" ? found : undefined;
    });
    assert.match(alarm.text, /gauge-decoder is left alone .*ECONNREFUSED/);
    assert.lengthOf(await alarms(client, deviceId), 0, "one alarm for the service, none for each device");
    await eventually(async () => {
      const { body } = await client.get<{ links: { link: string; fault?: string; text: string }[] }>(
        `${AGENT}/explain/${deviceId}`,
      );
      const link = body.links.find(({ link }) => link === "decoder")!;
      assert.deepInclude(link, { fault: "decoder-paused" });
      assert.match(link.text, /left alone until .*ECONNREFUSED/);
      return true;
    });
    service.misbehave = hang;
    await service.start();
    await eventually(async () => (await shown()).find(({ status }) => status === "IN_PROGRESS"), {
      what: "a payload IN_PROGRESS",
    });
    await host.kill();
    await service.stop();
    await host.start();
    client = api(host);
    for (const value of sent.slice(4)) await send(value);
    assert.deepEqual(await storedValues(client, deviceId, SERIES), [1]);
    assert.lengthOf(
      (await shown()).filter(({ status }) => status !== "ERROR"),
      sent.length,
    );
    service.misbehave = undefined;
    await service.start();
    await allDecoded([1, ...sent]);
    await eventually(async () => ((await serviceAlarm())?.status === "CLEARED" ? true : undefined), {
      what: "the service's alarm cleared",
    });
    const found = await measurements(client, { source: deviceId, valueFragmentType: "gauge_Level" });
    assert.lengthOf(found, sent.length + 1);
  });

  for (const [decoder, address] of [
    ["inside", "127.0.0.1"],
    ["metadata", "169.254.169.254"],
  ] as const) {
    it(`a service that is at ${address}: is never connected to, and says why`, async () => {
      const calls = service.bodies.length;
      await mapTo(decoder);
      await send(51);
      const alarm = await eventually(() => serviceAlarm(decoder));
      assert.match(alarm.text, /(?:loopback|link-local) address, which decoding\.allowedOrigins does not name/);
      assert.isAbove(await counted("address", decoder), 0);
      assert.equal((await shownValue(51))!.status === "ERROR", false);
      assert.lengthOf(service.bodies, calls);
    });
  }

  it("a service for another tenant is none for this one", async () => {
    assert.equal((await client.get(`${DECODERS}/elsewhere`)).status, 404);
    assert.equal((await client.get(`${DECODERS}/metadata`)).status, 200);
  });
});
