/** The REST application on a real listener, over the embedded store in memory, with an agent that the test sees through. */
import type { AgentServices } from "../../src/agent/agent.ts";
import type { FirmwareServices } from "../../src/agent/firmware/firmware-updates.ts";
import type { RecordingServices } from "../../src/agent/recordings.ts";
import type { SettingsServices } from "../../src/agent/settings.ts";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox } from "../../src/base/secret-box.ts";
import { createCampaigns } from "../../src/campaigns/campaigns.ts";
import type { DecoderServices } from "../../src/decoding/catalog/decoder-services.ts";
import type { DeadLetters } from "../../src/decoding/redecode/dead-letters.ts";
import type { Redecodes } from "../../src/decoding/redecode/redecodes.ts";
import { createFirmwareRepository } from "../../src/firmware/repository.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Plugins } from "../../src/plugin-host/host.ts";
import { createPages } from "../../src/plugin-host/pages.ts";
import { createRoutes } from "../../src/plugin-host/routes.ts";
import type { Remapping } from "../../src/remapping/remapping.ts";
import { createRestApp, type RestAppParts } from "../../src/rest/app.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { createTenantOptions, type TenantOptions } from "../../src/tenants/tenant-options.ts";
import { createTenants, type Tenants } from "../../src/tenants/tenants.ts";
import { createTrustedCertificates } from "../../src/tenants/trusted-certificates.ts";

export const PASSWORD = "correct horse";
const LIMITS = { maxBodyBytes: 65_536, maxUploadBytes: 65_536 };

// biome-ignore lint/suspicious/noExplicitAny: a test reads members of whatever came
export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: any };

export interface Ask {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** User; null for no login. */
  readonly as?: string | null;
}

export interface RestFixture extends AsyncDisposable {
  readonly platform: Platform;
  readonly tenants: Tenants;
  readonly tenantOptions: TenantOptions;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly log: ReturnType<typeof createRecordingLog>;
  readonly origin: string;
  /** Sends a request as the administrator of `t1` unless told otherwise; JSON bodies as JSON, texts as they are. */
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  createDevice(name?: string, more?: object): Promise<string>;
}

export const basic = (user: string, password = PASSWORD): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const noAgent: AgentServices = {
  registerDevice: () => Promise.reject(new TypeError("no agent here")),
  registerDevicesCsv: () => Promise.reject(new TypeError("no agent here")),
  removeDevicesCsv: () => Promise.reject(new TypeError("no agent here")),
  removeDevice: () => Promise.reject(new TypeError("no agent here")),
  listMappings: () => Promise.resolve([]),
  uploadDdf: () => Promise.reject(new TypeError("no agent here")),
  addMapping: () => Promise.reject(new TypeError("no agent here")),
  listActions: () => Promise.resolve([]),
  postRegistrationOptions: () => Promise.reject(new TypeError("no agent here")),
  setPostRegistrationOptions: () => Promise.reject(new TypeError("no agent here")),
  listRegistrations: () => Promise.resolve({ items: [] }),
  deviceObjects: () => Promise.reject(new TypeError("no agent here")),
  explain: () => Promise.reject(new TypeError("no agent here")),
  availability: () => Promise.resolve(undefined),
};

const without = <T extends object>(): T =>
  new Proxy({} as T, { get: () => () => Promise.reject(new TypeError("no agent here")) });

export async function openRest(
  parts: Partial<RestAppParts> & { agentFor?: (platform: Platform) => AgentServices } = {},
): Promise<RestFixture> {
  await using opened = new AsyncDisposableStack();
  const clock = createManualClock();
  const log = createRecordingLog();
  const random = createSeededRandom(1);
  const store = opened.use(await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" }));
  const platform = createPlatform({ store, clock, random, log });
  const tenants = createTenants({ store, clock, random, scrypt: { N: 2, r: 1, p: 1 } });
  await tenants.ensureFirstTenant({ tenant: "t1", adminUser: "admin", adminPassword: PASSWORD });
  const tenantOptions = createTenantOptions({ store, secrets: createSecretBox(new Uint8Array(32), random) });
  const { agentFor, ...given } = parts;
  const repository = createFirmwareRepository({ store, platform });
  const alarmSource = async (tenant: string): Promise<string> =>
    (await platform.inventory.create(tenant, { name: "connector" }, { owner: "admin" })).id;
  const campaigns = opened.use(
    createCampaigns({ store, platform, repository, clock, log, node: "local", alarmSource }),
  );
  const app = createRestApp({
    platform,
    tenants,
    tenantOptions,
    trustedCertificates: createTrustedCertificates({ store, clock }),
    version: "1.2.3",
    agent: agentFor?.(platform) ?? noAgent,
    settings: without<SettingsServices>(),
    firmware: { repository },
    campaigns,
    decoders: without<DecoderServices>(),
    redecodes: without<Redecodes>(),
    deadLetters: without<DeadLetters>(),
    recordings: without<RecordingServices>(),
    remapping: without<Remapping>(),
    firmwareUpdates: without<FirmwareServices>(),
    pluginServices: {
      plugins: without<Plugins>(),
      routes: createRoutes(),
      pages: createPages(),
      isOperator: tenant => tenant === "t1",
    },
    log,
    clock,
    limits: LIMITS,
    publicAgentHealth: true,
    health: { store: () => store.health() },
    healthDetails: () => ({}),
    metrics: [],
    ...given,
  });
  const server = opened.use(await app.listen({ host: "127.0.0.1", port: 0 }));
  const origin = `http://127.0.0.1:${server.address.port}`;

  const ask: RestFixture["ask"] = async (method, path, { body, headers = {}, as = "t1/admin" } = {}) => {
    const isRaw = typeof body === "string" || body instanceof Uint8Array || body instanceof FormData;
    const json = isRaw || body === undefined ? {} : { "Content-Type": "application/json" };
    const login = as === null ? {} : { Authorization: basic(as) };
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { Connection: "close", ...login, ...json, ...headers },
      ...(body === undefined ? {} : { body: isRaw ? (body as never) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: parse(text) };
  };

  const closing = opened.move();
  return {
    platform,
    tenants,
    tenantOptions,
    store,
    clock,
    log,
    origin,
    ask,
    async createDevice(name = "meter 7", more = {}) {
      const { body } = await ask("POST", "/inventory/managedObjects", { body: { name, c8y_IsDevice: {}, ...more } });
      return body.id;
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
