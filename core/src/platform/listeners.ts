/** Who wants to be told, in the order of coming. */

export interface Listeners<Arguments extends readonly unknown[]> {
  add(listener: (...told: Arguments) => void | Promise<void>): Disposable;
  /** Tells all; one that throws keeps nothing from the others. */
  tell(onError: (error: unknown) => void, ...told: Arguments): void;
  /** Tells one after the other and waits. @throws what the first that fails throws */
  tellAndWait(...told: Arguments): Promise<void>;
}

export function createListeners<Arguments extends readonly unknown[]>(): Listeners<Arguments> {
  const listeners = new Set<{ readonly run: (...told: Arguments) => void | Promise<void> }>();
  return {
    add(run) {
      const entry = { run };
      listeners.add(entry);
      return { [Symbol.dispose]: () => void listeners.delete(entry) };
    },
    tell(onError, ...told) {
      for (const { run } of [...listeners]) {
        try {
          Promise.resolve(run(...told)).catch(onError);
        } catch (error) {
          onError(error);
        }
      }
    },
    async tellAndWait(...told) {
      for (const { run } of [...listeners]) await run(...told);
    },
  };
}
