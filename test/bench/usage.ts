/** CPU time and memory of another process, from /proc; undefined where the system has none. */
import { readFileSync } from "node:fs";

/** Linux counts CPU time in these for user programs (USER_HZ). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** User and system time of all threads so far, in seconds. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // Fields 14 and 15 (proc(5)); the name in field 2 may hold blanks, so counting starts behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number | undefined {
  const statm = read(`/proc/${pid}/statm`);
  return statm === undefined ? undefined : Number(statm.split(" ")[1]) * PAGE_BYTES;
}
