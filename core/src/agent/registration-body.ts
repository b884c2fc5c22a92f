/** The body of `POST deviceRegistration` (agent specification 3.1), checked, and the managed object that it makes (4.1). */
import { encodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { Fragments } from "../platform/platform.ts";
import { requiredInterval } from "./availability.ts";
import { DEVICE_FIELDS, FIELD_SCHEMAS, fragmentName, storedValue } from "./device-fields.ts";
import { MAX_PSK_IDENTITY_BYTES } from "./psk.ts";
import { type DeviceSecurity, readSecurity, SECURITY_FIELDS, SECURITY_SCHEMAS, type SecurityBody } from "./security.ts";
import { checkServerUri } from "./server-uri.ts";

export const DEVICE_TYPE = "c8y_lwm2m";
/** External id type under which the endpoint is bound to its managed object. */
export const ENDPOINT_ID_TYPE = "c8y_Id";

/** A device to be made: everything checked. */
export interface DeviceDraft {
  readonly endpoint: string;
  readonly type: string;
  readonly name: string;
  readonly security: DeviceSecurity;
  /** Settings as fragments, by fragment name. */
  readonly settings: Fragments;
  /** Further fragments (unknown columns of a CSV file). */
  readonly fragments: Fragments;
  /** Besides those of endpoint and PSK identities. */
  readonly externalIds: readonly { readonly type: string; readonly externalId: string }[];
  /** Groups that the device belongs to, from the top; empty: none. */
  readonly groups: readonly string[];
  /** Whether it shows that it takes shell commands. */
  readonly shell: boolean;
}

/** It is an external id as well (platform API 7), and with `ep=` one Uri-Query of 255 bytes (RFC 7252 table 4). */
const LONGEST_ENDPOINT = 250;

export const REGISTRATION_SCHEMA: JsonSchema = {
  type: "object",
  required: ["endpointId", "serverSecurity"],
  additionalProperties: false,
  properties: {
    endpointId: {
      type: "string",
      minLength: 1,
      maxLength: LONGEST_ENDPOINT,
      pattern: "^(?! )[^\\u0000-\\u001f\\u007f]+(?<! )$",
      patternRule: "must not begin or end with a blank, nor hold control characters",
    },
    type: { type: ["string", "null"], maxLength: 1024 },
    ...SECURITY_SCHEMAS,
    ...FIELD_SCHEMAS,
  },
};

type RegistrationBody = SecurityBody & {
  readonly endpointId: string;
  readonly type?: string | null;
  readonly [field: string]: unknown;
};

const checkBody = compileSchema<RegistrationBody>(REGISTRATION_SCHEMA);

function settingsOf(body: RegistrationBody): Fragments {
  const stored = DEVICE_FIELDS.map(field => [fragmentName(field), storedValue(field, body[field.rest])] as const);
  return Object.fromEntries(stored.filter(([, value]) => value !== undefined));
}

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** What bootstrap writes must be there; a device that was configured by hand needs no URI. */
function checkUri(uri: unknown, { server, mustHaveServerUri }: DeviceSecurity): void {
  if (typeof uri === "string" && uri !== "") checkServerUri("lwm2mServerUri", uri, server.mode);
  else if (mustHaveServerUri) throw refuse("lwm2mServerUri", "is missing: bootstrap writes it to the device");
}

/** A generated key goes by the endpoint. */
function checkGenerated(endpoint: string, { generateServerKey }: DeviceSecurity): void {
  if (!generateServerKey || encodeUtf8(endpoint).length <= MAX_PSK_IDENTITY_BYTES) return;
  const rule = `PSK_GENERATED needs an endpoint of at most ${MAX_PSK_IDENTITY_BYTES} bytes`;
  throw refuse(SECURITY_FIELDS.server.mode, rule);
}

/** @throws MooringError VALIDATION naming the field */
export function readRegistration(body: unknown): DeviceDraft {
  const checked = checkBody(body);
  const security = readSecurity(checked);
  const settings = settingsOf(checked);
  checkUri(settings["lwm2mServerUri"], security);
  const { endpointId: endpoint } = checked;
  checkGenerated(endpoint, security);
  return {
    endpoint,
    type: checked.type || DEVICE_TYPE,
    name: endpoint,
    security,
    settings,
    fragments: {},
    externalIds: [],
    groups: [],
    shell: true,
  };
}

/** What the host says where a device says nothing (agent specification 19). */
export interface DeviceDefaults {
  /** Whether its required interval follows its lifetime (agent specification 6.5). */
  readonly manageAvailability: boolean;
  /** Of a server account that names no lifetime, s. */
  readonly lifetimeSeconds: number;
}

const supportedOperations = ({ shell, settings }: DeviceDraft): readonly string[] => [
  ...(shell ? ["c8y_Command"] : []),
  ...(settings["disableFirmwareStateMachine"] === true ? [] : ["c8y_Firmware"]),
];

export function managedObjectBody(draft: DeviceDraft, defaults: DeviceDefaults): Fragments {
  const { settings } = draft;
  const lifetime = settings["registrationLifetime"] ?? defaults.lifetimeSeconds;
  const given = settings["availabilityRequiredInterval"];
  const managed = settings["autoManageAvailabilityRequiredInterval"] ?? defaults.manageAvailability;
  const responseInterval = managed ? requiredInterval(lifetime as number) : given;
  return {
    ...draft.fragments,
    ...settings,
    ...(responseInterval !== undefined && { c8y_RequiredAvailability: { responseInterval } }),
    name: draft.name,
    type: draft.type,
    c8y_IsDevice: {},
    c8y_IsLwm2mDevice: {},
    com_cumulocity_model_Agent: {},
    c8y_GenericUi: {},
    c8y_SupportedOperations: supportedOperations(draft),
  };
}
