/**
 * Turns for slow work. In a herd all datagrams come through one socket, so what costs milliseconds must not stand before what costs
 * some microseconds: the slow waits here, little of it is worked on at once, and as long as the socket is full only one more is begun
 * per round of the event loop.
 */

/** Devices that are registered already go before those that are not, and leave them every fourth turn. */
export type Lane = "known" | "stranger";

export interface TurnGateParts {
  /** Datagrams that have come so far, of any kind. */
  received(): number;
}

export interface TurnGate {
  /** Runs `work` when its turn has come. */
  run<T>(lane: Lane, work: () => Promise<T>): Promise<T>;
  waiting(lane: Lane): number;
}

/** Begun without a wait where nobody waits. */
const AT_ONCE = 4;
const MOST_AT_ONCE = 32;
/** libuv reads up to 32 datagrams a round; half of that means that more are waiting than one round takes. */
const FLOODED = 16;
const STRANGERS_TURN = 4;

export function createTurnGate({ received }: TurnGateParts): TurnGate {
  const lines: Readonly<Record<Lane, (() => void)[]>> = { known: [], stranger: [] };
  let running = 0;
  let turns = 0;
  let receivedBefore = 0;
  let isArmed = false;

  const isEmpty = (): boolean => lines.known.length + lines.stranger.length === 0;

  function arm(): void {
    if (isArmed || isEmpty() || running >= MOST_AT_ONCE) return;
    isArmed = true;
    receivedBefore = received();
    setImmediate(round);
  }

  function startNext(): void {
    const strangersTurn = ++turns % STRANGERS_TURN === 0;
    const [first, second] = strangersTurn ? [lines.stranger, lines.known] : [lines.known, lines.stranger];
    (first.shift() ?? second.shift())?.();
  }

  function round(): void {
    isArmed = false;
    const flooded = received() - receivedBefore >= FLOODED;
    const begun = flooded ? 1 : MOST_AT_ONCE - running;
    for (let i = 0; i < begun && !isEmpty(); i++) startNext();
    arm();
  }

  async function runNow<T>(work: () => Promise<T>): Promise<T> {
    running++;
    try {
      return await work();
    } finally {
      running--;
      arm();
    }
  }

  return {
    run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
      if (isEmpty() && running < AT_ONCE) return runNow(work);
      return new Promise<T>((resolve, reject) => {
        lines[lane].push(() => void runNow(work).then(resolve, reject));
        arm();
      });
    },
    waiting: lane => lines[lane].length,
  };
}
