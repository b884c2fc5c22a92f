/** A repository in memory, with what the inventory does to bodies: ids, times, null removes. */

import { MooringError } from "../../src/base/errors.ts";
import type { ProtocolRepository } from "../../src/device-protocols/protocol-repository.ts";
import type { Fragments, ManagedObject } from "../../src/platform/platform.ts";

export interface MemoryRepository extends ProtocolRepository {
  /** By tenant; what a restart would find. */
  readonly stored: Map<string, ManagedObject[]>;
  failNext(error: Error): void;
}

function objectOf(id: string, timeMs: number, body: Fragments): ManagedObject {
  const { name, type, ...fragments } = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
  const kept = Object.fromEntries(Object.entries(fragments).filter(([, value]) => value !== null));
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    id,
    owner: "admin",
    creationTimeMs: timeMs,
    lastUpdatedMs: timeMs,
    fragments: kept,
    name: text(name),
    type: text(type),
  };
}

export function createMemoryRepository(): MemoryRepository {
  const stored = new Map<string, ManagedObject[]>();
  let counter = 0;
  let failure: Error | undefined;
  const objects = (tenant: string): ManagedObject[] => stored.get(tenant) ?? [];
  const guard = (): void => {
    const error = failure;
    failure = undefined;
    if (error) throw error;
  };
  return {
    stored,
    failNext: error => void (failure = error),
    list: async tenant => [...objects(tenant)],
    async insert(tenant, body) {
      guard();
      counter += 1;
      const object = objectOf(String(100_000 + counter), counter, body);
      stored.set(tenant, [...objects(tenant), object]);
      return object;
    },
    async replace(tenant, id, body) {
      guard();
      const old = objects(tenant).find(object => object.id === id);
      if (!old) throw new MooringError("NOT_FOUND", `no managed object ${id}`);
      counter += 1;
      const object = objectOf(id, counter, { ...old.fragments, name: old.name, type: old.type, ...body });
      stored.set(
        tenant,
        objects(tenant).map(other => (other.id === id ? object : other)),
      );
      return object;
    },
  };
}
