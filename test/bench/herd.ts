/**
 * Many devices that register, each from an address of its own, and are gone once they are observed: a process of its own.
 * Prints one JSON line, a HerdResult.
 */
import { loopbackAddress } from "../harness/loopback-address.ts";
import { createLoadDevice } from "./load-device.ts";

export interface HerdPlan {
  readonly port: number;
  /** Endpoint names are `<prefix><number>`. */
  readonly prefix: string;
  readonly from: number;
  readonly count: number;
  readonly links: string;
  readonly observations: number;
  /** Devices at work at a time. */
  readonly atOnce: number;
}

export interface HerdResult {
  readonly seconds: number;
  readonly perSecond: number;
  /** Observed only in part when the time limit came. */
  readonly unobserved: number;
}

const OBSERVED_WITHIN_MS = 20_000;

async function run(plan: HerdPlan): Promise<HerdResult> {
  let [next, unobserved] = [plan.from, 0];
  const startedAtMs = performance.now();
  const worker = async (): Promise<void> => {
    while (next < plan.from + plan.count) {
      const at = next++;
      const { port, links, observations } = plan;
      const device = await createLoadDevice({
        port,
        endpoint: plan.prefix + at,
        links,
        observations,
        address: loopbackAddress(at),
      });
      try {
        await device.register();
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<"late">(resolve => {
          timer = setTimeout(() => resolve("late"), OBSERVED_WITHIN_MS);
        });
        if ((await Promise.race([device.observed, late])) === "late") unobserved++;
        clearTimeout(timer);
      } finally {
        device.close();
      }
    }
  };
  await Promise.all(Array.from({ length: plan.atOnce }, worker));
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { seconds, perSecond: plan.count / seconds, unobserved };
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as HerdPlan)));
