/**
 * The LwM2M agent: joins the LwM2M server with the platform. It says which devices are admitted, what follows their
 * registrations, and runs their operations; REST calls it for devices and device protocols.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { SecretBox } from "../base/secret-box.ts";
import type { DdfUpload, DeviceProtocols } from "../device-protocols/device-protocols.ts";
import { createObjectSchemas } from "../device-protocols/object-schemas.ts";
import { observedPaths } from "../device-protocols/observed-paths.ts";
import { readProtocol } from "../device-protocols/schema.ts";
import type { FirmwareDownloads, FirmwareProtocol } from "../firmware/downloads.ts";
import type { BootstrapServer, BootstrapUp } from "../lwm2m/bootstrap/bootstrap-server.ts";
import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Lwm2mServer, Lwm2mUp } from "../lwm2m/server/lwm2m-server.ts";
import type { ValueBatch } from "../lwm2m/server/value-batch.ts";
import type { ResourceAction } from "../mapping/action-registry.ts";
import { clearNoMappingAlarms } from "../mapping/clear-no-mapping.ts";
import type { ManagedObject, Operation, Page, PageRequest, Platform } from "../platform/platform.ts";
import type { Store } from "../store/store.ts";
import type { TenantOptions } from "../tenants/tenant-options.ts";
import { MANAGEMENT_TENANT } from "../tenants/tenants.ts";
import type { TrustedCertificates } from "../tenants/trusted-certificates.ts";
import type { Credentials } from "../transport/dtls/dtls.ts";
import type { PeerIdentity } from "../transport/transport.ts";
import type { Availability } from "./availability.ts";
import { createAvailabilityWatch } from "./availability-watch.ts";
import { createBootstrapAgent } from "./bootstrap.ts";
import type { BootstrapDefaults } from "./bootstrap-accounts.ts";
import { type BulkRegistration, createBulkRegistration } from "./bulk-registration.ts";
import { type Certificates, createCertificates } from "./certificates.ts";
import { runConfigSync } from "./config-sync.ts";
import { connectorActions } from "./connector-actions.ts";
import { createConnectorCommands } from "./connector-commands.ts";
import { createConnectorDevices } from "./connector-device.ts";
import { createDeviceAccountStore } from "./create-device-accounts.ts";
import { createCredentials } from "./credentials.ts";
import type { Connection, DeviceAccountStore } from "./device-accounts.ts";
import { createDeviceGroups } from "./device-groups.ts";
import { type DeviceObjects, deviceObjects } from "./device-objects.ts";
import { createDeviceRecords, type DeviceRecord, securityOf } from "./device-records.ts";
import { createDeviceRegistration } from "./device-registration.ts";
import { createDeviceSessions } from "./device-sessions.ts";
import { settingsOf } from "./device-settings.ts";
import { type Explanation, explain } from "./explain/explain.ts";
import { type FactSources, gatherFacts } from "./explain/gather-facts.ts";
import type { TroubleBook } from "./explain/trouble-book.ts";
import { createFirmwareUpdates, type FirmwareServices } from "./firmware/firmware-updates.ts";
import { isFirmware } from "./firmware/wanted-firmware.ts";
import { createInventoryDevices } from "./inventory-devices.ts";
import { withLastValues } from "./last-value-requests.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createLifecycleEvents } from "./lifecycle-events.ts";
import { mayConnect } from "./may-connect.ts";
import { createOperationEvents } from "./operation-events.ts";
import { createOperationRunner } from "./operation-runner.ts";
import { createPostRegistration, isPostRegistration, type PostRegistrationOptions } from "./post-registration.ts";
import { type DeviceDefaults, readRegistration } from "./registration-body.ts";
import { listRegistrations, type RegistrationSummary } from "./registration-list.ts";
import type { BinaryForm } from "./response-text.ts";
import { type CommandParts, checkCommand, runCommand } from "./run-command.ts";
import { createAccountSealer } from "./sealed-accounts.ts";
import { createSettings, type SettingsServices } from "./settings.ts";
import { type StarvationOptions, watchStarvedOperations } from "./starved-operations.ts";
import { isFromObjectsView, withWriteRules } from "./write-rules.ts";

export interface AgentOptions extends DeviceDefaults, StarvationOptions {
  /** Operations started after one Register or Update. */
  readonly maxPending: number;
  /** Operations that wait for one device. */
  readonly maxWaiting: number;
  /** Whole time of one operation once it runs, ms. */
  readonly executionTimeoutMs: number;
  /** Files of devices of one tenant that wait. */
  readonly maxBulkFiles: number;
  /** How long a command of the connector device waits for those before it, ms. */
  readonly connectorLockTimeoutMs: number;
  /** How results of operations show opaque values. */
  readonly binaryForm: BinaryForm;
  /** Largest stored file that one command writes, bytes. */
  readonly maxFileBytes: number;
}

export interface AgentParts {
  readonly store: Store;
  readonly platform: Platform;
  readonly protocols: DeviceProtocols;
  readonly actions: { list(): readonly ResourceAction[] };
  /** The way up of values; `forget` when a device is gone. */
  readonly uplink: { values(batch: ValueBatch): Promise<void>; forget(deviceId: string): void };
  readonly clock: Clock;
  /** Keys of devices are made from it. */
  readonly random: Random;
  readonly log: Log;
  /** Seals the keys of devices. */
  readonly box: SecretBox;
  readonly options: AgentOptions;
  /** Server certificates stand in them: those of the management tenant, then those of `firstTenant`. */
  readonly tenantOptions: TenantOptions;
  readonly firstTenant: string;
  readonly trusted: TrustedCertificates;
  readonly firmware: {
    readonly downloads: FirmwareDownloads;
    /** By what devices can fetch from this host. */
    readonly offered: readonly FirmwareProtocol[];
    /** Size exponent of the largest blocks of a package that is pushed, 0..6. */
    readonly blockSzx: number;
  };
  /** What went wrong lately: handshakes are noted by the transport, the rest here. */
  readonly troubles: TroubleBook;
  /** Keys of the decoders that can be asked. */
  decoders(): readonly string[];
  /** Object models in force for a device. */
  models(registration: Pick<Registration, "tenant" | "objectLinks">): ModelView;
  tenants(): Promise<readonly string[]>;
  /** Ends the secure sessions of a connection whose peers may not come any more. Absent: there is no secure transport. */
  endSessions?(connection: Connection, isEnded: (identity: PeerIdentity) => boolean): Promise<void>;
  /**
   * Opens the LwM2M server with the way up given; called once, the agent closes it. Nothing may be waited for once the server is
   * open: what it tells is understood from the next turn of the event loop on.
   * @param credentials for its secure transport
   */
  openServer(up: Lwm2mUp, credentials: Credentials): Promise<Lwm2mServer>;
  /** Absent: there is no bootstrap server. */
  readonly bootstrap?: {
    readonly defaults: BootstrapDefaults;
    /** Opens it likewise, after the LwM2M server. */
    open(up: BootstrapUp, credentials: Credentials): Promise<BootstrapServer>;
  };
}

export interface AgentFigures {
  readonly operationsWaiting: number;
  readonly firmwareUpdatesWaiting: number;
  readonly lifecycleEventsWaiting: number;
  readonly lifecycleEventsDropped: number;
}

/** What people ask of the agent (agent specification 3, 7.2): `rest/` puts HTTP around it. */
export interface AgentServices {
  /**
   * Registers one device.
   * @param body of `POST deviceRegistration`, unchecked
   * @param user who asked, the owner of what is made
   * @returns the device's managed object, stored
   * @throws  MooringError VALIDATION, DUPLICATE (endpoint or PSK identity known): nothing is made
   */
  registerDevice(tenant: string, body: unknown, user: string): Promise<ManagedObject>;
  /**
   * Registers the devices of a CSV file (agent specification 3.2).
   * @returns the operation of the connector device that holds the outcome, now or later
   * @throws  MooringError VALIDATION where it is no such file, TOO_MANY_REQUESTS when too many files wait
   */
  registerDevicesCsv(tenant: string, csv: Uint8Array, user: string): Promise<Operation>;
  /** Removes the devices of a CSV file, as {@link registerDevicesCsv}; of its columns that of the endpoint counts. */
  removeDevicesCsv(tenant: string, csv: Uint8Array, user: string): Promise<Operation>;
  /** Removes a device with every internal trace. @throws MooringError NOT_FOUND */
  removeDevice(tenant: string, deviceId: string): Promise<void>;
  /** The object mappings that the tenant sees: its own and those it inherits. */
  listMappings(tenant: string): Promise<readonly ManagedObject[]>;
  /** @throws MooringError DDF_INVALID where no object can be read */
  uploadDdf(tenant: string, fileName: string, xml: Uint8Array): Promise<DdfUpload>;
  /**
   * Merges resource mappings into an object's.
   * @param id   object id, else id of its managed object
   * @param body `{"<rid>": {resourceID, ...}}`, unchecked
   * @throws MooringError NOT_FOUND, VALIDATION
   */
  addMapping(tenant: string, id: string, body: unknown): Promise<ManagedObject>;
  listActions(tenant: string): Promise<readonly ResourceAction[]>;
  /** What every device of the tenant does after it has registered (agent specification 13). */
  postRegistrationOptions(tenant: string): Promise<PostRegistrationOptions>;
  /** @param body `{"commands": text of lines, or an array of them}`, unchecked. @throws MooringError VALIDATION */
  setPostRegistrationOptions(tenant: string, body: unknown): Promise<PostRegistrationOptions>;
  /** What a device has, to choose paths from. @throws MooringError NOT_FOUND */
  deviceObjects(tenant: string, deviceId: string): Promise<DeviceObjects>;
  /** Whether the device is heard as often as it must be; undefined: it is not monitored, or none of ours. */
  availability(tenant: string, deviceId: string): Promise<(Availability & { readonly endpoint: string }) | undefined>;
  /** The tenant's live registrations, by endpoint (agent specification 18). */
  listRegistrations(tenant: string, page: PageRequest): Promise<Page<RegistrationSummary>>;
  /** Why a device's values come or do not come, link by link. @throws MooringError NOT_FOUND where it is no LwM2M device */
  explain(tenant: string, deviceId: string): Promise<Explanation>;
}

export interface Agent extends AgentServices, AsyncDisposable {
  readonly server: Lwm2mServer;
  readonly bootstrap: BootstrapServer | undefined;
  /** Keys in the clear: for parts of the host, never for people. */
  readonly accounts: DeviceAccountStore;
  readonly certificates: Certificates;
  readonly settings: SettingsServices;
  readonly firmware: FirmwareServices;
  readonly figures: AgentFigures;
  /** Of a device of the tenant, registered or not; undefined: there is none of that id. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
}

/**
 * Reads the device protocols of all tenants, then serves devices. Resolves when what an earlier life of the host left behind has been
 * taken up.
 */
export async function createAgent(parts: AgentParts): Promise<Agent> {
  const { store, platform, protocols, clock, log, options } = parts;
  const records = createDeviceRecords(store);
  const events = createLifecycleEvents({ store, platform, clock, log });
  const connectors = createConnectorDevices(platform);
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

  const requests = withLastValues(server.requests, { platform, clock, log, models: parts.models });
  const rules = { protocols, inventory: platform.inventory, clock, models: parts.models };
  const checkedRequests = withWriteRules(requests, rules);
  const factSources: FactSources = {
    server,
    platform,
    store,
    troubles: parts.troubles,
    protocol: protocols.find,
    models: parts.models,
    decoders: parts.decoders,
    nowMs: clock.now,
  };
  const operationEvents = createOperationEvents({ events, inventory: platform.inventory, log });
  const commandParts: Omit<CommandParts, "requests"> = {
    models: parts.models,
    openBinary: platform.binaries.open,
    async chooseFormat({ tenant, deviceId }, format) {
      await platform.inventory.update(tenant, deviceId, { serializationFormat: format ?? null });
    },
    async startFirmware({ tenant, deviceId }, { name, version, url }) {
      const { id } = await firmware.startFirmware(tenant, deviceId, { name, version, url });
      return `the update to ${name} ${version} is operation ${id}`;
    },
    binaryForm: options.binaryForm,
    maxFileBytes: options.maxFileBytes,
  };
  const runner = createOperationRunner({
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
      const current = await lifecycle.refreshSettings(registration);
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
  const onOperation = platform.operations.onCreated((tenant, operation) => {
    runner.created(tenant, operation);
    firmware.created(tenant, operation);
    connectorCommands.created(tenant, operation);
  });
  const onOperationChanged = platform.operations.onChanged((_tenant, operation) => {
    runner.changed(operation);
    firmware.changed(operation);
  });
  const onOperationsDeleted = platform.operations.onDeleted((_tenant, ids) => {
    runner.deleted(ids);
    firmware.deleted(ids);
  });
  const onChanged = platform.inventory.onChanged((tenant, object) => {
    protocols.changed(tenant, object);
    fromInventory.changed(tenant, object);
    postRegistration.changed(tenant, object);
    availability.changed(tenant, object);
  });
  const onDeleted = platform.inventory.onDeleted(
    async (tenant, object) => {
      connectors.refuseRemoval(object);
      await devices.dismiss(tenant, object.id);
      runner.forget(object.id);
      await firmware.forget(object.id);
      events.forget(object.id);
      availability.forget(object.id);
      parts.uplink.forget(object.id);
      protocols.forget(tenant, object.id);
    },
    async (tenant, object) => {
      postRegistration.changed(tenant, object);
      await devices.forget(tenant, object.id);
    },
  );

  async function close(): Promise<void> {
    onOperation[Symbol.dispose]();
    onOperationChanged[Symbol.dispose]();
    onOperationsDeleted[Symbol.dispose]();
    onChanged[Symbol.dispose]();
    onDeleted[Symbol.dispose]();
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
    listActions: async () => parts.actions.list(),
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
