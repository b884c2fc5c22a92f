/** `mooring decoder test`: the vectors of a decoder, in the host's own sandbox and directly. */
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@mooring/core";
import { type DecoderSandbox, openDecoderSandbox } from "../../harness/sandbox.ts";
import { type CliCall, type CliCommand, EXIT, type ExitCode } from "../command.ts";
import { say } from "../io.ts";
import { folderArgument, folderOf, next, watchStep } from "./folder.ts";
import { report, testDecoder } from "./test-decoder.ts";

interface Parts {
  readonly folder: string;
  readonly sandbox: DecoderSandbox;
  readonly call: CliCall;
}

async function run({ folder, sandbox, call: { flag, io } }: Parts): Promise<ExitCode> {
  const startedAt = io.now();
  const ran = await testDecoder(folder, sandbox, { sandboxOnly: flag("sandbox") });
  say(io.output, report(ran, io.now() - startedAt));
  return ran.failed > 0 ? EXIT.failed : EXIT.ok;
}

/** An editor writes a file in several steps; they count as one change. */
const SETTLING_MS = 30;

/** Resolves with the next change of what a decoder is made of, those since the last call included. */
function changesOf(folder: string): { next(): Promise<void> } & Disposable {
  let changed = Promise.withResolvers<void>();
  const parts = ["src", "vectors"].map(name => join(folder, name)).filter(existsSync);
  const watchers = [
    ...parts.map(path => watch(path, { recursive: true }, () => changed.resolve())),
    watch(folder, (_, name) => name === "manifest.json" && changed.resolve()),
  ];
  return {
    async next() {
      await changed.promise;
      changed = Promise.withResolvers();
    },
    [Symbol.dispose]: () => {
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Ends with the process. */
async function watchAndRun(parts: Parts): Promise<never> {
  const { folder, call } = parts;
  const { io } = call;
  using changes = changesOf(folder);
  for (;;) {
    try {
      await run(parts);
    } catch (error) {
      say(io.output, messageOf(error));
    }
    say(io.output, "Next: change src or vectors, and save; Ctrl-C ends");
    await changes.next();
    await io.pause(SETTLING_MS);
    say(io.output, "");
  }
}

export const decoderTestCommand: CliCommand = {
  name: "decoder test",
  usage: "[folder]",
  summary: "Runs the vectors of a decoder in the host's sandbox, and directly",
  notes: [
    "[folder] has manifest.json, src/decoder.ts or .js, and vectors/*.json; default: where you are. Each vector is a payload in hexadecimal",
    "and the result that it must give. Ends with 1 where one gives another.",
  ],
  options: {
    watch: { type: "boolean", short: "w", summary: "Runs them again at each save" },
    sandbox: { type: "boolean", summary: "Only in the sandbox" },
  },
  arguments: [0, 1],

  async run(call) {
    const folder = folderOf(call);
    await using sandbox = await openDecoderSandbox();
    const parts: Parts = { folder, sandbox, call };
    if (call.flag("watch")) return await watchAndRun(parts);
    const code = await run(parts);
    say(
      call.io.output,
      next(code === EXIT.ok ? `npx mooring decoder pack${folderArgument(folder)}` : watchStep(folder)),
    );
    return code;
  },
};
