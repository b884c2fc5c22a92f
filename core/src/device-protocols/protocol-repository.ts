/** Where device protocols are kept: as managed objects. The narrow part of the inventory that they need. */
import type { Fragments, Inventory, ManagedObject } from "../platform/platform.ts";
import { PROTOCOL_FRAGMENT } from "./device-protocol.ts";

export interface ProtocolRepository {
  /** The tenant's own managed objects with the protocol fragment. */
  list(tenant: string): Promise<readonly ManagedObject[]>;
  insert(tenant: string, body: Fragments): Promise<ManagedObject>;
  /** Members of `body` replace those of the object; null removes. @throws MooringError NOT_FOUND */
  replace(tenant: string, id: string, body: Fragments): Promise<ManagedObject>;
}

const PAGE_SIZE = 2000;

/** @param owner user in whose name protocols are created */
export function createInventoryRepository(
  inventory: Pick<Inventory, "list" | "create" | "update">,
  owner: string,
): ProtocolRepository {
  return {
    async list(tenant) {
      const found: ManagedObject[] = [];
      for (let currentPage = 1; ; currentPage++) {
        const page = { currentPage, pageSize: PAGE_SIZE, withTotal: false };
        const { items } = await inventory.list(tenant, { fragmentType: PROTOCOL_FRAGMENT }, page);
        found.push(...items);
        if (items.length < PAGE_SIZE) return found;
      }
    },
    insert: (tenant, body) => inventory.create(tenant, body, { owner }),
    replace: (tenant, id, body) => inventory.update(tenant, id, body),
  };
}
