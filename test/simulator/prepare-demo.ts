/** What an operator does before the demo's devices come: objects described, resources mapped, devices registered. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DemoOrder } from "./demo.ts";

interface Account {
  readonly deviceId: string;
  readonly servers: readonly object[];
}

/** The part of a host that preparing needs. */
export interface DemoHost<A extends Account = Account> {
  readonly tenant: string;
  readonly admin: { readonly user: string };
  readonly addresses: Readonly<Record<"coap" | "coaps" | "bootstrapCoaps", string>>;
  readonly agent: {
    uploadDdf(tenant: string, fileName: string, xml: Uint8Array): Promise<unknown>;
    addMapping(tenant: string, id: string, body: unknown): Promise<unknown>;
    registerDevice(tenant: string, body: unknown, user: string): Promise<unknown>;
    readonly accounts: {
      find(endpoint: string): Promise<A | undefined>;
      change(tenant: string, deviceId: string, change: (accounts: A) => A): Promise<unknown>;
    };
  };
}

const FIXTURES = join(import.meta.dirname, "../fixtures");
const OBJECTS = ["3303.xml", "33456.xml"];

const autoObserve = { observeParameters: { autoObserve: true } };
const measurement = (type: string, series: string, unit: string) => ({
  measurementCreation: { type, series, unit },
  ...autoObserve,
});
const action = (actionName: string) => ({ customAction: { type: null, actionName }, ...autoObserve });

/** By object, then by resource (agent specification 7.1). */
const MAPPINGS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  3: { 0: action("device:updateManufacturer"), 1: action("device:updateModelNumber") },
  4: { 2: action("connectivity:updateRssi") },
  6: { 0: measurement("c8y_Position", "lat", "deg"), 1: measurement("c8y_Position", "lng", "deg") },
  3303: { 5700: measurement("c8y_Temperature", "T", "Cel") },
  33456: { 123: action("decoder:acme-meter") },
};

const isKnown = (error: unknown): boolean => (error as { readonly code?: unknown }).code === "DUPLICATE";

const portOf = (address: string): number => Number(new URL(address).port);

/** Every second one comes secured: it has a bootstrap key and is given the others. Keys last until the next start. */
async function prepareMeter(host: DemoHost, at: number): Promise<DemoOrder["meters"][number]> {
  const { tenant, admin, agent, addresses } = host;
  const endpoint = `demo-meter-${at + 1}`;
  const isSecured = at % 2 === 1;
  const key = randomBytes(16);
  const uri = `${isSecured ? "coaps" : "coap"}://127.0.0.1:${portOf(isSecured ? addresses.coaps : addresses.coap)}`;
  const body = {
    endpointId: endpoint,
    serverSecurity: { securityMode: isSecured ? "PSK_GENERATED" : "NO_SEC" },
    bootstrapSecurity: isSecured
      ? { bootstrapSecurityMode: "PSK", bootstrapId: endpoint, bootstrapKey: key.toString("hex") }
      : { bootstrapSecurityMode: "NO_SEC" },
    lwm2mServerUri: uri,
  };
  try {
    await agent.registerDevice(tenant, body, admin.user);
  } catch (error) {
    if (!isKnown(error)) throw error;
    const known = await agent.accounts.find(endpoint);
    if (isSecured && known) {
      const bootstrap = { mode: "PSK", pskIdentity: endpoint, pskKey: new Uint8Array(key) };
      await agent.accounts.change(tenant, known.deviceId, accounts => ({
        ...accounts,
        bootstrap,
        servers: accounts.servers.map(server => ({ ...server, uri })),
      }));
    }
  }
  if (!isSecured) return { endpoint };
  return {
    endpoint,
    bootstrap: { port: portOf(addresses.bootstrapCoaps), identity: endpoint, keyHex: key.toString("hex") },
  };
}

/** Doing it again at the next start changes nothing but keys. @returns what the devices' process is told */
export async function prepareDemo(host: DemoHost, count: number): Promise<DemoOrder> {
  const { tenant, agent, addresses } = host;
  for (const file of OBJECTS) await agent.uploadDdf(tenant, file, await readFile(join(FIXTURES, file)));
  for (const [objectId, resources] of Object.entries(MAPPINGS)) {
    const body = Object.entries(resources).map(([id, mapping]) => [id, { resourceID: Number(id), ...mapping }]);
    await agent.addMapping(tenant, objectId, Object.fromEntries(body));
  }
  const meters: DemoOrder["meters"][number][] = [];
  for (let at = 0; at < count; at++) meters.push(await prepareMeter(host, at));
  return { serverPort: portOf(addresses.coap), meters };
}
