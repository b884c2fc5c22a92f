/** Lines that were typed, kept for the next session; a line that begins with a blank is not, as it may hold a secret. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const KEPT = 1000;

export interface History {
  /** Newest first. */
  readonly lines: string[];
  /** @param lines newest first; those that are not kept are taken out */
  save(lines: string[]): void;
}

const keeps = (line: string): boolean => line.trim() !== "" && !/^\s/.test(line);

/** MOORING_HISTORY names another file; empty: nothing is kept. A file that cannot be used is done without. */
export function openHistory(env: Readonly<Record<string, string | undefined>>): History {
  const file =
    env["MOORING_HISTORY"] ?? join(env["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "mooring", "history");
  let lines: string[] = [];
  try {
    if (file !== "") lines = readFileSync(file, "utf8").split("\n").filter(keeps).reverse();
  } catch {
    lines = [];
  }
  return {
    lines: lines.slice(0, KEPT),
    save(all) {
      for (let at = all.length - 1; at >= 0; at--) if (!keeps(all[at]!)) all.splice(at, 1);
      if (file === "") return;
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeFileSync(file, `${all.slice(0, KEPT).toReversed().join("\n")}\n`, { mode: 0o600 });
      } catch {
        // A shell without memory is better than none.
      }
    },
  };
}
