/** `mooring firmware`: where the firmware update of a device is, and since when. */
import type { Client } from "./client.ts";
import { type CliCommand, CliError, EXIT, type ExitCode } from "./command.ts";
import { type Device, findDevice } from "./device.ts";
import { say } from "./io.ts";

interface TimelineEntry {
  readonly time: string;
  readonly step: string;
  readonly text: string;
  readonly count?: number;
  readonly lastTime?: string;
}

interface UpdateReport {
  readonly operationId: string;
  readonly status: string;
  readonly failureReason?: string;
  readonly firmware?: { readonly name?: string; readonly version?: string };
  readonly step?: string;
  readonly since?: string;
  readonly waitsFor?: string;
  readonly unexpected?: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly timeline: readonly TimelineEntry[];
}

interface Reports {
  readonly device: { readonly registered: boolean; readonly reachable: boolean; readonly lastSeen?: string };
  /** Newest first. */
  readonly updates: readonly UpdateReport[];
}

const STEP_WIDTH = 14;

const pathOf = ({ id }: Device): string => `/service/lwm2m-agent/firmware/${id}`;

function entryLine({ time, step, text, count, lastTime }: TimelineEntry): string {
  const again = count === undefined ? "" : ` (${count} times, last ${lastTime})`;
  return `  ${time} ${step.padEnd(STEP_WIDTH)} ${text}${again}`;
}

function deviceLine({ name }: Device, { registered, reachable, lastSeen }: Reports["device"]): string {
  const state = registered ? (reachable ? "registered" : "registered, asleep") : "not registered";
  return `${name}: ${state}${lastSeen === undefined ? "" : `, last seen ${lastSeen}`}`;
}

function updateLines(update: UpdateReport): string[] {
  const { operationId, status, firmware, step, since, waitsFor, unexpected, bytes, totalBytes } = update;
  const { failureReason } = update;
  return [
    "",
    `operation ${operationId}: ${firmware?.name ?? "?"} ${firmware?.version ?? "?"}, ${status}`,
    ...(failureReason === undefined ? [] : [`  ${failureReason}`]),
    ...(step === undefined || waitsFor === undefined ? [] : [`  ${step} since ${since}, waits for ${waitsFor}`]),
    ...(unexpected === undefined ? [] : [`  unexpected: ${unexpected}`]),
    ...(bytes === undefined ? [] : [`  ${bytes} of ${totalBytes} bytes`]),
    ...update.timeline.map(entryLine),
  ];
}

async function cancel(client: Client, device: Device): Promise<string> {
  const { name: tenant } = await client.get<{ readonly name: string }>("/tenant/currentTenant");
  const path = `/service/lwm2m-agent/shell/${tenant}/${device.id}/cancelFirmwareUpdate`;
  const { operationId } = await client.put<{ readonly operationId: string }>(path, {});
  return `${device.name}: operation ${operationId} is cancelled`;
}

/** By the latest update. */
const exitOf = ({ updates: [latest] }: Reports): ExitCode => (latest?.status === "FAILED" ? EXIT.failed : EXIT.ok);

export const firmwareCommand: CliCommand = {
  name: "firmware",
  usage: "<device> [cancel]",
  summary: "Shows where the firmware update of a device is, and since when",
  notes: [
    "<device> is the id of its managed object, or its endpoint. Shows the latest update with its timeline; ends with 1 where that FAILED.",
    '"cancel" ends the update that runs.',
  ],
  options: {
    all: { type: "boolean", summary: "Shows earlier updates as well" },
    json: { type: "boolean", summary: "Shows all of it as JSON" },
  },
  arguments: [1, 2],

  async run({ args, flag, connect, io }) {
    const [name, action] = args as [string, string?];
    if (action !== undefined && action !== "cancel") throw new CliError(EXIT.usage, `"${action}" is not cancel`);
    const client = await connect();
    const device = await findDevice(client, name);
    if (action === "cancel") {
      say(io.output, await cancel(client, device));
      return EXIT.ok;
    }
    const reports = await client.get<Reports>(pathOf(device));
    const shown = flag("all") ? reports.updates : reports.updates.slice(0, 1);
    const lines = [deviceLine(device, reports.device), ...shown.flatMap(updateLines)];
    if (shown.length === 0) lines.push("no firmware update");
    say(io.output, flag("json") ? JSON.stringify(reports, undefined, 2) : lines.join("\n"));
    return exitOf(reports);
  },
};
