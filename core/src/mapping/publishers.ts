/** Publishers of plugins, told of values that are stored. */
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DeviceData, Publisher } from "../contract/publisher.ts";
import type { ValueBatch } from "../lwm2m/server/value-batch.ts";
import { keepableValues } from "./keepable-values.ts";

export interface Publishers {
  /** Disposing removes it. */
  add(publisher: Publisher): Disposable;
  publish(batch: ValueBatch): void;
}

export function createPublishers(log: Log): Publishers {
  const entries = new Set<{ readonly publisher: Publisher }>();

  function tell(publisher: Publisher, data: DeviceData): void {
    try {
      publisher.publish(data);
    } catch (error) {
      log.warn("publisher.failed", { publisher: publisher.name, endpoint: data.endpoint, reason: messageOf(error) });
    }
  }

  return {
    add(publisher) {
      const entry = { publisher };
      entries.add(entry);
      return { [Symbol.dispose]: () => void entries.delete(entry) };
    },
    publish({ registration, source, receivedAtMs, values: received }) {
      if (entries.size === 0) return;
      const values = keepableValues(received);
      if (values.length === 0) return;
      const { tenant, deviceId, endpoint, id: registrationId } = registration;
      const data = { tenant, deviceId, endpoint, registrationId, source, receivedAtMs, values };
      for (const { publisher } of entries) tell(publisher, data);
    },
  };
}
