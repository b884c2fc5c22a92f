/** Data of devices, published as they come: to a MQTT broker and to a webhook (agent specification 16.4). */
import type { Plugin, PluginHost } from "@mooring/sdk";
import { createMqttTarget } from "./mqtt-target.ts";
import { createSender, type Sender, type SenderLimits } from "./sender.ts";
import type { Target } from "./target.ts";
import { createWebhookTarget } from "./webhook-target.ts";

/** The host's options `streaming.*`, checked. */
interface StreamingOptions extends SenderLimits {
  readonly mqttUrl?: string;
  readonly webhookUrl?: string;
  readonly webhookAuthorization?: string;
  /** `*`, or tenants with commas between them; absent: none. */
  readonly tenants?: string;
}

function targetsOf({ mqttUrl, webhookUrl, webhookAuthorization }: StreamingOptions): Target[] {
  return [
    ...(mqttUrl ? [createMqttTarget(mqttUrl)] : []),
    ...(webhookUrl ? [createWebhookTarget({ url: webhookUrl, authorization: webhookAuthorization })] : []),
  ];
}

const FIGURES = [
  ["published", "counter", "Messages that the target has taken"],
  ["refused", "counter", "Messages given up"],
  ["too_long", "counter", "Values too long for a message"],
  ["dropped", "counter", "Sets of data that gave way to newer ones"],
  ["waiting", "gauge", "Sets of data that wait"],
] as const;

function showFigures({ figures }: PluginHost, { name: target }: Target, { counters }: Sender): void {
  for (const [name, type, help] of FIGURES) {
    const value = () => counters[name === "too_long" ? "tooLong" : name];
    figures.add({ name: `${target}_${name}`, help: `${target}: ${help}`, type, value });
  }
}

function activate(host: PluginHost): void {
  const { clock, log } = host;
  const options = host.options as unknown as StreamingOptions;
  const targets = targetsOf(options);
  const { tenants = "" } = options;
  if (targets.length === 0) return;
  if (tenants === "")
    log.warn("streaming.no-tenant", { advice: "streaming.tenants names those whose data are published" });
  const named = new Set(tenants.split(","));
  for (const target of targets) {
    const sender = createSender({ target, limits: options, clock, log });
    host.onClose(sender);
    showFigures(host, target, sender);
    host.publishers.add({
      name: target.name,
      publish(data) {
        if (tenants === "*" || named.has(data.tenant)) sender.publish(data);
      },
    });
  }
}

export default { activate } satisfies Plugin;
