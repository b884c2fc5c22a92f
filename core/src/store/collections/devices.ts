/** Devices as LwM2M knows them: what they may come with, sessions, registrations, observations. */
import type { CollectionSpec, Document, JsonObject } from "../collection.ts";
import { by, keyOf, uniqueBy } from "./keys.ts";

/** What the host knows of an endpoint before it registers: security, settings, its managed object. `_id`: endpoint. */
export interface DeviceDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly securityMode: string;
  /** {@link pskIdentityKey} of what the device comes with over DTLS, else {@link noIdentityKey}: unique over all tenants. */
  readonly serverIdentity: string;
  readonly bootstrapIdentity: string;
  /** Its accounts have changed, what shows of them elsewhere has not yet. */
  readonly settling?: boolean;
  readonly details: JsonObject;
}
const NO_IDENTITY = "none,";
export const pskIdentityKey = (identity: string): string => keyOf("psk", identity);
export const noIdentityKey = (endpoint: string): string => NO_IDENTITY + endpoint;
export const DEVICES: CollectionSpec<DeviceDocument> = {
  name: "devices",
  fields: {
    tenant: "string",
    managedObject: "string",
    securityMode: "string",
    serverIdentity: "string",
    bootstrapIdentity: "string",
    settling: "bool",
  },
  required: ["tenant", "managedObject", "securityMode"],
  filled: { serverIdentity: NO_IDENTITY, bootstrapIdentity: NO_IDENTITY },
  coarse: ["tenant"],
  indexes: [
    by("tenant", "_id"),
    by("managedObject"),
    by("settling"),
    uniqueBy("serverIdentity"),
    uniqueBy("bootstrapIdentity"),
  ],
  durability: "full",
};

/** A DTLS session (`transport/dtls`). `_id`: its id, 16 hexadecimal digits. */
export interface DtlsSessionDocument extends Document {
  /** The node that owns it, and which of its servers: keys of the index. */
  readonly node: string;
  readonly server: "server" | "bootstrap";
  readonly address: string;
  readonly port: number;
  readonly cid: string;
  readonly principal: string;
  readonly resumptionId: string;
  /** Sequence numbers: highest taken, and end of those that may have been sent. */
  readonly received: number;
  readonly reserved: number;
  readonly createdAt: number;
  readonly seenAt: number;
  /** Sealed. */
  readonly secrets: string;
}
export const DTLS_SESSIONS: CollectionSpec<DtlsSessionDocument> = {
  name: "dtlsSessions",
  fields: {
    node: "string",
    server: "string",
    address: "string",
    port: "int",
    cid: "string",
    principal: "string",
    resumptionId: "string",
    received: "int",
    reserved: "int",
    createdAt: "time",
    seenAt: "time",
    secrets: "string",
  },
  required: ["node", "server"],
  coarse: ["node", "server"],
  indexes: [by("node", "server", "_id")],
  durability: "full",
};

/** A live registration. `_id`: endpoint, so that there is one at most. */
export interface RegistrationDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly registrationId: string;
  /** The node that owns it. */
  readonly node: string;
  readonly registeredAt: number;
  readonly updatedAt: number;
  /** End of lifetime and grace. */
  readonly expireAt: number;
  readonly details: JsonObject;
}
export const REGISTRATIONS: CollectionSpec<RegistrationDocument> = {
  name: "registrations",
  fields: {
    tenant: "string",
    managedObject: "string",
    registrationId: "string",
    node: "string",
    registeredAt: "time",
    updatedAt: "time",
    expireAt: "time",
  },
  required: ["tenant", "managedObject", "registrationId", "node", "registeredAt", "updatedAt", "expireAt"],
  coarse: ["node"],
  indexes: [uniqueBy("registrationId"), by("managedObject"), by("expireAt"), by("node", "_id")],
  durability: "full",
};

/** A live observation. `_id`: `keyOf(endpoint, path)`, one per path. */
export interface ObservationDocument extends Document {
  readonly tenant: string;
  readonly endpoint: string;
  readonly path: string;
  readonly registrationId: string;
  readonly node: string;
  /** Lower-case hexadecimal. */
  readonly token: string;
  readonly createdAt: number;
  readonly details: JsonObject;
}
export const OBSERVATIONS: CollectionSpec<ObservationDocument> = {
  name: "observations",
  fields: {
    tenant: "string",
    endpoint: "string",
    path: "string",
    registrationId: "string",
    node: "string",
    token: "string",
    createdAt: "time",
  },
  required: ["tenant", "endpoint", "path", "registrationId", "node", "token", "createdAt"],
  coarse: ["node"],
  indexes: [by("endpoint", "_id"), by("node", "_id")],
  durability: "full",
};
