/** Non-confirmable notifications to durably stored measurements, beside the raw echo of the same run. */
import { join } from "node:path";
import { expectStatus, registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { startHost } from "../harness/host.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { startProcess } from "../harness/process.ts";
import { uploadSecureDevices } from "../harness/secure-accounts.ts";
import { generateLoad } from "./generator.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import type { NotifyPlan, NotifyResult } from "./notify-load.ts";
import { count, median, perSecond, type Row, ratioOf, times } from "./row.ts";

const DEVICES = 256;
const BURST = 16;
const ROUNDS = 3;
const WARM_UP = 40_000;
const NOTIFICATION_TO_ECHO = 0.2;
const DTLS_TO_UDP = 0.5;

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

interface Notified {
  readonly notify: NotifyResult;
  readonly stored: number;
}

interface Round {
  readonly echo: LoadResult;
  readonly udp: Notified;
  readonly dtls: Notified;
}

async function notified(seconds: number, isSecure: boolean): Promise<Notified> {
  await using host = await startHost();
  const client = api(host);
  await mapTemperature(client);
  const endpoints = Array.from({ length: DEVICES }, (_, at) => `notify-${at}`);
  const ids: string[] = [];
  if (isSecure) ids.push(...(await uploadSecureDevices(client, endpoints)));
  else for (const endpointId of endpoints) ids.push((await registerDevice(client, { endpointId })).id);
  const plan: NotifyPlan = {
    ...{ port: isSecure ? host.coapsPort : host.coapPort, pid: host.pid, isSecure },
    endpoints,
    burst: BURST,
    warmUp: WARM_UP,
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
  return { notify, stored: stored - DEVICES };
}

async function round(seconds: number): Promise<Round> {
  return {
    echo: await echoRound(seconds),
    udp: await notified(seconds, false),
    dtls: await notified(seconds, true),
  };
}

const paceOf = ({ perCpuSecond, perSecond: inAll }: LoadResult | NotifyResult): number => perCpuSecond ?? inAll;

export async function benchNotifications(quick: boolean): Promise<Row[]> {
  const rounds: Round[] = [];
  for (let at = 0; at < (quick ? 1 : ROUNDS); at++) rounds.push(await round(quick ? 3 : 6));
  const of = (figure: (round: Round) => number): number => median(rounds.map(figure));
  const rows = (what: string, over: "udp" | "dtls", to: "echo" | "udp", target: number): Row[] => {
    const base = (round: Round): number => paceOf(to === "echo" ? round.echo : round.udp.notify);
    const ratio = of(round => ratioOf(paceOf(round[over].notify), base(round)));
    const sent = rounds.reduce((sum, each) => sum + each[over].notify.sent, 0);
    const stored = rounds.reduce((sum, each) => sum + each[over].stored, 0);
    return [
      {
        what,
        figure: `${perSecond(of(each => each[over].notify.perSecond))}, ${perSecond(of(each => paceOf(each[over].notify)))} of CPU`,
        ratio: `${times(ratio)} of ${to === "echo" ? "the raw echo" : "that over UDP"}`,
        target: times(target),
        met: ratio >= target,
      },
      {
        what: "sent and found stored",
        figure: `${count(stored)} of ${count(sent)}`,
        target: "all",
        met: stored === sent,
      },
    ];
  };
  return [
    ...rows("notification (NON) to stored measurement", "udp", "echo", NOTIFICATION_TO_ECHO),
    ...rows("the same over DTLS, PSK_CCM_8 with Connection ID", "dtls", "udp", DTLS_TO_UDP),
  ];
}
