/**
 * Turns for what follows Registers: reading and writing documents, observing. A herd of devices is set up as fast as the host can and
 * no faster, so that it stays free for what devices ask of it; while others still register, it waits almost wholly.
 */
import type { Clock } from "../base/clock.ts";

export interface SetUpTurns {
  /**
   * Runs a step when its turn has come.
   * @param isFirst a device that has begun goes before those that have not, so that few are half done
   */
  run<T>(isFirst: boolean, step: () => Promise<T>): Promise<T>;
}

export interface SetUpTurnsParts {
  readonly clock: Clock;
  /** Whether devices wait that have not even registered yet. */
  isRush(): boolean;
}

const AT_ONCE = 64;
const AT_ONCE_IN_A_RUSH = 4;
/** A step that takes longer waits for its device, which costs nothing: it stands in nobody's way. */
const LEASE_MS = 50;
const LOOK_AGAIN_MS = 20;

export function createSetUpTurns({ clock, isRush }: SetUpTurnsParts): SetUpTurns {
  const first: (() => void)[] = [];
  const further: (() => void)[] = [];
  let running = 0;
  let timer: Disposable | undefined;

  const isEmpty = (): boolean => first.length + further.length === 0;
  const hasRoom = (): boolean => running < (isRush() ? AT_ONCE_IN_A_RUSH : AT_ONCE);

  function pump(): void {
    while (!isEmpty() && hasRoom()) (further.shift() ?? first.shift())!();
    // Nobody tells of the end of a rush.
    if (isEmpty() || timer) return;
    timer = clock.after(LOOK_AGAIN_MS, () => {
      timer = undefined;
      pump();
    });
  }

  async function runNow<T>(step: () => Promise<T>): Promise<T> {
    running++;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      running--;
      pump();
    };
    using _lease = clock.after(LEASE_MS, release);
    try {
      return await step();
    } finally {
      release();
    }
  }

  return {
    run(isFirst, step) {
      if (isEmpty() && hasRoom()) return runNow(step);
      return new Promise((resolve, reject) => {
        (isFirst ? first : further).push(() => void runNow(step).then(resolve, reject));
        pump();
      });
    },
  };
}
