/** One line of the shell: read by the host's own grammar before anything is sent, run as an operation, its result shown. */
import { MooringError } from "@mooring/core";
import type { Command } from "@mooring/core/internal/agent/shell/command.ts";
import { helpText } from "@mooring/core/internal/agent/shell/help.ts";
import { parseCommand } from "@mooring/core/internal/agent/shell/parse-command.ts";
import { pointed } from "@mooring/core/internal/agent/shell/words.ts";
import type { Client } from "../client.ts";
import { EXIT, type ExitCode } from "../command.ts";
import type { Device } from "../device.ts";
import { type CliIo, say } from "../io.ts";
import type { DeviceTree } from "./device-tree.ts";
import { awaitOperation, createOperation, hasEnded, type ShellOperation } from "./operation.ts";
import { failureText, jsonResult, prettyResult } from "./show-result.ts";

export interface ShellSession {
  readonly client: Client;
  readonly device: Device;
  readonly tree: DeviceTree;
  readonly io: CliIo;
  /** How long one command is waited for, ms. */
  readonly withinMs: number;
  /** For people, as it came, or for programs. */
  readonly form: "pretty" | "plain" | "json";
}

/** Commands after which the device may have other instances than before. */
const CHANGES: readonly Command["kind"][] = ["create", "delete", "discover"];

function waitingText({ tree }: ShellSession, { id, status }: ShellOperation): string {
  const { known } = tree;
  const since = known?.lastSeen ? `, last heard ${known.lastSeen}` : "";
  const reason = !known?.registered
    ? "the device is not registered"
    : known.awake
      ? `${status === "EXECUTING" ? "for" : "before others are done, for"} the device's answer`
      : `the device is asleep${since}`;
  return `operation ${id} waits: ${reason}`;
}

function show({ io, form, tree }: ShellSession, line: string, operation: ShellOperation): ExitCode {
  const { status, c8y_Command } = operation;
  const ended = hasEnded(operation);
  if (form === "json") say(io.output, jsonResult(line, operation));
  else if (status === "FAILED") say(io.errors, failureText(operation));
  else if (!ended) say(io.errors, `operation ${operation.id} is ${status}: it goes on without being waited for`);
  else {
    const result = c8y_Command?.result ?? status;
    say(io.output, form === "pretty" ? prettyResult(result, tree) : result);
  }
  if (!ended) return EXIT.late;
  return status === "FAILED" ? EXIT.failed : EXIT.ok;
}

/**
 * @param signal ends the waiting, not the operation
 * @throws CliError where the host cannot be asked
 */
export async function runLine(session: ShellSession, line: string, signal?: AbortSignal): Promise<ExitCode> {
  const { client, device, io, tree, form } = session;
  let command: Command;
  try {
    command = parseCommand(line);
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    const refused = { command: line, status: "REFUSED", failureReason: error.message, error: error.details };
    if (form === "json") say(io.output, JSON.stringify(refused));
    else say(io.errors, pointed(line, error));
    return EXIT.usage;
  }
  if (command.kind === "help" && form !== "json") {
    say(io.output, helpText(command.about));
    return EXIT.ok;
  }
  const operation = await awaitOperation(await createOperation(client, device.id, line.trim()), {
    client,
    io,
    withinMs: session.withinMs,
    ...(signal && { signal }),
    async onWaiting(seen) {
      if (form === "json") return;
      await tree.refresh();
      say(io.errors, waitingText(session, seen));
    },
  });
  if (CHANGES.includes(command.kind) && hasEnded(operation)) await tree.refresh();
  return show(session, line.trim(), operation);
}
