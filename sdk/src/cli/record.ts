/** `mooring record`: what a device and the host say to each other, as a capture file. */
import { writeFile } from "node:fs/promises";
import type { Client } from "./client.ts";
import { type CliCall, type CliCommand, CliError, EXIT } from "./command.ts";
import { type Device, findDevice } from "./device.ts";
import { say } from "./io.ts";

interface RecordingStatus {
  readonly recording: boolean;
  readonly until: string;
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
}

const pathOf = ({ id }: Device): string => `/service/lwm2m-agent/recording/${id}`;

function describe({ name }: Device, { recording, until, packets, bytes, dropped }: RecordingStatus): string {
  const state = recording ? `${name} is recorded until ${until}` : `${name} was recorded until ${until}`;
  const gone = dropped > 0 ? `, ${dropped} older ones gone` : "";
  return `${state}: ${packets} messages, ${bytes} bytes${gone}`;
}

function minutesOf({ text }: CliCall): { readonly minutes?: number } {
  const given = text("minutes");
  if (given === undefined) return {};
  if (/^\d{1,6}$/.test(given)) return { minutes: Number(given) };
  throw new CliError(EXIT.usage, `--minutes "${given}" must be whole minutes`);
}

type Action = (client: Client, device: Device, call: CliCall) => Promise<string>;

const ACTIONS: Readonly<Record<string, Action>> = {
  start: async (client, device, call) =>
    describe(device, await client.put<RecordingStatus>(pathOf(device), minutesOf(call))),
  status: async (client, device) => describe(device, await client.get<RecordingStatus>(pathOf(device))),
  stop: async (client, device) =>
    describe(device, await client.post<RecordingStatus>(`${pathOf(device)}/stop`, undefined)),
  async fetch(client, device, { text }) {
    const file = text("output") ?? `${device.name.replace(/[^\w.-]/g, "_")}.pcapng`;
    const bytes = await client.bytes(`${pathOf(device)}/pcapng`);
    await writeFile(file, bytes);
    return `${file}: ${bytes.length} bytes, for Wireshark and "mooring replay"`;
  },
};

export const recordCommand: CliCommand = {
  name: "record",
  usage: "<device> start|status|stop|fetch",
  summary: "Records the messages of a device, decrypted, for Wireshark",
  notes: [
    "<device> is the id of its managed object, or its endpoint. A recording ends by itself; what it has stays until the host ends, or makes",
    'room for others. "fetch" writes it to a file, also while it runs.',
  ],
  options: {
    minutes: { type: "string", value: "<minutes>", summary: "How long, from now; default 60" },
    output: { type: "string", short: "o", value: "<file>", summary: "What fetch writes; default <device>.pcapng" },
  },
  fields: { minutes: "--minutes" },
  arguments: [2, 2],

  async run(call) {
    const [name, action] = call.args as [string, string];
    if (!Object.hasOwn(ACTIONS, action)) {
      throw new CliError(EXIT.usage, `"${action}" is none of ${Object.keys(ACTIONS).join(", ")}`);
    }
    const client = await call.connect();
    say(call.io.output, await ACTIONS[action]!(client, await findDevice(client, name), call));
    return EXIT.ok;
  },
};
