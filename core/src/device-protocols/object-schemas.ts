/**
 * Keeps the schemas of the objects view (agent specification 11.1) as managed objects of each tenant, in line with the object models in force there: own,
 * inherited and built in. Runs beside everything else; what a dead host left undone is made good at the next start.
 */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isSecretObject } from "../lwm2m/path.ts";
import type { Fragments, Inventory, ManagedObject } from "../platform/platform.ts";
import type { DeviceProtocols } from "./device-protocols.ts";
import { SCHEMA_TYPE, schemaBody, schemaObjectId } from "./object-schema.ts";

export interface ObjectSchemaParts {
  readonly inventory: Pick<Inventory, "list" | "createMany" | "update" | "delete">;
  readonly protocols: Pick<DeviceProtocols, "inForce" | "onChanged">;
  /** Its protocols are inherited by all others. */
  readonly managementTenant: string;
  tenants(): Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ObjectSchemas extends AsyncDisposable {
  /** Brings the schemas of all tenants into line; later changes are followed by themselves. */
  start(): void;
}

/** Tells our schemas from those of other tools, which are left alone. */
const OWNER = "lwm2m-agent";
const PAGE_SIZE = 2000;
const CREATED_AT_ONCE = 50;
const RETRY_MS = 30_000;

/** Members that we wrote are as we would write them now. */
function isUpToDate({ name, type, fragments }: ManagedObject, body: Fragments): boolean {
  const stored: Fragments = { ...fragments, name, type };
  return Object.entries(body).every(([member, value]) => isDeepStrictEqual(stored[member], value));
}

export function createObjectSchemas(parts: ObjectSchemaParts): ObjectSchemas {
  const { inventory, protocols, clock, log } = parts;
  /** Objects whose schemas may be out of date, by tenant. */
  const stale = new Map<string, Set<number> | "all">();
  let started = false;
  let closed = false;
  let working: Promise<void> | undefined;
  let retry: Disposable | undefined;

  async function stored(tenant: string): Promise<ManagedObject[]> {
    const found: ManagedObject[] = [];
    for (let currentPage = 1; ; currentPage++) {
      const page = { currentPage, pageSize: PAGE_SIZE, withTotal: false };
      const { items } = await inventory.list(tenant, { type: SCHEMA_TYPE, owner: OWNER }, page);
      found.push(...items.filter(({ fragments }) => schemaObjectId(fragments) !== undefined));
      if (items.length < PAGE_SIZE) return found;
    }
  }

  async function make(tenant: string, bodies: readonly Fragments[]): Promise<void> {
    for (let at = 0; at < bodies.length; at += CREATED_AT_ONCE) {
      const slice = bodies.slice(at, at + CREATED_AT_ONCE);
      if (!closed)
        await inventory.createMany(
          tenant,
          slice.map(body => ({ body, owner: OWNER })),
        );
    }
  }

  async function refresh(tenant: string, asked: ReadonlySet<number> | "all"): Promise<void> {
    const isAsked = (objectId: number): boolean =>
      !isSecretObject(objectId) && (asked === "all" || asked.has(objectId));
    const inForce = protocols.inForce(tenant).filter(({ objectId }) => isAsked(objectId));
    const wanted = new Map(inForce.map(protocol => [protocol.objectId, schemaBody(protocol)]));
    for (const object of await stored(tenant)) {
      const objectId = schemaObjectId(object.fragments)!;
      const body = wanted.get(objectId);
      if (closed || !isAsked(objectId)) continue;
      if (!body) await inventory.delete(tenant, object.id);
      else if (!isUpToDate(object, body)) await inventory.update(tenant, object.id, body);
      wanted.delete(objectId);
    }
    await make(tenant, [...wanted.values()]);
  }

  function mark(tenant: string, objectIds: Iterable<number> | "all"): void {
    const known = stale.get(tenant);
    if (known === "all") return;
    stale.set(tenant, objectIds === "all" ? "all" : new Set([...(known ?? []), ...objectIds]));
  }

  async function work(): Promise<void> {
    for (let next = stale.entries().next(); !next.done && !closed; next = stale.entries().next()) {
      const [tenant, asked] = next.value;
      stale.delete(tenant);
      try {
        await refresh(tenant, asked);
      } catch (error) {
        log.warn("objectSchemas.not-kept", { tenant, reason: messageOf(error) });
        mark(tenant, asked);
        retry = clock.after(RETRY_MS, run);
        return;
      }
    }
  }

  function run(): void {
    if (closed || working || !started) return;
    retry?.[Symbol.dispose]();
    retry = undefined;
    working = work().finally(() => {
      working = undefined;
      if (stale.size > 0 && !retry) run();
    });
  }

  async function markTenants(objectIds: Iterable<number> | "all"): Promise<void> {
    try {
      for (const tenant of await parts.tenants()) mark(tenant, objectIds);
      run();
    } catch (error) {
      if (closed) return;
      log.warn("objectSchemas.not-kept", { reason: messageOf(error) });
      retry ??= clock.after(RETRY_MS, () => void markTenants("all"));
    }
  }

  const onChanged = protocols.onChanged((tenant, objectId) => {
    if (!started) return;
    if (tenant === parts.managementTenant) void markTenants([objectId]);
    else {
      mark(tenant, [objectId]);
      run();
    }
  });

  return {
    start() {
      started = true;
      void markTenants("all");
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      onChanged[Symbol.dispose]();
      retry?.[Symbol.dispose]();
      await working;
    },
  };
}
