/**
 * The firmware repository as the platform has it (platform API 5.4): an object of type `c8y_Firmware` for each firmware, its versions
 * child additions of type `c8y_FirmwareBinary`, each with the URL of a binary or of something outside.
 */
import { MooringError } from "../base/errors.ts";
import { invalid } from "../platform/body.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import { MANAGED_OBJECTS } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { createInTurn } from "../tenants/in-turn.ts";
import { firmwareSource } from "./firmware-source.ts";

/** As an operation of kind `c8y_Firmware` names it (agent specification 14.1). */
export interface FirmwareVersion {
  readonly name: string;
  readonly version: string;
  readonly url: string;
}

export interface NewFirmwareVersion extends FirmwareVersion {
  /** Devices of this type only; empty: of every type. */
  readonly deviceType?: string;
  readonly description?: string;
}

export interface FirmwareRepository {
  /**
   * Adds a version, and its firmware where there is none of that name. Changes nothing that is there.
   * @returns id of the version's object
   * @throws  MooringError VALIDATION naming the member, DUPLICATE when the firmware has the version already, CONFLICT when it is
   *          for another type of device
   */
  add(tenant: string, version: NewFirmwareVersion, owner: string): Promise<string>;
  /** The version that an object of the repository stands for. @throws MooringError NOT_FOUND, VALIDATION for another kind of object */
  version(tenant: string, id: string): Promise<FirmwareVersion>;
}

export const FIRMWARE_TYPE = "c8y_Firmware";
export const VERSION_TYPE = "c8y_FirmwareBinary";

/** Firmware Package Name and Version (LwM2M object 5, resources 6 and 7) have at most 255 bytes. */
const LONGEST_TEXT = 255;

const versionOf = ({ fragments }: ManagedObject): Fragments => {
  const said = fragments["c8y_Firmware"];
  return typeof said === "object" && said !== null ? (said as Fragments) : {};
};

const typeFilterOf = ({ fragments }: ManagedObject): string => {
  const filter = fragments["c8y_Filter"] as { readonly type?: unknown } | null | undefined;
  return typeof filter?.type === "string" ? filter.type : "";
};

/** @throws MooringError VALIDATION */
export function checkText(field: string, value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") throw invalid(field, "is missing");
  if (Buffer.byteLength(value) > LONGEST_TEXT) throw invalid(field, `must have at most ${LONGEST_TEXT} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(value)) throw invalid(field, "must not hold control characters");
  return value;
}

export interface FirmwareRepositoryParts {
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory" | "children" | "binaries">;
}

export function createFirmwareRepository({ store, platform }: FirmwareRepositoryParts): FirmwareRepository {
  const { inventory, children, binaries } = platform;
  const objects = store.collection(MANAGED_OBJECTS);
  /** Of several versions of one firmware that come at once the first makes it. */
  const inTurn = createInTurn();

  async function findFirmware(tenant: string, name: string): Promise<ManagedObject | undefined> {
    const found = await objects.findOne({ tenant, name, type: FIRMWARE_TYPE }, { sort: [["_id", 1]] });
    return found && inventory.find(tenant, found._id);
  }

  async function hasVersion(tenant: string, firmwareId: string, version: string): Promise<boolean> {
    const ids = await children.idsOf(tenant, firmwareId, "childAdditions");
    if (ids.length === 0) return false;
    const page = { currentPage: 1, pageSize: ids.length, withTotal: false };
    const { items } = await inventory.list(tenant, { ids, type: VERSION_TYPE }, page);
    return items.some(item => versionOf(item)["version"] === version);
  }

  async function makeFirmware(tenant: string, { name, deviceType, description }: NewFirmwareVersion, owner: string) {
    const body = {
      type: FIRMWARE_TYPE,
      name,
      ...(description && { description }),
      ...(deviceType && { c8y_Filter: { type: deviceType } }),
    };
    return await inventory.create(tenant, body, { owner });
  }

  async function addInTurn(tenant: string, given: NewFirmwareVersion, owner: string): Promise<string> {
    const { name, version, url, deviceType } = given;
    const known = await findFirmware(tenant, name);
    if (known && deviceType && typeFilterOf(known) !== deviceType) {
      const rule = `is "${typeFilterOf(known)}" in the repository`;
      throw new MooringError("CONFLICT", `deviceType of ${name} ${rule}`, { field: "deviceType", rule });
    }
    if (known && (await hasVersion(tenant, known.id, version))) {
      throw new MooringError("DUPLICATE", `version ${version} of ${name} is in the repository already`, {
        field: "version",
        rule: "is in the repository already",
      });
    }
    const firmware = known ?? (await makeFirmware(tenant, given, owner));
    const body = { type: VERSION_TYPE, c8y_Firmware: { version, url } };
    const { id } = await inventory.create(tenant, body, { owner });
    await children.add(tenant, firmware.id, "childAdditions", [id]);
    return id;
  }

  return {
    async add(tenant, given, owner) {
      checkText("name", given.name);
      checkText("version", given.version);
      await firmwareSource(binaries, tenant, given.url);
      return inTurn(() => addInTurn(tenant, given, owner));
    },

    async version(tenant, id) {
      const object = await inventory.get(tenant, id);
      const { version, url, name: own } = versionOf(object);
      if (object.type !== VERSION_TYPE || version === undefined) {
        throw invalid("firmware.id", `must be of an object of type ${VERSION_TYPE} with c8y_Firmware.version`);
      }
      const above = (await children.ancestors(tenant, id)).find(({ kind }) => kind === "childAdditions");
      const firmware = above && (await inventory.find(tenant, above.id));
      return {
        name: checkText("firmware.name", firmware?.name ?? own ?? object.name),
        version: checkText("firmware.version", version),
        url: String(url ?? ""),
      };
    },
  };
}
