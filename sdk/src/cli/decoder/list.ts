/** `mooring decoder list`: decoders of a host, or the versions of one. */
import type { Client } from "../client.ts";
import { type CliCommand, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { next } from "./folder.ts";
import { about, DECODERS, decoderPath, listAll, type ShownDecoder, type ShownVersion, table } from "./rest.ts";

async function showDecoders(client: Client): Promise<string> {
  const decoders = await listAll<ShownDecoder>(client, DECODERS, "decoders");
  const rows = decoders.map(({ key, version = "-", staged = "-", origin = "-", name }) => [
    key,
    version,
    staged,
    origin,
    name,
  ]);
  return decoders.length === 0 ? "no decoder" : table([["KEY", "ACTIVE", "STAGED", "FROM", "NAME"], ...rows]);
}

async function showVersions(client: Client, key: string): Promise<string> {
  const versions = await about(key, () => listAll<ShownVersion>(client, decoderPath(key, "versions"), "versions"));
  const rows = versions.map(({ version, status, origin = "-", creationTime = "-", author = "-", signer }) => [
    version,
    status,
    origin,
    creationTime,
    author,
    signer === undefined ? "no" : "yes",
  ]);
  return table([["VERSION", "STATUS", "FROM", "UPLOADED", "AUTHOR", "SIGNED"], ...rows]);
}

export const decoderListCommand: CliCommand = {
  name: "decoder list",
  usage: "[key]",
  summary: "Shows the decoders of a host and their versions in force, or all versions of one",
  notes: [],
  options: { json: { type: "boolean", summary: "As the host has it" } },
  arguments: [0, 1],

  async run({ args: [key], flag, connect, io }) {
    const client = await connect();
    if (flag("json")) {
      const path = key === undefined ? DECODERS : decoderPath(key, "versions");
      const items = await listAll(client, path, key === undefined ? "decoders" : "versions");
      say(io.output, JSON.stringify(items, undefined, 2));
      return EXIT.ok;
    }
    say(io.output, key === undefined ? await showDecoders(client) : await showVersions(client, key));
    say(io.output, next(key === undefined ? "npx mooring decoder list <key>" : `npx mooring decoder logs ${key}`));
    return EXIT.ok;
  },
};
