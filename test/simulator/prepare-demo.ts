/** What an operator does before the demo's devices come: objects described, resources mapped, devices registered. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export { demoEndpoints } from "./fleet.ts";

/** The part of a host that preparing needs. */
export interface DemoHost {
  readonly tenant: string;
  readonly admin: { readonly user: string };
  readonly agent: {
    uploadDdf(tenant: string, fileName: string, xml: Uint8Array): Promise<unknown>;
    addMapping(tenant: string, id: string, body: unknown): Promise<unknown>;
    registerDevice(tenant: string, body: unknown, user: string): Promise<unknown>;
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

/** Doing it again at the next start changes nothing. */
export async function prepareDemo({ tenant, admin, agent }: DemoHost, endpoints: readonly string[]): Promise<void> {
  for (const file of OBJECTS) await agent.uploadDdf(tenant, file, await readFile(join(FIXTURES, file)));
  for (const [objectId, resources] of Object.entries(MAPPINGS)) {
    const body = Object.entries(resources).map(([id, mapping]) => [id, { resourceID: Number(id), ...mapping }]);
    await agent.addMapping(tenant, objectId, Object.fromEntries(body));
  }
  for (const endpointId of endpoints) {
    const body = {
      endpointId,
      serverSecurity: { securityMode: "NO_SEC" },
      bootstrapSecurity: { bootstrapSecurityMode: "NO_SEC" },
    };
    await agent.registerDevice(tenant, body, admin.user).catch((error: unknown) => {
      if (!isKnown(error)) throw error;
    });
  }
}
