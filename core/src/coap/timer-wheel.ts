/**
 * One hashed timer wheel for all time limits of an endpoint: arming and cancelling are a few assignments, and the clock
 * holds one timer however many are waiting. A timer never fires early, and at most one tick late.
 */
import type { Clock } from "../base/clock.ts";

export interface TimerWheel extends Disposable {
  /** Runs once after `delayMs`; disposing cancels. */
  after(delayMs: number, run: () => void): Disposable;
  /** Timers armed and not yet run or cancelled. */
  readonly size: number;
}

export interface TimerWheelParts {
  readonly clock: Clock;
  /** Told what a timer's function threw; the others run on. */
  onError(error: unknown): void;
  /** Default 100 ms. */
  readonly tickMs?: number;
  /** Default 512; longer delays go round more than once. */
  readonly slots?: number;
}

interface Timer extends Disposable {
  readonly dueTick: number;
  readonly run: () => void;
  /** The slot list it hangs in; undefined once it ran or was cancelled. */
  slot: Set<Timer> | undefined;
}

export function createTimerWheel(parts: TimerWheelParts): TimerWheel {
  const { clock, onError, tickMs = 100, slots: slotCount = 512 } = parts;
  const slots = Array.from({ length: slotCount }, () => new Set<Timer>());
  let size = 0;
  let doneTick = 0;
  let armedTick = Number.POSITIVE_INFINITY;
  let armed: Disposable | undefined;

  const slotAt = (tick: number): Set<Timer> => slots[tick % slotCount]!;

  const arm = (tick: number): void => {
    armed?.[Symbol.dispose]();
    armedTick = tick;
    armed = clock.after(Math.ceil(tick * tickMs - clock.monotonic()), wake);
  };

  const runDue = (slot: Set<Timer>, nowTick: number): void => {
    for (const timer of slot) {
      if (timer.dueTick > nowTick) continue;
      timer[Symbol.dispose]();
      try {
        timer.run();
      } catch (error) {
        onError(error);
      }
    }
  };

  /** The next tick whose slot holds anything, even if only for a later turn: an idle wake is cheaper than looking closely. */
  const nextOccupied = (): number => {
    let tick = doneTick + 1;
    while (slotAt(tick).size === 0) tick++;
    return tick;
  };

  function wake(): void {
    armed = undefined;
    armedTick = Number.POSITIVE_INFINITY;
    const nowTick = Math.floor(clock.monotonic() / tickMs);
    const from = Math.max(doneTick + 1, nowTick - slotCount + 1);
    doneTick = Math.max(doneTick, nowTick); // first, so that what the timers arm falls after this turn
    for (let tick = from; tick <= nowTick; tick++) runDue(slotAt(tick), nowTick);
    if (size > 0) arm(nextOccupied());
  }

  return {
    after(delayMs, run) {
      const nowMs = clock.monotonic();
      if (size === 0) doneTick = Math.floor(nowMs / tickMs);
      const dueTick = Math.max(doneTick + 1, Math.ceil((nowMs + delayMs) / tickMs));
      const slot = slotAt(dueTick);
      const timer: Timer = {
        dueTick,
        run,
        slot,
        [Symbol.dispose]() {
          if (!this.slot) return;
          this.slot.delete(this);
          this.slot = undefined;
          size--;
        },
      };
      slot.add(timer);
      size++;
      if (dueTick < armedTick) arm(dueTick);
      return timer;
    },
    get size() {
      return size;
    },
    [Symbol.dispose]() {
      armed?.[Symbol.dispose]();
      armed = undefined;
      armedTick = Number.POSITIVE_INFINITY;
      for (const slot of slots) for (const timer of slot) timer[Symbol.dispose]();
    },
  };
}
