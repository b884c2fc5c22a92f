/** What one plugin owns. Everything is undone, last added first, when the scope closes; each undoing has its own chance. */
import { MooringError } from "../base/errors.ts";

export interface Scope {
  readonly closed: boolean;
  /** Makes a resource through `open` and owns it; disposing it earlier by hand is fine. @throws MooringError CLOSED afterwards */
  own<R extends Disposable | AsyncDisposable>(open: () => R): R;
  /** @returns what was thrown while things were undone, in that order; calling again does nothing */
  close(): Promise<readonly unknown[]>;
}

const isSync = (resource: Disposable | AsyncDisposable): resource is Disposable => Symbol.dispose in resource;

/** @param name for the error */
export function createScope(name: string): Scope {
  const owned: (Disposable | AsyncDisposable)[] = [];
  let closed = false;
  return {
    get closed() {
      return closed;
    },
    own(open) {
      // Asked before opening: what a plugin adds after its end must not stay for ever.
      if (closed) throw new MooringError("CLOSED", `plugin ${name} is not active any more`, { plugin: name });
      const resource = open();
      owned.push(resource);
      return resource;
    },
    async close() {
      closed = true;
      const errors: unknown[] = [];
      for (let resource = owned.pop(); resource; resource = owned.pop()) {
        try {
          if (isSync(resource)) resource[Symbol.dispose]();
          else await resource[Symbol.asyncDispose]();
        } catch (error) {
          errors.push(error);
        }
      }
      return errors;
    },
  };
}
