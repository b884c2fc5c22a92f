/** `mooring decoder stage`: a version in the shadow of the one in force, and what it would change. */
import { join, resolve } from "node:path";
import { readManifestFile } from "@mooring/core/internal/decoding/decoder-registry.ts";
import type { DecoderSource } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { readVectorDocuments, toVector } from "../../harness/vector.ts";
import type { Client } from "../client.ts";
import { type CliCall, type CliCommand, EXIT, type ExitCode } from "../command.ts";
import { say } from "../io.ts";
import { folderOf, next } from "./folder.ts";
import { about, decoderPath, type ShownVersion } from "./rest.ts";
import { indented, sideBySide } from "./side-by-side.ts";
import { numberOf } from "./stretch.ts";
import { NO_TEST_OPTION, testSourceFirst, untested } from "./vectors-first.ts";

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

const MENDED = "npx mooring decoder deploy, with a version that is mended";

/** The host's source of it, with the vectors of its folder: a host keeps none. @throws CliError */
async function testFirst(client: Client, [key, version]: readonly [string, string], call: CliCall): Promise<void> {
  if (call.flag("no-test")) return;
  const given = call.text("folder");
  const folder = given === undefined ? resolve(".") : folderOf({ args: [given] });
  const manifest = await readManifestFile(folder).catch(() => undefined);
  if (manifest?.key !== key || manifest.version !== version) {
    return untested(call, `${given ?? "this"} is not the folder of ${key} ${version}, whose vectors would be run`);
  }
  const path = decoderPath(key, "versions", version);
  const found = await about(key, () => client.get<ShownVersion & Partial<DecoderSource>>(path));
  const { source, language } = found;
  if (source === undefined || language === undefined) return untested(call, `${key} ${version} is a service`);
  const vectors = readVectorDocuments(join(folder, "vectors")).map(toVector);
  const steps = { undone: "not staged", mend: MENDED };
  await testSourceFirst({ manifest: found.manifest, source, language }, vectors, call, steps);
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
  return next(MENDED, `npx mooring decoder activate ${key} ${version} --force, if this is meant`);
}

export const decoderStageCommand: CliCommand = {
  name: "decoder stage",
  usage: "<key> [version]",
  summary:
    "Runs a version in the shadow of the one in force, over kept payloads and new ones, and shows what it would change",
  notes: [
    "Nothing that it makes is stored. Without [version], shows what the staged one has shown so far. Ends with 1 where it may not be activated.",
    "The version's vectors are run first, where its folder is at hand; where one fails, nothing is staged and it ends with 1, as mooring",
    "decoder test.",
  ],
  options: {
    days: { type: "string", value: "<days>", summary: `Kept payloads of so many days; default ${DEFAULT_DAYS}` },
    limit: { type: "string", value: "<number>", summary: "At most so many of them, the newest" },
    "no-wait": { type: "boolean", summary: "Does not wait until they are through" },
    folder: {
      type: "string",
      value: "<folder>",
      summary: "The decoder's, for its vectors; default: where you are",
    },
    "no-test": NO_TEST_OPTION,
    end: { type: "boolean", summary: "Ends it: no version is staged any more" },
    json: { type: "boolean", summary: "Shows all of it as JSON" },
  },
  fields: { version: "[version]", "recorded.days": "--days", "recorded.limit": "--limit" },
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
    if (version !== undefined) {
      await testFirst(client, [key, version], call);
      await about(key, () => client.post(decoderPath(key, "stage"), { version, recorded }));
    }
    const stage = await whenRun(client, key, call);
    say(io.output, flag("json") ? JSON.stringify(stage, undefined, 2) : lines(key, stage).join("\n"));
    if (!flag("json")) say(io.output, nextOf(key, stage));
    return stage.mayActivate ? EXIT.ok : EXIT.failed;
  },
};
