/** `mooring shell`: commands of the LwM2M shell for one device, typed, as arguments, or from a pipe. */
import { createInterface } from "node:readline";
import { type CliCall, type CliCommand, CliError, EXIT, type ExitCode } from "./command.ts";
import { findDevice } from "./device.ts";
import { createDeviceTree } from "./shell/device-tree.ts";
import { runInteractive } from "./shell/interactive.ts";
import { runLine, type ShellSession } from "./shell/run-line.ts";

const DEFAULT_WAIT_S = 600;
const MOST_WAIT_S = 7 * 86_400;

function waitMs({ text }: CliCall, isInteractive: boolean): number {
  const given = text("timeout");
  if (given === undefined) return isInteractive ? Number.POSITIVE_INFINITY : DEFAULT_WAIT_S * 1000;
  if (/^\d{1,6}$/.test(given) && Number(given) <= MOST_WAIT_S) return Number(given) * 1000;
  throw new CliError(EXIT.usage, `--timeout "${given}" must be whole seconds up to ${MOST_WAIT_S}`);
}

/** Line by line; what is bad does not keep the next one from its turn. @returns the first exit code that is not 0 */
async function runAll(session: ShellSession, lines: AsyncIterable<string> | Iterable<string>): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  for await (const line of lines) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const ended = await runLine(session, line);
    if (exitCode === EXIT.ok) exitCode = ended;
  }
  return exitCode;
}

export const shellCommand: CliCommand = {
  name: "shell",
  usage: "<device> [-c <command>]...",
  summary: "Talks to a device: reads, writes, executes and observes what it has",
  notes: [
    "<device> is the id of its managed object, or its endpoint. Commands are typed, given with -c, or come from a pipe, one to a line;",
    'lines that begin with # are left out. "help" lists the commands. A device that sleeps gets them when it wakes.',
    "At a terminal results are shown as a table, otherwise as the operation has them: a line with the code, then JSON.",
  ],
  options: {
    command: {
      type: "string",
      short: "c",
      multiple: true,
      value: "<command>",
      summary: "A command to run, then another",
    },
    timeout: {
      type: "string",
      value: "<seconds>",
      summary: `How long each command is waited for; default ${DEFAULT_WAIT_S}, at a terminal for ever; 0: not at all`,
    },
    json: { type: "boolean", summary: "Shows each result as one line of JSON" },
  },
  arguments: [1, 1],

  async run(call) {
    const { io, args, texts, flag } = call;
    const commands = texts("command");
    const isInteractive = commands.length === 0 && io.isInputTerminal;
    const withinMs = waitMs(call, isInteractive);
    const client = await call.connect();
    const device = await findDevice(client, args[0]!);
    const tree = createDeviceTree(client, device.id);
    const form = flag("json") ? "json" : io.isOutputTerminal ? "pretty" : "plain";
    const session: ShellSession = { client, device, tree, io, withinMs, form };
    if (form === "pretty") await tree.refresh();
    if (isInteractive) return runInteractive(session);
    if (commands.length > 0) return runAll(session, commands);
    return runAll(session, createInterface({ input: io.input, terminal: false }));
  },
};
