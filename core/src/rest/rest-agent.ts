/** What the routers call of the LwM2M agent (agent specification 3, 7.2). Given at construction. */
import type { ManagedObject, Operation } from "../platform/platform.ts";

export interface DdfUpload {
  readonly new: readonly ManagedObject[];
  readonly updated: readonly ManagedObject[];
  /** Objects of the file that could not be taken, by object id where it is known. */
  readonly error: readonly { readonly id: string; readonly msg: string }[];
}

/** Custom actions by group; shown as `name:arg`, or `name` where there are no args. */
export interface ActionGroup {
  readonly name: string;
  readonly args: readonly string[];
}

export interface RestAgent {
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
  listActions(tenant: string): Promise<readonly ActionGroup[]>;
}
