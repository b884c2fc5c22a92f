/** The agent's own managed object in a tenant (agent specification 17): operations of the agent itself stand there. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { ManagedObject, Platform } from "../platform/platform.ts";

export const CONNECTOR_TYPE = "c8y_lwm2m_connector_device";
const EXTERNAL_ID = { type: "c8y_Serial", externalId: "lwm2m-connector" } as const;
const OWNER = "lwm2m-agent";

export interface ConnectorDevices {
  /** Made where the tenant has none. */
  ensure(tenant: string): Promise<string>;
  find(tenant: string): Promise<string | undefined>;
  isConnector(tenant: string, deviceId: string): Promise<boolean>;
  /** @throws MooringError CONFLICT for the connector device, which stays as long as the tenant does */
  refuseRemoval(object: ManagedObject): void;
}

const isConnectorObject = (object: ManagedObject | undefined): boolean => object?.type === CONNECTOR_TYPE;

export function createConnectorDevices({
  inventory,
  identity,
}: Pick<Platform, "inventory" | "identity">): ConnectorDevices {
  const find = async (tenant: string): Promise<string | undefined> =>
    (await identity.find(tenant, EXTERNAL_ID.type, EXTERNAL_ID.externalId))?.managedObjectId;

  return {
    async ensure(tenant) {
      const known = await find(tenant);
      if (known !== undefined) return known;
      const body = { name: "LWM2M connector", type: CONNECTOR_TYPE, c8y_IsDevice: {}, com_cumulocity_model_Agent: {} };
      try {
        return (await inventory.create(tenant, body, { owner: OWNER, externalIds: [EXTERNAL_ID] })).id;
      } catch (error) {
        // Somebody else made it in between.
        const made = isFailure(error, "DUPLICATE") ? await find(tenant) : undefined;
        if (made !== undefined) return made;
        throw error;
      }
    },
    find,
    refuseRemoval(object) {
      if (!isConnectorObject(object)) return;
      throw new MooringError("CONFLICT", "the connector device of the LwM2M agent cannot be deleted", {
        id: object.id,
      });
    },
    isConnector: async (tenant, deviceId) => isConnectorObject(await inventory.findCached(tenant, deviceId)),
  };
}
