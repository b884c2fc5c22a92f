/** Tenants, their users, options and certificates. */
import type { CollectionSpec, Document, JsonObject } from "../collection.ts";
import { by } from "./keys.ts";

/** `_id`: the tenant's name. */
export interface TenantDocument extends Document {
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const TENANTS: CollectionSpec<TenantDocument> = {
  name: "tenants",
  fields: { creationTime: "time" },
  required: ["creationTime"],
  indexes: [],
  durability: "full",
};

/** `_id`: `keyOf(tenant, userName)`. */
export interface UserDocument extends Document {
  readonly tenant: string;
  readonly userName: string;
  readonly enabled: boolean;
  readonly isDevice: boolean;
  readonly roles: readonly string[];
  /** Never leaves the host. */
  readonly passwordHash: string;
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const USERS: CollectionSpec<UserDocument> = {
  name: "users",
  fields: {
    tenant: "string",
    userName: "string",
    enabled: "bool",
    isDevice: "bool",
    roles: "strings",
    creationTime: "time",
  },
  required: ["tenant", "userName", "enabled", "isDevice", "roles", "creationTime"],
  coarse: ["tenant", "isDevice"],
  indexes: [by("tenant", "isDevice", "userName")],
  durability: "full",
};

/** One option of a tenant (platform API 15). `_id`: `keyOf(tenant, category, key)`. */
export interface TenantOptionDocument extends Document {
  readonly tenant: string;
  readonly category: string;
  readonly key: string;
  /** Sealed where `sealed`. */
  readonly value: string;
  readonly sealed: boolean;
}
export const TENANT_OPTIONS: CollectionSpec<TenantOptionDocument> = {
  name: "tenantOptions",
  fields: { tenant: "string", category: "string", key: "string", sealed: "bool" },
  required: ["tenant", "category", "key", "sealed"],
  coarse: ["tenant"],
  indexes: [by("tenant", "category", "_id")],
  durability: "full",
};

/** A certificate whose devices a tenant trusts. `_id`: `keyOf(tenant, fingerprint)`. */
export interface TrustedCertificateDocument extends Document {
  readonly tenant: string;
  readonly name: string;
  readonly status: "ENABLED" | "DISABLED";
  readonly autoRegistrationEnabled: boolean;
  readonly pem: string;
}
export const TRUSTED_CERTIFICATES: CollectionSpec<TrustedCertificateDocument> = {
  name: "trustedCertificates",
  fields: { tenant: "string", status: "string" },
  required: ["tenant", "status"],
  coarse: ["tenant"],
  indexes: [by("tenant", "_id")],
  durability: "full",
};
