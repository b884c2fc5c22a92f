/** `mooring decoder deploy`: a decoder version to a host. */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DecoderManifest, readDecoderPackage } from "@mooring/core";
import { readManifestFile } from "@mooring/core/internal/decoding/decoder-registry.ts";
import { toVector } from "../../harness/vector.ts";
import { withHints } from "../client.ts";
import { type CliCall, type CliCommand, CliError, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { folderOf, next } from "./folder.ts";
import { describePackage, KEY_OPTION, packTested } from "./pack.ts";
import { DECODERS, type ShownVersion } from "./rest.ts";
import { NO_TEST_OPTION, testFolderFirst, testSourceFirst, untested } from "./vectors-first.ts";

interface Upload {
  readonly manifest: DecoderManifest;
  /** For people. */
  readonly shown: string;
  readonly body: unknown;
}

const UNDONE = "not deployed";

/** A service may be written in anything: what is not here is not run here. */
async function testServiceFirst(folder: string, call: CliCall): Promise<void> {
  const hasSource = ["decoder.ts", "decoder.js"].some(name => existsSync(join(folder, "src", name)));
  if (hasSource) await testFolderFirst(folder, call, UNDONE);
  else untested(call, "there is no src/decoder.ts or .js");
}

/** Whose vectors have passed. @throws CliError; MooringError as `packDecoder`, `readDecoderPackage` and `testDecoder` */
async function uploadOf(call: CliCall): Promise<Upload> {
  const { args, text } = call;
  const url = text("service");
  if (url !== undefined) {
    const folder = folderOf(call);
    const manifest = await readManifestFile(folder);
    await testServiceFirst(folder, call);
    return {
      manifest,
      shown: `${manifest.key} ${manifest.version}: service at ${url}`,
      body: { manifest, service: { url } },
    };
  }
  const file = args[0];
  if (file !== undefined && existsSync(file) && statSync(file).isFile()) {
    if (text("key") !== undefined)
      throw new CliError(EXIT.usage, "--key signs folders; mooring decoder pack --key signs a package");
    const packed = readDecoderPackage(await readFile(file));
    const steps = { undone: UNDONE, mend: "npx mooring decoder pack, in its folder, once they pass" };
    await testSourceFirst(packed, (packed.vectors ?? []).map(toVector), call, steps);
    return { manifest: packed.manifest, shown: describePackage(packed), body: packed };
  }
  const folder = folderOf(call);
  const packed = await packTested(folder, call, UNDONE);
  return { manifest: packed.manifest, shown: describePackage(packed), body: packed };
}

function nextOf(
  { key, version, resources: [path = "/<object>/*/<resource>"] = [] }: DecoderManifest,
  isActive: boolean,
) {
  if (isActive) {
    return next(
      "npx mooring protocol upload <object file>, unless the host knows the object",
      `npx mooring protocol map '${path}' decoder:${key}, unless a resource is sent to it already`,
    );
  }
  return next(
    `npx mooring decoder stage ${key} ${version}, to see first what it would change`,
    `npx mooring decoder activate ${key} ${version}`,
  );
}

export const decoderDeployCommand: CliCommand = {
  name: "decoder deploy",
  usage: "[folder | package]",
  summary: "Uploads a decoder version to a host; the first one of its key is active at once",
  notes: [
    "[folder] is the decoder's, packed on the way; default: where you are. [package] is what mooring decoder pack wrote. A version never",
    "changes: raise version in manifest.json for another one, then stage and activate it. The vectors are run first; where one fails,",
    "nothing is uploaded and it ends with 1, as mooring decoder test.",
  ],
  options: {
    key: KEY_OPTION,
    service: {
      type: "string",
      value: "<url>",
      summary: "The decoder runs there (POST <url>/decode), not in the host's sandbox",
    },
    "no-test": NO_TEST_OPTION,
  },
  fields: { "service.url": "--service", signature: "--key", "signature.publicKey": "--key" },
  arguments: [0, 1],

  async run(call) {
    const { manifest, shown, body } = await uploadOf(call);
    const client = await call.connect();
    const hints = { 409: "a version never changes: raise version in manifest.json" };
    const { status } = await withHints(hints, () => client.post<ShownVersion>(DECODERS, body));
    const isActive = status === "active";
    say(call.io.output, `${shown}\nuploaded${isActive ? ", active" : ", not active yet"}`);
    say(call.io.output, nextOf(manifest, isActive));
    return EXIT.ok;
  },
};
