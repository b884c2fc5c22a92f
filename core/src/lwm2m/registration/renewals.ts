/**
 * Times of Updates that changed nothing: noted at once, stored in bulk, at most once per period and device. Losing the last
 * period costs nothing, as a restart gives every registration its full lifetime anew.
 */
import { type Clock, every } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { RegistrationEntry } from "./registration-index.ts";
import type { RegistrationStore } from "./registration-store.ts";

export interface RenewalsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly stored: Pick<RegistrationStore, "saveSeen">;
  readonly periodMs: number;
  /** Whether the entry's registration still stands. */
  isLive(entry: RegistrationEntry): boolean;
}

export interface Renewals extends AsyncDisposable {
  /** A Register or Update came. Hot path: no allocation but the list's slot. */
  renew(entry: RegistrationEntry): void;
  /** Something of the entry that is stored in bulk has changed. */
  saveLater(entry: RegistrationEntry): void;
}

export function createRenewals({ clock, log, stored, periodMs, isLive }: RenewalsParts): Renewals {
  const unsaved: RegistrationEntry[] = [];

  function saveLater(entry: RegistrationEntry): void {
    if (entry.unsaved) return;
    entry.unsaved = true;
    unsaved.push(entry);
  }

  const storedForm = ({ registration, renewedMonotonicMs, setUp }: RegistrationEntry) => ({
    registration,
    seenAtMs: Math.round(clock.now() - (clock.monotonic() - renewedMonotonicMs)),
    setUp,
  });

  async function save(): Promise<void> {
    const batch = unsaved.splice(0);
    for (const entry of batch) entry.unsaved = false;
    const live = batch.filter(isLive);
    try {
      await stored.saveSeen(live.map(storedForm));
    } catch (error) {
      log.warn("registration.seen-not-stored", { registrations: live.length, reason: messageOf(error) });
      for (const entry of live) saveLater(entry);
    }
  }

  const saving = every(clock, periodMs, save, () => {});
  return {
    renew(entry) {
      entry.renewedMonotonicMs = entry.seenMonotonicMs = clock.monotonic();
      saveLater(entry);
    },
    saveLater,
    async [Symbol.asyncDispose]() {
      saving[Symbol.dispose]();
      await save();
    },
  };
}
