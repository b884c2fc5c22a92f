/** The agent's parts made and joined; what they are to each other stands in agent.ts and ARCHITECTURE.md. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { DdfUpload } from "../device-protocols/device-protocols.ts";
import { createObjectSchemas } from "../device-protocols/object-schemas.ts";
import { observedPaths } from "../device-protocols/observed-paths.ts";
import { readProtocol } from "../device-protocols/schema.ts";
import type { BootstrapServer } from "../lwm2m/bootstrap/bootstrap-server.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Lwm2mServer, Lwm2mUp } from "../lwm2m/server/lwm2m-server.ts";
import { clearNoMappingAlarms } from "../mapping/clear-no-mapping.ts";
import type { ManagedObject } from "../platform/platform.ts";
import { MANAGEMENT_TENANT } from "../tenants/tenants.ts";
import type { Agent, AgentParts } from "./agent.ts";
import { createAvailabilityWatch } from "./availability-watch.ts";
import { createBootstrapAgent } from "./bootstrap.ts";
import { type BulkRegistration, createBulkRegistration } from "./bulk-registration.ts";
import { createCertificates } from "./certificates.ts";
import { connectorActions } from "./connector-actions.ts";
import { createConnectorCommands } from "./connector-commands.ts";
import { createDeviceAccountStore } from "./create-device-accounts.ts";
import { createCredentials } from "./credentials.ts";
import { createDeviceGroups } from "./device-groups.ts";
import { deviceObjects } from "./device-objects.ts";
import { createDeviceRecords, type DeviceRecord, securityOf } from "./device-records.ts";
import { createDeviceRegistration } from "./device-registration.ts";
import { createDeviceRunner } from "./device-runner.ts";
import { createDeviceSessions } from "./device-sessions.ts";
import { settingsOf } from "./device-settings.ts";
import { explain } from "./explain/explain.ts";
import { type FactSources, gatherFacts } from "./explain/gather-facts.ts";
import { createFirmwareUpdates } from "./firmware/firmware-updates.ts";
import { isFirmware } from "./firmware/wanted-firmware.ts";
import { createInventoryDevices } from "./inventory-devices.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createLifecycleEvents } from "./lifecycle-events.ts";
import { listen } from "./listen.ts";
import { mayConnect } from "./may-connect.ts";
import { createOperationEvents } from "./operation-events.ts";
import { createPostRegistration } from "./post-registration.ts";
import { readRegistration } from "./registration-body.ts";
import { listRegistrations } from "./registration-list.ts";
import { createAccountSealer } from "./sealed-accounts.ts";
import { createSettings } from "./settings.ts";
import { watchStarvedOperations } from "./starved-operations.ts";

/**
 * Reads the device protocols of all tenants, then serves devices. Resolves when what an earlier life of the host left behind has been
 * taken up.
 */
export async function createAgent(parts: AgentParts): Promise<Agent> {
  const { store, platform, connectors, protocols, clock, log, options } = parts;
  const records = createDeviceRecords(store);
  const events = createLifecycleEvents({ store, platform, clock, log });
  const sealer = createAccountSealer(parts.box);
  const sessions = createDeviceSessions({ records, endSessions: parts.endSessions });
  parts.trusted.onWithdrawn(sessions.endCertified);
  const accounts = createDeviceAccountStore({
    records,
    sealer,
    platform,
    log,
    async onSecured({ endpoint }, connection, before) {
      await sessions.end(connection, endpoint, before);
      // The device comes back as it is to come now.
      if (connection === "server") await server.registrations.remove(endpoint);
      else bootstrap?.cancel(endpoint, "the device is to come in another way now");
    },
  });
  async function endDevice({ endpoint, accounts: ended }: Pick<DeviceRecord, "endpoint" | "accounts">): Promise<void> {
    await server.registrations.remove(endpoint);
    bootstrap?.cancel(endpoint, "the device is removed");
    parts.troubles.forget(endpoint);
    for (const connection of ["server", "bootstrap"] as const) {
      await sessions.end(connection, endpoint, securityOf(ended, connection));
    }
  }
  const devices = createDeviceRegistration({
    platform,
    records,
    sealer,
    groups: createDeviceGroups({ store, platform }),
    random: parts.random,
    log,
    defaults: options,
    endDevice,
  });
  const bulk = createBulkRegistration({
    platform,
    connectors,
    devices,
    clock,
    random: parts.random,
    log,
    maxFiles: options.maxBulkFiles,
  });

  let bootstrap: BootstrapServer | undefined;

  const managedObject = async (registration: Registration): Promise<ManagedObject | undefined> =>
    (await platform.inventory.findCached(registration.tenant, registration.deviceId)) ?? devices.confirm(registration);

  const up: Lwm2mUp = {
    async admit(endpoint, peer) {
      const record = await records.find(endpoint);
      if (!record || record.deviceId === undefined || record.removing) return undefined;
      if (!mayConnect(endpoint, securityOf(record.accounts, "server"), peer.identity)) return undefined;
      return { tenant: record.tenant, deviceId: record.deviceId, settings: settingsOf(record.settings) };
    },
    registered: registration => lifecycle.registered(registration),
    updated: registration => lifecycle.updated(registration),
    deregistered(registration, reason) {
      lifecycle.deregistered(registration, reason);
      if (reason !== "replaced") availability.left(registration, reason === "deregister");
    },
    traffic: entry => events.addTraffic(entry),
    trouble: parts.troubles.device,
    async values(batch) {
      try {
        await parts.uplink.values(batch);
        firmware.heard(batch);
      } catch (error) {
        if (!isFailure(error, "NOT_FOUND")) throw error;
        // A device whose managed object is gone is cleared up; its values are nobody's, a repetition would not help.
        const { registration } = batch;
        log.warn("values.without-device", { endpoint: registration.endpoint, deviceId: registration.deviceId });
        await devices.confirm(registration);
      }
    },
  };
  const tenants = await parts.tenants();
  // Before any device comes: what it registers is looked up in them.
  for (const tenant of tenants) await protocols.load(tenant);
  const objectSchemas = createObjectSchemas({
    inventory: platform.inventory,
    protocols,
    managementTenant: MANAGEMENT_TENANT,
    tenants: parts.tenants,
    clock,
    log,
  });
  const certificates = await createCertificates({
    options: parts.tenantOptions,
    trusted: parts.trusted,
    accounts,
    firstTenant: parts.firstTenant,
    clock,
    log,
  });
  const credentialSources = { accounts, certificates };
  const server: Lwm2mServer = await parts.openServer(up, createCredentials("server", credentialSources));

  const endpointOf = async (tenant: string, deviceId: string): Promise<string | undefined> =>
    server.registrations.byDevice(tenant, deviceId)?.endpoint ??
    (await records.findByDevice(tenant, deviceId))?.endpoint;

  const factSources: FactSources = {
    server,
    platform,
    store,
    troubles: parts.troubles,
    protocol: protocols.find,
    models: parts.models,
    decoders: parts.decoders,
    decoderPause: parts.decoderPause,
    nowMs: clock.now,
  };
  const operationEvents = createOperationEvents({ events, inventory: platform.inventory, log });
  const runner = createDeviceRunner({
    ...parts,
    server,
    operationEvents,
    endpointOf,
    refreshSettings: registration => lifecycle.refreshSettings(registration),
    startFirmware: (tenant, deviceId, wanted) => firmware.startFirmware(tenant, deviceId, wanted),
  });

  const firmware = createFirmwareUpdates({
    ...parts.firmware,
    // What this host has signed for itself is trusted by devices that were told to.
    distrusted: () => (certificates.hasFirmwareCertificate ? [] : ["https"]),
    store,
    platform,
    server,
    events,
    operationEvents,
    clock,
    log,
    models: parts.models,
    endpointOf,
  });

  const availability = createAvailabilityWatch({ registrations: server.registrations, platform, clock, log });
  const lifecycle = createLifecycle({
    server,
    platform,
    events,
    clock,
    log,
    troubles: parts.troubles,
    manageAvailability: options.manageAvailability,
    managedObject,
    observedPaths: ({ tenant, objectLinks }) =>
      observedPaths(objectId => protocols.find(tenant, objectId), objectLinks),
    holdOperations: registration => runner.hold(registration),
    shownAsRegistered: availability.registered,
    afterRegister: registration => postRegistration.run(registration),
    wakeOperations(registration) {
      firmware.connected(registration);
      runner.wake(registration);
    },
  });
  const postRegistration = createPostRegistration({
    platform,
    isPending: runner.hasUrgent,
    execute: runner.runUrgent,
  });

  const starved = watchStarvedOperations({
    platform,
    clock,
    log,
    options,
    tenants: parts.tenants,
    isOurs: async (tenant, operation) =>
      !isFirmware(operation) && (await records.findByDevice(tenant, operation.deviceId)) !== undefined,
  });
  const fromInventory = createInventoryDevices({ platform, records, devices, clock, log });
  const connectorCommands = createConnectorCommands({
    platform,
    connectors,
    clock,
    log,
    commands: connectorActions({
      registrations: server.registrations,
      records,
      inventory: platform.inventory,
      inventoryDevices: fromInventory,
      endDevice,
    }),
    lockTimeoutMs: options.connectorLockTimeoutMs,
    isForeign: bulk.owns,
  });
  const listening = listen(platform, {
    ...{ runner, firmware, connectorCommands, protocols, fromInventory, postRegistration },
    ...{ availability, connectors, devices, events, uplink: parts.uplink },
  });

  async function close(): Promise<void> {
    listening[Symbol.dispose]();
    // Started together: what runs ends when the server cancels its requests, and operations are put back before the store closes.
    await Promise.all([
      runner[Symbol.asyncDispose](),
      starved[Symbol.asyncDispose](),
      firmware[Symbol.asyncDispose](),
      lifecycle[Symbol.asyncDispose](),
      availability[Symbol.asyncDispose](),
      bulk[Symbol.asyncDispose](),
      connectorCommands[Symbol.asyncDispose](),
      fromInventory[Symbol.asyncDispose](),
      objectSchemas[Symbol.asyncDispose](),
      server[Symbol.asyncDispose](),
      bootstrap?.[Symbol.asyncDispose](),
    ]);
    await events[Symbol.asyncDispose]();
  }

  async function recover(bulkRegistration: BulkRegistration): Promise<void> {
    await devices.recover();
    await accounts.recover();
    for (const tenant of tenants) {
      await connectors.ensure(tenant);
      await bulkRegistration.recover(tenant);
      await connectorCommands.recover(tenant);
    }
    availability.resume();
    lifecycle.resume();
    await firmware.recover(tenants);
    await runner.recover(tenants);
    objectSchemas.start();
  }

  /** An uploaded object cures the alarms that asked for it, in every tenant that sees it. */
  async function uploadDdf(tenant: string, _fileName: string, xml: Uint8Array): Promise<DdfUpload> {
    const upload = await protocols.uploadDdf(tenant, xml);
    const objectIds = [...upload.new, ...upload.updated].map(object => readProtocol(object).objectId);
    const cured = tenant === MANAGEMENT_TENANT ? await parts.tenants() : [tenant];
    for (const each of cured) await clearNoMappingAlarms(store, clock.now(), each, objectIds);
    return upload;
  }

  const settings = createSettings({
    accounts,
    inventory: platform.inventory,
    log,
    serverCertificateNames: certificates.serverCertificateNames,
    async changed(tenant, deviceId) {
      const registration = server.registrations.byDevice(tenant, deviceId);
      if (registration) await lifecycle.settingsChanged(registration);
    },
  });

  async function openBootstrap({ defaults, open }: NonNullable<AgentParts["bootstrap"]>): Promise<BootstrapServer> {
    const { inventory } = platform;
    const sources = { accounts, inventory, events, certificates, defaults, clock, log };
    return open(createBootstrapAgent(sources), createCredentials("bootstrap", credentialSources));
  }

  try {
    bootstrap = parts.bootstrap && (await openBootstrap(parts.bootstrap));
    await recover(bulk);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    server,
    bootstrap,
    accounts,
    certificates,
    settings,
    firmware,
    endpointOf,
    get figures() {
      return {
        operationsWaiting: runner.waiting,
        firmwareUpdatesWaiting: firmware.waiting,
        lifecycleEventsWaiting: events.waiting,
        lifecycleEventsDropped: events.dropped,
      };
    },
    registerDevice: async (tenant, body, user) => devices.register(tenant, readRegistration(body), user),
    registerDevicesCsv: bulk.start,
    removeDevicesCsv: bulk.startRemoval,
    removeDevice: devices.remove,
    listMappings: async tenant => protocols.list(tenant),
    uploadDdf,
    addMapping: protocols.addResourceMapping,
    listActions: async tenant => parts.actions.list(tenant),
    postRegistrationOptions: postRegistration.get,
    setPostRegistrationOptions: postRegistration.set,
    async explain(tenant, deviceId) {
      const record = await records.findByDevice(tenant, deviceId);
      if (!record) throw new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { deviceId });
      return explain(await gatherFacts(factSources, { tenant, deviceId, record }));
    },
    deviceObjects: async (tenant, deviceId) =>
      deviceObjects({ server, inventory: platform.inventory, models: parts.models, endpointOf }, tenant, deviceId),
    async availability(tenant, deviceId) {
      const object = await platform.inventory.findCached(tenant, deviceId);
      const record = object && (await records.findByDevice(tenant, deviceId));
      const found = record && availability.of(tenant, object);
      return found && { ...found, endpoint: record.endpoint };
    },
    listRegistrations: async (tenant, page) => listRegistrations(server, tenant, page),
    [Symbol.asyncDispose]: close,
  };
}
