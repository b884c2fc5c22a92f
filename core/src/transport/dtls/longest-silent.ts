/** Sessions by their silence without keeping them in order: the longest silent are found by a scan, many at a time. */
import type { Session } from "./session.ts";

export interface LongestSilent {
  /** Takes the longest silent one that is still among them; undefined: there is none. */
  take(): Session | undefined;
}

/** So many are remembered of a scan, as a share of all: each session then costs as many steps as there are shares. */
const SHARE = 1 / 64;

/**
 * @param among   all that come into question, in any order
 * @param belongs whether one of an earlier scan still does
 */
export function createLongestSilent(
  among: () => Iterable<Session>,
  belongs: (session: Session) => boolean,
): LongestSilent {
  /** Longest silent last, with the time at which it was last heard then. */
  let found: { readonly session: Session; readonly seenAtMs: number }[] = [];

  function scan(): void {
    const all = Array.from(among(), session => ({ session, seenAtMs: session.seenAtMs }));
    all.sort((a, b) => a.seenAtMs - b.seenAtMs);
    found = all.slice(0, Math.ceil(all.length * SHARE)).reverse();
  }

  function takeFound(): Session | undefined {
    for (let last = found.pop(); last; last = found.pop()) {
      if (last.session.seenAtMs === last.seenAtMs && belongs(last.session)) return last.session;
    }
    return undefined;
  }

  return {
    take() {
      const session = takeFound();
      if (session) return session;
      scan();
      return takeFound();
    },
  };
}
