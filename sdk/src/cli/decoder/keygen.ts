/** `mooring decoder keygen`: a key pair to sign packages with. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { generateSigningKey } from "@mooring/core";
import { type CliCommand, CliError, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { next } from "./folder.ts";

export const decoderKeygenCommand: CliCommand = {
  name: "decoder keygen",
  usage: "<file>",
  summary: "Makes a key that signs packages (Ed25519)",
  notes: [
    "Writes the private key to <file>, for its owner alone, and shows the public one. A host with the option decoding.trustedKeys takes",
    "packages of the keys that are listed there.",
  ],
  options: {},
  arguments: [1, 1],

  async run({ args, io }) {
    const file = args[0]!;
    if (existsSync(file))
      throw new CliError(EXIT.usage, `${file} is there already: a key that is lost cannot be made again`);
    const { privateKey, publicKey } = generateSigningKey();
    await writeFile(file, privateKey, { mode: 0o600, flag: "wx" });
    say(io.output, `${file}: private key, keep it to yourself\npublic key: ${publicKey}`);
    say(io.output, next(`npx mooring decoder pack --key ${file}`, "give the public key to those who run the host"));
    return EXIT.ok;
  },
};
