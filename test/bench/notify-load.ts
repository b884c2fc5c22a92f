/**
 * Observed devices that notify, a process of its own: bursts of non-confirmable notifications, each closed by a confirmable
 * one whose ACK lets the next burst go, so that the host sets the pace. Prints one JSON line, a NotifyResult.
 */
import { setTimeout as pause } from "node:timers/promises";
import { generate } from "coap-packet";
import { pskOf } from "../harness/secure-accounts.ts";
import { createLoadDevice, type LoadDevice } from "./load-device.ts";
import { cpuSeconds } from "./usage.ts";

export interface NotifyPlan {
  readonly port: number;
  readonly pid: number;
  /** Over DTLS with Connection ID, with the keys of secure-accounts.ts. */
  readonly isSecure: boolean;
  readonly endpoints: readonly string[];
  /** Notifications in a burst, the confirmable one included. */
  readonly burst: number;
  /** Notifications before those that are measured: a busy machine takes longer for as many, and the compiler goes by their number. */
  readonly warmUp: number;
  readonly measureMs: number;
}

export interface NotifyResult {
  /** Also while warming up. */
  readonly sent: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly perCpuSecond: number | undefined;
  /** Bursts whose confirmable notification had to be repeated. */
  readonly repeated: number;
}

const REPEAT_AFTER_MS = 2000;

async function run(plan: NotifyPlan): Promise<NotifyResult> {
  const devices: LoadDevice[] = [];
  for (const endpoint of plan.endpoints) {
    const device = await createLoadDevice({
      ...{ port: plan.port, endpoint, links: "</1/0>,</3303/0>", observations: 1 },
      ...(plan.isSecure ? { psk: pskOf(endpoint) } : {}),
    });
    devices.push(device);
    await device.register();
  }
  await Promise.all(devices.map(device => device.observed));
  let [sent, repeated, stopped] = [0, 0, false];
  let tellWarm: () => void = () => {};
  const warm = new Promise<void>(resolve => {
    tellWarm = resolve;
  });

  const burst = async (device: LoadDevice, turn: number): Promise<void> => {
    const message = (at: number, confirmable: boolean): Buffer => {
      if (++sent === plan.warmUp) tellWarm();
      return generate({
        code: "2.05",
        confirmable,
        messageId: device.nextMessageId(),
        token: device.tokens[0]!,
        options: [
          { name: "Observe", value: device.nextObserve() },
          { name: "Content-Format", value: Buffer.alloc(0) },
        ],
        payload: Buffer.from(String(turn * plan.burst + at)),
      });
    };
    for (let at = 1; at < plan.burst; at++) device.send(message(at, false));
    const last = message(0, true);
    while (!(await device.sendConfirmable(last, REPEAT_AFTER_MS))) repeated++;
  };
  const notify = async (device: LoadDevice): Promise<void> => {
    for (let turn = 1; !stopped; turn++) await burst(device, turn);
  };

  const running = devices.map(notify);
  await warm;
  const [cpuBefore, startedAtMs, sentBefore] = [cpuSeconds(plan.pid), performance.now(), sent];
  await pause(plan.measureMs);
  stopped = true;
  await Promise.all(running);
  const [cpuAfter, seconds] = [cpuSeconds(plan.pid), (performance.now() - startedAtMs) / 1000];
  for (const device of devices) device.close();
  const measured = sent - sentBefore;
  return {
    sent,
    seconds,
    perSecond: measured / seconds,
    perCpuSecond: cpuBefore === undefined || cpuAfter === undefined ? undefined : measured / (cpuAfter - cpuBefore),
    repeated,
  };
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as NotifyPlan)));
