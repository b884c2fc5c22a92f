/** `mooring decoder create`: a folder with a decoder that works, to go on from. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { checkDecoderManifest } from "@mooring/core";
import { type CliCommand, CliError, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { next, shownPath } from "./folder.ts";

const SDK = resolve(import.meta.dirname, "../../..");
const TEMPLATES = join(SDK, "templates");

interface Template {
  /** Folders whose files it is made of; of two files of one name that of the later folder. */
  readonly layers: readonly string[];
  /** After the tests. */
  readonly steps?: readonly string[];
}

const KINDS: Readonly<Record<string, Template>> = {
  typescript: { layers: ["common", "typescript"] },
  javascript: { layers: ["common", "javascript"] },
  chirpstack: { layers: ["common", "chirpstack"] },
  service: {
    layers: ["common", "typescript", "service"],
    steps: ["npx mooring decoder pack --module service/decoder.js"],
  },
};
const NAMES = Object.keys(KINDS);

/** A name that is a dot file there, and would count here. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

async function filesOf(folder: string): Promise<(readonly [name: string, path: string])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => [relative(folder, path), path]);
}

/** What `npm install` makes of the dependency that package.json names: the SDK's types, and `npx mooring`. */
async function linkSdk(folder: string): Promise<void> {
  const scope = join(folder, "node_modules", "@mooring");
  const bin = join(folder, "node_modules", ".bin");
  await mkdir(scope, { recursive: true });
  await mkdir(bin, { recursive: true });
  await symlink(SDK, join(scope, "sdk"), "junction");
  if (process.platform === "win32") {
    await writeFile(join(bin, "mooring.cmd"), `@node "${join(SDK, "bin", "mooring.mjs")}" %*\r\n`);
    return;
  }
  await symlink(join("..", "@mooring", "sdk", "bin", "mooring.mjs"), join(bin, "mooring"));
  await chmod(join(SDK, "bin", "mooring.mjs"), 0o755).catch(() => {});
}

const keyOf = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

async function assertEmpty(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const [first] = await readdir(folder);
  if (first !== undefined)
    throw new CliError(EXIT.usage, `${shownPath(folder)} is not empty: ${first} is there already`);
}

export const decoderCreateCommand: CliCommand = {
  name: "decoder create",
  usage: "<folder>",
  summary: "Makes a folder with a decoder that works, its vectors and types, to go on from",
  notes: ["<folder> is new, or empty."],
  options: {
    template: { type: "string", short: "t", value: "<name>", summary: `${NAMES.join(", ")}; default ${NAMES[0]}` },
    key: { type: "string", value: "<key>", summary: "By which device protocols name it; default the folder's name" },
    name: { type: "string", value: "<text>", summary: "For people; default the key" },
  },
  arguments: [1, 1],

  async run({ args, text, io }) {
    const folder = resolve(args[0]!);
    const template = text("template") ?? NAMES[0]!;
    if (!Object.hasOwn(KINDS, template)) {
      throw new CliError(EXIT.usage, `--template "${template}" is none of ${NAMES.join(", ")}`);
    }
    const { layers, steps = [] } = KINDS[template]!;
    const key = text("key") ?? keyOf(folder);
    const { name } = checkDecoderManifest({ key, name: text("name") ?? key, version: "0.1.0" });
    await assertEmpty(folder);
    const found = await Promise.all(layers.map(layer => filesOf(join(TEMPLATES, layer))));
    const files = new Map(found.flat());
    const words: Readonly<Record<string, string>> = {
      KEY: key,
      NAME: name,
      TYPE: key.replaceAll("-", "_"),
      EXT: files.has(join("src", "decoder.ts")) ? "ts" : "js",
      SDK: relative(folder, SDK).replaceAll("\\", "/"),
    };
    const names: string[] = [];
    for (const [file, path] of files) {
      const shown = RENAMED[file] ?? file;
      names.push(shown);
      const target = join(folder, shown);
      const content = await readFile(path, "utf8");
      await mkdir(dirname(target), { recursive: true });
      await writeFile(
        target,
        content.replace(/__([A-Z]+)__/g, (whole, word: string) => words[word] ?? whole),
      );
    }
    await linkSdk(folder);
    const shown = shownPath(folder);
    const listed = names.sort().map(file => `  ${file}`);
    say(io.output, [`${shown}: decoder ${key}, ${template}`, ...listed].join("\n"));
    say(io.output, next(`cd ${shown}`, "npx mooring decoder test", ...steps));
    return EXIT.ok;
  },
};
