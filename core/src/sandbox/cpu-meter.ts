/**
 * Processor time of decoders that run in threads of one process. The engine's own count goes on while a thread waits for a
 * processor, which on a busy machine is most of the time, and threads cannot be asked one by one: what the process used
 * beside its main thread is shared out evenly among the decoders that were running.
 */

export interface CpuShare {
  /** A run begins; its decoder may have others under way. */
  begin(): void;
  /** @returns ms that the decoder used since its last run ended */
  end(): number;
}

export interface CpuMeter {
  share(): CpuShare;
}

/** Of all threads of this process but the main one, ms. */
function otherThreadsMs(): number {
  const all = process.cpuUsage();
  const main = process.threadCpuUsage();
  return (all.user + all.system - main.user - main.system) / 1000;
}

/** @param readMs processor time used so far, all decoders together */
export function createCpuMeter(readMs: () => number = otherThreadsMs): CpuMeter {
  const running = new Set<{ usedMs: number; runs: number }>();
  let sharedMs = readMs();
  const shareOut = (): void => {
    // The system brings the count of a running thread up to date in steps, and may take some back.
    const nowMs = Math.max(sharedMs, readMs());
    const eachMs = (nowMs - sharedMs) / Math.max(1, running.size);
    sharedMs = nowMs;
    for (const account of running) account.usedMs += eachMs;
  };
  return {
    share() {
      const account = { usedMs: 0, runs: 0 };
      return {
        begin() {
          shareOut();
          account.runs++;
          running.add(account);
        },
        end() {
          shareOut();
          account.runs--;
          if (account.runs === 0) running.delete(account);
          const { usedMs } = account;
          account.usedMs = 0;
          return usedMs;
        },
      };
    },
  };
}
