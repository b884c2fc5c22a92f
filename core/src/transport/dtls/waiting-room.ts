/** How many records may wait in memory in all, whatever they wait for. */
export interface WaitingRoom {
  /** @returns false: it is full */
  enter(): boolean;
  leave(count: number): void;
}

export function createWaitingRoom(places: number): WaitingRoom {
  let taken = 0;
  return {
    enter: () => taken < places && ++taken > 0,
    leave(count) {
      taken -= count;
    },
  };
}
