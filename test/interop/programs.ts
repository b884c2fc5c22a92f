/** Programs of the operating system that a peer needs: found, installed where that is ours to do, or named. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A peer that is not there, with the command that brings it. */
export class MissingPeer extends Error {
  override readonly name = "MissingPeer";
  readonly command: string;

  constructor(what: string, command: string) {
    super(`${what} missing; to bring it: ${command}`);
    this.command = command;
  }
}

export function onPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

type Environment = Readonly<Record<string, string>>;

/**
 * Runs to the end, showing output only when it fails.
 * @param env beside that of this process
 * @throws MissingPeer naming the command
 */
export function runQuietly(what: string, command: string, args: readonly string[], env: Environment = {}): void {
  const done = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...env } });
  if (done.status === 0) return;
  console.error(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}`.trim());
  throw new MissingPeer(what, [command, ...args].join(" "));
}

const ATTEMPTS = 3;
const AGAIN_AFTER_MS = 5000;

/** As {@link runQuietly}, for what comes over the network: a mirror that fails once is asked again. @throws MissingPeer naming the command */
export function fetchQuietly(what: string, command: string, args: readonly string[], env?: Environment): void {
  for (let attempt = 1; ; attempt++) {
    try {
      runQuietly(what, command, args, env);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      console.error(`${what}: ${command} failed; tried again in ${AGAIN_AFTER_MS / 1000} s`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_AFTER_MS);
    }
  }
}

/**
 * Makes sure that all programs are on the path. As root on a Debian system the packages are installed, with a line that
 * says so; anywhere else nothing is changed.
 * @throws MissingPeer naming the command
 */
export function ensurePrograms(programs: readonly string[], debianPackages: readonly string[]): void {
  const missing = programs.filter(program => !onPath(program));
  if (missing.length === 0) return;
  const command = `apt-get install -y ${debianPackages.join(" ")}`;
  if (process.getuid?.() !== 0 || !onPath("apt-get")) throw new MissingPeer(missing.join(", "), command);
  console.log(`interop: installing ${debianPackages.join(", ")} (${command})`);
  fetchQuietly(missing.join(", "), "apt-get", ["update", "-qq"]);
  fetchQuietly(missing.join(", "), "apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...debianPackages]);
}
