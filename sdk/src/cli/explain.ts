/** `mooring explain`: why a device's values do not come. */
import { type CliCommand, EXIT } from "./command.ts";
import { findDevice } from "./device.ts";
import { say } from "./io.ts";

interface LinkReport {
  readonly link: string;
  readonly state: "ok" | "broken" | "waiting" | "unknown";
  readonly text: string;
  readonly fault?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

interface Explanation {
  readonly endpoint: string;
  readonly verdict?: LinkReport;
  readonly links: readonly LinkReport[];
}

const MARKS = { ok: "ok", broken: "BROKEN", waiting: "waits", unknown: "-" } as const;
const LINK_WIDTH = 13;
const MARK_WIDTH = 7;

const line = ({ link, state, text }: LinkReport): string =>
  `${link.padEnd(LINK_WIDTH)} ${MARKS[state].padEnd(MARK_WIDTH)} ${text}`;

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function verdictLines({ endpoint, verdict }: Explanation): string[] {
  if (!verdict) return ["", `All links of ${endpoint} hold.`];
  const { fault, link, text, evidence = {} } = verdict;
  const seen = Object.entries(evidence).map(([name, value]) => `  ${name}: ${shown(value)}`);
  return ["", `${fault ?? link}: ${text}`, ...seen];
}

export const explainCommand: CliCommand = {
  name: "explain",
  usage: "<device>",
  summary: "Says why a device's values do not come",
  notes: [
    "<device> is the id of its managed object, or its endpoint. Walks from handshake to store, and ends with the first link that is",
    "broken and what was seen of it. Ends with 1 where one is broken.",
  ],
  options: { json: { type: "boolean", summary: "Shows all of it as JSON" } },
  arguments: [1, 1],

  async run({ args, flag, connect, io }) {
    const client = await connect();
    const { id } = await findDevice(client, args[0]!);
    const explanation = await client.get<Explanation>(`/service/lwm2m-agent/explain/${id}`);
    const lines = [...explanation.links.map(line), ...verdictLines(explanation)];
    say(io.output, flag("json") ? JSON.stringify(explanation, undefined, 2) : lines.join("\n"));
    return explanation.verdict?.state === "broken" ? EXIT.failed : EXIT.ok;
  },
};
