/** The device that an argument means. */
import type { Client } from "./client.ts";
import { CliError, EXIT } from "./command.ts";

export interface Device {
  /** Of its managed object. */
  readonly id: string;
  /** Its endpoint, or its name where it has none. */
  readonly name: string;
}

interface ManagedObject {
  readonly id: string;
  readonly name?: string;
}

/** @param text a managed object id or an endpoint; digits that are no id may be an endpoint. @throws CliError */
export async function findDevice(client: Client, text: string): Promise<Device> {
  const byId = /^\d+$/.test(text) ? await client.find<ManagedObject>(`/inventory/managedObjects/${text}`) : undefined;
  if (byId) return { id: byId.id, name: byId.name ?? byId.id };
  const bound = await client.find<{ readonly managedObject: { readonly id: string } }>(
    `/identity/externalIds/c8y_Id/${encodeURIComponent(text)}`,
  );
  if (bound) return { id: bound.managedObject.id, name: text };
  throw new CliError(EXIT.usage, `"${text}" is no device: neither the id of a managed object nor an endpoint`);
}
