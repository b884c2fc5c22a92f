/** What most tests do over REST: register devices, describe objects, map resources, run commands, read results. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Answer, Api } from "./api.ts";
import { eventually } from "./eventually.ts";
import { root } from "./host.ts";

export const AGENT = "/service/lwm2m-agent";

export interface ManagedObject {
  readonly id: string;
  readonly name?: string;
  readonly type?: string;
  readonly [fragment: string]: unknown;
}

export interface Measurement {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly source: { readonly id: string };
  readonly [fragment: string]: unknown;
}

export interface Operation {
  readonly id: string;
  readonly deviceId: string;
  readonly status: "PENDING" | "EXECUTING" | "SUCCESSFUL" | "FAILED";
  readonly failureReason?: string;
  readonly c8y_Command?: { readonly text: string; readonly result?: string };
}

/** Resource mapping as it stands in a device protocol (agent specification 7.1). */
export type ResourceMapping = Readonly<Record<string, unknown>>;

/** @throws Error with the body when the status is another one */
export function expectStatus<T>(answer: Answer<T>, status: number, doing: string): T {
  if (answer.status === status) return answer.body;
  throw new Error(`${doing}: ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`);
}

export interface DeviceRegistration {
  readonly endpointId: string;
  readonly [field: string]: unknown;
}

/** Registers a device without security (agent specification 3.1). @returns its managed object */
export async function registerDevice(api: Api, registration: DeviceRegistration): Promise<ManagedObject> {
  const answer = await api.post<ManagedObject>(`${AGENT}/deviceRegistration`, {
    serverSecurity: { securityMode: "NO_SEC" },
    bootstrapSecurity: { bootstrapSecurityMode: "NO_SEC" },
    lwm2mServerUri: "coap://127.0.0.1:5783",
    ...registration,
  });
  return expectStatus(answer, 201, `registering ${registration.endpointId}`);
}

export interface PskRegistration {
  readonly endpoint: string;
  /** Default: the endpoint. */
  readonly identity?: string;
  /** The bytes of this text are the key. */
  readonly key: string;
  /** Bootstrap account with a key of its own; absent: no security. */
  readonly bootstrap?: { readonly identity: string; readonly key: string };
  readonly more?: Readonly<Record<string, unknown>>;
}

const hex = (text: string): string => Buffer.from(text).toString("hex");

/** Registers a device with a pre-shared key for the server (agent specification 3.1). @returns its managed object */
export const registerPskDevice = (api: Api, { endpoint, identity, key, bootstrap, more }: PskRegistration) =>
  registerDevice(api, {
    endpointId: endpoint,
    serverSecurity: { securityMode: "PSK", publicKeyOrId: identity ?? endpoint, secretKey: hex(key) },
    ...(bootstrap
      ? {
          bootstrapSecurity: {
            bootstrapSecurityMode: "PSK",
            bootstrapId: bootstrap.identity,
            bootstrapKey: hex(bootstrap.key),
          },
        }
      : {}),
    lwm2mServerUri: "coaps://127.0.0.1:5784",
    ...more,
  });

/** Registers a device that proves itself with a certificate for its endpoint. @returns its managed object */
export const registerX509Device = (api: Api, endpoint: string, more: Readonly<Record<string, unknown>> = {}) =>
  registerDevice(api, {
    endpointId: endpoint,
    serverSecurity: { securityMode: "X509" },
    lwm2mServerUri: "coaps://localhost:5784",
    ...more,
  });

export interface BulkResult {
  readonly numberOfAll: number;
  readonly numberOfSuccessful: number;
  readonly numberOfFailed: number;
  readonly failed: readonly { readonly line: number; readonly endpoint: string; readonly reason: string }[];
}

/** Uploads a CSV of devices (agent specification 3.2). @returns the answer as it came: the operation of the connector device */
export function uploadDevices(api: Api, csv: string): Promise<Answer<Operation>> {
  const form = new FormData();
  form.set("file", new Blob([csv], { type: "text/csv" }), "devices.csv");
  return api.post<Operation>(`${AGENT}/deviceRegistration/bulk`, form);
}

/** Name of a file in test/fixtures. */
export const fixture = (name: string): Promise<Buffer<ArrayBuffer>> => readFile(join(root, "test/fixtures", name));

/** @returns the answer as it came, so that tests can look at refused files too */
export function uploadDdf(api: Api, fileName: string, content: Uint8Array<ArrayBuffer> | string) {
  const form = new FormData();
  form.set("file", new Blob([content], { type: "text/xml" }), fileName);
  return api.post<DdfAnswer>(`${AGENT}/objectResourceMappings/ddf`, form);
}

export interface DdfAnswer {
  readonly new: readonly ManagedObject[];
  readonly updated: readonly ManagedObject[];
  readonly error: readonly { readonly id: string; readonly msg: string }[];
}

/** Uploads a fixture that must be accepted. */
export async function describeObject(api: Api, fixtureName: string): Promise<void> {
  const body = expectStatus(await uploadDdf(api, fixtureName, await fixture(fixtureName)), 200, `DDF ${fixtureName}`);
  if (body.error.length > 0) throw new Error(`DDF ${fixtureName}: ${JSON.stringify(body.error)}`);
}

/** Adds resource mappings, keyed by resource id, to an object (agent specification 7.2). */
export async function mapResources(
  api: Api,
  objectId: number,
  mappings: Readonly<Record<number, ResourceMapping>>,
): Promise<ManagedObject> {
  const body = Object.fromEntries(
    Object.entries(mappings).map(([id, mapping]) => [id, { resourceID: Number(id), ...mapping }]),
  );
  return expectStatus(
    await api.put<ManagedObject>(`${AGENT}/objectResourceMappings/${objectId}/add`, body),
    200,
    `mapping object ${objectId}`,
  );
}

/** Creates a shell operation (agent specification 10.1); returns it PENDING. */
export async function createCommand(api: Api, deviceId: string, text: string): Promise<Operation> {
  const answer = await api.post<Operation>("/devicecontrol/operations", {
    deviceId,
    description: `Execute shell command: ${text}`,
    c8y_Command: { text },
  });
  return expectStatus(answer, 201, `operation "${text}"`);
}

/** Waits for the operation's end, good or bad. */
export function awaitOperation(api: Api, id: string, withinMs = 15_000): Promise<Operation> {
  return eventually(
    async () => {
      const operation = expectStatus(await api.get<Operation>(`/devicecontrol/operations/${id}`), 200, "operation");
      if (operation.status !== "SUCCESSFUL" && operation.status !== "FAILED") {
        throw new Error(`${operation.status} ${JSON.stringify(operation.c8y_Command)}`);
      }
      return operation;
    },
    { withinMs, what: `the end of operation ${id}` },
  );
}

export async function runCommand(api: Api, deviceId: string, text: string, withinMs?: number): Promise<Operation> {
  const { id } = await createCommand(api, deviceId, text);
  return awaitOperation(api, id, withinMs);
}

/** Filters as the platform names them (platform API 8.3). @returns up to 2,000, oldest first */
export async function measurements(
  api: Api,
  filter: Readonly<Record<string, string>>,
): Promise<readonly Measurement[]> {
  const query = new URLSearchParams({ pageSize: "2000", ...filter });
  const answer = await api.get<{ readonly measurements: readonly Measurement[] }>(`/measurement/measurements?${query}`);
  return expectStatus(answer, 200, "measurements").measurements;
}

/** Value of a series in a measurement, as `seriesValue(m, "c8y_Temperature.T")`; undefined where it has none. */
export function seriesValue(measurement: Measurement, path: string): number | undefined {
  const at = path.lastIndexOf(".");
  const fragment = measurement[path.slice(0, at)] as Record<string, { readonly value?: number }> | undefined;
  return fragment?.[path.slice(at + 1)]?.value;
}
