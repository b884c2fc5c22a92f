/**
 * The agent's side of bootstrap (agent specification 5): which device asks, whether it may, what it is given, and what the platform is told.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createTokenBuckets } from "../base/token-bucket.ts";
import type { BootstrapConfig } from "../lwm2m/bootstrap/bootstrap-config.ts";
import type { BootstrapUp } from "../lwm2m/bootstrap/bootstrap-server.ts";
import { provenEndpoint } from "../lwm2m/registration/peer-identity.ts";
import type { Fragments, Inventory } from "../platform/platform.ts";
import type { Peer } from "../transport/transport.ts";
import { type BootstrapAccountParts, bootstrapConfigOf } from "./bootstrap-accounts.ts";
import { createBootstrapEvents } from "./bootstrap-events.ts";
import { bootstrapSettingsOf } from "./bootstrap-settings.ts";
import type { DeviceAccountStore, DeviceAccounts } from "./device-accounts.ts";
import { settingsOf } from "./device-settings.ts";
import type { LifecycleEvents } from "./lifecycle-events.ts";
import { mayConnect } from "./may-connect.ts";

export interface BootstrapAgentParts extends BootstrapAccountParts {
  readonly accounts: Pick<DeviceAccountStore, "find" | "findByPsk">;
  readonly inventory: Pick<Inventory, "findCached">;
  readonly events: Pick<LifecycleEvents, "addOther">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Refusals of one device that become events: anybody may ask in the name of a device without keys, as often as he likes. */
const REFUSALS = { perSecond: 1 / 60, burst: 2 };
const MOST_REFUSED = 10_000;

export function createBootstrapAgent(parts: BootstrapAgentParts): BootstrapUp {
  const { accounts, inventory, clock, log } = parts;
  const events = createBootstrapEvents(parts.events);
  const refusals = createTokenBuckets(clock, REFUSALS, MOST_REFUSED);

  /**
   * By what the peer proved, else by the endpoint that it names. Whether it may be that device is asked later.
   * @throws MooringError QUERY_INVALID: neither is there
   */
  async function find(endpoint: string | undefined, { identity }: Peer): Promise<DeviceAccounts | undefined> {
    if (identity?.kind === "psk") return accounts.findByPsk("bootstrap", identity.identity);
    const name = endpoint ?? (identity && provenEndpoint(identity));
    if (name !== undefined) return accounts.find(name);
    throw new MooringError("QUERY_INVALID", "query ep is missing, and nothing else says who asks", { key: "ep" });
  }

  /** Told to the log always, to the platform where the device is known and does not ask too often. */
  function refused(
    asked: string | undefined,
    peer: Peer,
    reason: string,
    device?: DeviceAccounts,
    fragments?: Fragments,
  ): void {
    log.info("bootstrap.refused", { endpoint: asked ?? device?.endpoint, peer: peer.key, reason });
    if (!device || refusals.take(device.endpoint) > 0) return;
    const { endpoint, tenant, deviceId } = device;
    const logLevel = settingsOf(fragments ?? {}).logLevel;
    events.failed({ endpoint, tenant, deviceId, peer, logLevel }, { path: undefined, code: undefined, reason });
  }

  return {
    async config(endpoint, peer): Promise<BootstrapConfig | undefined> {
      const device = await find(endpoint, peer);
      const object = device && (await inventory.findCached(device.tenant, device.deviceId));
      if (!device || !object) {
        refused(endpoint, peer, "no such device");
        return undefined;
      }
      const { fragments } = object;
      if (endpoint !== undefined && endpoint !== device.endpoint) {
        refused(endpoint, peer, `the keys are those of endpoint ${device.endpoint}`);
        return undefined;
      }
      if (!mayConnect(device.endpoint, device.bootstrap, peer.identity)) {
        const came = peer.identity?.kind ?? "no security";
        refused(
          endpoint,
          peer,
          `the device is to come with ${device.bootstrap.mode}, not with ${came}`,
          device,
          fragments,
        );
        return undefined;
      }
      try {
        return bootstrapConfigOf(device, bootstrapSettingsOf(fragments), parts);
      } catch (error) {
        if (isFailure(error)) refused(endpoint, peer, messageOf(error), device, fragments);
        throw error;
      }
    },
    started: events.started,
    ended: events.ended,
    failed: events.failed,
  };
}
