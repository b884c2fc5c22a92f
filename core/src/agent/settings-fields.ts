/** Settings that stand as fragments of the managed object, under the names that the settings API has for them (agent specification 4.2). */
import type { JsonSchema } from "../base/schema.ts";
import type { Fragments } from "../platform/platform.ts";
import { DEVICE_FIELDS, type DeviceField, FIELD_SCHEMAS, fragmentName, storedValue } from "./device-fields.ts";

/** Fields of one section by their names there. */
export type SectionFields = ReadonlyMap<string, SettingField>;
export type SettingField = Pick<DeviceField, "rest" | "csv" | "fragment" | "value" | "default">;

/** A device cannot be registered with it: the name is ours. */
const FAIL_ON_UNEXPECTED_RESULT: SettingField = {
  rest: "fwFailOnUnexpectedResult",
  value: { kind: "boolean" },
  default: false,
};

const FIELDS = new Map<string, SettingField>(
  [...DEVICE_FIELDS, FAIL_ON_UNEXPECTED_RESULT].map(field => [field.rest, field]),
);

/** The field that registration calls so: there is always one. */
export const fieldOf = (rest: string): SettingField => FIELDS.get(rest)!;

const sectionOf = (names: Readonly<Record<string, string>>): SectionFields =>
  new Map(Object.entries(names).map(([name, rest]) => [name, fieldOf(rest)]));

export const BASIC_FIELDS = sectionOf({
  awakeTime: "awakeTimeRegistrationParameter",
  requestTimeout: "lwm2mRequestTimeout",
  keepOldValuesOnOperationFail: "genericUIRetainOldValuesIfError",
  useTimestampResources: "enableResourceLevelTimestamp",
  binaryEncoding: "binaryDeliveryEncoding",
  serializationFormat: "serializationFormat",
  disableObjectInstanceActions: "disableObjectInstanceActions",
  autoManageAvailabilityRequiredInterval: "autoManageAvailabilityRequiredInterval",
  logLevel: "logLevel",
});

export const FIRMWARE_FIELDS = sectionOf({
  url: "fwUpdateURL",
  resetStateMachineOnStart: "stateMachineResetBeforeFirmwareUpdate",
  resetMethod: "fwUpdateResetMechanism",
  supportedDeviceProtocol: "fwUpdateSupportedDeviceProtocol",
  firmwareDeliveryMethod: "fwUpdateDeliveryMethod",
  disableFirmwareStateMachine: "disableFirmwareStateMachine",
  failOnUnexpectedResult: "fwFailOnUnexpectedResult",
});

/** As at registration; a form may also say "" for what is unset. */
export function settingSchema({ rest, value }: SettingField): JsonSchema {
  const schema = FIELD_SCHEMAS[rest] ?? { type: [value.kind, "null"] };
  return Array.isArray(schema["enum"]) ? { ...schema, enum: [...schema["enum"], ""] } : schema;
}

export const settingSchemas = (fields: SectionFields): Readonly<Record<string, JsonSchema>> =>
  Object.fromEntries([...fields].map(([name, field]) => [name, settingSchema(field)]));

/** @param value checked by {@link settingSchema} @returns undefined: unset */
export const settingValue = (field: SettingField, value: unknown): string | number | boolean | undefined =>
  value === "" ? undefined : storedValue(field as DeviceField, value);

function isOfKind({ value: kind }: SettingField, value: unknown): boolean {
  switch (kind.kind) {
    case "integer":
      return Number.isInteger(value) && (value as number) >= kind.least && (value as number) <= kind.most;
    case "boolean":
      return typeof value === "boolean";
    case "text":
      return typeof value === "string" && value !== "";
    case "choice":
      return typeof value === "string" && kind.values.includes(value);
  }
}

/** What counts: the fragment where it is of its kind, else the default; null: the host's configuration, or nothing. */
export function shownSettings(fields: SectionFields, fragments: Fragments): Fragments {
  const shown = [...fields].map(([name, field]) => {
    const stored = fragments[fragmentName(field as DeviceField)];
    return [name, isOfKind(field, stored) ? stored : (field.default ?? null)] as const;
  });
  return Object.fromEntries(shown);
}

/** @param body checked; members that are absent stay @returns changes of the managed object, null for what is unset */
export function fragmentsToChange(fields: SectionFields, body: Fragments): Fragments {
  const given = [...fields].filter(([name]) => body[name] !== undefined);
  return Object.fromEntries(
    given.map(([name, field]) => [fragmentName(field as DeviceField), settingValue(field, body[name]) ?? null]),
  );
}

/** Members of accounts by what the caller calls them, each with the field of registration that says what it may hold. */
export type MemberTable<M extends string> = Readonly<Record<string, readonly [member: M, rest: string]>>;

export const memberSchemas = (table: MemberTable<string>): Readonly<Record<string, JsonSchema>> =>
  Object.fromEntries(Object.entries(table).map(([name, [, rest]]) => [name, settingSchema(fieldOf(rest))]));

/** @param body checked; members that are absent are so afterwards, what is unset has its default */
export function givenMembers<T>(table: MemberTable<keyof T & string>, body: Fragments): Partial<T> {
  const given = Object.entries(table).filter(([name]) => body[name] !== undefined);
  const members = given.map(([name, [member, rest]]) => {
    const field = fieldOf(rest);
    return [member, settingValue(field, body[name]) ?? field.default] as const;
  });
  return Object.fromEntries(members) as Partial<T>;
}

export const shownMembers = <T>(table: MemberTable<keyof T & string>, values: T): Fragments =>
  Object.fromEntries(Object.entries(table).map(([name, [member]]) => [name, values[member] ?? null]));

/** Names of the caller by members. */
export const memberNames = (table: MemberTable<string>): ReadonlyMap<string, string> =>
  new Map(Object.entries(table).map(([name, [member]]) => [member, name]));
