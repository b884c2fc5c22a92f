/** `mooring decoder redecode`: kept payloads through a version once more; first what would change, then the change. */
import { type Client, withHints } from "../client.ts";
import { type CliCall, type CliCommand, CliError, EXIT, type ExitCode } from "../command.ts";
import { findDevice } from "../device.ts";
import { say } from "../io.ts";
import { next } from "./folder.ts";
import { type Job, jobLines, jobTable } from "./redecode-report.ts";
import { decoderPath, listAll } from "./rest.ts";
import { DAYS_OPTION, dateFromOf, numberOf } from "./stretch.ts";

const POLL_MS = 500;

const jobStep = (key: string, { id }: Pick<Job, "id">): string => `npx mooring decoder redecode ${key} --job ${id}`;

/** Says what to do where the host does not know the decoder or the job, or another job is under way. */
const aboutJobs = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
  const jobs = `npx mooring decoder redecode ${key} --list shows its jobs`;
  return withHints({ 404: `npx mooring decoder list shows all decoders, ${jobs}`, 409: jobs }, ask);
};

async function whenEnded(client: Client, key: string, job: Job, { flag, io }: CliCall): Promise<Job> {
  let waitsFor: string | undefined;
  for (let seen = job; ; seen = await client.get<Job>(decoderPath(key, "redecode", job.id))) {
    if (seen.state !== "RUNNING" || flag("no-wait")) return seen;
    if (seen === job)
      say(io.errors, `job ${job.id} runs, also without this command: ${jobStep(key, job)} goes on watching`);
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

async function showJobs(client: Client, key: string, { flag, io }: CliCall): Promise<ExitCode> {
  const jobs = await aboutJobs(key, () => listAll<Job>(client, decoderPath(key, "redecode"), "jobs"));
  const shown = jobs.length === 0 ? `${key}: no job` : jobTable(jobs);
  say(io.output, flag("json") ? JSON.stringify(jobs, undefined, 2) : shown);
  const begins = `npx mooring decoder redecode ${key} begins one`;
  if (!flag("json")) say(io.output, next(jobs.length === 0 ? begins : `${jobStep(key, jobs[0]!)} shows one`));
  return EXIT.ok;
}

/** Not of one that has ended: the host would forget it. @throws CliError */
async function cancel(client: Client, key: string, id: string, { io }: CliCall): Promise<ExitCode> {
  const path = decoderPath(key, "redecode", id);
  const { state, apply } = await aboutJobs(key, () => client.get<Job>(path));
  if (state !== "RUNNING") throw new CliError(EXIT.failed, `job ${id} is ${state}: there is nothing to cancel`);
  await client.delete(path);
  say(io.output, `job ${id} is cancelled${apply ? ": what it has changed stays" : ""}`);
  say(io.output, next(`npx mooring decoder redecode ${key} --list`));
  return EXIT.ok;
}

/** What a job does is settled when it begins. @throws CliError */
function assertOneThing({ args, text, flag }: CliCall): void {
  const job = text("job");
  const wanted = ["list", "cancel", "apply"].filter(flag).map(name => `--${name}`);
  if (wanted.length > 1) throw new CliError(EXIT.usage, `either ${wanted.join(" or ")}`);
  if (flag("cancel") && job === undefined) throw new CliError(EXIT.usage, "--cancel needs the job: --job <id>");
  if (flag("list") && job !== undefined) throw new CliError(EXIT.usage, "either --list or --job");
  if (args.length === 1) return;
  if (job !== undefined) throw new CliError(EXIT.usage, "a job has its version: either --job or a version");
  if (flag("list")) throw new CliError(EXIT.usage, "jobs of all versions are listed: either --list or a version");
}

export const decoderRedecodeCommand: CliCommand = {
  name: "decoder redecode",
  usage: "<key> [version]",
  summary: "Decodes kept payloads once more: shows what would change, and with --apply changes it",
  notes: [
    "[version]: default, the one in force. What is applied takes the place of what was made before; nothing is there twice, however often",
    "it is done. --job <id> --apply does exactly what a job without --apply has shown. The host does the work: a job goes on when this command",
    "is ended, and --job <id> watches it again. Ends with 1 where the job failed or was cancelled.",
  ],
  options: {
    apply: { type: "boolean", summary: "Changes what is stored; without it nothing is" },
    job: {
      type: "string",
      value: "<id>",
      summary: "An earlier one: watches it to its end and shows it, or applies it",
    },
    list: { type: "boolean", summary: "Shows the jobs of the decoder, newest first" },
    cancel: { type: "boolean", summary: "Ends the job of --job; what it has changed stays" },
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
    assertOneThing(call);
    const { args, text, flag, io } = call;
    const [key, version] = args as [string, string?];
    const client = await call.connect();
    if (flag("list")) return showJobs(client, key, call);
    if (flag("cancel")) return cancel(client, key, text("job")!, call);
    const begun = await aboutJobs(key, () => begin(client, key, version, call));
    const job = await whenEnded(client, key, begun, call);
    say(io.output, flag("json") ? JSON.stringify(job, undefined, 2) : jobLines(key, job).join("\n"));
    if (job.state === "FAILED" || job.state === "CANCELLED") return EXIT.failed;
    if (flag("json")) return EXIT.ok;
    const again = jobStep(key, job);
    if (job.state === "RUNNING") say(io.output, next(`${again}, to see how far it is`));
    else if (!job.apply) say(io.output, next(`${again} --apply, to change what is stored`));
    return EXIT.ok;
  },
};
