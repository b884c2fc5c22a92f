/** Payloads that are decoded once more: what each makes now stands in the place of what it made before, with all that follows from it. */
import { createKeyedTurns } from "../base/keyed-turns.ts";
import type { Store } from "../store/store.ts";
import { type LatePayload, type LatePlan, planLate } from "./late-effects.ts";
import { type Foreseen, nothingForeseen } from "./late-now.ts";
import { planSupersessions, type Supersession } from "./supersession.ts";

/** What becomes of a payload's documents, of alarms and of last values; the writes of all. */
export type Superseding = Supersession & LatePlan;

export interface Superseder {
  /** Runs `work` while nothing else is done with these payloads through here. Nobody may ask for turns within a turn. */
  inTurn<T>(rawIds: readonly string[], work: () => Promise<T>): Promise<T>;
  /**
   * What would become of each, in order. Writes nothing.
   * @param foreseen what earlier plans would leave that are not carried out; default nothing
   * @returns as well what these would leave
   */
  plan(
    payloads: readonly LatePayload[],
    foreseen?: Foreseen,
  ): Promise<{ readonly plans: readonly Superseding[]; readonly leaves: Foreseen }>;
}

export interface SupersederParts {
  readonly store: Pick<Store, "series" | "collection">;
  readonly nowMs: () => number;
}

export function createSuperseder({ store, nowMs }: SupersederParts): Superseder {
  const turns = createKeyedTurns();
  return {
    async inTurn(rawIds, work) {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      // Asked for together, in this turn of the event loop: two callers never hold a part each of what both want.
      const begun = rawIds.map(id => {
        const { promise, resolve } = Promise.withResolvers<void>();
        void turns(id, () => {
          resolve();
          return ended;
        });
        return promise;
      });
      try {
        await Promise.all(begun);
        return await work();
      } finally {
        end();
      }
    },
    async plan(payloads, foreseen = nothingForeseen()) {
      const [documents, { plans, leaves }] = await Promise.all([
        planSupersessions(store, payloads, nowMs()),
        planLate(store, payloads, foreseen, nowMs()),
      ]);
      const whole = documents.map(({ places, ops }, at): Superseding => {
        const late = plans[at]!;
        return { ...late, places, ops: [...ops, ...late.ops] };
      });
      return { plans: whole, leaves };
    },
  };
}
