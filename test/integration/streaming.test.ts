/** Data of devices at a MQTT broker and a webhook (agent specification 16.4), and what a broker that is away costs a device: nothing. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { assert } from "chai";
import { openBroker, type TestBroker } from "../../plugins/streaming/test/broker.ts";
import { createCommand, registerDevice } from "../harness/agent.ts";
import { api as clientOf } from "../harness/api.ts";
import { measuredValue } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { metricOf } from "../harness/metrics.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { type Received, uintBytes } from "../harness/raw-socket.ts";

const [GET, POST] = ["0.01", "0.02"];
const TEMPERATURE = "/3303/0/5700";
const [TEXT, SENML_JSON] = [0, 110];

interface Message {
  readonly timestampDataReceived: string;
  readonly sourceOfData: string;
  readonly deviceId: string;
  readonly tenantId: string;
  readonly lwm2mEndpoint: string;
  readonly registrationId: string;
  readonly senMLMessage: readonly Readonly<Record<string, unknown>>[];
}
const parse = (texts: readonly string[]): Message[] => texts.map(text => JSON.parse(text) as Message);
const sources = (messages: readonly Message[]): string[] => messages.map(({ sourceOfData }) => sourceOfData);

describe("streaming", () => {
  let broker: TestBroker;
  let webhook: Server;
  let posted: Message[];
  let host: Host;
  let device: RawDevice;
  let observation: Received;
  let location: string;
  let deviceId: string;
  const api = () => clientOf(host);

  before(async () => {
    broker = await openBroker();
    posted = [];
    webhook = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      posted.push(...(JSON.parse(body) as Message[]));
      response.writeHead(200).end();
    });
    webhook.listen(0, "127.0.0.1");
    await once(webhook, "listening");
    host = await startHost({
      env: {
        // The agent's own names (agent specification 19).
        C8Y_MQTT_MESSAGING_SERVICE_URL: broker.url,
        C8Y_MQTT_MESSAGING_SERVICE_ENABLEDFORTENANTS: "t1,other",
        MOORING_STREAMING_WEBHOOK_URL: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/data`,
      },
    });
    await mapTemperature(api());
    deviceId = (await registerDevice(api(), { endpointId: "stream-1" })).id;
    device = await openRawDevice(host.coapPort);
    location = await device.register({ endpoint: "stream-1", query: "lt=86400&lwm2m=1.1", links: "</1/0>,</3303/0>" });
    observation = await device.expectRequest(GET, TEMPERATURE);
    const options = [{ name: "Observe", value: uintBytes(1) } as const];
    await device.answer(observation, { code: "2.05", payload: "20.5", contentFormat: TEXT, options });
    await broker.until(1);
  });
  after(async () => {
    await device[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
    webhook.closeAllConnections();
    webhook.close();
  });
  const notify = (sequence: number, value: number) =>
    device.notify(observation, sequence, { code: "2.05", payload: String(value), contentFormat: TEXT }, true);
  const acknowledged = (messageId: number) =>
    device.socket.receive("the acknowledgement", message => message.ack === true && message.messageId === messageId);

  it("each way that values come is told, in the documented form", async () => {
    await acknowledged(await notify(2, 21));
    await broker.until(2);
    await createCommand(api(), deviceId, `read ${TEMPERATURE}`);
    await device.answer(await device.expectRequest(GET, TEMPERATURE), {
      code: "2.05",
      payload: "22",
      contentFormat: TEXT,
    });
    await broker.until(3);
    const payload = '[{"bn":"/3303/0/","n":"5700","v":23,"t":-5},{"n":"5701","vs":"Cel"}]';
    assert.equal((await device.request({ code: POST, uri: "/dp", contentFormat: SENML_JSON, payload })).code, "2.04");
    await broker.until(4);
    const messages = parse(broker.received);
    assert.deepEqual(sources(messages), ["OBSERVATION_RESPONSE", "NOTIFICATION", "READ_RESPONSE", "SEND"]);
    for (const message of messages) {
      assert.deepInclude(message, {
        deviceId,
        tenantId: "t1",
        lwm2mEndpoint: "stream-1",
        registrationId: location.split("/").at(-1)!,
      });
      assert.equal(new Date(message.timestampDataReceived).toISOString(), message.timestampDataReceived);
    }
    const { timestampDataReceived, senMLMessage } = messages[3]!;
    const bt = Date.parse(timestampDataReceived) / 1000;
    assert.deepEqual(senMLMessage, [
      { bn: "/3303/0/", bt, n: "5700", t: -5, v: 23 },
      { n: "5701", vs: "Cel" },
    ]);
  });

  it("the webhook is told the same", () =>
    eventually(
      () => {
        assert.deepEqual(posted, parse(broker.received));
        return posted;
      },
      { withinMs: 5000, what: "all messages at the webhook" },
    ));

  it("a broker that is away slows no device, and gets what came meanwhile", async () => {
    const { port } = broker;
    await broker[Symbol.asyncDispose]();
    for (let value = 100; value < 150; value++) await acknowledged(await notify(value, value));
    await measuredValue(api(), deviceId, "c8y_Temperature.T", 149);
    assert.isAbove(await metricOf(api(), "mooring_plugin_streaming_mqtt_waiting"), 0);
    broker = await openBroker(port);
    await eventually(
      () => {
        const values = new Set(parse(broker.received).flatMap(({ senMLMessage }) => senMLMessage.map(({ v }) => v)));
        for (let value = 100; value < 150; value++) if (!values.has(value)) throw new Error(`${value} is not there`);
        return values;
      },
      { withinMs: 30_000, what: "what came while the broker was away" },
    );
    assert.equal(await metricOf(api(), "mooring_plugin_streaming_mqtt_dropped_total"), 0);
    await eventually(() => (posted.length >= 54 ? posted : undefined), { what: "all of it at the webhook" });
    // Counted when the webhook's answer has come.
    await eventually(
      async () => {
        assert.equal(await metricOf(api(), "mooring_plugin_streaming_webhook_published_total"), posted.length);
        return true;
      },
      { what: "all of it counted" },
    );
  });

  it("a host that stops sends what waits", async () => {
    const before = broker.received.length;
    await acknowledged(await notify(200, 200));
    await host.stop();
    assert.isAbove(broker.received.length, before);
  });
});
