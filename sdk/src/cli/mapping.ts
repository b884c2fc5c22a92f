/** `mooring mapping`: a device protocol, and another one over what a device has said. */
import { readFile } from "node:fs/promises";
import { messageOf } from "@mooring/core";
import type { Client } from "./client.ts";
import { type CliCall, type CliCommand, CliError, EXIT } from "./command.ts";
import { findDevice } from "./device.ts";
import { say } from "./io.ts";

const MAPPINGS = "/service/lwm2m-agent/objectResourceMappings";
const FRAGMENT = "c8y_objectmapping_ObjectMapping";

interface Kind {
  readonly produced: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly leftOpen?: number;
  readonly samples: readonly { readonly id: string; readonly before?: object; readonly after?: object }[];
}

interface Plan {
  readonly plan: string;
  readonly dateFrom: string;
  readonly dateTo: string;
  readonly more: boolean;
  readonly inForce: boolean;
  readonly messages: number;
  readonly withoutValues: number;
  readonly measurements: Kind;
  readonly events: Kind;
  readonly alarms: Kind;
  readonly decoders: readonly {
    readonly decoder: string;
    readonly given: number;
    readonly taken: number;
    readonly tried?: { readonly payloads: number; readonly failed: number; readonly reason?: string };
  }[];
  readonly failures: readonly {
    readonly path: string;
    readonly action: string;
    readonly reason: string;
    readonly count: number;
  }[];
}

const KINDS = ["measurements", "events", "alarms"] as const;
const NAME_WIDTH = 13;
const COUNT_WIDTH = 9;

const row = (name: string, cells: readonly (string | number)[]): string =>
  name.padEnd(NAME_WIDTH) + cells.map(cell => String(cell).padStart(COUNT_WIDTH)).join(" ");

function sampleLines({ samples }: Kind): string[] {
  return samples.flatMap(({ before, after }) => [
    ...(before ? [`  - ${JSON.stringify(before)}`] : []),
    ...(after ? [`  + ${JSON.stringify(after)}`] : []),
  ]);
}

function decoderLine({ decoder, given, taken, tried }: Plan["decoders"][number]): string {
  const trial = tried
    ? `; tried ${tried.payloads}, ${tried.failed} failed${tried.reason ? `: ${tried.reason}` : ""}`
    : "";
  return `decoder:${decoder} ${given} payloads given, ${taken} taken away${given > 0 && !tried ? "; not tried" : trial}`;
}

function planLines(plan: Plan, withSamples: boolean): string[] {
  const kinds = KINDS.flatMap(kind => {
    const { produced, changed, removed, unchanged } = plan[kind];
    return [row(kind, [produced, changed, removed, unchanged]), ...(withSamples ? sampleLines(plan[kind]) : [])];
  });
  const { leftOpen = 0 } = plan.alarms;
  return [
    `${plan.messages} messages from ${plan.dateFrom} to ${plan.dateTo}`,
    row("", ["new", "changed", "removed", "unchanged"]),
    ...kinds,
    ...plan.decoders.map(decoderLine),
    ...plan.failures.map(({ path, action, reason, count }) => `${path} ${action}: ${reason} (${count} times)`),
    ...(leftOpen > 0 ? [`${leftOpen} alarms are open, or would be: they are left to what the device says next`] : []),
    ...(plan.withoutValues > 0
      ? [`${plan.withoutValues} messages were too long to be kept: their documents stay`]
      : []),
    ...(plan.more ? [`more follows: the next plan begins after ${plan.dateTo}`] : []),
  ];
}

/** @throws CliError */
async function readProtocol(file: string): Promise<{ readonly protocol: unknown; readonly objectId: number }> {
  let protocol: unknown;
  try {
    protocol = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new CliError(EXIT.usage, `${file} cannot be read as JSON: ${messageOf(cause)}`, { cause });
  }
  const first = (Array.isArray(protocol) ? protocol[0] : protocol) as Record<string, unknown> | null | undefined;
  const { objectId } = (first?.[FRAGMENT] ?? first ?? {}) as { readonly objectId?: unknown };
  if (typeof objectId !== "number") throw new CliError(EXIT.usage, `${file}: objectId must be the number of an object`);
  return { protocol, objectId };
}

async function ask(
  client: Client,
  what: "dryRun" | "apply",
  [device, file, plan]: readonly [string, string, string?],
  { text }: Pick<CliCall, "text">,
): Promise<Plan> {
  const { protocol, objectId } = await readProtocol(file);
  const { id: deviceId } = await findDevice(client, device);
  const [dateFrom, dateTo] = [text("from"), text("to")];
  return client.post<Plan>(`${MAPPINGS}/${objectId}/${what}`, { protocol, deviceId, dateFrom, dateTo, plan });
}

const OPTIONS = {
  from: { type: "string", value: "<time>", summary: "First time of receipt, as 2026-11-23T00:00:00Z" },
  to: { type: "string", value: "<time>", summary: "Last time of receipt" },
  json: { type: "boolean", summary: "Shows all of it as JSON" },
} as const;
const FIELDS = {
  dateFrom: "--from",
  dateTo: "--to",
  deviceId: "<device>",
  protocol: "<protocol.json>",
} as const;
const PROTOCOL_NOTE =
  "<protocol.json> holds a device protocol as mooring mapping show prints it, or a list of them; <device> is an id or an endpoint.";

export const mappingShowCommand: CliCommand = {
  name: "mapping show",
  usage: "<object>",
  summary: "Prints the device protocol of an object, to be edited",
  notes: ["<object> is its number. What is printed is what mooring mapping plan reads."],
  options: {},
  arguments: [1, 1],

  async run({ args, connect, io }) {
    const client = await connect();
    const objects = await client.get<readonly Record<string, unknown>[]>(MAPPINGS);
    const mappings = objects.map(object => object[FRAGMENT] as { readonly objectId?: number } | undefined);
    const found = mappings.find(mapping => String(mapping?.objectId) === args[0]);
    if (!found) throw new CliError(EXIT.usage, `there is no device protocol of object ${args[0]}`);
    say(io.output, JSON.stringify(found, undefined, 2));
    return EXIT.ok;
  },
};

export const mappingPlanCommand: CliCommand = {
  name: "mapping plan",
  usage: "<device> <protocol.json>",
  summary: "Shows what another device protocol would make of what a device has said",
  notes: [
    PROTOCOL_NOTE,
    "Nothing is changed. The last line is the command that does what the plan says, and nothing else.",
  ],
  options: {
    ...OPTIONS,
    samples: { type: "boolean", summary: "Shows the first documents of each kind, before and after" },
  },
  fields: FIELDS,
  arguments: [2, 2],

  async run(call) {
    const { args, flag, connect, io } = call;
    const [device, file] = args as [string, string];
    const plan = await ask(await connect(), "dryRun", [device, file], call);
    if (flag("json")) say(io.output, JSON.stringify(plan, undefined, 2));
    else {
      const command = `npx mooring mapping apply ${device} ${file} ${plan.plan} --from ${plan.dateFrom} --to ${plan.dateTo}`;
      say(io.output, [...planLines(plan, flag("samples")), "", command].join("\n"));
    }
    return EXIT.ok;
  },
};

export const mappingApplyCommand: CliCommand = {
  name: "mapping apply",
  usage: "<device> <protocol.json> <plan>",
  summary: "Does what a plan says: puts the protocol in force and the documents in the place of the old ones",
  notes: [
    PROTOCOL_NOTE,
    "<plan>, --from and --to are those that mooring mapping plan printed. It is refused where history, device or protocol have changed",
    "since. Interrupted, it may be repeated as it is.",
  ],
  options: OPTIONS,
  fields: { ...FIELDS, plan: "<plan>" },
  arguments: [3, 3],

  async run(call) {
    const { args, flag, connect, io } = call;
    const done = await ask(await connect(), "apply", args as unknown as [string, string, string], call);
    say(io.output, flag("json") ? JSON.stringify(done, undefined, 2) : planLines(done, false).join("\n"));
    return EXIT.ok;
  },
};
