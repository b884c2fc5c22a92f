/** What an update leaves for people to see besides its operation: events and the alarm (agent specification 14.3, 14.6, 15.2, 15.3). */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type FirmwareState, isInstalling } from "../../lwm2m/firmware/firmware-state.ts";
import { alarmOp } from "../../platform/alarm.ts";
import type { Operation, Platform } from "../../platform/platform.ts";
import type { Store } from "../../store/store.ts";
import { settingsOf } from "../device-settings.ts";
import type { LifecycleEvents } from "../lifecycle-events.ts";
import type { OperationEvents } from "../operation-events.ts";
import type { AbsentReason } from "./firmware-run.ts";

export interface UpdateSignsParts {
  readonly store: Pick<Store, "nextIds">;
  readonly platform: Pick<Platform, "inventory" | "write">;
  readonly events: Pick<LifecycleEvents, "addOther">;
  readonly operationEvents: OperationEvents;
  readonly clock: Clock;
  readonly log: Log;
}

/** None waits for a device, none but `observation` for the store. */
export interface UpdateSigns {
  /** A line of the timeline, where the device's log level asks for it. */
  noted(tenant: string, operation: Operation, step: string, text: string): void;
  absent(tenant: string, operation: Operation, reason: AbsentReason, state: FirmwareState): void;
  /** Raises the alarm, or clears it. */
  observation(tenant: string, operation: Operation, kept: boolean): Promise<void>;
}

const LOG_EVENT = "c8y_LWM2MFirmwareLog";
const NOT_CONNECTED = "c8y_LWM2MFirmwareDeviceNotConnected";
const OBSERVE_FAILURE = "c8y_LWM2MFirmwareObserveFailure";

export function createUpdateSigns(parts: UpdateSignsParts): UpdateSigns {
  const { store, platform, events, operationEvents, clock, log } = parts;

  function tell(work: Promise<void>, operationId: string): void {
    work.catch(error => log.warn("firmware.event-not-written", { operationId, reason: messageOf(error) }));
  }

  async function event(
    tenant: string,
    { id: operationId, deviceId }: Operation,
    type: string,
    text: string,
    more: { readonly onlyVerbose: boolean; readonly step: string },
  ): Promise<void> {
    const object = await platform.inventory.findCached(tenant, deviceId);
    if (!object) return;
    const { logLevel } = settingsOf(object.fragments);
    if (more.onlyVerbose && logLevel !== "VERBOSE") return;
    const fragment = { operationId, step: more.step };
    events.addOther({ tenant, deviceId, logLevel, type, text, fragment, fragmentName: LOG_EVENT });
  }

  return {
    noted(tenant, operation, step, text) {
      const shown = `Firmware update, ${step}: ${text}`;
      tell(event(tenant, operation, LOG_EVENT, shown, { onlyVerbose: true, step }), operation.id);
    },

    absent(tenant, operation, reason, state) {
      if (state.at === "RESET" || state.at === "QUERY") operationEvents.postponed(tenant, operation, reason);
      if (!isInstalling(state) || reason === "asleep") return;
      const text = "The device is not connected: the result of its firmware update is read when it is back";
      tell(event(tenant, operation, NOT_CONNECTED, text, { onlyVerbose: false, step: state.at }), operation.id);
    },

    async observation(tenant, { deviceId: sourceId, id: operationId }, kept) {
      const [id] = await store.nextIds("alarms", 1);
      const text = "The state of the firmware update cannot be observed; it is read every 60 s";
      const about = { sourceId, type: OBSERVE_FAILURE, text, severity: "MAJOR", fragments: { operationId } } as const;
      const nowMs = clock.now();
      const alarm = { ...about, status: kept ? "CLEARED" : "ACTIVE", timeMs: nowMs } as const;
      await platform.write([alarmOp(tenant, String(id), alarm, nowMs)]);
    },
  };
}
