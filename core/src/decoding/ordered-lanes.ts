/** Work side by side, its endings in order: what was begun first on a lane is finished first. */
export interface OrderedLanes {
  /**
   * Starts `work` at once; `finish` gets its result when everything begun earlier on the same lane has finished.
   * Neither may reject. Resolves when `finish` has.
   */
  run<T>(lane: string, work: () => Promise<T>, finish: (result: T) => Promise<void>): Promise<void>;
}

export function createOrderedLanes(): OrderedLanes {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(lane, work, finish) {
      const before = tails.get(lane);
      const ending = work().then(async result => {
        await before;
        await finish(result);
      });
      tails.set(lane, ending);
      await ending;
      if (tails.get(lane) === ending) tails.delete(lane);
    },
  };
}
