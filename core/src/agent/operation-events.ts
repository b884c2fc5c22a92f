/** Events of operations that are not executed for lack of connectivity, for devices whose life is written down (agent specification 15.2). */
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Operation, Platform } from "../platform/platform.ts";
import { settingsOf } from "./device-settings.ts";
import type { LifecycleEvents } from "./lifecycle-events.ts";
import type { PostponedReason } from "./operation-runner.ts";

export interface OperationEventsParts {
  readonly events: Pick<LifecycleEvents, "addOther">;
  readonly inventory: Pick<Platform["inventory"], "findCached">;
  readonly log: Log;
}

export interface OperationEvents {
  /** Never waits, never throws. */
  postponed(tenant: string, operation: Operation, reason: PostponedReason): void;
}

const TYPE = "c8y_LWM2MOperationNotExecuted";
const WORDS: Readonly<Record<PostponedReason, string>> = {
  "not registered": "the device is not registered",
  asleep: "the device is asleep",
  "no answer": "the device did not answer",
};

export function createOperationEvents({ events, inventory, log }: OperationEventsParts): OperationEvents {
  async function tell(tenant: string, { id, deviceId }: Operation, reason: PostponedReason): Promise<void> {
    const object = await inventory.findCached(tenant, deviceId);
    if (!object) return;
    const { logLevel } = settingsOf(object.fragments);
    const text = `Operation ${id} is not executed now: ${WORDS[reason]}`;
    events.addOther({ tenant, deviceId, logLevel, type: TYPE, text, fragment: { operationId: id, reason } });
  }
  return {
    postponed(tenant, operation, reason) {
      tell(tenant, operation, reason).catch(error =>
        log.warn("operation.event-not-written", { operationId: operation.id, reason: messageOf(error) }),
      );
    },
  };
}
