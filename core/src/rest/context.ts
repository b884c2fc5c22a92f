/** What each request carries through the routers. */
import { Router, type RouterContext } from "@koa/router";
import { MooringError } from "../base/errors.ts";
import { asId } from "../platform/ids.ts";
import type { ManagedObject, Platform } from "../platform/platform.ts";
import type { Permission } from "../tenants/roles.ts";
import { isAdministrator, mayUser, type User } from "../tenants/user.ts";
import { parseJson, readBody } from "./json-body.ts";
import type { Links } from "./links.ts";
import { answerType, type VendorType } from "./media-types.ts";

export interface RestState {
  readonly links: Links;
  /** Who asks; absent on the few paths that need no login. */
  readonly user: User;
}

export type RestContext = RouterContext<RestState>;
export type RestRouter = Router<RestState>;
export const createRouter = (): RestRouter => new Router<RestState>();

export interface RestLimits {
  /** Largest JSON body. */
  readonly maxBodyBytes: number;
  /** Largest uploaded file. */
  readonly maxUploadBytes: number;
}

/** What the routers of the platform's documents need. */
export interface RouterParts {
  readonly platform: Platform;
  readonly limits: RestLimits;
}

/** The checked JSON of the body. @throws MooringError MALFORMED, TOO_LARGE, VALIDATION */
export async function jsonBody(ctx: RestContext, limits: RestLimits): Promise<unknown> {
  return parseJson(await readBody(ctx.req, limits.maxBodyBytes));
}

/** The same, `{}` where there is no body. Whether there is one shows when it is read: a length is not always said. */
export async function optionalBody(ctx: RestContext, limits: RestLimits): Promise<unknown> {
  const bytes = await readBody(ctx.req, limits.maxBodyBytes);
  return bytes.length === 0 ? {} : parseJson(bytes);
}

/** As {@link jsonBody} where only an object will do. */
export async function objectBody(ctx: RestContext, limits: RestLimits): Promise<Readonly<Record<string, unknown>>> {
  const body = await jsonBody(ctx, limits);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new MooringError("VALIDATION", "body must be an object", { field: "body", rule: "must be an object" });
}

export function answer(ctx: RestContext, status: number, body: unknown, type: VendorType): void {
  ctx.status = status;
  ctx.set("Content-Type", answerType(ctx.get("Accept"), type));
  ctx.body = JSON.stringify(body);
}

/** 201 with the address of what was made, which clients without response body rely on (platform API 2.1). */
export function answerCreated(ctx: RestContext, body: { readonly self: string }, type: VendorType): void {
  ctx.set("Location", body.self);
  answer(ctx, 201, body, type);
}

/** JSON without a vendor type: counts, lists of the agent. */
export function answerPlain(ctx: RestContext, status: number, body: unknown): void {
  ctx.status = status;
  ctx.set("Content-Type", "application/json;charset=UTF-8");
  ctx.body = JSON.stringify(body);
}

export function answerNothing(ctx: RestContext): void {
  ctx.status = 204;
  ctx.body = null;
}

/** The absolute address of this request. */
export const selfUrl = (ctx: RestContext): string => `${ctx.state.links.origin}${ctx.url}`;

export const tenantOf = (ctx: RestContext): string => ctx.state.user.tenant;
export const isAdmin = (ctx: RestContext): boolean => isAdministrator(ctx.state.user);
export const has = (ctx: RestContext, permission: Permission): boolean => mayUser(ctx.state.user, permission);

const forbidden = (permission: Permission): MooringError =>
  new MooringError("FORBIDDEN", `Access is denied: ${permission}`, { permission });

/** @throws MooringError FORBIDDEN for a user who has none of the permission's roles */
export function requirePermission(ctx: RestContext, permission: Permission): void {
  if (!has(ctx, permission)) throw forbidden(permission);
}

/** Whether the user may read the managed object: by role, or because it is theirs. */
export const maySee = (ctx: RestContext, { owner }: ManagedObject): boolean =>
  has(ctx, "inventory:read") || owner === ctx.state.user.userName;

/** Lets those pass who have one of the permission's roles. */
export function may(permission: Permission) {
  return async (ctx: RestContext, next: () => Promise<unknown>): Promise<void> => {
    requirePermission(ctx, permission);
    await next();
  };
}

/**
 * Lets those pass who have the role or own the managed object that it is about (platform API 19).
 * @throws MooringError FORBIDDEN
 */
export async function requireRoleOrOwner(
  ctx: RestContext,
  platform: Platform,
  permission: Permission,
  managedObjectId: string | undefined,
): Promise<void> {
  if (has(ctx, permission)) return;
  const object = managedObjectId && (await platform.inventory.findCached(tenantOf(ctx), managedObjectId));
  if (!object || object.owner !== ctx.state.user.userName) throw forbidden(permission);
}

/** The same for what a body holds: measurements, events and alarms name their managed object in `source.id`. */
export async function requireForSources(
  ctx: RestContext,
  platform: Platform,
  permission: Permission,
  bodies: readonly unknown[],
): Promise<void> {
  if (has(ctx, permission)) return;
  const sources = new Set(bodies.map(body => asId((body as { source?: { id?: unknown } } | null)?.source?.id)));
  for (const source of sources) await requireRoleOrOwner(ctx, platform, permission, source);
}
