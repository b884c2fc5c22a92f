/** Non-confirmable notifications to durably stored measurements, beside the raw echo of the same run. */
import { join } from "node:path";
import { expectStatus, registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { startHost } from "../harness/host.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { startProcess } from "../harness/process.ts";
import { generateLoad } from "./generator.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import type { NotifyPlan, NotifyResult } from "./notify-load.ts";
import { count, median, perSecond, type Row, ratioOf, times } from "./row.ts";

const DEVICES = 256;
const BURST = 16;
const ROUNDS = 3;
const NOTIFICATION_TO_ECHO = 0.2;

async function storedTotal(client: Api, ids: readonly string[]): Promise<number> {
  let total = 0;
  for (const source of ids) {
    const query = new URLSearchParams({ source, pageSize: "1", withTotalElements: "true" });
    const page = await client.get<{ statistics: { totalElements: number } }>(`/measurement/measurements?${query}`);
    total += expectStatus(page, 200, "measurements").statistics.totalElements;
  }
  return total;
}

async function echoRound(seconds: number): Promise<LoadResult> {
  const echo = startProcess({ name: "echo", command: process.execPath, args: [join(import.meta.dirname, "echo.ts")] });
  try {
    const plan: LoadPlan = {
      port: Number((await echo.line(/^echo \d+$/)).split(" ")[1]),
      pid: echo.pid,
      uris: Array.from({ length: DEVICES }, () => "/3303/0/5700"),
      code: "0.02",
      payloadBytes: 5,
      inFlight: 128,
      warmUpMs: 1000,
      measureMs: seconds * 1000,
      isEcho: true,
    };
    return await generateLoad<LoadResult>("load.ts", plan, 60_000 + plan.measureMs);
  } finally {
    await echo.stop();
  }
}

interface Round {
  readonly echo: LoadResult;
  readonly notify: NotifyResult;
  readonly stored: number;
}

async function round(seconds: number): Promise<Round> {
  const echo = await echoRound(seconds);
  await using host = await startHost();
  const client = api(host);
  await mapTemperature(client);
  const endpoints = Array.from({ length: DEVICES }, (_, at) => `notify-${at}`);
  const ids: string[] = [];
  for (const endpointId of endpoints) ids.push((await registerDevice(client, { endpointId })).id);
  const plan: NotifyPlan = {
    port: host.coapPort,
    pid: host.pid,
    endpoints,
    burst: BURST,
    warmUpMs: 2000,
    measureMs: seconds * 1000,
  };
  const notify = await generateLoad<NotifyResult>("notify-load.ts", plan, 90_000 + plan.measureMs);
  // Every device's first value came with the answer to Observe.
  const expected = notify.sent + DEVICES;
  let stored = 0;
  await eventually(
    async () => {
      stored = await storedTotal(client, ids);
      return stored >= expected ? true : undefined;
    },
    { withinMs: 10_000, everyMs: 250 },
  ).catch(() => {});
  return { echo, notify, stored: stored - DEVICES };
}

export async function benchNotifications(quick: boolean): Promise<Row[]> {
  const rounds: Round[] = [];
  for (let at = 0; at < (quick ? 1 : ROUNDS); at++) rounds.push(await round(quick ? 3 : 6));
  const of = (figure: (round: Round) => number): number => median(rounds.map(figure));
  const rate = of(({ notify }) => notify.perSecond);
  const cpu = of(({ notify }) => notify.perCpuSecond ?? notify.perSecond);
  const ratio = of(({ notify, echo }) =>
    ratioOf(notify.perCpuSecond ?? notify.perSecond, echo.perCpuSecond ?? echo.perSecond),
  );
  const sent = rounds.reduce((sum, { notify }) => sum + notify.sent, 0);
  const stored = rounds.reduce((sum, each) => sum + each.stored, 0);
  return [
    {
      what: "notification (NON) to stored measurement",
      figure: `${perSecond(rate)}, ${perSecond(cpu)} of CPU`,
      ratio: `${times(ratio)} of the raw echo`,
      target: times(NOTIFICATION_TO_ECHO),
      met: ratio >= NOTIFICATION_TO_ECHO,
    },
    {
      what: "notifications sent and found stored",
      figure: `${count(stored)} of ${count(sent)}`,
      target: "all",
      met: stored === sent,
    },
  ];
}
