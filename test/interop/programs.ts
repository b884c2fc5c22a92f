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

/** Runs to the end, showing output only when it fails. @throws MissingPeer naming the command */
export function runQuietly(what: string, command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: "utf8" });
  if (done.status === 0) return;
  console.error(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}`.trim());
  throw new MissingPeer(what, [command, ...args].join(" "));
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
  runQuietly(missing.join(", "), "apt-get", ["update", "-qq"]);
  runQuietly(missing.join(", "), "apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...debianPackages]);
}
