/** Devices that are registered and well: each updates its registration once a period, and the time to each answer is kept. */
import { setTimeout as pause } from "node:timers/promises";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { createFleetCounters, createLatencies } from "../simulator/fleet-counters.ts";
import { type LightDevice, openLightDevice } from "../simulator/light-device.ts";
import { loopbackAddress } from "./loopback-address.ts";
import { pskOf } from "./secure-accounts.ts";

export interface FleetPlan {
  readonly port: number;
  /** Over DTLS with the keys of secure-accounts.ts; default: plain UDP. */
  readonly isSecure?: boolean;
  /** Endpoint names are `<prefix><number>`, each with the address of that number. */
  readonly prefix: string;
  readonly from: number;
  readonly count: number;
  readonly periodMs: number;
}

/** One Update. */
export interface UpdateSample {
  /** Milliseconds since the epoch. */
  readonly sentAtMs: number;
  /** To its answer, retransmissions included; infinite where none came. */
  readonly tookMs: number;
  /** `2.04` */
  readonly code: string;
}

export interface UpdateFleet {
  /** Begins to update; call once. */
  start(): void;
  /** Ends it, waits for what is open, and gives all samples. */
  stop(): Promise<readonly UpdateSample[]>;
}

const LINKS = "</1/0>";

/** Registers all, one after the other. */
export async function openUpdateFleet({
  port,
  isSecure,
  prefix,
  from,
  count,
  periodMs,
}: FleetPlan): Promise<UpdateFleet> {
  const random = createSystemRandom();
  const members: LightDevice[] = [];
  for (let at = from; at < from + count; at++) {
    const endpoint = prefix + at;
    const device = await openLightDevice({
      ...{ endpoint, serverPort: port, bindAddress: loopbackAddress(at), links: LINKS, random },
      ...{ counters: createFleetCounters(), latencies: createLatencies() },
      ...(isSecure ? { psk: pskOf(endpoint), cid: new Uint8Array(0) } : {}),
    });
    members.push(device);
    await device.connect();
    const code = await device.register();
    if (code !== "2.01") throw new Error(`Register of ${endpoint}: ${code ?? "no answer"}`);
  }
  const samples: UpdateSample[] = [];
  const stopped = new AbortController();
  let working: Promise<void>[] = [];

  async function update(device: LightDevice): Promise<void> {
    const [sentAtMs, beganMs] = [Date.now(), performance.now()];
    const code = await device.update();
    const tookMs = code === undefined ? Number.POSITIVE_INFINITY : performance.now() - beganMs;
    samples.push({ sentAtMs, tookMs, code: code ?? "" });
  }

  async function live(member: LightDevice): Promise<void> {
    const sleep = (ms: number): Promise<void> => pause(ms, undefined, { signal: stopped.signal }).catch(() => {});
    await sleep(Math.random() * periodMs);
    while (!stopped.signal.aborted) {
      const beganMs = performance.now();
      await update(member);
      await sleep(Math.max(0, periodMs - (performance.now() - beganMs)));
    }
  }

  return {
    start() {
      working = members.map(live);
    },
    async stop() {
      stopped.abort();
      await Promise.all(working);
      await Promise.all(members.map(device => device.close()));
      return samples;
    },
  };
}
