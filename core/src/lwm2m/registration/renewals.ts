/**
 * Times of Updates that changed nothing: noted at once, stored in bulk, at most once per period and device. Losing the last
 * period costs nothing, as a restart gives every registration its full lifetime anew.
 */
import { type Clock, every } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { RegistrationEntry } from "./registration-index.ts";
import type { RegistrationStore, SeenRegistration } from "./registration-store.ts";

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
  /** Stores entries at once; what the store refuses is left to the next period. Never rejects. */
  save(entries: readonly RegistrationEntry[]): Promise<void>;
}

export function createRenewals({ clock, log, stored, periodMs, isLive }: RenewalsParts): Renewals {
  const unsaved: RegistrationEntry[] = [];

  function saveLater(entry: RegistrationEntry): void {
    if (entry.unsaved) return;
    entry.unsaved = true;
    unsaved.push(entry);
  }

  /** Takes the entry's marks off. */
  function taken(entry: RegistrationEntry): SeenRegistration {
    const { registration, renewedMonotonicMs, setUp, peerUnsaved: withPeer } = entry;
    entry.unsaved = entry.peerUnsaved = false;
    const seenAtMs = Math.round(clock.now() - (clock.monotonic() - renewedMonotonicMs));
    return { registration, seenAtMs, setUp, withPeer };
  }

  async function save(batch: readonly RegistrationEntry[]): Promise<void> {
    const live = batch.filter(isLive);
    const seen = live.map(taken);
    try {
      await stored.saveSeen(seen);
    } catch (error) {
      log.warn("registration.seen-not-stored", { registrations: live.length, reason: messageOf(error) });
      for (const [i, entry] of live.entries()) {
        entry.peerUnsaved ||= seen[i]!.withPeer;
        saveLater(entry);
      }
    }
  }

  const saving = every(
    clock,
    periodMs,
    () => save(unsaved.splice(0)),
    () => {},
  );
  return {
    renew(entry) {
      entry.renewedMonotonicMs = entry.seenMonotonicMs = clock.monotonic();
      saveLater(entry);
    },
    saveLater,
    save,
    async [Symbol.asyncDispose]() {
      saving[Symbol.dispose]();
      await save(unsaved.splice(0));
    },
  };
}
