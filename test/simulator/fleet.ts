/** A small fleet of simulated meters that stays registered whatever the server does: what the demo shows. */
import type { Socket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { bootstrapDevice } from "./bootstrap.ts";
import { createSimulatedDevice, type SimulatedDevice } from "./device.ts";
import type { PskCredentials } from "./dtls/client-options.ts";
import { meterMovement, meterObjects } from "./meter.ts";
import { openSecuredSocket } from "./secured-socket.ts";

/** What a meter leaves the factory with. */
export interface DemoMeter {
  readonly endpoint: string;
  /** Absent: it knows its server and comes without keys. */
  readonly bootstrap?: { readonly port: number; readonly psk: PskCredentials };
}

export interface DemoFleetOptions {
  readonly meters: readonly DemoMeter[];
  readonly serverHost?: string;
  /** Of meters without bootstrap. */
  readonly serverPort: number;
  /** Pause between two readings of a device. */
  readonly intervalMs?: number;
  readonly lifetimeSeconds?: number;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface DemoFleet {
  /** Those that are there. */
  readonly devices: readonly SimulatedDevice[];
  /** De-registers and closes every device. */
  stop(): Promise<void>;
}

const RETRY_MS = 3000;

interface Way {
  readonly port: number;
  readonly socket?: Socket;
}

/** To its server; a meter with a bootstrap account asks for that first, over DTLS both. */
async function wayOf({ endpoint, bootstrap }: DemoMeter, serverHost: string, plainPort: number): Promise<Way> {
  if (!bootstrap) return { port: plainPort };
  const { accounts } = await bootstrapDevice({ endpoint, serverHost, serverPort: bootstrap.port, psk: bootstrap.psk });
  const { uri, publicKeyOrIdentity, secretKey } = accounts[0]!;
  const port = Number(uri.port);
  const psk = { identity: publicKeyOrIdentity.toString(), key: secretKey };
  return { port, socket: (await openSecuredSocket({ serverHost, serverPort: port, psk })).socket };
}

const serialNumber = (at: number): string => String(20_260_001 + at);

export async function startDemoFleet(options: DemoFleetOptions): Promise<DemoFleet> {
  const { meters, serverHost = "127.0.0.1", intervalMs = 5000, lifetimeSeconds = 300, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const devices: SimulatedDevice[] = [];

  async function make(meter: DemoMeter, at: number): Promise<SimulatedDevice> {
    const { endpoint } = meter;
    const { port: serverPort, socket } = await wayOf(meter, serverHost, options.serverPort);
    if (socket) log("demo.bootstrapped", { endpoint, server: `coaps://${serverHost}:${serverPort}` });
    const device = await createSimulatedDevice({
      endpoint,
      serverHost,
      serverPort,
      ...(socket && { socket }),
      lifetimeSeconds,
      lwm2mVersion: at % 2 === 0 ? "1.0" : "1.1",
      objects: meterObjects({ serialNumber: serialNumber(at), lifetimeSeconds }),
      onTrouble: what => log("demo.trouble", { endpoint, what }),
    });
    devices.push(device);
    return device;
  }

  /** Until it is refused; whoever is refused is made anew, which renews its session. */
  async function live(device: SimulatedDevice, at: number): Promise<void> {
    const move = meterMovement(device, serialNumber(at));
    const updateEveryMs = (lifetimeSeconds * 1000) / 2;
    let updateAtMs = 0;
    for (;;) {
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
    }
  }

  async function run(meter: DemoMeter, at: number): Promise<void> {
    // Spreads the meters over the interval, as real ones are.
    await pause((at * intervalMs) / meters.length, undefined, { signal });
    for (;;) {
      let device: SimulatedDevice | undefined;
      try {
        device = await make(meter, at);
        await live(device, at);
      } catch (error) {
        if (signal.aborted) return;
        log("demo.refused", { endpoint: meter.endpoint, reason: (error as Error).message });
        if (device) {
          devices.splice(devices.indexOf(device), 1);
          await device.close();
        }
        await pause(RETRY_MS, undefined, { signal });
      }
    }
  }

  const running = meters.map((meter, at) => run(meter, at).catch(() => {}));
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
