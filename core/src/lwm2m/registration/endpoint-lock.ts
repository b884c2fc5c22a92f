/** One thing at a time per endpoint: a De-register and a Register that cross each other end in the order in which they came. */
export interface EndpointLock {
  /** Whether something runs or waits for this endpoint. */
  held(endpoint: string): boolean;
  /** Runs `task` when everything asked for earlier under the same endpoint has ended, in whatever way. */
  run<T>(endpoint: string, task: () => Promise<T>): Promise<T>;
}

export function createEndpointLock(): EndpointLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    held: endpoint => tails.has(endpoint),
    async run(endpoint, task) {
      const before = tails.get(endpoint);
      const mine = before ? before.then(task, task) : task();
      tails.set(endpoint, mine);
      try {
        return await mine;
      } finally {
        if (tails.get(endpoint) === mine) tails.delete(endpoint);
      }
    },
  };
}
