/** `mooring decoder pack`: a decoder as one file, for a host or for others. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type DecoderPackage, packageFileName, writeDecoderPackage } from "@mooring/core";
import { bundleWithMap, type DecoderBundle } from "../../pack/bundle.ts";
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

/** @throws CliError for a file that cannot be read */
async function privateKeyOf({ text }: Pick<CliCall, "text">): Promise<{ readonly privateKey?: string }> {
  const file = text("key");
  if (file === undefined) return {};
  const privateKey = await readFile(file, "utf8").catch((cause: Error) => {
    throw new CliError(EXIT.usage, `--key ${file}: ${cause.message}`, { cause });
  });
  return { privateKey };
}

/**
 * A decoder's package, whose vectors have passed. Its source is bundled once, for both.
 * @param undone what is left undone where a vector fails: `not packed`
 * @throws CliError; MooringError as `packDecoder` and `testDecoder`
 */
export async function packTested(
  folder: string,
  call: CliCall,
  undone: string,
  bundler = bundleWithMap,
): Promise<DecoderPackage> {
  let made: Promise<DecoderBundle> | undefined;
  const bundle = (file: string): Promise<DecoderBundle> => (made ??= bundler(file));
  const bundleCode = async (file: string): Promise<string> => (await bundle(file)).code;
  const packed = await packDecoder(folder, { ...(await privateKeyOf(call)), bundle: bundleCode });
  await testFolderFirst(folder, call, undone, bundle);
  return packed;
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
    const packed = await packTested(folder, call, "not packed");
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
