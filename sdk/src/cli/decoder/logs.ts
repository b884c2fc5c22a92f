/** `mooring decoder logs`: how a decoder does, and the payloads that it could not read. */
import type { Client } from "../client.ts";
import { type CliCommand, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { limitOf, limitOption } from "../limit.ts";
import { next } from "./folder.ts";
import { about, decoderPath } from "./rest.ts";

interface DeadLetter {
  readonly deviceId: string;
  readonly endpoint?: string;
  readonly path: string;
  readonly time: string;
  readonly value: string;
  readonly reason: string;
  readonly message: string;
  readonly version?: string;
}

interface Stats {
  readonly version: string;
  readonly decoded: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  readonly queued: number;
}

function statsLine({ version, decoded, failed, cpuMs, queued }: Stats): string {
  const wrong = Object.entries(failed)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason}`);
  // A service takes its time elsewhere.
  const each = decoded > 0 && cpuMs > 0 ? `, ${(cpuMs / decoded).toFixed(3)} ms each` : "";
  return `${version}: ${decoded} decoded${each}, failed: ${wrong.join(", ") || "none"}, ${queued} waiting`;
}

const letterLine = ({ time, endpoint, deviceId, path, version, reason, message, value }: DeadLetter): string =>
  `${time}  ${endpoint ?? deviceId} ${path}${version === undefined ? "" : ` [${version}]`}  ${reason}: ${message}\n    ${value}`;

async function show(client: Client, key: string, limit: number): Promise<string> {
  const { versions } = await about(key, () => client.get<{ versions: readonly Stats[] }>(decoderPath(key, "stats")));
  const { deadLetters } = await client.get<{ readonly deadLetters: readonly DeadLetter[] }>(
    `${decoderPath(key, "dead-letters")}?pageSize=${limit}`,
  );
  const read = versions.length > 0 ? versions.map(statsLine) : ["no version is loaded"];
  if (deadLetters.length === 0) return [...read, "no payload that could not be decoded"].join("\n");
  const steps = next(
    "make a vector of such a payload (vectors/*.json), and a version that reads it",
    `npx mooring decoder logs ${key} --replay, once that version is in force`,
  );
  return [...read, ...deadLetters.toReversed().map(letterLine), steps].join("\n");
}

export const decoderLogsCommand: CliCommand = {
  name: "decoder logs",
  usage: "<key>",
  summary: "Shows how the versions of a decoder do, and the latest payloads that could not be decoded, with the reason",
  notes: [
    '"failed" are faults of the decoder, by reason; what it itself calls undecodable is counted as decoded. Figures are since the host started.',
    "A payload that could not be decoded is kept: --replay puts all of them back into the queue.",
  ],
  options: {
    limit: limitOption("Payloads"),
    replay: { type: "boolean", summary: "Has all of them decoded once more, by the version in force" },
  },
  arguments: [1, 1],

  async run(call) {
    const { args, flag, connect, io } = call;
    const key = args[0]!;
    const limit = limitOf(call);
    const client = await connect();
    if (flag("replay")) {
      const path = decoderPath(key, "dead-letters", "replay");
      const { replayed } = await about(key, () => client.post<{ readonly replayed: number }>(path, {}));
      say(io.output, `${key}: ${replayed} payloads are decoded once more`);
      say(io.output, next(`npx mooring decoder logs ${key}`));
      return EXIT.ok;
    }
    say(io.output, await show(client, key, limit));
    return EXIT.ok;
  },
};
