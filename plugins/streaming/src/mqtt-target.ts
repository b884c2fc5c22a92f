/**
 * A MQTT broker as target: each message with QoS 1, a batch in flight at a time. A connection that fails is not mended here; the next attempt opens
 * another one and sends the batch anew, so the broker may see a message twice.
 */
import { connect, type MqttClient } from "mqtt";
import type { Target } from "./target.ts";

/** Agent specification 16.4. */
export const TOPIC = "lwm2m/data";
const KEEP_ALIVE_S = 60;

/** Rejects when the connection ends, whoever ends it, or the signal does; {@link Disposable} takes its listeners away. */
function endOf(client: MqttClient, signal: AbortSignal): { readonly promise: Promise<never> } & Disposable {
  const { promise, reject } = Promise.withResolvers<never>();
  const onError = (error: Error): void => reject(error);
  const onClose = (): void => reject(new Error("the connection was closed"));
  const onAbort = (): void => reject(signal.reason);
  promise.catch(() => {});
  client.on("error", onError);
  client.on("close", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    promise,
    [Symbol.dispose]() {
      client.off("error", onError);
      client.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

/** @param url `mqtt://`, `mqtts://`, `tcp://`, `ssl://`, `ws://` or `wss://`, with user and password where the broker asks for them */
export function createMqttTarget(url: string): Target {
  let client: MqttClient | undefined;

  function drop(): void {
    client?.end(true);
    client = undefined;
  }

  async function connected(signal: AbortSignal): Promise<MqttClient> {
    if (client?.connected) return client;
    drop();
    const fresh = connect(url, {
      clean: true,
      keepalive: KEEP_ALIVE_S,
      protocolVersion: 4,
      reconnectPeriod: 0,
      // What the library makes of this process follows from globals that others may have left.
      timerVariant: "native",
    });
    client = fresh;
    // An error without a listener would end the process; whoever waits has its own.
    fresh.on("error", () => {});
    using end = endOf(fresh, signal);
    const open = new Promise<void>(resolve => fresh.once("connect", () => resolve()));
    await Promise.race([open, end.promise]);
    return fresh;
  }

  return {
    name: "mqtt",
    async send(messages, signal) {
      try {
        const open = await connected(signal);
        using end = endOf(open, signal);
        const taken = Promise.all(messages.map(message => open.publishAsync(TOPIC, message, { qos: 1 })));
        taken.catch(() => {});
        await Promise.race([taken, end.promise]);
      } catch (error) {
        drop();
        throw error;
      }
    },
    async close() {
      const last = client;
      client = undefined;
      await last?.endAsync(!last.connected);
    },
  };
}
