/** Settings of one device as people read and change them (agent specification 4.2): `rest/` puts HTTP around it. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { compileSchema } from "../base/schema.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import { keyFingerprint, readCertificates, readPrivateKey } from "../x509/pem.ts";
import type { DeviceAccountStore, DeviceAccounts } from "./device-accounts.ts";
import { type AccountSection, BOOTSTRAP_SECTION, CONNECTIVITY_SECTION, FORM_MEMBERS } from "./settings-accounts.ts";
import {
  BASIC_FIELDS,
  FIRMWARE_FIELDS,
  fragmentsToChange,
  type SectionFields,
  settingSchemas,
  shownSettings,
} from "./settings-fields.ts";
import { renameFlat, shownFlat, withFlatChanges } from "./settings-flat.ts";
import { type Renaming, withNames } from "./settings-names.ts";
import { refuse } from "./settings-security.ts";
import {
  renameServer,
  serverOf,
  shownServer,
  withServerAdded,
  withServerChanged,
  withServerRemoved,
} from "./settings-servers.ts";

export const SETTINGS_SECTIONS = ["basic", "bootstrap", "connectivity", "firmware"] as const;
export type SettingsSection = (typeof SETTINGS_SECTIONS)[number];

export interface SettingsParts {
  readonly accounts: Pick<DeviceAccountStore, "findByDevice" | "change">;
  readonly inventory: Pick<Platform["inventory"], "findCached" | "update">;
  readonly log: Log;
  /** Names that a device may be told the certificate of. */
  serverCertificateNames(): readonly string[];
  /** A live registration of the device takes its settings over. */
  changed(tenant: string, deviceId: string): Promise<void>;
}

/**
 * Bodies are unchecked. A change answers as the reading of it would; members that are absent stay, null unsets, keys are never shown.
 * @throws MooringError NOT_FOUND without the device, VALIDATION naming the field, DUPLICATE for a PSK identity of another device
 */
export interface SettingsServices {
  read(tenant: string, deviceId: string, section: SettingsSection): Promise<Fragments>;
  write(tenant: string, deviceId: string, section: SettingsSection, body: unknown): Promise<Fragments>;
  servers(tenant: string, deviceId: string): Promise<readonly Fragments[]>;
  server(tenant: string, deviceId: string, serverId: string): Promise<Fragments>;
  /** @throws MooringError CONFLICT when there are too many */
  addServer(tenant: string, deviceId: string, body: unknown): Promise<Fragments>;
  changeServer(tenant: string, deviceId: string, serverId: string, body: unknown): Promise<Fragments>;
  /** @throws MooringError CONFLICT for the first one */
  removeServer(tenant: string, deviceId: string, serverId: string): Promise<void>;
  /** The older form, of the first server and the bootstrap account in one. */
  readFlat(tenant: string, deviceId: string): Promise<Fragments>;
  writeFlat(tenant: string, deviceId: string, body: unknown): Promise<Fragments>;
  /** @param body `{encodedCertificate}`, Base64 of the file */
  validateCertificate(body: unknown): { readonly commonName: string | null };
  /** @param body `{encodedPrivateKey}`, Base64 of the file */
  validatePrivateKey(body: unknown): { readonly fingerprint: string };
  serverCertificateNames(): readonly string[];
}

interface FragmentSection {
  readonly fields: SectionFields;
  check(body: unknown): Fragments;
}

function fragmentSection(fields: SectionFields, more: Readonly<Record<string, object>> = {}): FragmentSection {
  const properties = { ...FORM_MEMBERS, ...more, ...settingSchemas(fields) };
  return { fields, check: compileSchema<Fragments>({ type: "object", additionalProperties: false, properties }) };
}

const FRAGMENT_SECTIONS: Readonly<Partial<Record<SettingsSection, FragmentSection>>> = {
  basic: fragmentSection(BASIC_FIELDS, { endpointId: { type: ["string", "null"] } }),
  firmware: fragmentSection(FIRMWARE_FIELDS),
};
const ACCOUNT_SECTIONS: Readonly<Partial<Record<SettingsSection, AccountSection>>> = {
  bootstrap: BOOTSTRAP_SECTION,
  connectivity: CONNECTIVITY_SECTION,
};

const checkCertificate = compileSchema<{ readonly encodedCertificate: string }>({
  type: "object",
  required: ["encodedCertificate"],
  properties: { encodedCertificate: { type: "string", maxLength: 262_144 } },
});
const checkPrivateKey = compileSchema<{ readonly encodedPrivateKey: string }>({
  type: "object",
  required: ["encodedPrivateKey"],
  properties: { encodedPrivateKey: { type: "string", maxLength: 262_144 } },
});

function inField<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isFailure(error, "CERTIFICATE_INVALID")) throw refuse(field, String(error.details["rule"]));
    throw error;
  }
}

const noDevice = (deviceId: string): MooringError =>
  new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { id: deviceId });

interface Device {
  readonly accounts: DeviceAccounts;
  readonly object: ManagedObject;
}

const deviceInfo = ({ accounts: { endpoint }, object: { id, name, type } }: Device): Fragments => ({
  deviceInfo: { id, name: name ?? null, type: type ?? null, endpoint },
});

export function createSettings(parts: SettingsParts): SettingsServices {
  const { accounts: store, inventory, log } = parts;

  async function find(tenant: string, deviceId: string): Promise<Device> {
    const [accounts, object] = await Promise.all([
      store.findByDevice(tenant, deviceId),
      inventory.findCached(tenant, deviceId),
    ]);
    if (!accounts || !object) throw noDevice(deviceId);
    return { accounts, object };
  }

  async function tell(tenant: string, deviceId: string, section: string): Promise<void> {
    log.info("device.settings-changed", { tenant, deviceId, section });
    await parts.changed(tenant, deviceId);
  }

  async function changeAccounts(
    [tenant, deviceId]: readonly [tenant: string, deviceId: string],
    section: string,
    rename: Renaming,
    change: (accounts: DeviceAccounts) => DeviceAccounts,
  ): Promise<DeviceAccounts> {
    const changed = await withNames(rename, () => store.change(tenant, deviceId, change));
    await tell(tenant, deviceId, section);
    return changed;
  }

  function shown(section: SettingsSection, device: Device): Fragments {
    const endpoint = section === "basic" ? { endpointId: device.accounts.endpoint } : {};
    const fragments = FRAGMENT_SECTIONS[section];
    const values = fragments
      ? shownSettings(fragments.fields, device.object.fragments)
      : ACCOUNT_SECTIONS[section]!.show(device.accounts);
    return { ...endpoint, ...values, ...deviceInfo(device) };
  }

  async function writeFragments(device: Device, { fields, check }: FragmentSection, body: unknown): Promise<void> {
    const checked = check(body);
    const { endpoint, tenant, deviceId } = device.accounts;
    const named = checked["endpointId"];
    if (named !== undefined && named !== null && named !== endpoint) throw refuse("endpointId", "cannot be changed");
    const changes = fragmentsToChange(fields, checked);
    if (Object.keys(changes).length > 0) await inventory.update(tenant, deviceId, changes);
  }

  const lastOf = ({ servers }: DeviceAccounts): Fragments => shownServer(servers.at(-1)!);

  return {
    read: async (tenant, deviceId, section) => shown(section, await find(tenant, deviceId)),

    async write(tenant, deviceId, section, body) {
      const device = await find(tenant, deviceId);
      const fragments = FRAGMENT_SECTIONS[section];
      if (fragments) {
        await writeFragments(device, fragments, body);
        await tell(tenant, deviceId, section);
      } else {
        const { rename, change } = ACCOUNT_SECTIONS[section]!;
        await changeAccounts([tenant, deviceId], section, rename, accounts => change(accounts, body));
      }
      return shown(section, await find(tenant, deviceId));
    },

    servers: async (tenant, deviceId) => (await find(tenant, deviceId)).accounts.servers.map(shownServer),

    async server(tenant, deviceId, serverId) {
      const device = await find(tenant, deviceId);
      return { ...shownServer(serverOf(device.accounts, serverId)), ...deviceInfo(device) };
    },

    async addServer(tenant, deviceId, body) {
      const names = parts.serverCertificateNames();
      return lastOf(
        await changeAccounts([tenant, deviceId], "servers", renameServer, accounts =>
          withServerAdded(accounts, body, names),
        ),
      );
    },

    async changeServer(tenant, deviceId, serverId, body) {
      const names = parts.serverCertificateNames();
      const changed = await changeAccounts([tenant, deviceId], "servers", renameServer, accounts =>
        withServerChanged(accounts, serverId, body, names),
      );
      return shownServer(serverOf(changed, serverId));
    },

    async removeServer(tenant, deviceId, serverId) {
      await changeAccounts([tenant, deviceId], "servers", renameServer, accounts =>
        withServerRemoved(accounts, serverId),
      );
    },

    readFlat: async (tenant, deviceId) => shownFlat((await find(tenant, deviceId)).accounts),

    async writeFlat(tenant, deviceId, body) {
      const names = parts.serverCertificateNames();
      return shownFlat(
        await changeAccounts([tenant, deviceId], "bootstrap parameters", renameFlat, accounts =>
          withFlatChanges(accounts, body, names),
        ),
      );
    },

    validateCertificate(body) {
      const { encodedCertificate } = checkCertificate(body);
      const [leaf] = inField("encodedCertificate", () => readCertificates(encodedCertificate));
      return { commonName: leaf!.commonName ?? null };
    },

    validatePrivateKey(body) {
      const { encodedPrivateKey } = checkPrivateKey(body);
      return { fingerprint: keyFingerprint(inField("encodedPrivateKey", () => readPrivateKey(encodedPrivateKey))) };
    },

    serverCertificateNames: parts.serverCertificateNames,
  };
}
