/** What devices fetch: tokens over the store, handed out on the ports of CoAP, HTTP and HTTPS. */
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Random } from "./base/random.ts";
import type { Config } from "./config/schema.ts";
import { type AnswerFetch, createCoapDownloads } from "./firmware/coap-download.ts";
import { createFirmwareDownloads, type FirmwareDownloads } from "./firmware/downloads.ts";
import { type FirmwareHttpServers, openFirmwareServers } from "./firmware/http-servers.ts";
import { createFirmwareRepository, type FirmwareRepository } from "./firmware/repository.ts";
import type { Platform } from "./platform/platform.ts";
import type { Store } from "./store/store.ts";

export interface FirmwareParts {
  readonly config: Config;
  readonly store: Store;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the LwM2M server, bound. */
  readonly coapPorts: Readonly<Record<"coap" | "coaps", number>>;
}

export interface Firmware {
  readonly repository: FirmwareRepository;
  readonly downloads: FirmwareDownloads;
  readonly http: FirmwareHttpServers;
  /** For the LwM2M server. */
  readonly files: AnswerFetch;
}

/** Ports are bound; HTTP hands out nothing before `http.start`. @throws MooringError CONFIG_INVALID when a port cannot be had */
export async function openFirmware(parts: FirmwareParts, opened: AsyncDisposableStack): Promise<Firmware> {
  const { config, store, platform, clock, random, log, coapPorts } = parts;
  const { fetchFrom, blockSzx, ...options } = config.firmware;
  const http = opened.use(await openFirmwareServers({ clock, random, log, options }));
  const downloads = createFirmwareDownloads({
    store,
    platform,
    clock,
    random,
    log,
    address: options.address,
    ports: { ...coapPorts, ...http.ports },
  });
  await downloads.sweep();
  const repository = createFirmwareRepository({ store, platform });
  return { repository, downloads, http, files: createCoapDownloads({ downloads, log, fetchFrom, blockSzx }) };
}
