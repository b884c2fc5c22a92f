/**
 * What a plugin has put among the things of the host that have names or places (actions, handlers, publishers ...). While it activates
 * nothing of that is in force; then all of it is at once, in exchange for what its former instance had: whoever looks sees one or the
 * other, never neither. All of it is synchronous for that.
 */
import { isFailure, MooringError, messageOf } from "../base/errors.ts";

export interface Contributions {
  /**
   * @param open puts it in force and may be called again and again, as may disposing what it gives
   * @throws what `open` throws, MooringError CLOSED once they are closed; nothing is added then
   */
  add(open: () => Disposable): Disposable;
  /** Puts all in force. @throws what one of them throws; then none is, and those of `former` are again */
  enforce(former?: Contributions): void;
  /** Undoes {@link enforce}, last added first. */
  withdraw(): void;
  /** Withdraws for good. */
  close(): void;
}

interface Entry {
  readonly open: () => Disposable;
  current?: Disposable | undefined;
}

/** @param former what these are to take the place of: names that it has are free for them */
export function createContributions(name: string, former?: Contributions): Contributions {
  const entries = new Set<Entry>();
  let isEnforced = false;
  let isClosed = false;

  function withdraw(): void {
    isEnforced = false;
    for (const entry of [...entries].reverse()) {
      entry.current?.[Symbol.dispose]();
      entry.current = undefined;
    }
  }

  function enforce(given?: Contributions): void {
    given?.withdraw();
    try {
      for (const entry of entries) entry.current ??= entry.open();
      isEnforced = true;
    } catch (error) {
      withdraw();
      given?.enforce();
      throw error;
    }
  }

  /** Tells whether all fits, while nobody looks. */
  function tryOn(): void {
    enforce(former);
    withdraw();
    former?.enforce();
  }

  return {
    add(open) {
      if (isClosed) throw new MooringError("CLOSED", `plugin ${name} is not active any more`, { plugin: name });
      const entry: Entry = { open };
      entries.add(entry);
      try {
        if (isEnforced) entry.current = open();
        else tryOn();
      } catch (error) {
        entries.delete(entry);
        throw isFailure(error)
          ? error
          : new MooringError(
              "PLUGIN_INVALID",
              `plugin ${name}: ${messageOf(error)}`,
              { plugin: name },
              { cause: error },
            );
      }
      return {
        [Symbol.dispose]() {
          entries.delete(entry);
          entry.current?.[Symbol.dispose]();
          entry.current = undefined;
        },
      };
    },
    enforce,
    withdraw,
    close() {
      isClosed = true;
      withdraw();
      entries.clear();
    },
  };
}
