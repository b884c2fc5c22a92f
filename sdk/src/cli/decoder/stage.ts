/** `mooring decoder stage`: a version in the shadow of the one in force, and what it would change. */
import type { Client } from "../client.ts";
import { type CliCall, type CliCommand, EXIT, type ExitCode } from "../command.ts";
import { say } from "../io.ts";
import { next } from "./folder.ts";
import { about, decoderPath } from "./rest.ts";
import { indented, sideBySide } from "./side-by-side.ts";
import { numberOf } from "./stretch.ts";

interface Sample {
  readonly verdict: string;
  readonly from: string;
  readonly deviceId: string;
  readonly path: string;
  readonly time: string;
  readonly hex: string;
  readonly differences: readonly { readonly what: string; readonly active?: unknown; readonly staged?: unknown }[];
}

interface Stage {
  readonly version: string;
  /** Version in force that it is compared with. */
  readonly against?: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly mayActivate: boolean;
  readonly objection?: string;
  readonly run?: { readonly state: "running" | "done" | "stopped"; readonly done: number; readonly reason?: string };
  readonly samples: readonly Sample[];
}

const DEFAULT_DAYS = 7;
const POLL_MS = 500;
const VERDICTS = ["equal", "different", "failed", "repaired", "slower"] as const;

const sampleLines = ({ verdict, from, deviceId, path, time, hex, differences }: Sample): string[] => [
  `  ${verdict}: ${path} of ${deviceId} at ${time}, ${from}: ${hex}`,
  ...differences.flatMap(({ what, active, staged }) => indented(sideBySide(what, { active, staged }), 6)),
];

function lines(key: string, { version, against, counts, mayActivate, objection, run, samples }: Stage): string[] {
  const { compared = 0, skipped = 0 } = counts;
  const found = VERDICTS.map(verdict => `${counts[verdict] ?? 0} ${verdict}`).join(", ");
  return [
    `${key} ${version} in the shadow of ${against ?? "nothing"}: ${compared} payloads compared: ${found}; ${skipped} skipped`,
    ...(run?.state === "stopped"
      ? [`kept payloads: stopped after ${run.done}: ${run.reason ?? "no reason given"}`]
      : []),
    ...samples.flatMap(sampleLines),
    mayActivate ? "it may be activated" : `it may not be activated: ${objection}`,
  ];
}

/** Until the kept payloads are through; live ones go on being compared. */
async function whenRun(client: Client, key: string, { flag, io }: CliCall): Promise<Stage> {
  for (;;) {
    const stage = await about(key, () => client.get<Stage>(decoderPath(key, "stage")));
    if (flag("no-wait") || stage.run?.state !== "running") return stage;
    await io.pause(POLL_MS);
  }
}

function nextOf(key: string, { version, mayActivate }: Stage): string {
  const again = `npx mooring decoder stage ${key}, for what came meanwhile`;
  if (mayActivate) return next(`npx mooring decoder activate ${key} ${version}`, again);
  return next(
    `npx mooring decoder deploy, with a version that is mended`,
    `npx mooring decoder activate ${key} ${version} --force, if this is meant`,
  );
}

export const decoderStageCommand: CliCommand = {
  name: "decoder stage",
  usage: "<key> [version]",
  summary:
    "Runs a version in the shadow of the one in force, over kept payloads and new ones, and shows what it would change",
  notes: [
    "Nothing that it makes is stored. Without [version], shows what the staged one has shown so far. Ends with 1 where it may not be activated.",
  ],
  options: {
    days: { type: "string", value: "<days>", summary: `Kept payloads of so many days; default ${DEFAULT_DAYS}` },
    limit: { type: "string", value: "<number>", summary: "At most so many of them, the newest" },
    "no-wait": { type: "boolean", summary: "Does not wait until they are through" },
    end: { type: "boolean", summary: "Ends it: no version is staged any more" },
    json: { type: "boolean", summary: "Shows all of it as JSON" },
  },
  arguments: [1, 2],

  async run(call): Promise<ExitCode> {
    const { args, flag, io } = call;
    const [key, version] = args as [string, string?];
    const limit = numberOf(call, "limit");
    const recorded = { days: numberOf(call, "days") ?? DEFAULT_DAYS, ...(limit !== undefined && { limit }) };
    const client = await call.connect();
    if (flag("end")) {
      await about(key, () => client.delete(decoderPath(key, "stage")));
      say(io.output, `${key}: no version is staged`);
      return EXIT.ok;
    }
    if (version !== undefined) await about(key, () => client.post(decoderPath(key, "stage"), { version, recorded }));
    const stage = await whenRun(client, key, call);
    say(io.output, flag("json") ? JSON.stringify(stage, undefined, 2) : lines(key, stage).join("\n"));
    if (!flag("json")) say(io.output, nextOf(key, stage));
    return stage.mayActivate ? EXIT.ok : EXIT.failed;
  },
};
