/** `mooring device data`: what became of what a device sent, the latest last. */
import type { Client } from "../client.ts";
import { type CliCommand, EXIT } from "../command.ts";
import { findDevice } from "../device.ts";
import { say } from "../io.ts";
import { limitOf, limitOption } from "../limit.ts";

interface Document {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly text?: string;
  readonly severity?: string;
  readonly status?: string;
  readonly decodedBy?: { readonly key: string; readonly version: string };
  readonly decoderData?: { readonly status?: string; readonly message?: string };
  readonly [fragment: string]: unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `acme.U 230.1 V` for each series. */
const seriesOf = (measurement: Document): string[] =>
  Object.entries(measurement).flatMap(([fragment, content]) =>
    isObject(content)
      ? Object.entries(content).flatMap(([series, item]) =>
          isObject(item) && typeof item["value"] === "number"
            ? [`${fragment}.${series} ${item["value"]}${item["unit"] ? ` ${String(item["unit"])}` : ""}`]
            : [],
        )
      : [],
  );

const KINDS: readonly { readonly path: string; readonly list: string; describe(document: Document): string }[] = [
  { path: "/measurement/measurements", list: "measurements", describe: each => seriesOf(each).join(", ") },
  {
    path: "/event/events",
    list: "events",
    describe({ type, text, decoderData }) {
      const state = [decoderData?.status, decoderData?.message].filter(Boolean).join(": ");
      return `event ${type}: ${text}${state === "" ? "" : ` (${state})`}`;
    },
  },
  {
    path: "/alarm/alarms",
    list: "alarms",
    describe: ({ type, text, severity, status }) => `alarm ${type}: ${text} (${severity}, ${status})`,
  },
];

interface Row {
  readonly time: string;
  readonly line: string;
}

async function rowsOf(client: Client, source: string, limit: number): Promise<Row[]> {
  const query = new URLSearchParams({ source, pageSize: String(limit), revert: "true" });
  const found = await Promise.all(
    KINDS.map(async ({ path, list, describe }) => {
      const answer = await client.get<Readonly<Record<string, readonly Document[]>>>(`${path}?${query}`);
      return (answer[list] ?? []).map(document => {
        const { decodedBy, time } = document;
        const by = decodedBy ? `  [${decodedBy.key} ${decodedBy.version}]` : "";
        return { time, line: `${time}  ${describe(document)}${by}` };
      });
    }),
  );
  return found
    .flat()
    .sort((a, b) => Date.parse(a.time) - Date.parse(b.time))
    .slice(-limit);
}

export const deviceDataCommand: CliCommand = {
  name: "device data",
  usage: "<device>",
  summary: "Shows the latest measurements, events and alarms of a device, and which decoder version made them",
  notes: ["<device> is the id of its managed object, or its endpoint. The latest stands last."],
  options: { limit: limitOption("How many") },
  arguments: [1, 1],

  async run(call) {
    const { args, connect, io } = call;
    const limit = limitOf(call);
    const client = await connect();
    const device = await findDevice(client, args[0]!);
    const rows = await rowsOf(client, device.id, limit);
    const nothing = `no data of ${device.name}: npx mooring explain ${args[0]} says where they stay`;
    say(io.output, rows.length > 0 ? rows.map(({ line }) => line).join("\n") : nothing);
    return EXIT.ok;
  },
};
