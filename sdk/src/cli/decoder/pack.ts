/** `mooring decoder pack`: a decoder as one file, for a host or for others. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type DecoderPackage, packageFileName, writeDecoderPackage } from "@mooring/core";
import { packDecoder } from "../../pack/pack-decoder.ts";
import { type CliCall, type CliCommand, CliError, type CliOption, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { folderOf, next } from "./folder.ts";
import { NO_TEST_OPTION, testFolderFirst } from "./vectors-first.ts";

export const KEY_OPTION: CliOption = {
  type: "string",
  value: "<file>",
  summary: 'Private key that signs it, of "mooring decoder keygen"',
};

/** @throws CliError for a key that cannot be read; MooringError as `packDecoder` */
export async function packFolder(folder: string, { text }: Pick<CliCall, "text">): Promise<DecoderPackage> {
  const file = text("key");
  if (file === undefined) return packDecoder(folder);
  const privateKey = await readFile(file, "utf8").catch((cause: Error) => {
    throw new CliError(EXIT.usage, `--key ${file}: ${cause.message}`, { cause });
  });
  return packDecoder(folder, { privateKey });
}

/** `acme 1.0.0: 3,402 characters of JavaScript, 4 vectors, signed` */
export function describePackage({ manifest, source, vectors = [], signature }: DecoderPackage): string {
  const size = `${source.length.toLocaleString("en")} characters of JavaScript`;
  const signed = signature ? `signed with ${signature.publicKey}` : "not signed";
  return `${manifest.key} ${manifest.version}: ${size}, ${vectors.length} vectors, ${signed}`;
}

export const decoderPackCommand: CliCommand = {
  name: "decoder pack",
  usage: "[folder]",
  summary: "Makes one file of a decoder: manifest, source with all that it imports, vectors, README",
  notes: [
    "[folder] is the decoder's; default: where you are. The file has a checksum, and with --key a signature. The vectors are run first; where",
    "one fails, nothing is packed and it ends with 1, as mooring decoder test.",
  ],
  options: {
    key: KEY_OPTION,
    output: { type: "string", short: "o", value: "<file>", summary: "Default <key>-<version>.mooring.json" },
    module: {
      type: "string",
      value: "<file>",
      summary: "Writes the module alone instead, which imports nothing: for a decoder service",
    },
    "no-test": NO_TEST_OPTION,
  },
  arguments: [0, 1],

  async run(call) {
    const { text, io } = call;
    const folder = folderOf(call);
    const packed = await packFolder(folder, call);
    await testFolderFirst(folder, call, "not packed");
    const module = text("module");
    const file = module ?? text("output") ?? packageFileName(packed.manifest);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, module === undefined ? writeDecoderPackage(packed) : packed.source);
    say(io.output, `${file}: ${describePackage(packed)}`);
    const service = "npx mooring decoder deploy --service <url>, once it runs there";
    say(io.output, next(module === undefined ? `npx mooring decoder deploy ${file}` : service));
    return EXIT.ok;
  },
};
