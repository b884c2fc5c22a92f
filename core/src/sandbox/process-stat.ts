/** Memory and processor time of another process, where the system has /proc (Linux). */
import { readFileSync } from "node:fs";

export interface ProcessStat {
  readonly rssPages: number;
  /** User and system time of all its threads, ms; counted in steps of 10 ms. */
  readonly cpuMs: number;
}

/** USER_HZ is 100 on all Linux architectures that Node runs on. */
const TICK_MS = 10;
/** Places after the command's closing bracket (proc_pid_stat(5)): field 3 is the first. */
const UTIME = 14 - 3;
const STIME = 15 - 3;
const RSS = 24 - 3;

/** @param text content of /proc/PID/stat; the command in it may hold blanks and brackets */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [utime, stime, rssPages] = [fields[UTIME], fields[STIME], fields[RSS]];
  if (!Number.isInteger(utime) || !Number.isInteger(stime) || !Number.isInteger(rssPages)) return undefined;
  return { rssPages: rssPages!, cpuMs: (utime! + stime!) * TICK_MS };
}

function readStat(pid: number | "self"): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

export interface ProcessReader {
  /** @returns undefined for a process that is gone */
  read(pid: number): { readonly rssBytes: number; readonly cpuMs: number } | undefined;
}

/** @returns undefined where there is no /proc */
export function createProcessReader(): ProcessReader | undefined {
  const own = readStat("self");
  if (!own || own.rssPages === 0) return undefined;
  // The page size is 4 KB mostly, but 16 or 64 KB on some ARM kernels, and Node has no call for it.
  const pageBytes = 2 ** Math.round(Math.log2(process.memoryUsage.rss() / own.rssPages));
  return {
    read(pid) {
      const stat = readStat(pid);
      return stat && { rssBytes: stat.rssPages * pageBytes, cpuMs: stat.cpuMs };
    },
  };
}
