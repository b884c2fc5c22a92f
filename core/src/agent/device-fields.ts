/**
 * What a device can be registered with (agent specification 3.3), as one table: its name in REST, in CSV and as a fragment of the
 * managed object, and what it may hold. Security is not here: see security.ts.
 */
import { MooringError } from "../base/errors.ts";
import type { JsonSchema } from "../base/schema.ts";

export type FieldKind =
  | { readonly kind: "integer"; readonly least: number; readonly most: number }
  | { readonly kind: "boolean" }
  | { readonly kind: "text" }
  | { readonly kind: "choice"; readonly values: readonly string[]; readonly fallback?: string };

export interface DeviceField {
  readonly rest: string;
  /** Default: as in REST. */
  readonly csv?: string;
  /** Top-level fragment of the managed object; default: as in CSV. */
  readonly fragment?: string;
  readonly value: FieldKind;
}

const integer = (most = 2 ** 32 - 1, least = 0): FieldKind => ({ kind: "integer", least, most });
const boolean: FieldKind = { kind: "boolean" };
const text: FieldKind = { kind: "text" };
const choice = (...values: string[]): FieldKind => ({ kind: "choice", values });

const LARGEST_ID = 65_534;

export const DEVICE_FIELDS: readonly DeviceField[] = [
  { rest: "lwm2mServerUri", csv: "lwm2m server uri", fragment: "lwm2mServerUri", value: text },
  { rest: "bootstrapShortServerId", value: integer(LARGEST_ID) },
  { rest: "lwm2mShortServerId", value: integer(LARGEST_ID, 1) },
  { rest: "securityInstanceOffset", value: integer(LARGEST_ID) },
  { rest: "generateBootstrapServerConfig", value: boolean },
  { rest: "registrationLifetime", value: integer(2 ** 32 - 1, 1) },
  { rest: "defaultMinimumPeriod", value: integer() },
  { rest: "defaultMaximumPeriod", value: integer() },
  { rest: "bindingMode", value: choice("U", "UQ") },
  { rest: "notificationIfDisabled", value: boolean },
  { rest: "disableTimeout", value: integer() },
  { rest: "awakeTimeRegistrationParameter", value: integer() },
  { rest: "lwm2mRequestTimeout", value: integer() },
  { rest: "autoManageAvailabilityRequiredInterval", value: boolean },
  { rest: "availabilityRequiredInterval", value: integer() },
  {
    rest: "binaryDeliveryEncoding",
    // What is none of these counts as OPAQUE (agent specification 3.3).
    value: { kind: "choice", values: ["OPAQUE", "TLV", "JSON", "TEXT"], fallback: "OPAQUE" },
  },
  {
    rest: "serializationFormat",
    value: choice("TLV", "JSON", "CBOR", "TEXT", "OPAQUE", "SENML_JSON", "SENML_CBOR"),
  },
  { rest: "enableResourceLevelTimestamp", value: boolean },
  { rest: "genericUIRetainOldValuesIfError", csv: "c8y_GenericUI_retainOldValuesIfError", value: boolean },
  { rest: "disableObjectInstanceActions", csv: "disableInternalObjectInstanceActions", value: boolean },
  { rest: "logLevel", value: choice("NONE", "LIFECYCLE", "VERBOSE", "TRAFFIC", "FIRMWARE") },
  { rest: "fwUpdateDeliveryMethod", value: choice("PUSH", "PULL", "BOTH") },
  { rest: "fwUpdateSupportedDeviceProtocol", value: choice("COAP", "COAPS", "HTTP", "HTTPS") },
  { rest: "fwUpdateResetMechanism", value: choice("PACKAGE", "PACKAGE_URI") },
  { rest: "stateMachineResetBeforeFirmwareUpdate", csv: "fwResetStateMachineOnStart", value: boolean },
  { rest: "fwUpdateURL", value: text },
  { rest: "disableFirmwareStateMachine", value: boolean },
];

export const csvName = (field: DeviceField): string => field.csv ?? field.rest;
export const fragmentName = (field: DeviceField): string => field.fragment ?? csvName(field);

function schemaOf({ value }: DeviceField): JsonSchema {
  switch (value.kind) {
    case "integer":
      return { type: ["integer", "null"], minimum: value.least, maximum: value.most };
    case "boolean":
      return { type: ["boolean", "null"] };
    case "text":
      return { type: ["string", "null"], maxLength: 1024 };
    case "choice":
      return value.fallback === undefined
        ? { type: ["string", "null"], enum: [...value.values, null] }
        : { type: ["string", "null"] };
  }
}

/** Members of the registration body; `disableTimeout` was a Boolean once and then counts as unset. */
export const FIELD_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ...Object.fromEntries(DEVICE_FIELDS.map(field => [field.rest, schemaOf(field)])),
  disableTimeout: { type: ["integer", "boolean", "null"], minimum: 0, maximum: 2 ** 32 - 1 },
};

/** Former levels count as VERBOSE (agent specification 15.2). */
const FORMER_LEVELS: readonly unknown[] = ["TRAFFIC", "FIRMWARE"];

/** The value as it is stored, or undefined where it counts as unset. @param value checked by {@link FIELD_SCHEMAS} */
export function storedValue(field: DeviceField, value: unknown): string | number | boolean | undefined {
  if (value === null || value === undefined) return undefined;
  if (field.rest === "disableTimeout" && typeof value === "boolean") return undefined;
  if (field.rest === "logLevel" && FORMER_LEVELS.includes(value)) return "VERBOSE";
  if (field.value.kind === "choice" && field.value.fallback && !field.value.values.includes(value as string)) {
    return field.value.fallback;
  }
  return value as string | number | boolean;
}

/**
 * Text of a CSV cell as the value that REST would have.
 * @throws MooringError VALIDATION naming the column
 */
export function readCell(field: DeviceField, cell: string): string | number | boolean {
  const refuse = (rule: string): never => {
    throw new MooringError("VALIDATION", `${csvName(field)} ${rule}`, { field: csvName(field), rule });
  };
  switch (field.value.kind) {
    case "integer":
      if (field.rest === "disableTimeout" && /^(true|false)$/i.test(cell)) return cell.toLowerCase() === "true";
      return /^-?\d{1,15}$/.test(cell) ? Number(cell) : refuse("must be a whole number");
    case "boolean":
      if (/^(true|1)$/i.test(cell)) return true;
      return /^(false|0)$/i.test(cell) ? false : refuse("must be true or false");
    default:
      return cell;
  }
}
