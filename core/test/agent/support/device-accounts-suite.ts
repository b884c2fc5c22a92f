/** For tests of the accounts of devices: a world for each of them, what they are registered with, and what is stored. */
import { readFileSync } from "node:fs";
import { assert } from "chai";
import type { DeviceAccountStore, DeviceAccounts, ServerSettings } from "../../../src/agent/device-accounts.ts";
import { fromHex } from "../../../src/base/bytes.ts";
import { COLLECTIONS } from "../../../src/store/collections/collections.ts";
import { DEVICES } from "../../../src/store/collections/devices.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./agent-world.ts";

export const pem = (name: string): string =>
  readFileSync(new URL(`../../fixtures/certificates/${name}`, import.meta.url), "utf8").trim();

export const KEY = "000102030405060708090a0b0c0d0e0f";
export const BOOTSTRAP_KEY = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
export const OTHER_KEY = "abcdef0123456789abcdef0123456789";
export const URI = "coaps://lwm2m.example.com:5784";

export const pskBody = (identity: string, key = KEY) => ({
  serverSecurity: { securityMode: "PSK", publicKeyOrId: identity, secretKey: key },
});
export const bothPsk = {
  ...pskBody("dev"),
  bootstrapSecurity: { bootstrapSecurityMode: "PSK", bootstrapId: "dev-bs", bootstrapKey: BOOTSTRAP_KEY },
  lwm2mServerUri: URI,
};

export function withDeviceAccounts() {
  const on = {} as { world: AgentWorld; accounts: DeviceAccountStore };
  beforeEach(async () => {
    on.world = await createAgentWorld();
    on.accounts = on.world.agent.accounts;
  });
  afterEach(() => on.world[Symbol.asyncDispose]());

  const found = async (endpoint = "dev"): Promise<DeviceAccounts> => {
    const result = await on.accounts.find(endpoint);
    assert.isDefined(result);
    return result!;
  };
  const change = (deviceId: string, how: (before: DeviceAccounts) => DeviceAccounts) =>
    on.world.wait(on.accounts.change(TENANT, deviceId, how));
  const withServer =
    (changes: Partial<ServerSettings>, at = 0) =>
    (before: DeviceAccounts): DeviceAccounts => ({
      ...before,
      servers: before.servers.map((server, i) => (i === at ? { ...server, ...changes } : server)),
    });
  const withKey = (key: string, identity = "dev") =>
    withServer({ security: { mode: "PSK", pskIdentity: identity, pskKey: fromHex(key) } });
  const externalIds = async (deviceId: string) =>
    (await on.world.platform.identity.of(TENANT, deviceId))
      .map(({ type, externalId }) => `${type}=${externalId}`)
      .sort();
  const rows = () => on.world.store.collection(DEVICES).find({}, { limit: 100 });
  const everythingStored = async (): Promise<string> => {
    const all: unknown[] = [];
    for (const spec of COLLECTIONS) all.push(await on.world.store.collection(spec).find({}, { limit: 5000 }));
    return JSON.stringify(all);
  };

  return { on, found, change, withServer, withKey, externalIds, rows, everythingStored };
}
