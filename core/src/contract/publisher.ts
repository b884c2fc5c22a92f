/** Publishers: told of what devices send, once it is stored (agent specification 16.4). */
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import type { ValueSource } from "../lwm2m/server/value-batch.ts";

export type { ValueSource };

/** The values of one message of a device. A message that a device repeats may come again. */
export interface DeviceData {
  readonly tenant: string;
  /** Managed object id. */
  readonly deviceId: string;
  /** LwM2M endpoint name. */
  readonly endpoint: string;
  readonly registrationId: string;
  readonly source: ValueSource;
  readonly receivedAtMs: number;
  /** In the order of the message; none of objects that hold keys. */
  readonly values: readonly ResourceValue[];
}

export interface Publisher {
  /** For the log. */
  readonly name: string;
  /**
   * The device waits for its answer meanwhile: takes the data and goes on, what takes time comes later. What it throws is logged and keeps nothing
   * from others.
   */
  publish(data: DeviceData): void;
}
