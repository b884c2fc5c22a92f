// Installs what package-lock.json names where node_modules has it not; of all processes that start in one checkout, one does.
// Plain JavaScript for any Node >= 18, no dependencies.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 100;

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * npm says in node_modules what it holds, once all of it is there, whoever installed it. Only what is for other platforms is left out.
 * @returns {boolean}
 */
export function isInstalled(root) {
  const there = readJson(join(root, "node_modules", ".package-lock.json"))?.packages;
  if (!there) return false;
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages).every(
    ([path, { version, optional }]) =>
      path === "" || (there[path] ? there[path].version === version : optional === true),
  );
}

/** @returns when a process began, "" where the system does not tell, undefined where there is none any more */
function lifeOf(pid) {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18];
  } catch {
    // No such process, or no such folder.
  }
  try {
    process.kill(pid, 0);
    return "";
  } catch (error) {
    return error.code === "EPERM" ? "" : undefined;
  }
}

/** Whether it is the same process still, not another one with its number. */
function lives({ pid, life }) {
  const now = lifeOf(pid);
  return now !== undefined && (now === "" || life === "" || now === life);
}

const latestIn = folder => Math.max(0, ...readdirSync(folder).map(Number).filter(Number.isInteger));

/** Whole or not at all. */
function writeHolders(turn, pids) {
  const path = join(turn, "holders.json");
  writeFileSync(`${path}.new`, JSON.stringify(pids.map(pid => ({ pid, life: lifeOf(pid) }))));
  renameSync(`${path}.new`, path);
}

/**
 * Waits for a turn. Turns are numbered folders, and the one with the highest number counts: it is over when it has no holder, or none that lives,
 * as after `kill -9`. Who finds it over makes the next number, which one of all can; that folder stays until there is a higher one, so that
 * whoever looked long ago finds that number taken, or sees afterwards that it is not the highest.
 * @param onWait is told once the process that is waited for
 * @returns the folder of the turn
 */
async function nextTurn(folder, onWait) {
  mkdirSync(folder, { recursive: true });
  for (let told = false; ; ) {
    const latest = latestIn(folder);
    const [holder] = (readJson(join(folder, `${latest}`, "holders.json")) ?? []).filter(lives);
    if (holder) {
      if (!told) onWait(holder.pid);
      told = true;
      await pause(POLL_MS);
      continue;
    }
    const [made, turn] = [join(folder, `new-${process.pid}`), join(folder, `${latest + 1}`)];
    mkdirSync(made, { recursive: true });
    writeHolders(made, [process.pid]);
    try {
      renameSync(made, turn);
    } catch (error) {
      rmSync(made, { recursive: true });
      if (!existsSync(turn)) throw error;
      continue;
    }
    if (latestIn(folder) !== latest + 1) continue;
    for (let old = latest; old > 0 && existsSync(join(folder, `${old}`)); old--)
      rmSync(join(folder, `${old}`), { recursive: true, force: true });
    return turn;
  }
}

/** @throws Error */
async function runNpm(root, onStart) {
  const npm = process.env.npm_execpath;
  // The wanted platform packages carry `engines` newer than this Node: that Node is not the one that runs them.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  // Whole, whatever the environment says: what is left out would be missed, and installed again, at each start.
  args.push("--include=dev", "--include=optional", "--include=peer");
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  const child = npm
    ? spawn(process.execPath, [npm, ...args], options)
    : spawn("npm", args, { ...options, shell: process.platform === "win32" });
  const ended = once(child, "exit");
  if (child.pid !== undefined) onStart(child.pid);
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`npm ci ended with ${code ?? signal}; its output is above`);
}

/**
 * Returns when node_modules holds what it should. A process that npm was started by and that is killed leaves npm at work: its turn lasts until
 * npm has ended, too.
 * @param isWhole {() => boolean}
 * @throws Error where npm fails, or nothing can be written
 */
export async function install(root, isWhole) {
  if (isWhole()) return;
  const say = text => console.error(`mooring: ${text}`);
  const turn = await nextTurn(join(root, ".cache", "install"), pid =>
    say(`waits for process ${pid}, which installs ...`),
  );
  try {
    if (isWhole()) return;
    say("installing dependencies from package-lock.json (once; no compiler is needed) ...");
    await runNpm(root, pid => writeHolders(turn, [process.pid, pid]));
  } finally {
    writeHolders(turn, []);
  }
}
