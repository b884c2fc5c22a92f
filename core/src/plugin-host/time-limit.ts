/** A promise of somebody else, waited for no longer than a limit. */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";

/** @throws what `work` throws; MooringError PLUGIN_INVALID when it takes longer, and what becomes of it then is nobody's business */
export async function withinLimit<T>(clock: Clock, limitMs: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  using _timer = clock.after(limitMs, () =>
    late.reject(new MooringError("PLUGIN_INVALID", `${what} took longer than ${limitMs} ms`, { limitMs })),
  );
  return await Promise.race([work, late.promise]);
}
