/** What the agent's parts are told of operations and managed objects, whoever changes them. */
import type { DeviceProtocols } from "../device-protocols/device-protocols.ts";
import type { Platform } from "../platform/platform.ts";
import type { AvailabilityWatch } from "./availability-watch.ts";
import type { ConnectorCommands } from "./connector-commands.ts";
import type { ConnectorDevices } from "./connector-device.ts";
import type { DeviceRegistration } from "./device-registration.ts";
import type { FirmwareUpdates } from "./firmware/firmware-updates.ts";
import type { InventoryDevices } from "./inventory-devices.ts";
import type { LifecycleEvents } from "./lifecycle-events.ts";
import type { OperationRunner } from "./operation-runner.ts";
import type { PostRegistration } from "./post-registration.ts";

export interface ListeningParts {
  readonly runner: OperationRunner;
  readonly firmware: FirmwareUpdates;
  readonly connectorCommands: ConnectorCommands;
  readonly protocols: DeviceProtocols;
  readonly fromInventory: InventoryDevices;
  readonly postRegistration: PostRegistration;
  readonly availability: AvailabilityWatch;
  readonly connectors: ConnectorDevices;
  readonly devices: DeviceRegistration;
  readonly events: LifecycleEvents;
  readonly uplink: { forget(deviceId: string): void };
}

/** Until it is disposed. */
export function listen(
  { operations, inventory }: Pick<Platform, "operations" | "inventory">,
  parts: ListeningParts,
): Disposable {
  const { runner, firmware, connectorCommands, protocols, fromInventory, postRegistration } = parts;
  const { availability, connectors, devices, events, uplink } = parts;
  const listening = new DisposableStack();
  listening.use(
    operations.onCreated((tenant, operation) => {
      runner.created(tenant, operation);
      firmware.created(tenant, operation);
      connectorCommands.created(tenant, operation);
    }),
  );
  listening.use(
    operations.onChanged((_tenant, operation) => {
      runner.changed(operation);
      firmware.changed(operation);
    }),
  );
  listening.use(
    operations.onDeleted((_tenant, ids) => {
      runner.deleted(ids);
      firmware.deleted(ids);
    }),
  );
  listening.use(
    inventory.onChanged((tenant, object) => {
      protocols.changed(tenant, object);
      fromInventory.changed(tenant, object);
      postRegistration.changed(tenant, object);
      availability.changed(tenant, object);
    }),
  );
  listening.use(
    inventory.onDeleted(
      async (tenant, object) => {
        connectors.refuseRemoval(object);
        await devices.dismiss(tenant, object.id);
        runner.forget(object.id);
        await firmware.forget(object.id);
        events.forget(object.id);
        availability.forget(object.id);
        uplink.forget(object.id);
        protocols.forget(tenant, object.id);
      },
      async (tenant, object) => {
        postRegistration.changed(tenant, object);
        await devices.forget(tenant, object.id);
      },
    ),
  );
  return listening;
}
