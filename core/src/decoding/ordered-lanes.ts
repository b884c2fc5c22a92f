/** Work side by side, its endings in order: what was begun first on a lane is finished first. */
export interface LaneWork<T> {
  /** Never rejects. */
  work(): Promise<T>;
  /** Gets the result when everything begun earlier on the lane has finished. Never rejects. @returns false: not finished */
  finish(result: T): Promise<boolean>;
  /** Instead of `finish`, where something earlier did not finish. Never rejects. */
  giveBack(): Promise<void>;
}

export interface OrderedLanes {
  /** Starts the work at once; resolves when it has been finished or given back. */
  run<T>(lane: string, work: LaneWork<T>): Promise<void>;
}

export function createOrderedLanes(): OrderedLanes {
  /** Of the last work of each lane: whether all up to it finished. */
  const tails = new Map<string, Promise<boolean>>();
  return {
    async run(lane, { work, finish, giveBack }) {
      const before = tails.get(lane);
      const ending = work().then(async result => {
        if ((await before) !== false) return finish(result);
        await giveBack();
        return false;
      });
      tails.set(lane, ending);
      await ending;
      if (tails.get(lane) === ending) tails.delete(lane);
    },
  };
}
