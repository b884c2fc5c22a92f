import { assert } from "chai";
import { PROTOCOL_FRAGMENT } from "../../src/device-protocols/device-protocol.ts";
import { createInventoryRepository } from "../../src/device-protocols/protocol-repository.ts";
import type { Inventory, ManagedObject } from "../../src/platform/platform.ts";

const managedObject = (id: number): ManagedObject => ({
  id: String(id),
  owner: "admin",
  creationTimeMs: 0,
  lastUpdatedMs: 0,
  fragments: {},
});

describe("device-protocols/protocol-repository", () => {
  const calls: unknown[] = [];
  const all = Array.from({ length: 4001 }, (_, id) => managedObject(id));
  const inventory: Pick<Inventory, "list" | "create" | "update"> = {
    async list(tenant, filter, { currentPage, pageSize }) {
      calls.push([tenant, filter]);
      return { items: all.slice((currentPage - 1) * pageSize, currentPage * pageSize) };
    },
    async create(tenant, body, options) {
      calls.push([tenant, body, options]);
      return managedObject(1);
    },
    async update(tenant, id, changes) {
      calls.push([tenant, id, changes]);
      return managedObject(1);
    },
  };
  const repository = createInventoryRepository(inventory, "admin");
  beforeEach(() => void calls.splice(0));

  it("lists every page of the objects with the fragment", async () => {
    assert.deepEqual(await repository.list("t1"), all);
    assert.deepEqual(calls, Array(3).fill(["t1", { fragmentType: PROTOCOL_FRAGMENT }]));
  });
  it("creates in the owner's name and changes by id", async () => {
    await repository.insert("t1", { name: "a" });
    await repository.replace("t1", "7", { name: "b" });
    assert.deepEqual(calls, [
      ["t1", { name: "a" }, { owner: "admin" }],
      ["t1", "7", { name: "b" }],
    ]);
  });
});
