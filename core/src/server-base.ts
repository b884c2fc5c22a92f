/** What stands without any device: store, platform, tenants, models and device protocols. */
import { type ConnectorDevices, createConnectorDevices } from "./agent/connector-device.ts";
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Random } from "./base/random.ts";
import { createSecretBox, type SecretBox } from "./base/secret-box.ts";
import type { Config } from "./config/schema.ts";
import { loadSecretKey } from "./config/secret-key.ts";
import { createDeviceProtocols, type DeviceProtocols } from "./device-protocols/device-protocols.ts";
import { createInventoryRepository } from "./device-protocols/protocol-repository.ts";
import { createModelRegistry, type ModelRegistry } from "./lwm2m/model/model-registry.ts";
import { createPlatform } from "./platform/create-platform.ts";
import type { Platform } from "./platform/platform.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import { createTenantOptions, type TenantOptions } from "./tenants/tenant-options.ts";
import { createTenants, type GeneratedLogin, MANAGEMENT_TENANT, type Tenants } from "./tenants/tenants.ts";
import { createTrustedCertificates, type TrustedCertificates } from "./tenants/trusted-certificates.ts";

/** The only node there is: registrations and observations name it as their owner. */
const NODE = "local";

export interface Surroundings {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Base extends Surroundings {
  /** The node's name. */
  readonly node: string;
  readonly store: Store;
  readonly box: SecretBox;
  readonly tenants: Tenants;
  readonly tenantOptions: TenantOptions;
  readonly trusted: TrustedCertificates;
  readonly platform: Platform;
  readonly connectors: ConnectorDevices;
  readonly models: ModelRegistry;
  readonly protocols: DeviceProtocols;
}

export async function openBase(around: Surroundings, opened: AsyncDisposableStack): Promise<Base> {
  const { config, clock, random, log } = around;
  const store = opened.use(await openStore({ store: config.store.engine, dataDirectory: config.data.dir, clock }));
  const box = createSecretBox(loadSecretKey(config, { random, log }), random);
  const tenants = createTenants({ store, clock, random });
  const tenantOptions = createTenantOptions({ store, secrets: box });
  const trusted = createTrustedCertificates({ store, clock });
  const { cachedObjects } = config.store;
  const { maxBinaryBytes } = config.http;
  const platform = createPlatform({ store, clock, random, log, cachedObjects, maxBinaryBytes, node: NODE });
  await platform.binaries.recover();
  const connectors = createConnectorDevices(platform);
  const models = createModelRegistry({ managementTenant: MANAGEMENT_TENANT });
  const repository = createInventoryRepository(platform.inventory, config.admin.user);
  const protocols = createDeviceProtocols({ repository, models, managementTenant: MANAGEMENT_TENANT, log });
  const stored = { node: NODE, store, box, tenants, tenantOptions, trusted };
  return { config, clock, random, log, ...stored, platform, connectors, models, protocols };
}

/** The first tenant with its administrator, and the standard objects' mappings: what a first start makes. */
export async function ensureFirstTenant(
  { config, tenants, protocols }: Base,
  onGenerated: (login: GeneratedLogin) => void,
): Promise<void> {
  const { user: adminUser, password: adminPassword } = config.admin;
  await tenants.ensureFirstTenant({
    tenant: config.tenant.id,
    adminUser,
    onGenerated,
    ...(adminPassword !== undefined && { adminPassword }),
  });
  if (!config.deviceProtocols.setDefault) return;
  await protocols.load(MANAGEMENT_TENANT);
  await protocols.installDefaults();
}
