/** Operations of LwM2M devices, run: what a command or a synchronisation asks of a device, by the rules for it. */
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Lwm2mServer } from "../lwm2m/server/lwm2m-server.ts";
import type { AgentParts } from "./agent.ts";
import { runConfigSync } from "./config-sync.ts";
import type { FirmwareServices } from "./firmware/firmware-updates.ts";
import { isFirmware } from "./firmware/wanted-firmware.ts";
import { withLastValues } from "./last-value-requests.ts";
import type { OperationEvents } from "./operation-events.ts";
import type { OperationRunner } from "./operation-runner.ts";
import { createOperationRunner } from "./operation-runner.ts";
import { isPostRegistration } from "./post-registration.ts";
import { type CommandParts, checkCommand, runCommand } from "./run-command.ts";
import { isFromObjectsView, withWriteRules } from "./write-rules.ts";

export interface DeviceRunnerParts
  extends Pick<AgentParts, "platform" | "protocols" | "uplink" | "clock" | "log" | "options" | "models"> {
  readonly server: Lwm2mServer;
  readonly operationEvents: OperationEvents;
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
  /** Takes the managed object's settings over. */
  refreshSettings(registration: Registration): Promise<Registration>;
  readonly startFirmware: FirmwareServices["startFirmware"];
}

export function createDeviceRunner(parts: DeviceRunnerParts): OperationRunner {
  const { server, platform, protocols, clock, log, options, operationEvents, endpointOf } = parts;
  const { inTurn } = parts.uplink;
  const requests = withLastValues(server.requests, { platform, inTurn, clock, log, models: parts.models });
  const rules = { protocols, inventory: platform.inventory, clock, models: parts.models };
  const checkedRequests = withWriteRules(requests, rules);
  const commandParts: Omit<CommandParts, "requests"> = {
    models: parts.models,
    openBinary: platform.binaries.open,
    async chooseFormat({ tenant, deviceId }, format) {
      await platform.inventory.update(tenant, deviceId, { serializationFormat: format ?? null });
    },
    async startFirmware({ tenant, deviceId }, { name, version, url }) {
      const { id } = await parts.startFirmware(tenant, deviceId, { name, version, url });
      return `the update to ${name} ${version} is operation ${id}`;
    },
    binaryForm: options.binaryForm,
    maxFileBytes: options.maxFileBytes,
  };
  return createOperationRunner({
    platform,
    clock,
    log,
    limits: options,
    check: (registration, command) => checkCommand(registration, command, parts.models(registration)),
    endpointOf,
    registrationOf: server.registrations.byEndpoint,
    isReachable(endpoint) {
      const registration = server.registrations.byEndpoint(endpoint);
      return registration !== undefined && server.isReachable(registration);
    },
    isForeign: isFirmware,
    isUrgent: isPostRegistration,
    onPostponed: (operation, tenant, reason) => operationEvents.postponed(tenant, operation, reason),
    inTurn: server.queues.run,
    reserveNames: ({ peer }) => server.coap.reserveNames(peer),
    exchangeLifetimeMs: server.coap.exchangeLifetimeMs,
    async run(registration, task, call, operation) {
      const current = await parts.refreshSettings(registration);
      const { models } = parts;
      if (task.kind === "sync") {
        // Under names of their own: what is written follows from the reference device as it is then.
        const { names: _names, ...own } = call;
        return runConfigSync({ requests, inventory: platform.inventory, models }, current, task, own);
      }
      const used = isFromObjectsView(operation) ? checkedRequests : requests;
      return runCommand({ ...commandParts, requests: used }, current, task, call);
    },
  });
}
