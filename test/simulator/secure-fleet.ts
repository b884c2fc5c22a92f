/** Thousands of light devices that register and then keep talking, with books of all that happens. */
import { setTimeout as pause } from "node:timers/promises";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import type { PskCredentials } from "./dtls/client-options.ts";
import { createFleetCounters, createLatencies, type FleetCounters, type Latencies } from "./fleet-counters.ts";
import { type LightDevice, type LightDeviceOptions, openLightDevice } from "./light-device.ts";

export interface SecureFleetOptions {
  readonly count: number;
  readonly serverPort: number;
  readonly serverHost?: string;
  readonly endpoint: (at: number) => string;
  /** Of the device; undefined: plain UDP. */
  readonly psk: (at: number) => PskCredentials | undefined;
  /** Connection ID of the device's own, may be empty; undefined: none is spoken of. Default: empty, so that only the server has one. */
  readonly cid?: (at: number) => Uint8Array | undefined;
  readonly suites?: readonly number[];
  readonly lifetimeSeconds?: number;
  /** Of the devices' messages; default 2000 (RFC 7252 section 4.8). */
  readonly ackTimeoutMs?: number;
  /** Retransmissions of them; default 4. */
  readonly maxRetransmit?: number;
  /** Devices that connect and register at a time; default 100. All of them: a herd. */
  readonly atOnce?: number;
  readonly bindAddress?: (at: number) => string;
  readonly onSent?: (device: number, datagram: Uint8Array) => void;
}

export interface Traffic {
  /** Pause of each device between two notifications; absent: none. Needs an observation. */
  readonly notifyEveryMs?: number;
  readonly updateEveryMs?: number;
}

export interface SecureFleet extends AsyncDisposable {
  readonly devices: readonly LightDevice[];
  readonly counters: FleetCounters;
  readonly latencies: Latencies;
  /** Connects and registers all. @returns those that did not come through, with the reason */
  register(): Promise<readonly string[]>;
  /** Resolves when all are observed. */
  observed(): Promise<void>;
  /** Runs until `signal` aborts and all that is under way has settled. A device that is not answered connects and registers anew. */
  run(traffic: Traffic, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Runs `work` for each, so many at a time. */
async function each<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, at: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) await work(item, at);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

export async function startSecureFleet(options: SecureFleetOptions): Promise<SecureFleet> {
  const { count, serverPort, serverHost = "127.0.0.1", atOnce = 100, lifetimeSeconds = 86_400, onSent } = options;
  const counters = createFleetCounters();
  const latencies = createLatencies();
  const random = createSystemRandom();
  const cidOf = options.cid ?? (() => new Uint8Array(0));
  const deviceOptions = (at: number): LightDeviceOptions => {
    const psk = options.psk(at);
    const cid = cidOf(at);
    return {
      ...{ endpoint: options.endpoint(at), serverPort, serverHost, lifetimeSeconds, random, counters, latencies },
      ...(psk ? { psk } : {}),
      ...(cid ? { cid } : {}),
      ...(options.suites ? { suites: options.suites } : {}),
      ...(options.ackTimeoutMs === undefined ? {} : { ackTimeoutMs: options.ackTimeoutMs }),
      ...(options.maxRetransmit === undefined ? {} : { maxRetransmit: options.maxRetransmit }),
      ...(options.bindAddress ? { bindAddress: options.bindAddress(at) } : {}),
      ...(onSent ? { onSent: (datagram: Uint8Array) => onSent(at, datagram) } : {}),
    };
  };
  const devices: LightDevice[] = [];
  await each(
    Array.from({ length: count }, (_, at) => at),
    atOnce,
    async at => {
      devices[at] = await openLightDevice(deviceOptions(at));
    },
  );

  const enter = async (device: LightDevice, signal?: AbortSignal): Promise<string | undefined> => {
    if (!device.isConnected) await device.connect();
    const code = await device.register(signal);
    return code === "2.01" ? undefined : `${device.endpoint}: ${code ?? "no answer"}`;
  };
  const repeat = async (everyMs: number | undefined, at: number, signal: AbortSignal, turn: () => Promise<void>) => {
    if (everyMs === undefined) return;
    // Spreads the devices over the period, as real ones are.
    const rest = (ms: number): Promise<void> => pause(ms, undefined, { signal }).catch(() => {});
    await rest((at * everyMs) / count);
    while (!signal.aborted) {
      await turn();
      await rest(everyMs);
    }
  };
  const comeBack = async (device: LightDevice, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    await device.connect().catch(() => {});
    if (device.isConnected) await device.register(signal);
  };

  const close = async (): Promise<void> => void (await Promise.all(devices.map(device => device.close())));
  return {
    devices,
    counters,
    latencies,
    async register() {
      const failed: string[] = [];
      await each(devices, atOnce, async device => {
        const why = await enter(device).catch((error: Error) => `${device.endpoint}: ${error.message}`);
        if (why) failed.push(why);
      });
      return failed;
    },
    observed: async () => void (await Promise.all(devices.map(device => device.observed()))),
    async run({ notifyEveryMs, updateEveryMs }, signal) {
      let value = 0;
      const notify = async (device: LightDevice): Promise<void> => {
        if (device.isObserved && (await device.notify(++value)) === "unanswered") await comeBack(device, signal);
      };
      const update = async (device: LightDevice): Promise<void> => {
        const code = await device.update();
        if (code === "4.04") await device.register(signal);
        else if (code === undefined) await comeBack(device, signal);
      };
      await Promise.all(
        devices.flatMap((device, at) => [
          repeat(notifyEveryMs, at, signal, () => notify(device)),
          repeat(updateEveryMs, at, signal, () => update(device)),
        ]),
      );
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
