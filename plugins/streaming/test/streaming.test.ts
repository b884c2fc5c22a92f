import { assert } from "chai";
import { createRecordingLog } from "../../../core/src/base/log.ts";
import type { Registration } from "../../../core/src/lwm2m/registration/registration.ts";
import type { ResourceValue } from "../../../core/src/lwm2m/resource-value.ts";
import { createPublishers } from "../../../core/src/mapping/publishers.ts";
import { createFigures } from "../../../core/src/plugin-host/figures.ts";
import { openTestPlugins } from "../../../core/test/plugin-host/support.ts";
import manifest from "../package.json" with { type: "json" };
import streaming from "../src/index.ts";
import { openBroker } from "./broker.ts";
import { firstValue, number } from "./support.ts";

const LIMITS = { maxQueueBytes: 1_000_000, maxMessageBytes: 10_000, requestTimeoutMs: 10_000 };

async function open(options: Readonly<Record<string, unknown>>) {
  const log = createRecordingLog();
  const [publishers, figures] = [createPublishers(log), createFigures()];
  const optionsOf = (group: string) => (group === "streaming" ? { ...LIMITS, ...options } : undefined);
  const { plugins, activate } = openTestPlugins({ publishers, figures, log, optionsOf });
  await activate({ ...streaming, ...manifest.mooring, permissions: ["publishers", "figures"] });
  return {
    log,
    figures: () => Object.fromEntries(figures.list().map(({ figure }) => [figure.name, figure.value()])),
    publish(tenant: string, values: readonly ResourceValue[]) {
      const registration = { id: "r", endpoint: "dev", tenant, deviceId: "7" } as Registration;
      const batch = {
        registration,
        values,
        source: "NOTIFICATION",
        messageKey: "m",
        requestPath: [],
        receivedAtMs: 0,
      } as const;
      publishers.publish({ ...batch, compositePaths: undefined });
    },
    [Symbol.asyncDispose]: () => plugins[Symbol.asyncDispose](),
  };
}

describe("plugin streaming", () => {
  it("data of the named tenants go to the broker, those of others nowhere", async () => {
    await using broker = await openBroker();
    await using host = await open({ mqttUrl: broker.url, tenants: "t1,t2" });
    for (const [at, tenant] of ["t1", "t3", "t2"].entries()) host.publish(tenant, [number(at)]);
    await broker.until(2);
    assert.deepEqual(broker.received.map(firstValue), [0, 2]);
  });
  it("* stands for all tenants", async () => {
    await using broker = await openBroker();
    await using host = await open({ mqttUrl: broker.url, tenants: "*" });
    host.publish("anybody", [number(1)]);
    await broker.until(1);
  });
  it("keys of Security and OSCORE never leave", async () => {
    await using broker = await openBroker();
    await using host = await open({ mqttUrl: broker.url, tenants: "*" });
    const key = { type: "OPAQUE", value: Uint8Array.of(1) } as const;
    host.publish("t1", [{ path: [0, 0, 5], ...key }]);
    host.publish("t1", [{ path: [21, 0, 3], ...key }, number(1)]);
    await broker.until(1);
    assert.notInclude(broker.received[0], "/21/");
    assert.equal(firstValue(broker.received[0]!), 1);
  });
  it("shows what became of it", async () => {
    await using broker = await openBroker();
    await using host = await open({ mqttUrl: broker.url, tenants: "*" });
    host.publish("t1", [number(1)]);
    await broker.until(1);
    assert.containsAllKeys(host.figures(), [
      "mqtt_published",
      "mqtt_refused",
      "mqtt_too_long",
      "mqtt_dropped",
      "mqtt_waiting",
    ]);
  });
  it("without a target there is nothing, without a tenant there is a word about it", async () => {
    await using none = await open({ tenants: "t1" });
    assert.isEmpty(none.figures());
    await using lonely = await open({ webhookUrl: "http://127.0.0.1:1/" });
    const warnings = lonely.log.lines.filter(({ level }) => level === "warn");
    assert.deepEqual(
      warnings.map(({ event }) => event),
      ["streaming.no-tenant"],
    );
  });
});
