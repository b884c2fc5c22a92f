/** How a decoder host is started: the same Node, an empty environment, as few rights as the platform can withhold. */
import { existsSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { MooringError } from "../base/errors.ts";
import type { EngineName } from "./engine.ts";

export interface HostCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Under Node's permission model: reads its own few files, writes nothing, starts nothing. */
  readonly confined: boolean;
  /** Numbers of the user and group that it becomes; absent: it stays what this process is. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** `nobody` on Linux, by number, since images without /etc/passwd have none by name. */
const NOBODY = { uid: 65_534, gid: 65_534 } as const;

const FLAGS = [
  // isolated-vm requires it since Node 20.
  "--no-node-snapshot",
  "--max-old-space-size=128",
  "--disable-proto=delete",
  "--disable-warning=ExperimentalWarning",
  "--disable-warning=SecurityWarning",
];

/**
 * No core files (one per hostile payload would fill the disk), and the kernel, short of memory, takes a decoder host before
 * anything else. Shells add variables of their own, hence `env -i`. RLIMIT_DATA is no help: each isolate reserves over 100 MB of it and uses 2.
 */
const SHELL = 'ulimit -c 0; echo 1000 2>/dev/null >/proc/self/oom_score_adj; exec env -i "$0" "$@"';

/** What each engine's process reads beside our own files. */
const PACKAGES: Readonly<Record<EngineName, readonly string[]>> = {
  "isolated-vm": ["isolated-vm", "node-gyp-build"],
  quickjs: ["quickjs-emscripten-core", "@jitl/quickjs-ng-wasmfile-release-sync", "@jitl/quickjs-ffi-types"],
};

function readableFolders(own: string, engine: EngineName): string[] {
  const packages = PACKAGES[engine].map(name => {
    const manifest = findPackageJSON(name, import.meta.url);
    if (!manifest) throw new MooringError("DECODER_UNAVAILABLE", `package ${name} is not installed`);
    return dirname(manifest);
  });
  return [own, join(own, "..", "base"), ...packages].map(folder => folder + sep);
}

/**
 * The most confined first; a later one is for platforms where an earlier one does not start. Started as root, hosts become
 * nobody, who must be able to read the program: below a folder of mode 0700 only the later ones start.
 */
export function hostCommands(engine: EngineName = "isolated-vm"): HostCommand[] {
  const own = dirname(fileURLToPath(import.meta.url));
  const entry = join(own, `host-main${extname(import.meta.url)}`);
  // The second is read by isolated-vm's loader to tell musl from glibc, the first to learn that our files are ES modules.
  const files = [join(own, "..", "..", "package.json"), "/etc/alpine-release"];
  const permissions = [
    "--permission",
    ...(engine === "isolated-vm" ? ["--allow-addons"] : []),
    ...[...readableFolders(own, engine), ...files].map(path => `--allow-fs-read=${path}`),
  ];
  const command = (args: readonly string[], confined: boolean): HostCommand => {
    const node = [process.execPath, ...args, entry, engine];
    const limited = process.platform === "linux" && existsSync("/bin/sh");
    const [file, ...rest] = limited ? ["/bin/sh", "-c", SHELL, ...node] : node;
    return { file: file!, args: rest, cwd: process.platform === "win32" ? own : "/", confined };
  };
  const commands = [command([...FLAGS, ...permissions], true), command(FLAGS, false)];
  const isRoot = process.platform === "linux" && process.getuid?.() === 0;
  return isRoot ? [...commands.map(each => ({ ...each, user: NOBODY })), ...commands] : commands;
}
