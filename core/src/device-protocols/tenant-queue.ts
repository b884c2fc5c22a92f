/** Runs one change per tenant at a time, so that two uploads never overwrite each other's protocols. */
export type TenantQueue = <T>(tenant: string, run: () => Promise<T>) => Promise<T>;

export function createTenantQueue(): TenantQueue {
  const tails = new Map<string, Promise<unknown>>();
  return (tenant, run) => {
    const before = tails.get(tenant) ?? Promise.resolve();
    const result = before.then(run);
    const tail = result.then(
      () => {},
      () => {},
    );
    tails.set(tenant, tail);
    void tail.then(() => {
      if (tails.get(tenant) === tail) tails.delete(tenant);
    });
    return result;
  };
}
