/**
 * A healthy fleet as a process of its own: `node updates.ts '<UpdatesPlan>'` prints `ready` when it is registered, updates from
 * then on, and prints one JSON line, an UpdatesResult, at the end of its time.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type FleetPlan, openUpdateFleet, type UpdateSample } from "../harness/update-fleet.ts";

export interface UpdatesPlan extends FleetPlan {
  /** Milliseconds since the epoch: the samples counted are those sent between. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The first part of that time, which is counted by itself as well. */
  readonly firstMs: number;
}

export interface UpdateFigures {
  readonly updates: number;
  readonly unanswered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export interface UpdatesResult {
  readonly whole: UpdateFigures;
  readonly first: UpdateFigures;
}

function figuresOf(samples: readonly UpdateSample[]): UpdateFigures {
  const sorted = samples.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))]!;
  const unanswered = samples.filter(({ code }) => code !== "2.04").length;
  return { updates: sorted.length, unanswered, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: at(1) };
}

const plan = JSON.parse(process.argv[2]!) as UpdatesPlan;
const fleet = await openUpdateFleet(plan);
console.log("ready");
fleet.start();
await pause(plan.toMs - Date.now());
const samples = await fleet.stop();
const between = (from: number, to: number) => samples.filter(({ sentAtMs }) => sentAtMs >= from && sentAtMs < to);
const whole = figuresOf(between(plan.fromMs, plan.toMs));
const first = figuresOf(between(plan.fromMs, plan.fromMs + plan.firstMs));
console.log(JSON.stringify({ whole, first } satisfies UpdatesResult));
