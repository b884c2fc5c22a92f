/** Settings over the accounts of an agent world, with one device `dev` without security. */
import { assert } from "chai";
import type { DeviceAccounts } from "../../../src/agent/device-accounts.ts";
import { createSettings, type SettingsSection, type SettingsServices } from "../../../src/agent/settings.ts";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";
import type { Fragments } from "../../../src/platform/platform.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./agent-world.ts";

export const KEY = "000102030405060708090a0b0c0d0e0f";
export const OTHER_KEY = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
export const COAP = "coap://lwm2m.example.com:5783";
export const COAPS = "coaps://lwm2m.example.com:5784";

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
export const psk = (identity: string, key = KEY) => ({
  serverSecurity: { securityMode: "PSK", publicKeyOrId: identity, secretKey: key },
});
export const bootstrapPsk = (identity: string, key = OTHER_KEY) => ({
  bootstrapSecurity: { bootstrapSecurityMode: "PSK", bootstrapId: identity, bootstrapKey: key },
});

export interface SettingsWorld extends AsyncDisposable {
  readonly world: AgentWorld;
  readonly settings: SettingsServices;
  /** Of `dev`. */
  readonly id: string;
  /** Devices whose change was told. */
  readonly told: readonly string[];
  make(endpoint: string, body?: object): Promise<string>;
  read(section: SettingsSection, of?: string): Promise<Fragments>;
  write(section: SettingsSection, body: unknown, of?: string): Promise<Fragments>;
  accounts(of?: string): Promise<DeviceAccounts>;
  fragments(of?: string): Promise<Fragments>;
  failure(promise: Promise<unknown>): Promise<MooringError>;
}

export async function openSettingsWorld(): Promise<SettingsWorld> {
  const world = await createAgentWorld();
  const told: string[] = [];
  const settings = createSettings({
    accounts: world.agent.accounts,
    inventory: world.platform.inventory,
    log: world.log,
    serverCertificateNames: () => ["default", "extra"],
    changed: async (tenant, deviceId) => void told.push(`${tenant} ${deviceId}`),
  });
  const make = async (endpoint: string, body: object = {}): Promise<string> =>
    (await world.make(endpoint, body as Readonly<Record<string, unknown>>)).id;
  const id = await make("dev", { lwm2mServerUri: COAP });
  return {
    world,
    settings,
    id,
    told,
    make,
    read: (section, of = id) => world.wait(settings.read(TENANT, of, section)),
    write: (section, body, of = id) => world.wait(settings.write(TENANT, of, section, body)),
    accounts: async (of = id) => (await world.wait(world.agent.accounts.findByDevice(TENANT, of)))!,
    fragments: async (of = id) => (await world.wait(world.platform.inventory.get(TENANT, of))).fragments,
    async failure(promise) {
      try {
        await world.wait(promise);
      } catch (error) {
        assert(isFailure(error), String(error));
        return error;
      }
      return assert.fail("nothing was refused");
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
