/** `mooring decoder activate` and `rollback`: which version is in force. */
import { type CliCall, type CliCommand, CliError, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { next } from "./folder.ts";
import { about, decoderPath, type ShownDecoder } from "./rest.ts";

interface Activation extends ShownDecoder {
  readonly previousVersion: string | null;
}

function describe({ key, version, previousVersion }: Activation): string {
  const before = previousVersion === null ? "" : `; before: ${previousVersion}`;
  return `${key}: ${version ?? "no version"} is in force for what comes from now on${before}`;
}

/** @throws CliError */
function percentOf({ text }: CliCall): { readonly maxDifferent?: number } {
  const given = text("max-different");
  if (given === undefined) return {};
  const percent = Number(given);
  if (given.trim() !== "" && percent >= 0 && percent <= 100) return { maxDifferent: percent };
  throw new CliError(EXIT.usage, `--max-different "${given}" must be 0 to 100`);
}

export const decoderActivateCommand: CliCommand = {
  name: "decoder activate",
  usage: "<key> [version]",
  summary: "Puts a version in force; refused where its shadow run found too many differences",
  notes: ["[version]: default, the staged one. What is decoded already stays: mooring decoder redecode."],
  options: {
    "max-different": {
      type: "string",
      value: "<percent>",
      summary: "Of the payloads of its shadow run, how many may have another result; default: the host's limit",
    },
    force: { type: "boolean", summary: "Whatever its shadow run says" },
  },
  fields: { version: "[version]", maxDifferent: "--max-different", force: "--force" },
  arguments: [1, 2],

  async run(call) {
    const [key, version] = call.args as [string, string?];
    const body = {
      ...(version !== undefined && { version }),
      ...percentOf(call),
      ...(call.flag("force") && { force: true }),
    };
    const client = await call.connect();
    const done = await about(key, () => client.post<Activation>(decoderPath(key, "activate"), body));
    say(call.io.output, describe(done));
    say(
      call.io.output,
      next(
        `npx mooring decoder rollback ${key}, back to what was before`,
        `npx mooring decoder redecode ${key}, for what came earlier`,
      ),
    );
    return EXIT.ok;
  },
};

export const decoderRollbackCommand: CliCommand = {
  name: "decoder rollback",
  usage: "<key>",
  summary: "Puts the version in force again that was before, at once",
  notes: ["What the other version has decoded stays: mooring decoder redecode."],
  options: {},
  arguments: [1, 1],

  async run({ args, connect, io }) {
    const key = args[0]!;
    const client = await connect();
    const done = await about(key, () => client.post<Activation>(decoderPath(key, "rollback"), {}));
    say(io.output, describe(done));
    say(io.output, next(`npx mooring decoder redecode ${key}, for what the other version has decoded`));
    return EXIT.ok;
  },
};
