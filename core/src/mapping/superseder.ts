/** Payloads that are decoded once more: what each makes now stands in the place of what it made before, with all that follows from it. */
import { createKeyedTurns } from "../base/keyed-turns.ts";
import type { Platform } from "../platform/platform.ts";
import type { Store, WriteOp } from "../store/store.ts";
import { type LatePayload, lateOps } from "./late-effects.ts";
import { planSupersessions, type Supersession } from "./supersession.ts";

export interface Superseder {
  /** Runs `work` while nothing else is done with these payloads through here. Nobody may ask for turns within a turn. */
  inTurn<T>(rawIds: readonly string[], work: () => Promise<T>): Promise<T>;
  /** What would become of the documents of each, in order. Writes nothing. */
  plan(payloads: readonly LatePayload[]): Promise<Supersession[]>;
  /** The writes of a plan, and those of alarms and last values (`late-effects.ts`). */
  opsOf(payload: LatePayload, plan: Supersession): Promise<readonly WriteOp[]>;
  /**
   * Stores documents, and what says that they are stored (`then`): in one group where the engine commits a group as a whole, else one after
   * the other, so that what is cut short is done again.
   * @throws MooringError as `Platform.write`
   */
  write(documents: readonly WriteOp[], then: readonly WriteOp[]): Promise<void>;
}

export interface SupersederParts {
  readonly store: Pick<Store, "engine" | "series" | "collection">;
  readonly platform: Pick<Platform, "write">;
  readonly nowMs: () => number;
}

export function createSuperseder({ store, platform, nowMs }: SupersederParts): Superseder {
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
    plan: payloads => planSupersessions(store, payloads, nowMs()),
    opsOf: async (payload, { ops }) => [...ops, ...(await lateOps(store, payload, nowMs()))],
    async write(documents, then) {
      const groups = store.engine === "mongodb" ? [documents, then] : [[...documents, ...then]];
      for (const ops of groups) if (ops.length > 0) await platform.write(ops);
    },
  };
}
