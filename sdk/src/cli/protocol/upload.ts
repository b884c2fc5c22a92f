/** `mooring protocol upload`: object definition files, so that the host knows what a device carries. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type CliCommand, CliError, EXIT } from "../command.ts";
import { next } from "../decoder/folder.ts";
import { say } from "../io.ts";

interface ManagedObject {
  readonly id: string;
  readonly name?: string;
}

interface Upload {
  readonly new: readonly ManagedObject[];
  readonly updated: readonly ManagedObject[];
  readonly error: readonly { readonly id: string; readonly msg: string }[];
}

export const protocolUploadCommand: CliCommand = {
  name: "protocol upload",
  usage: "<file>",
  summary: "Uploads an object definition file (DDF): what objects of a device are made of",
  notes: ["<file> is XML as OMA publishes it."],
  options: {},
  arguments: [1, 1],

  async run({ args, connect, io }) {
    const file = args[0]!;
    const bytes = await readFile(file).catch((cause: Error) => {
      throw new CliError(EXIT.usage, `${file}: ${cause.message}`, { cause });
    });
    const form = new FormData();
    form.set("file", new Blob([bytes], { type: "text/xml" }), basename(file));
    const client = await connect();
    const upload = await client.post<Upload>("/service/lwm2m-agent/objectResourceMappings/ddf", form);
    const told = (what: string) => (object: ManagedObject) => `${object.name ?? object.id}: ${what}`;
    const lines = [
      ...upload.new.map(told("new")),
      ...upload.updated.map(told("changed")),
      ...upload.error.map(({ id, msg }) => `${id}: refused: ${msg}`),
    ];
    say(io.output, lines.join("\n"));
    if (upload.error.length > 0) return EXIT.failed;
    say(io.output, next("npx mooring protocol map <path> decoder:<key>"));
    return EXIT.ok;
  },
};
