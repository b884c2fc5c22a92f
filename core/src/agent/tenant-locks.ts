/** One thing at a time in each tenant; what waits too long is given up. */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";

export interface TenantLocks {
  /** Runs `task` after all that was asked for earlier. @throws MooringError TOO_MANY_REQUESTS when it did not get its turn in time */
  run<T>(tenant: string, task: () => Promise<T>): Promise<T>;
}

export function createTenantLocks(clock: Clock, timeoutMs: number): TenantLocks {
  const tails = new Map<string, Promise<unknown>>();

  /** Resolves to whether `before` ended in time. */
  async function endedInTime(before: Promise<unknown>): Promise<boolean> {
    let timer: Disposable | undefined;
    const late = new Promise<false>(resolve => {
      timer = clock.after(timeoutMs, () => resolve(false));
    });
    const ended = before.then(
      () => true,
      () => true,
    );
    const inTime = await Promise.race([ended, late]);
    timer?.[Symbol.dispose]();
    return inTime;
  }

  return {
    async run(tenant, task) {
      const before = tails.get(tenant);
      const { promise: mine, resolve: release } = Promise.withResolvers<void>();
      // Those behind wait for the ones before as well, also where this one gives up.
      const tail = Promise.all([before, mine]);
      tails.set(tenant, tail);
      try {
        if (before && !(await endedInTime(before))) {
          throw new MooringError("TOO_MANY_REQUESTS", `another command has been running for ${timeoutMs / 1000} s`);
        }
        return await task();
      } finally {
        release();
        void tail.then(() => {
          if (tails.get(tenant) === tail) tails.delete(tenant);
        });
      }
    },
  };
}
