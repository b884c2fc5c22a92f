/** Memory for each registered device with five observations, from a clean start of the host to all registered. */
import { registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { startHost } from "../harness/host.ts";
import { inspectorAddress, type MemoryUsage, memoryAfterCollection } from "../harness/inspector.ts";
import { mapFive, OBSERVED_LINKS } from "./five-observations.ts";
import { generateLoad } from "./generator.ts";
import type { HerdPlan, HerdResult } from "./herd.ts";
import { count, perSecond, type Row, ratioOf, times } from "./row.ts";

const PREFIX = "herd-";
const OBSERVATIONS = 5;
const REST_AT_ONCE = 32;
const AT_ONCE = 512;
const RESIDENT_LIMIT_BYTES = 1e9;
const LIMIT_HOLDS_AT = 100_000;
const RATE_KEEPS = 0.8;

async function registerAll(client: Api, total: number): Promise<number> {
  const startedAtMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) await registerDevice(client, { endpointId: PREFIX + next++ });
  };
  await Promise.all(Array.from({ length: REST_AT_ONCE }, worker));
  return total / ((performance.now() - startedAtMs) / 1000);
}

const inUse = ({ heapUsed, external }: MemoryUsage): number => heapUsed + external;

interface Step {
  readonly devices: number;
  readonly memory: MemoryUsage;
  readonly herd: HerdResult;
}

export async function benchMemory(quick: boolean): Promise<Row[]> {
  const sizes = quick ? [1000, 10_000] : [1000, 10_000, 100_000];
  await using host = await startHost({ nodeArguments: ["--inspect=127.0.0.1:0"] });
  await mapFive(api(host));
  const restRate = await registerAll(api(host), sizes.at(-1)!);
  await host.stop();
  await host.start();
  const inspector = inspectorAddress(host.lines);
  const before = await memoryAfterCollection(inspector);
  const steps: Step[] = [];
  let from = 0;
  for (const devices of sizes) {
    const plan: HerdPlan = {
      port: host.coapPort,
      prefix: PREFIX,
      from,
      count: devices - from,
      links: OBSERVED_LINKS,
      observations: OBSERVATIONS,
      atOnce: AT_ONCE,
    };
    const herd = await generateLoad<HerdResult>("herd.ts", plan, 600_000);
    steps.push({ devices, memory: await memoryAfterCollection(inspector), herd });
    from = devices;
  }
  const rows = steps.map(({ devices, memory, herd }): Row => {
    const each = (total: number, base: number): string => `${count((total - base) / devices)} bytes`;
    const isLimit = devices === LIMIT_HOLDS_AT;
    return {
      what: `memory of a device with ${OBSERVATIONS} observations, ${count(devices)} registered`,
      figure: `${each(inUse(memory), inUse(before))} in use, ${each(memory.rss, before.rss)} resident, ${count(memory.rss / 1e6)} MB in all; ${count(herd.unobserved)} not observed`,
      ratio: `${times(ratioOf(inUse(memory), inUse(before)))} x the empty host`,
      ...(isLimit ? { target: "< 1 GB", met: memory.rss < RESIDENT_LIMIT_BYTES } : {}),
    };
  });
  const [first, last] = [steps.at(-2)!, steps.at(-1)!];
  const kept = ratioOf(last.herd.perSecond, first.herd.perSecond);
  return [
    ...rows,
    {
      what: `Register with ${OBSERVATIONS} observations, to ${count(last.devices)} devices`,
      figure: `${perSecond(last.herd.perSecond)} (to ${count(first.devices)}: ${perSecond(first.herd.perSecond)})`,
      ratio: `${times(kept)} of the rate before`,
      target: times(RATE_KEEPS),
      met: kept >= RATE_KEEPS,
    },
    { what: "registrations over REST", figure: perSecond(restRate) },
  ];
}
