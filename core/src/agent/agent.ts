/**
 * The LwM2M agent: joins the LwM2M server with the platform. It says which devices are admitted, what follows their
 * registrations, and runs their operations; REST calls it for devices and device protocols.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { SecretBox } from "../base/secret-box.ts";
import type { DdfUpload, DeviceProtocols } from "../device-protocols/device-protocols.ts";
import type { FirmwareDownloads, FirmwareProtocol } from "../firmware/downloads.ts";
import type { BootstrapServer, BootstrapUp } from "../lwm2m/bootstrap/bootstrap-server.ts";
import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Lwm2mServer, Lwm2mUp } from "../lwm2m/server/lwm2m-server.ts";
import type { ResourceAction } from "../mapping/action-registry.ts";
import type { Uplink } from "../mapping/uplink.ts";
import type { ManagedObject, Operation, Page, PageRequest, Platform } from "../platform/platform.ts";
import type { Store } from "../store/store.ts";
import type { TenantOptions } from "../tenants/tenant-options.ts";
import type { TrustedCertificates } from "../tenants/trusted-certificates.ts";
import type { Credentials } from "../transport/dtls/dtls.ts";
import type { PeerIdentity } from "../transport/transport.ts";
import type { Availability } from "./availability.ts";
import type { BootstrapDefaults } from "./bootstrap-accounts.ts";
import type { Certificates } from "./certificates.ts";
import type { ConnectorDevices } from "./connector-device.ts";
import type { Connection, DeviceAccountStore } from "./device-accounts.ts";
import type { DeviceObjects } from "./device-objects.ts";
import type { Explanation } from "./explain/explain.ts";
import type { TroubleBook } from "./explain/trouble-book.ts";
import type { FirmwareServices } from "./firmware/firmware-updates.ts";
import type { PostRegistrationOptions } from "./post-registration.ts";
import type { DeviceDefaults } from "./registration-body.ts";
import type { RegistrationSummary } from "./registration-list.ts";
import type { BinaryForm } from "./response-text.ts";
import type { SettingsServices } from "./settings.ts";
import type { StarvationOptions } from "./starved-operations.ts";

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
  readonly connectors: ConnectorDevices;
  readonly protocols: DeviceProtocols;
  readonly actions: { list(tenant: string): readonly ResourceAction[] };
  /** The way up of values; `forget` when a device is gone. */
  readonly uplink: Pick<Uplink, "values" | "inTurn" | "forget">;
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
  /** Keys of the decoders that a tenant has. */
  decoders(tenant: string): readonly string[];
  /** Why a tenant's payloads for a decoder are put off, and until when (wall clock); undefined: they are not. */
  decoderPause(tenant: string, key: string): { readonly reason: string; readonly untilMs: number } | undefined;
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

export { createAgent } from "./create-agent.ts";
