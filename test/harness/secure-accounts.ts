/** Accounts with keys for many devices, from one file as an operator would upload it. */
import { createHash } from "node:crypto";
import type { PskCredentials } from "../simulator/dtls/client-options.ts";
import { awaitOperation, expectStatus, type ManagedObject, uploadDevices } from "./agent.ts";
import type { Api } from "./api.ts";
import { inParallel } from "./in-parallel.ts";

const HEADER = "endpoint id;type;securityMode;bootstrapSecurityMode;lwm2m server uri;lwm2m psk_id;lwm2m psk_key";
const WITHIN_MS = 180_000;

const keyOf = (endpoint: string): Buffer => createHash("sha256").update(endpoint).digest().subarray(0, 16);

export const pskOf = (endpoint: string): PskCredentials => ({ identity: endpoint, key: keyOf(endpoint) });

/** @returns managed objects' ids, in the order of the endpoints */
export async function uploadSecureDevices(api: Api, endpoints: readonly string[]): Promise<string[]> {
  const rows = endpoints.map(
    endpoint =>
      `${endpoint};c8y_lwm2m;PSK;NO_SEC;coaps://127.0.0.1:5784;${endpoint};${keyOf(endpoint).toString("hex")}`,
  );
  const { id } = expectStatus(await uploadDevices(api, [HEADER, ...rows].join("\n")), 201, "bulk registration");
  const { status, failureReason } = await awaitOperation(api, id, WITHIN_MS);
  if (status !== "SUCCESSFUL") throw new Error(`bulk registration: ${failureReason}`);
  return inParallel(endpoints, async endpoint => {
    const answer = await api.get<{ readonly managedObject: ManagedObject }>(`/identity/externalIds/c8y_Id/${endpoint}`);
    return expectStatus(answer, 200, endpoint).managedObject.id;
  });
}
