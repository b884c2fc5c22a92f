/** A small fleet of simulated meters that stays registered whatever the server does: what the demo shows. */
import { setTimeout as pause } from "node:timers/promises";
import { createSimulatedDevice, type SimulatedDevice } from "./device.ts";
import { meterMovement, meterObjects } from "./meter.ts";

export interface DemoFleetOptions {
  readonly endpoints: readonly string[];
  readonly serverHost?: string;
  readonly serverPort: number;
  /** Pause between two readings of a device. */
  readonly intervalMs?: number;
  readonly lifetimeSeconds?: number;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface DemoFleet {
  readonly devices: readonly SimulatedDevice[];
  /** De-registers and closes every device. */
  stop(): Promise<void>;
}

const RETRY_MS = 3000;

/** `demo-meter-1` to `demo-meter-<count>` */
export const demoEndpoints = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `demo-meter-${at + 1}`);

const serialNumber = (at: number): string => String(20_260_001 + at);

export async function startDemoFleet(options: DemoFleetOptions): Promise<DemoFleet> {
  const { endpoints, serverPort, serverHost = "127.0.0.1", intervalMs = 5000, lifetimeSeconds = 300, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  const run = async (device: SimulatedDevice, at: number): Promise<void> => {
    const move = meterMovement(device, serialNumber(at));
    const updateEveryMs = (lifetimeSeconds * 1000) / 2;
    // Spreads the devices over the interval, as real ones are.
    await pause((at * intervalMs) / endpoints.length, undefined, { signal });
    let updateAtMs = 0;
    for (;;) {
      try {
        if (!device.location) {
          const location = await device.register();
          log("demo.registered", { endpoint: device.endpoint, location });
          updateAtMs = performance.now() + updateEveryMs;
        } else if (performance.now() >= updateAtMs) {
          await device.update();
          updateAtMs = performance.now() + updateEveryMs;
        }
        move();
        await pause(intervalMs, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        log("demo.refused", { endpoint: device.endpoint, reason: (error as Error).message });
        device.forget();
        await pause(RETRY_MS, undefined, { signal });
      }
    }
  };

  const devices = await Promise.all(
    endpoints.map((endpoint, at) =>
      createSimulatedDevice({
        endpoint,
        serverHost,
        serverPort,
        lifetimeSeconds,
        lwm2mVersion: at % 2 === 0 ? "1.0" : "1.1",
        objects: meterObjects({ serialNumber: serialNumber(at), lifetimeSeconds }),
        onTrouble: what => log("demo.trouble", { endpoint, what }),
      }),
    ),
  );
  const running = devices.map((device, at) => run(device, at).catch(() => {}));
  return {
    devices,
    async stop() {
      stopping.abort();
      await Promise.all(running);
      const leave = async (device: SimulatedDevice): Promise<void> => {
        if (device.location) await Promise.race([device.deregister().catch(() => {}), pause(1000)]);
        await device.close();
      };
      await Promise.all(devices.map(leave));
    },
  };
}
