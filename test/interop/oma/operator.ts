/** A device as its operator has it: over REST alone. A case passes by what is read here. */
import type { RegistrationSummary } from "@mooring/core/internal/agent/registration-list.ts";
import { assert } from "chai";
import { AGENT, expectStatus, runCommand } from "../../harness/agent.ts";
import type { Api } from "../../harness/api.ts";
import { events, managedObject } from "../../harness/documents.ts";
import { eventually } from "../../harness/eventually.ts";

/** Typed values by path, as a command's result or the last values have them. */
export type Values = Readonly<Record<string, unknown>>;

export interface CommandAnswer {
  /** `2.05 Content` */
  readonly status: string;
  /** What came with it: values by path, or attributes by path of a Discover. */
  readonly values: Values;
}

/** An exchange as the device's traffic events tell it (log level VERBOSE). */
export interface Exchange {
  readonly request: string;
  readonly answer?: string;
  readonly content?: { readonly contentFormat?: string; readonly bytes: number; readonly text?: string };
  readonly answerContent?: { readonly contentFormat?: string; readonly bytes: number; readonly text?: string };
}

export interface Operator {
  readonly api: Api;
  readonly deviceId: string;
  readonly endpoint: string;
  /** Runs a command that ends SUCCESSFUL. */
  run(text: string): Promise<CommandAnswer>;
  /** @returns the values of `read <path>` */
  read(path: string): Promise<Values>;
  /** Runs a command that ends FAILED. @returns its reason */
  refused(text: string): Promise<string>;
  /** Format that reads and writes prefer; undefined: the host's choice. */
  prefer(format: string | undefined): Promise<void>;
  /** Runs a command and takes the exchange with the device that it led to, such as `GET /3/0`. */
  exchange(text: string, request: string): Promise<CommandAnswer & { readonly exchange: Exchange }>;
  /** The live registration; undefined: there is none. */
  registration(): Promise<RegistrationSummary | undefined>;
  /** Waits until the last values of these paths are those. */
  lastValues(wanted: Values, withinMs?: number): Promise<void>;
}

/** `/3/0/9` is member 9 of the fragment `c8y_Lwm2m_3!0`; `/3/0/7/1` is member 1 of the JSON text that member 7 is. */
function lastValueOf(object: Readonly<Record<string, unknown>>, path: string): unknown {
  const [objectId, instance, resource, resourceInstance] = path.slice(1).split("/");
  const fragment = object[`c8y_Lwm2m_${objectId}!${instance}`] as Record<string, unknown> | undefined;
  const value = fragment?.[resource!];
  if (resourceInstance === undefined || value === undefined) return value;
  return (JSON.parse(String(value)) as Record<string, unknown>)[resourceInstance];
}

export function operatorOf(api: Api, deviceId: string, endpoint: string): Operator {
  const run = async (text: string): Promise<CommandAnswer> => {
    const { status, failureReason, c8y_Command } = await runCommand(api, deviceId, text);
    assert.equal(status, "SUCCESSFUL", `${text}: ${failureReason}`);
    const [line, ...json] = c8y_Command!.result!.split("\n");
    return { status: line!, values: json.length > 0 ? (JSON.parse(json.join("\n")) as Values) : {} };
  };
  const registration = async (): Promise<RegistrationSummary | undefined> => {
    const path = `${AGENT}/v1/registration?pageSize=2000`;
    const answer = await api.get<{ readonly registrations: readonly RegistrationSummary[] }>(path);
    return expectStatus(answer, 200, "registrations").registrations.find(each => each.endpoint === endpoint);
  };
  return {
    api,
    deviceId,
    endpoint,
    run,
    read: async path => (await run(`read ${path}`)).values,
    async refused(text) {
      const { status, failureReason } = await runCommand(api, deviceId, text);
      assert.equal(status, "FAILED", text);
      return failureReason!;
    },
    async prefer(format) {
      const change = { serializationFormat: format ?? null };
      expectStatus(await api.put(`/inventory/managedObjects/${deviceId}`, change), 200, "choosing the format");
    },
    async exchange(text, request) {
      const startMs = Date.now();
      const answer = await run(text);
      const exchange = await eventually(
        async () => {
          const all = await events(api, deviceId, "c8y_LWM2MTraffic");
          const since = all.filter(({ time }) => Date.parse(time) >= startMs);
          const exchanges = since.map(event => event["c8y_LWM2MTraffic"] as Exchange);
          const found = exchanges.find(each => each.request === request);
          if (!found) throw new Error(exchanges.map(each => each.request).join(", "));
          return found;
        },
        { what: `the exchange ${request}` },
      );
      return { ...answer, exchange };
    },
    registration,
    async lastValues(wanted, withinMs = 10_000) {
      await eventually(
        async () => {
          const object = await managedObject(api, deviceId);
          const seen = Object.fromEntries(Object.keys(wanted).map(path => [path, lastValueOf(object, path)]));
          assert.deepEqual(seen, { ...wanted });
          return seen;
        },
        { withinMs, what: `the last values ${JSON.stringify(wanted)}` },
      );
    },
  };
}
