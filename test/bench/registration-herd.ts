/** A herd: many devices register within a second while others update; how long until all are in, and what the others feel of it. */

import { join } from "node:path";
import { awaitOperation, expectStatus, uploadDevices } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { startHost } from "../harness/host.ts";
import { metricOf } from "../harness/metrics.ts";
import { startProcess } from "../harness/process.ts";
import type { RushResult } from "../harness/rush.ts";
import type { RushPlan } from "../harness/rush-plan.ts";
import { uploadSecureDevices } from "../harness/secure-accounts.ts";
import { mapFive, OBSERVED_LINKS } from "./five-observations.ts";
import { generateLoad } from "./generator.ts";
import { count, type Row } from "./row.ts";
import type { UpdateFigures, UpdatesPlan, UpdatesResult } from "./updates.ts";
import { cpuSeconds } from "./usage.ts";

interface Herd {
  readonly size: number;
  readonly observations: number;
  readonly isSecure: boolean;
}

const HERDS: readonly Herd[] = [
  { size: 20_000, observations: 0, isSecure: false },
  { size: 20_000, observations: 5, isSecure: false },
  { size: 5_000, observations: 0, isSecure: true },
];
/** Part of each that a quick run has. */
const QUICK_SHARE = 1 / 4;
const FLEET = 200;
const UPDATE_PERIOD_MS = 1000;
/** A process may open no more sockets than that on many systems. */
const MOST_PER_PROCESS = 10_000;
/** From the beginning of the plans to the first Register: sockets have to be opened. */
const PREPARE_MS = 8_000;
const WITHIN_MS = 120_000;
const FLEET_MS = 30_000;
const FIRST_MS = 5_000;
const P99_LIMIT_MS = 1000;

export interface HerdTrial {
  readonly rushes: readonly RushResult[];
  readonly updates: UpdatesResult;
  /** Registers that the host stored. */
  readonly stored: number;
  readonly cpuSeconds: number | undefined;
}

async function makeDevices(client: Api, names: readonly string[], isSecure: boolean): Promise<void> {
  if (isSecure) {
    await uploadSecureDevices(client, names);
    return;
  }
  const rows = names.map(name => `${name};c8y_lwm2m;NO_SEC;coap://127.0.0.1:5783`);
  const csv = ["endpoint id;type;securityMode;lwm2m server uri", ...rows].join("\n");
  const { id } = expectStatus(await uploadDevices(client, csv), 201, "bulk");
  const { status, failureReason } = await awaitOperation(client, id, 600_000);
  if (status !== "SUCCESSFUL") throw new Error(`bulk registration: ${failureReason}`);
}

async function trial({ size: herd, observations, isSecure }: Herd): Promise<HerdTrial> {
  await using host = await startHost();
  const client = api(host);
  if (observations > 0) await mapFive(client);
  const names = (prefix: string, size: number) => Array.from({ length: size }, (_, i) => `${prefix}${i}`);
  await makeDevices(client, [...names("fleet-", FLEET), ...names("rush-", herd)], isSecure);
  const startAtMs = Date.now() + PREPARE_MS;
  const port = isSecure ? host.coapsPort : host.coapPort;
  const updates: UpdatesPlan = {
    ...{ port, isSecure },
    prefix: "fleet-",
    from: 0,
    count: FLEET,
    periodMs: UPDATE_PERIOD_MS,
    fromMs: startAtMs,
    toMs: startAtMs + FLEET_MS,
    firstMs: FIRST_MS,
  };
  await using fleet = startProcess({
    name: "updates.ts",
    command: process.execPath,
    args: [join(import.meta.dirname, "updates.ts"), JSON.stringify(updates)],
  });
  await fleet.line(/^ready/, PREPARE_MS);
  const before = await metricOf(client, "mooring_lwm2m_registers_total");
  const cpuBefore = cpuSeconds(host.pid);
  const links = observations > 0 ? OBSERVED_LINKS : "</1/0>";
  const parts = Math.ceil(herd / MOST_PER_PROCESS);
  const plans = Array.from({ length: parts }, (_, i): RushPlan => {
    const part = Math.ceil(herd / parts);
    const from = i * part;
    const size = Math.min(part, herd - from);
    const common = { port, isSecure, prefix: "rush-", links, observations, withinMs: WITHIN_MS, startAtMs };
    return { ...common, from, count: size, spreadMs: 1000 };
  });
  const rushes = await Promise.all(
    plans.map(plan => generateLoad<RushResult>("rush.ts", plan, WITHIN_MS + PREPARE_MS * 4)),
  );
  const stored = (await metricOf(client, "mooring_lwm2m_registers_total")) - before;
  const cpuAfter = cpuSeconds(host.pid);
  const result = JSON.parse(await fleet.line(/^\{/, FLEET_MS + PREPARE_MS)) as UpdatesResult;
  return {
    rushes,
    updates: result,
    stored,
    cpuSeconds: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const showUpdates = ({ updates, unanswered, p50Ms, p99Ms, mostMs }: UpdateFigures): string =>
  `${count(updates)} Updates, ${unanswered} unanswered, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(0)} ms, most ${mostMs.toFixed(0)} ms`;

function rowsOf({ size: herd, observations, isSecure }: Herd, trialled: HerdTrial): Row[] {
  const { rushes, updates, stored, cpuSeconds: cpu } = trialled;
  const of = (figure: (result: RushResult) => number): number => sum(rushes.map(figure));
  const last = (figure: (result: RushResult) => number): string => `${Math.max(...rushes.map(figure)).toFixed(1)} s`;
  const registered = of(({ registered }) => registered);
  const offered = isSecure ? "handshakes and Registers over DTLS" : "Registers";
  const what = `${count(herd)} ${offered} within a second${observations > 0 ? `, ${observations} observations each` : ""}`;
  const observed =
    observations > 0 ? `, ${count(of(r => r.observed))} observed after ${last(r => r.observedSeconds)}` : "";
  const work = cpu === undefined ? "" : `, ${((cpu * 1000) / herd).toFixed(2)} ms of CPU each`;
  return [
    {
      what,
      figure: `${count(registered)} registered after ${last(r => r.lastSeconds)} (offered in ${last(r => r.offeredSeconds)})${observed}; ${count(of(r => r.postponed))} times 5.03, ${count(of(r => r.retransmissions))} retransmissions, ${count(of(r => r.refused))} refused${work}`,
      target: "all, none twice",
      met: registered === herd && stored === herd,
    },
    {
      what: `${FLEET} registered devices meanwhile, the first ${FIRST_MS / 1000} s`,
      figure: showUpdates(updates.first),
      target: `p99 < ${P99_LIMIT_MS} ms`,
      met: updates.first.p99Ms < P99_LIMIT_MS,
    },
    {
      what: `the same, ${FLEET_MS / 1000} s`,
      figure: showUpdates(updates.whole),
      target: `p99 < ${P99_LIMIT_MS} ms`,
      met: updates.whole.p99Ms < P99_LIMIT_MS,
    },
  ];
}

export async function benchHerd(quick: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const herd of HERDS) {
    const part = quick ? { ...herd, size: herd.size * QUICK_SHARE } : herd;
    rows.push(...rowsOf(part, await trial(part)));
  }
  return rows;
}
