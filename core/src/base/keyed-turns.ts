/** One thing at a time for each key: what is asked for later waits until what was asked for earlier has ended or let it begin. */
export interface KeyedTurns {
  /** Begins at once where nothing is under way. Results settle in the order in which those of `run` do. */
  <T>(key: string, run: (letNextBegin: () => void) => Promise<T>): Promise<T>;
  /** How many are under way or wait. */
  count(key: string): number;
}

interface Line {
  /** Settled when the last has ended or let the next begin. */
  last: Promise<void>;
  length: number;
}

export function createKeyedTurns(): KeyedTurns {
  const lines = new Map<string, Line>();
  const turns = <T>(key: string, run: (letNextBegin: () => void) => Promise<T>): Promise<T> => {
    const { promise: passed, resolve: letNextBegin } = Promise.withResolvers<void>();
    const line = lines.get(key) ?? { last: Promise.resolve(), length: 0 };
    const before = line.length++ > 0 ? line.last : undefined;
    line.last = passed;
    lines.set(key, line);
    const begin = async (): Promise<T> => run(letNextBegin);
    return (before ? before.then(begin) : begin()).finally(() => {
      letNextBegin();
      if (--line.length === 0) lines.delete(key);
    });
  };
  return Object.assign(turns, { count: (key: string) => lines.get(key)?.length ?? 0 });
}
