/**
 * Equal values share one object: thousands of devices of one model have the same links, formats and settings.
 * Bounded: past `limit` distinct values the one unused for longest leaves the table; values already handed out stay valid.
 */
export interface Interner<T> {
  /** The first value seen under `key`, made by `make` when there is none. */
  share(key: string, make: () => T): T;
}

export function createInterner<T>(limit: number): Interner<T> {
  const values = new Map<string, T>();
  return {
    share(key, make) {
      const known = values.get(key);
      if (known !== undefined) {
        // Re-inserting moves it to the end of the Map's order, which is the order of use.
        values.delete(key);
        values.set(key, known);
        return known;
      }
      const made = make();
      values.set(key, made);
      if (values.size > limit) values.delete(values.keys().next().value!);
      return made;
    },
  };
}
