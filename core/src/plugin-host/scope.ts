/** What one plugin owns. Everything is undone, last added first, when the scope closes; each undoing has its own chance. */
import { MooringError } from "../base/errors.ts";

export interface Scope {
  /** Makes a resource through `open` and owns it. @throws MooringError CLOSED once the scope is closed: nothing is opened then */
  own<R extends Disposable | AsyncDisposable>(open: () => R): R;
  /** @returns what was thrown while things were undone, in that order; calling again does nothing */
  close(): Promise<readonly unknown[]>;
}

const isSync = (resource: Disposable | AsyncDisposable): resource is Disposable => Symbol.dispose in resource;

/**
 * @param name   for the error
 * @param inTime waits for one undoing, no longer than it may take: the others have their turn whatever becomes of it
 */
export function createScope(
  name: string,
  inTime: (undoing: Promise<void>) => Promise<void> = undoing => undoing,
): Scope {
  const owned = new Set<Disposable | AsyncDisposable>();
  let closed = false;

  const own = <R extends Disposable | AsyncDisposable>(open: () => R): R => {
    // Asked before opening: what a plugin adds after its end must not stay for ever.
    if (closed) throw new MooringError("CLOSED", `plugin ${name} is not active any more`, { plugin: name });
    const resource = open();
    owned.add(resource);
    return resource;
  };

  return {
    own,
    async close() {
      closed = true;
      const errors: unknown[] = [];
      const lastFirst = [...owned].reverse();
      owned.clear();
      for (const resource of lastFirst) {
        try {
          if (isSync(resource)) resource[Symbol.dispose]();
          else await inTime(Promise.resolve(resource[Symbol.asyncDispose]()));
        } catch (error) {
          errors.push(error);
        }
      }
      return errors;
    },
  };
}
