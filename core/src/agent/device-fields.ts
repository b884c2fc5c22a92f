/**
 * What a device can be registered with (agent specification 3.3), as one table: its name in REST, in CSV and as a fragment of the
 * managed object, and what it may hold. Security is not here: see security.ts.
 */

import { MooringError } from "../base/errors.ts";
import type { JsonSchema } from "../base/schema.ts";
import { SERIALIZATION_FORMATS } from "../lwm2m/codecs/codec.ts";

export type FieldKind =
  | { readonly kind: "integer"; readonly least: number; readonly most: number }
  | { readonly kind: "boolean" }
  /** @param pattern the whole text must match it @param rule as a person would say it */
  | { readonly kind: "text"; readonly pattern?: string; readonly rule?: string }
  | { readonly kind: "choice"; readonly values: readonly string[]; readonly fallback?: string };

/** Pages of the form that a device is registered with (agent specification 3.1). */
export type FormStep = "Device" | "Bootstrap" | "Advanced";

export interface DeviceField {
  readonly rest: string;
  /** Default: as in REST. */
  readonly csv?: string;
  /** Top-level fragment of the managed object; default: as in CSV. */
  readonly fragment?: string;
  readonly value: FieldKind;
  /** What counts where a device has none; absent: the host's configuration, or nothing. */
  readonly default?: string | number | boolean;
  readonly step: FormStep;
  /** For people, in forms. */
  readonly title: string;
  readonly description: string;
}

const integer = (most = 2 ** 32 - 1, least = 0): FieldKind => ({ kind: "integer", least, most });
const boolean: FieldKind = { kind: "boolean" };
const text: FieldKind = { kind: "text" };
const choice = (...values: string[]): FieldKind => ({ kind: "choice", values });

const LARGEST_ID = 65_534;

/** Paths with commas between them, or NONE. */
const pathList = (path: string, example: string): FieldKind => ({
  kind: "text",
  pattern: `^\\s*(NONE|${path}(\\s*,\\s*${path})*)\\s*$`,
  rule: `must be paths such as ${example} with commas between them, or NONE`,
});

export const DEVICE_FIELDS: readonly DeviceField[] = [
  {
    rest: "lwm2mServerUri",
    csv: "lwm2m server uri",
    fragment: "lwm2mServerUri",
    value: text,
    step: "Bootstrap",
    title: "LwM2M server URI",
    description: "Written to the device in bootstrap, such as coaps://lwm2m.example.com:5784",
  },
  {
    rest: "bootstrapShortServerId",
    value: integer(LARGEST_ID),
    default: 0,
    step: "Bootstrap",
    title: "Short ID of the bootstrap server",
    description: "Of the bootstrap account where it is written",
  },
  {
    rest: "lwm2mShortServerId",
    value: integer(LARGEST_ID, 1),
    default: 1,
    step: "Bootstrap",
    title: "Short ID of the LwM2M server",
    description: "1 to 65534",
  },
  {
    rest: "securityInstanceOffset",
    value: integer(LARGEST_ID),
    default: 0,
    step: "Bootstrap",
    title: "First instance of the Security Object",
    description: "Of those that bootstrap writes",
  },
  {
    rest: "generateBootstrapServerConfig",
    value: boolean,
    default: false,
    step: "Bootstrap",
    title: "Write the bootstrap account",
    description: "Whether bootstrap writes its own account to the device too",
  },
  {
    rest: "registrationLifetime",
    value: integer(2 ** 32 - 1, 1),
    step: "Bootstrap",
    title: "Registration lifetime",
    description: "Seconds within which the device renews its registration",
  },
  {
    rest: "defaultMinimumPeriod",
    value: integer(),
    step: "Bootstrap",
    title: "Default minimum period",
    description: "Seconds between two notifications, at least",
  },
  {
    rest: "defaultMaximumPeriod",
    value: integer(),
    step: "Bootstrap",
    title: "Default maximum period",
    description: "Seconds between two notifications, at most",
  },
  {
    rest: "bindingMode",
    value: choice("U", "UQ"),
    step: "Bootstrap",
    title: "Binding mode",
    description: "Only told to the device: UDP, or UDP with queue mode",
  },
  {
    rest: "notificationIfDisabled",
    value: boolean,
    step: "Bootstrap",
    title: "Store notifications",
    description: "Whether the device keeps notifications while it is disabled or offline",
  },
  {
    rest: "disableTimeout",
    value: integer(),
    step: "Bootstrap",
    title: "Disable timeout",
    description: "Seconds that the device stays away after it was disabled",
  },
  {
    rest: "lwm2mServerInstance",
    value: integer(LARGEST_ID),
    default: 0,
    step: "Bootstrap",
    title: "First instance of the Server Object",
    description: "Of those that bootstrap writes, for devices that know only certain ones",
  },
  {
    rest: "bootstrapDeletes",
    value: pathList("/(\\d{1,5}(/\\d{1,5})?)?", "/0,/1/0"),
    step: "Bootstrap",
    title: "Deleted in bootstrap",
    description: "Before anything is written, such as /0,/1 (what counts without it); NONE for fragile devices",
  },
  {
    rest: "bootstrapDiscover",
    value: boolean,
    default: true,
    step: "Bootstrap",
    title: "Discover in bootstrap",
    description: "Whether the device is asked where its own bootstrap account is, which is never written over",
  },
  {
    rest: "bootstrapReadBack",
    // Bootstrap-Read is for these two objects alone (LwM2M Core 1.1.1 section 6.1.7.5); the root is discovered.
    value: pathList("/([12](/\\d{1,5})?)?", "/1,/2/0 or /"),
    step: "Bootstrap",
    title: "Read back in bootstrap",
    description: "Before the end, such as /1,/2; / discovers all; without one nothing is",
  },
  {
    rest: "awakeTimeRegistrationParameter",
    value: integer(),
    step: "Device",
    title: "Awake time",
    description: "Milliseconds that the device is reachable after a message of its own; 0: always",
  },
  {
    rest: "lwm2mRequestTimeout",
    value: integer(),
    step: "Advanced",
    title: "Request timeout",
    description: "Milliseconds that the device may take to answer",
  },
  {
    rest: "autoManageAvailabilityRequiredInterval",
    value: boolean,
    step: "Device",
    title: "Manage the required interval",
    description: "Whether the required interval of the device follows its lifetime",
  },
  {
    rest: "availabilityRequiredInterval",
    value: integer(),
    step: "Device",
    title: "Required interval",
    description: "Minutes within which the device must be heard, where that is not managed",
  },
  {
    rest: "binaryDeliveryEncoding",
    // What is none of these counts as OPAQUE (agent specification 3.3).
    value: { kind: "choice", values: ["OPAQUE", "TLV", "JSON", "TEXT"], fallback: "OPAQUE" },
    default: "OPAQUE",
    step: "Advanced",
    title: "Binary delivery encoding",
    description: "How binary values and firmware are written to the device",
  },
  {
    rest: "serializationFormat",
    value: choice(...SERIALIZATION_FORMATS),
    step: "Advanced",
    title: "Serialization format",
    description: "Preferred content format; without one what the device offers",
  },
  {
    rest: "enableResourceLevelTimestamp",
    value: boolean,
    default: false,
    step: "Advanced",
    title: "Use time stamps of resources",
    description: "Whether the time that the device sends counts, not that of receipt",
  },
  {
    rest: "genericUIRetainOldValuesIfError",
    csv: "c8y_GenericUI_retainOldValuesIfError",
    value: boolean,
    default: true,
    step: "Advanced",
    title: "Keep old values on failure",
    description: "Whether the last values stay when an operation fails",
  },
  {
    rest: "disableObjectInstanceActions",
    csv: "disableInternalObjectInstanceActions",
    value: boolean,
    default: false,
    step: "Advanced",
    title: "No default handling of objects 3, 4 and 6",
    description: "Whether the standard objects change the device only where a mapping says so",
  },
  {
    rest: "logLevel",
    value: choice("NONE", "LIFECYCLE", "VERBOSE", "TRAFFIC", "FIRMWARE"),
    default: "LIFECYCLE",
    step: "Device",
    title: "Log level",
    description: "Which events of the connection are written",
  },
  {
    rest: "fwUpdateDeliveryMethod",
    value: choice("PUSH", "PULL", "BOTH"),
    step: "Advanced",
    title: "Firmware delivery method",
    description: "Without one the device is asked",
  },
  {
    rest: "fwUpdateSupportedDeviceProtocol",
    value: choice("COAP", "COAPS", "HTTP", "HTTPS"),
    step: "Advanced",
    title: "Firmware download protocol",
    description: "Without one the device is asked",
  },
  {
    rest: "fwUpdateResetMechanism",
    value: choice("PACKAGE", "PACKAGE_URI"),
    step: "Advanced",
    title: "Reset of the firmware update",
    description: "Resource that is written empty; without one by the delivery method",
  },
  {
    rest: "stateMachineResetBeforeFirmwareUpdate",
    csv: "fwResetStateMachineOnStart",
    value: boolean,
    default: true,
    step: "Advanced",
    title: "Reset before a firmware update",
    description: "Whether the state of the device is reset when an update begins",
  },
  {
    rest: "fwUpdateURL",
    value: text,
    step: "Advanced",
    title: "Fixed firmware URL",
    description: "Where the device fetches firmware, whatever an operation says; deprecated",
  },
  {
    rest: "disableFirmwareStateMachine",
    value: boolean,
    default: false,
    step: "Advanced",
    title: "No automatic firmware update",
    description: "Whether the steps of an update are left to commands",
  },
];

export const csvName = (field: DeviceField): string => field.csv ?? field.rest;
export const fragmentName = (field: DeviceField): string => field.fragment ?? csvName(field);

const patternOf = ({ pattern, rule }: { readonly pattern?: string; readonly rule?: string }): JsonSchema =>
  pattern === undefined ? {} : { pattern, ...(rule !== undefined && { patternRule: rule }) };

function schemaOf({ value }: DeviceField): JsonSchema {
  switch (value.kind) {
    case "integer":
      return { type: ["integer", "null"], minimum: value.least, maximum: value.most };
    case "boolean":
      return { type: ["boolean", "null"] };
    case "text":
      return { type: ["string", "null"], maxLength: 1024, ...patternOf(value) };
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
