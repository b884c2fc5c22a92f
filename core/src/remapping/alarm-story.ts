/**
 * The alarms that messages would have raised and cleared, one after the other, against those that are stored. Only what is over is
 * compared: an open alarm is of the present, which history neither raises, clears nor removes. Pure.
 */
import { sameJson } from "../base/same-json.ts";
import { historyAlarmId } from "../mapping/document-ids.ts";
import { type EffectOf, newAlarmOf } from "../mapping/effect-documents.ts";
import { newAlarmDocument } from "../platform/alarm.ts";
import type { AlarmDocument } from "../store/collections/platform.ts";
import type { HistoryMessage, Outcome } from "./outcome.ts";

type AlarmEffect = EffectOf<"alarm">;

export interface ChangedAlarm {
  readonly before: AlarmDocument;
  readonly after: AlarmDocument;
}

/** What one message says of alarms. */
export interface AlarmStep {
  readonly changed: readonly ChangedAlarm[];
  readonly removed: readonly AlarmDocument[];
  readonly unchanged: number;
  /** Open ones that it began and would not have raised: they stay. */
  readonly open: readonly AlarmDocument[];
  /** Alarms that it ended and that are not stored as begun by the same message: to be made unless another covers them. */
  readonly ended: readonly EndedAlarm[];
}

export interface EndedAlarm {
  /** That began it. */
  readonly message: HistoryMessage;
  readonly document: AlarmDocument;
}

export interface AlarmStory {
  /** @param stored alarms that the message began. Messages must come in order */
  step(outcome: Outcome, stored: readonly AlarmDocument[]): AlarmStep;
  /** Alarms that are open at the end: those to come are for the next message to raise. */
  unfinished(): number;
}

interface Running {
  readonly message: HistoryMessage;
  readonly first: AlarmEffect;
  readonly isStored: boolean;
  lastAtMs: number;
  count: number;
}

function documentOf({ message, first, lastAtMs, count }: Running, clearedAtMs: number): AlarmDocument {
  const alarm = newAlarmOf(message, { ...first, status: "CLEARED" });
  const id = historyAlarmId(message, first.type);
  const document = newAlarmDocument(message.tenant, id, alarm, message.receivedAtMs);
  return { ...document, time: lastAtMs, count, lastUpdated: clearedAtMs };
}

/** What the first occurrence says of an alarm; count and later times are left to what happened to it. */
function corrected(stored: AlarmDocument, first: AlarmEffect, { message }: Outcome): AlarmDocument {
  const alarm = newAlarmOf(message, first);
  const { text, severity, firstOccurrenceTime, custom } = newAlarmDocument(message.tenant, stored._id, alarm, 0);
  return { ...stored, text, severity, firstOccurrenceTime, custom };
}

export function createAlarmStory(): AlarmStory {
  const running = new Map<string, Running>();

  function raise({ message }: Outcome, effect: AlarmEffect, isStored: boolean): void {
    const known = running.get(effect.type);
    if (!known) running.set(effect.type, { message, first: effect, isStored, lastAtMs: effect.atMs, count: 1 });
    else {
      known.lastAtMs = effect.atMs;
      known.count++;
    }
  }

  return {
    step(outcome, stored) {
      const { message, alarms } = outcome;
      const ended: EndedAlarm[] = [];
      for (const effect of alarms) {
        const { type, status } = effect;
        const known = running.get(type);
        if (status !== "CLEARED")
          raise(
            outcome,
            effect,
            stored.some(alarm => alarm.type === type),
          );
        else if (known) {
          running.delete(type);
          if (!known.isStored)
            ended.push({ message: known.message, document: documentOf(known, message.receivedAtMs) });
        }
      }
      const raised = new Map<string, AlarmEffect>();
      for (const effect of alarms)
        if (effect.status !== "CLEARED" && !raised.has(effect.type)) raised.set(effect.type, effect);
      const changed: ChangedAlarm[] = [];
      const removed: AlarmDocument[] = [];
      const open: AlarmDocument[] = [];
      let unchanged = 0;
      for (const before of stored) {
        const effect = raised.get(before.type);
        const after = effect && corrected(before, effect, outcome);
        if (after && sameJson(after, before)) unchanged++;
        else if (before.status !== "CLEARED") open.push(before);
        else if (after) changed.push({ before, after });
        else removed.push(before);
      }
      return { changed, removed, unchanged, open, ended };
    },
    unfinished: () => [...running.values()].filter(({ isStored }) => !isStored).length,
  };
}
