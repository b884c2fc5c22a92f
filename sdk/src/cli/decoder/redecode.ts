/** `mooring decoder redecode`: kept payloads through a version once more; first what would change, then the change. */
import type { Client } from "../client.ts";
import { type CliCall, type CliCommand, CliError, EXIT, type ExitCode } from "../command.ts";
import { findDevice } from "../device.ts";
import { say } from "../io.ts";
import { next } from "./folder.ts";
import { about, decoderPath } from "./rest.ts";
import { indented, sideBySide } from "./side-by-side.ts";
import { DAYS_OPTION, dateFromOf, numberOf } from "./stretch.ts";

interface Difference {
  /** `measurement 0` */
  readonly document: string;
  readonly member: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface OfPayload {
  readonly deviceId: string;
  readonly path: string;
  readonly time: string;
  readonly outcome: string;
}

interface LateChanges {
  readonly alarms: {
    readonly raised: number;
    readonly cleared: number;
    readonly left: Readonly<Record<string, number>>;
    readonly samples: readonly (OfPayload & { readonly type: string })[];
  };
  readonly lastValues: Readonly<Record<"added" | "changed" | "equal" | "older", number>> & {
    readonly samples: readonly (OfPayload & {
      readonly resource: string;
      readonly before?: unknown;
      readonly after?: unknown;
    })[];
  };
}

/** A host of an earlier version tells nothing of alarms and last values. */
interface Job extends Partial<LateChanges> {
  readonly id: string;
  readonly version: string;
  readonly state: string;
  readonly apply: boolean;
  readonly reason?: string;
  readonly waitsFor?: string;
  readonly payloads: Readonly<Record<string, number>>;
  readonly documents: Readonly<Record<string, number>>;
  readonly samples: readonly (OfPayload & {
    readonly value: string;
    readonly message?: string;
    readonly differences: readonly Difference[];
  })[];
  readonly contentHash: string;
}

const POLL_MS = 500;
const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");

const differenceLines = ({ document, member, before, after }: Difference): string[] =>
  indented(sideBySide(`${document}: ${member}`, { before, after }), 6);

/** Why alarms are left as they are. */
const LEFT: Readonly<Record<string, string>> = {
  open: "open already, which decoding again never rewrites",
  unmade: "open, and this version does not raise them: clear them where they are wrong",
  done: "said by their payload before",
  older: "of payloads that a newer one of the path follows",
  maintenance: "not raised, the device is in maintenance",
  notOpen: "to be cleared, none is open",
};

const ofPayload = ({ outcome, path, deviceId, time }: OfPayload): string =>
  `${outcome}: ${path} of ${deviceId} at ${time}`;

function alarmLines({ raised, cleared, left, samples }: LateChanges["alarms"]): string[] {
  return [
    `alarms: ${counted({ raised, cleared })}`,
    ...Object.entries(left).flatMap(([why, count]) => (count > 0 ? [`  left: ${count} ${LEFT[why] ?? why}`] : [])),
    ...samples.map(sample => `  ${ofPayload(sample)}: ${sample.type}`),
  ];
}

function lastValueLines({ samples, ...counts }: LateChanges["lastValues"]): string[] {
  return [
    `last values: ${counted(counts)}`,
    ...samples.flatMap(({ resource, before, after, ...of }) => [
      `  ${ofPayload(of)}`,
      ...indented(sideBySide(resource, of.outcome === "older" ? { stays: before } : { before, after }), 6),
    ]),
  ];
}

function lines(key: string, job: Job): string[] {
  const { id, version, state, apply, reason, payloads, documents, samples, alarms, lastValues, contentHash } = job;
  return [
    `job ${id}: ${key} ${version}, ${apply ? "applied" : "what would change"}: ${state}${reason === undefined ? "" : `: ${reason}`}`,
    `payloads: ${counted(payloads)}`,
    `documents: ${counted(documents)}`,
    ...samples.flatMap(({ value, message, differences, ...of }) => [
      `  ${ofPayload(of)}: ${value}${message === undefined ? "" : ` (${message})`}`,
      ...differences.flatMap(differenceLines),
    ]),
    ...(alarms ? alarmLines(alarms) : []),
    ...(lastValues ? lastValueLines(lastValues) : []),
    `content hash: ${contentHash}`,
  ];
}

async function whenEnded(client: Client, key: string, job: Job, { flag, io }: CliCall): Promise<Job> {
  let waitsFor: string | undefined;
  for (let seen = job; ; seen = await client.get<Job>(decoderPath(key, "redecode", job.id))) {
    if (seen.state !== "RUNNING" || flag("no-wait")) return seen;
    if (seen.waitsFor !== undefined && seen.waitsFor !== waitsFor) say(io.errors, `waits for ${seen.waitsFor}`);
    waitsFor = seen.waitsFor;
    await io.pause(POLL_MS);
  }
}

async function begin(client: Client, key: string, version: string | undefined, call: CliCall): Promise<Job> {
  const { text, flag } = call;
  const id = text("job");
  if (id !== undefined) {
    const path = decoderPath(key, "redecode", id);
    return flag("apply") ? client.post<Job>(`${path}/apply`, {}) : client.get<Job>(path);
  }
  const device = text("device");
  const [to, path, limit] = [text("to"), text("path"), numberOf(call, "limit")];
  return client.post<Job>(decoderPath(key, "redecode"), {
    ...(version !== undefined && { version }),
    ...dateFromOf(call, Date.now()),
    ...(to !== undefined && { dateTo: to }),
    ...(device !== undefined && { deviceId: (await findDevice(client, device)).id }),
    ...(path !== undefined && { path }),
    ...(limit !== undefined && { limit }),
    apply: flag("apply"),
  });
}

export const decoderRedecodeCommand: CliCommand = {
  name: "decoder redecode",
  usage: "<key> [version]",
  summary: "Decodes kept payloads once more: shows what would change, and with --apply changes it",
  notes: [
    "[version]: default, the one in force. What is applied takes the place of what was made before; nothing is there twice, however often",
    "it is done. --job <id> --apply does exactly what a job without --apply has shown.",
  ],
  options: {
    apply: { type: "boolean", summary: "Changes what is stored; without it nothing is" },
    job: { type: "string", value: "<id>", summary: "An earlier one: shows it, or applies it" },
    days: DAYS_OPTION,
    from: { type: "string", value: "<time>", summary: "Payloads from then on, ISO 8601" },
    to: { type: "string", value: "<time>", summary: "Payloads up to then" },
    device: { type: "string", value: "<device>", summary: "Of this one alone: id of its managed object, or endpoint" },
    path: { type: "string", value: "<path>", summary: "Of this resource alone" },
    limit: { type: "string", value: "<number>", summary: "At most so many payloads" },
    "no-wait": { type: "boolean", summary: "Does not wait for its end" },
    json: { type: "boolean", summary: "Shows all of it as JSON" },
  },
  fields: {
    version: "[version]",
    dateFrom: ["--from", "--days"],
    dateTo: "--to",
    deviceId: "--device",
    path: "--path",
    limit: "--limit",
  },
  arguments: [1, 2],

  async run(call): Promise<ExitCode> {
    const { args, text, flag, io } = call;
    const [key, version] = args as [string, string?];
    if (text("job") !== undefined && version !== undefined) {
      throw new CliError(EXIT.usage, "a job has its version: either --job or a version");
    }
    const client = await call.connect();
    const begun = await about(key, () => begin(client, key, version, call));
    const job = await whenEnded(client, key, begun, call);
    say(io.output, flag("json") ? JSON.stringify(job, undefined, 2) : lines(key, job).join("\n"));
    if (job.state === "FAILED") return EXIT.failed;
    const again = `npx mooring decoder redecode ${key} --job ${job.id}`;
    if (flag("json")) return EXIT.ok;
    if (job.state === "RUNNING") say(io.output, next(`${again}, to see how far it is`));
    else if (!job.apply) say(io.output, next(`${again} --apply, to change what is stored`));
    return EXIT.ok;
  },
};
