/** A device of a rush over DTLS. */
import { setTimeout as pause } from "node:timers/promises";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { createLatencies } from "../simulator/fleet-counters.ts";
import { openLightDevice } from "../simulator/light-device.ts";
import { loopbackAddress } from "./loopback-address.ts";
import { AGAIN_MS, type RushingDevice, type RushPlan, type RushTally } from "./rush-plan.ts";
import { pskOf } from "./secure-accounts.ts";

const random = createSystemRandom();

export async function openSecureRushingDevice(plan: RushPlan, at: number, tally: RushTally): Promise<RushingDevice> {
  const endpoint = plan.prefix + at;
  const device = await openLightDevice({
    ...{ endpoint, serverPort: plan.port, bindAddress: loopbackAddress(at), links: plan.links },
    ...{ psk: pskOf(endpoint), cid: new Uint8Array(0), random, counters: tally.counters, latencies: createLatencies() },
  });
  const closed = new AbortController();

  async function isRegistered(): Promise<boolean> {
    try {
      await device.connect();
      return (await device.register(closed.signal)) === "2.01";
    } catch {
      return false;
    }
  }
  async function comeIn(): Promise<void> {
    while (!(await isRegistered())) {
      if (closed.signal.aborted) return;
      await pause(AGAIN_MS, undefined, { signal: closed.signal }).catch(() => {});
    }
    tally.registeredAtMs.push(performance.now());
    tally.locations.push(device.location!);
    if (plan.observations === 0) return;
    await device.observed();
    tally.observed++;
    tally.observedAtMs = performance.now();
  }
  return {
    register: () => void comeIn(),
    async close() {
      closed.abort();
      await device.close();
    },
  };
}
