/** Security of a registered device's two connections (agent specification 2): the modes that this version has. */
import { MooringError } from "../base/errors.ts";
import type { JsonSchema } from "../base/schema.ts";

export interface SecurityBody {
  readonly serverSecurity: {
    readonly securityMode: string;
    readonly publicKeyOrId?: string | null;
    readonly secretKey?: string | null;
  };
  readonly bootstrapSecurity?: {
    readonly bootstrapSecurityMode?: string | null;
    readonly bootstrapId?: string | null;
    readonly bootstrapKey?: string | null;
  } | null;
}

export interface DeviceSecurity {
  readonly server: "NO_SEC";
  readonly bootstrap: "NO_SEC";
}

const text: JsonSchema = { type: ["string", "null"] };
/** `X.509` is a spelling of X509 that is about (agent specification 3.1). */
const SERVER_MODES = ["NO_SEC", "PSK", "PSK_GENERATED", "X509", "X.509", "DISABLED"];
const BOOTSTRAP_MODES = ["NO_SEC", "PSK", "X509", "X.509", "DISABLED", null];

export const SECURITY_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  serverSecurity: {
    type: "object",
    required: ["securityMode"],
    additionalProperties: false,
    properties: {
      securityMode: { type: "string", enum: SERVER_MODES },
      publicKeyOrId: text,
      secretKey: text,
    },
  },
  bootstrapSecurity: {
    type: ["object", "null"],
    additionalProperties: false,
    properties: {
      bootstrapSecurityMode: { type: ["string", "null"], enum: BOOTSTRAP_MODES },
      bootstrapId: text,
      bootstrapKey: text,
    },
  },
};

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** Without a secure connection only NO_SEC can be served; a device must not believe itself safe. */
function requireNoSec(field: string, mode: string): "NO_SEC" {
  if (mode === "NO_SEC") return mode;
  if (mode === "DISABLED") throw refuse(field, "DISABLED cannot be set when a device is registered");
  throw refuse(field, `${mode} needs DTLS, which this version does not have`);
}

function requireAbsent(field: string, value: string | null | undefined): void {
  if (value) throw refuse(field, "must be empty for NO_SEC");
}

/** @throws MooringError VALIDATION naming the field */
export function readSecurity({ serverSecurity, bootstrapSecurity }: SecurityBody): DeviceSecurity {
  const server = requireNoSec("serverSecurity.securityMode", serverSecurity.securityMode);
  requireAbsent("serverSecurity.publicKeyOrId", serverSecurity.publicKeyOrId);
  requireAbsent("serverSecurity.secretKey", serverSecurity.secretKey);
  const { bootstrapSecurityMode, bootstrapId, bootstrapKey } = bootstrapSecurity ?? {};
  const bootstrap = requireNoSec("bootstrapSecurity.bootstrapSecurityMode", bootstrapSecurityMode ?? server);
  requireAbsent("bootstrapSecurity.bootstrapId", bootstrapId);
  requireAbsent("bootstrapSecurity.bootstrapKey", bootstrapKey);
  return { server, bootstrap };
}
