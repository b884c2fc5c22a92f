/** Numbers that are given once: reserved in blocks, so that most come from memory, and a block lost with its process is a gap. */
import type { DocumentCollection } from "./collection.ts";
import type { CounterDocument } from "./collections/host.ts";
import { checkCount } from "./condition.ts";

/** Ten digits: texts of numbers up to 9 999 999 999 sort as the numbers do. */
export const FIRST_NUMBER = 1_000_000_001;
const BLOCK = 1000;
const MOST_AT_ONCE = 10_000;

export type NextIds = (sequence: string, count: number) => Promise<number[]>;

interface Sequence {
  next: number;
  end: number;
  /** Ends when all earlier callers have their numbers. */
  turn: Promise<unknown>;
}

export function createSequences(counters: DocumentCollection<CounterDocument>): NextIds {
  const sequences = new Map<string, Sequence>();

  /** Reserves `count` numbers. @returns the first */
  const reserve = async (name: string, count: number): Promise<number> => {
    const before = await counters.findOneAndUpdate({ _id: name }, { $inc: { next: count } });
    if (before) return before.next - count;
    const first = { $setOnInsert: { next: FIRST_NUMBER + count } };
    const created = await counters.updateOne({ _id: name }, first, { upsert: true });
    return created.inserted ? FIRST_NUMBER : reserve(name, count);
  };

  const take = async (name: string, sequence: Sequence, count: number): Promise<number[]> => {
    const numbers: number[] = [];
    for (;;) {
      while (numbers.length < count && sequence.next < sequence.end) numbers.push(sequence.next++);
      const left = count - numbers.length;
      if (left === 0) return numbers;
      const size = Math.max(BLOCK, left);
      sequence.next = await reserve(name, size);
      sequence.end = sequence.next + size;
    }
  };

  return async (name, count) => {
    checkCount(count, "count", 1, MOST_AT_ONCE);
    const sequence = sequences.get(name) ?? { next: 0, end: 0, turn: Promise.resolve() };
    sequences.set(name, sequence);
    const taken = sequence.turn.then(() => take(name, sequence, count));
    sequence.turn = taken.catch(() => {});
    return taken;
  };
}
