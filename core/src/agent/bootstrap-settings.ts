/** How a device is bootstrapped, from the fragments of its managed object (agent specification 4.1): what operators edit is what counts. */
import { isFailure, MooringError } from "../base/errors.ts";
import { compileSchema } from "../base/schema.ts";
import type { AccessControl, BootstrapConfig } from "../lwm2m/bootstrap/bootstrap-config.ts";
import { type Lwm2mPath, parsePath } from "../lwm2m/path.ts";
import { BOOTSTRAP_FORMATS } from "../lwm2m/wire/bootstrap-wire.ts";
import type { Fragments } from "../platform/platform.ts";
import { DEVICE_FIELDS, fragmentName } from "./device-fields.ts";
import { settingsOf } from "./device-settings.ts";

export interface BootstrapSettings
  extends Pick<BootstrapConfig, "deletes" | "discover" | "readBack" | "accessControl" | "contentFormat"> {
  /** First instance of the Server Object. */
  readonly serverInstance: number;
  /** As the device's operator set it; not within the host's bounds yet. */
  readonly requestTimeoutMs: number | undefined;
  readonly logLevel: BootstrapConfig["logLevel"];
}

const LARGEST_ID = 65_534;
const NONE = "NONE";

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** By fragment name. */
const PATTERNS = new Map(
  DEVICE_FIELDS.flatMap(field =>
    field.value.kind === "text" && field.value.pattern !== undefined
      ? [[fragmentName(field), new RegExp(field.value.pattern)]]
      : [],
  ),
);

/** A list that is wrong must not become another one: what it was meant to spare would be deleted. */
function paths(fragments: Fragments, name: string): readonly Lwm2mPath[] | undefined {
  const value = fragments[name];
  if (value === undefined || value === null || value === "") return undefined;
  const wrong = refuse(name, `must be paths such as /1,/2 with commas between them, or ${NONE}`);
  if (typeof value !== "string" || !PATTERNS.get(name)?.test(value)) throw wrong;
  if (value.trim() === NONE) return [];
  const found = value.split(",").map(pathOf);
  if (found.includes(undefined)) throw wrong;
  return found as Lwm2mPath[];
}

function pathOf(text: string): Lwm2mPath | undefined {
  try {
    return parsePath(text);
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}

interface AccessControlEntry {
  readonly objectId: number;
  readonly objectInstance: number;
  readonly owner: number;
  readonly rights?: Readonly<Record<string, number>>;
}

/** Fragment with the instances of the Access Control Object, in order. */
const ACCESS_CONTROL = "lwm2mAccessControl";
const MOST_RIGHTS = 31;
const MOST_ENTRIES = 100;

const checkAccessControl = compileSchema<{ readonly [ACCESS_CONTROL]: readonly AccessControlEntry[] }>({
  type: "object",
  required: [ACCESS_CONTROL],
  properties: {
    [ACCESS_CONTROL]: {
      type: "array",
      maxItems: MOST_ENTRIES,
      items: {
        type: "object",
        required: ["objectId", "objectInstance", "owner"],
        additionalProperties: false,
        properties: {
          objectId: { type: "integer", minimum: 1, maximum: LARGEST_ID },
          objectInstance: { type: "integer", minimum: 0, maximum: LARGEST_ID + 1 },
          owner: { type: "integer", minimum: 0, maximum: LARGEST_ID + 1 },
          rights: {
            type: "object",
            propertyNames: { pattern: "^(0|[1-9]\\d{0,4})$" },
            additionalProperties: { type: "integer", minimum: 0, maximum: MOST_RIGHTS },
          },
        },
      },
    },
  },
});

/** `[{"objectId": 3, "objectInstance": 0, "owner": 1, "rights": {"1": 15}}]`, rights by Short Server ID (LwM2M Core 1.1.1 appendix E.3). */
function accessControlOf(fragments: Fragments): AccessControl[] {
  const given = fragments[ACCESS_CONTROL];
  if (given === undefined || given === null) return [];
  const { [ACCESS_CONTROL]: entries } = checkAccessControl({ [ACCESS_CONTROL]: given });
  return entries.map(({ owner, rights = {}, ...object }, instance) => {
    const unknown = Object.keys(rights).find(shortServerId => Number(shortServerId) > LARGEST_ID);
    if (unknown) throw refuse(`${ACCESS_CONTROL}[${instance}].rights.${unknown}`, `must be at most ${LARGEST_ID}`);
    return { ...object, instance, rights, ownerShortServerId: owner };
  });
}

const instanceOf = (value: unknown): number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LARGEST_ID ? value : 0;

/** Rights that an earlier bootstrap wrote must not stay beside those that are written now. */
const usualDeletes = (accessControl: readonly AccessControl[]): readonly Lwm2mPath[] =>
  accessControl.length > 0 ? [[0], [1], [2]] : [[0], [1]];

/** @throws MooringError VALIDATION naming the fragment where following it by halves would do harm; other values out of type count as unset */
export function bootstrapSettingsOf(fragments: Fragments): BootstrapSettings {
  const { contentFormat, requestTimeoutMs, logLevel } = settingsOf(fragments);
  const accessControl = accessControlOf(fragments);
  return {
    accessControl,
    deletes: paths(fragments, "bootstrapDeletes") ?? usualDeletes(accessControl),
    discover: fragments["bootstrapDiscover"] !== false,
    readBack: paths(fragments, "bootstrapReadBack") ?? [],
    serverInstance: instanceOf(fragments["lwm2mServerInstance"]),
    contentFormat: contentFormat !== undefined && BOOTSTRAP_FORMATS.includes(contentFormat) ? contentFormat : undefined,
    requestTimeoutMs,
    logLevel,
  };
}
