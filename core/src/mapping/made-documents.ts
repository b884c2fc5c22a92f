/** The measurements and events that stand under the ids of messages: what they made, as the store has it. */
import { documentId, type MessageIdentity } from "./document-ids.ts";

/** The documents of one kind that a message makes now, by place. */
export interface Shelf<T> {
  readonly message: MessageIdentity;
  readonly kind: "measurement" | "event";
  readonly documents: readonly T[];
  /** At how many places it is known to have had some. */
  readonly known: number;
}

/** What is stored under these ids. @param ids at most {@link IDS_AT_ONCE} */
export type ReadDocuments<T> = (tenant: string, ids: readonly string[]) => Promise<ReadonlyMap<string, T>>;

/** Places read beyond those that are known of. */
const MARGIN = 16;
const IDS_AT_ONCE = 2000;

/** Places of a shelf that are read now. */
interface Stretch<T> {
  readonly shelf: Shelf<T>;
  readonly found: Map<string, T>;
  readonly end: number;
  readonly ids: readonly string[];
}

function stretch<T>(shelf: Shelf<T>, found: Map<string, T>, from: number, end: number): Stretch<T> {
  const ids = Array.from({ length: end - from }, (_, at) => documentId(shelf.message, shelf.kind, from + at));
  return { shelf, found, end, ids };
}

async function readStretches<T>(stretches: readonly Stretch<T>[], read: ReadDocuments<T>): Promise<void> {
  for (const [tenant, ofTenant] of Map.groupBy(stretches, ({ shelf }) => shelf.message.tenant)) {
    const asked = ofTenant.flatMap(({ ids, found }) => ids.map(id => ({ id, found })));
    for (let at = 0; at < asked.length; at += IDS_AT_ONCE) {
      const part = asked.slice(at, at + IDS_AT_ONCE);
      const there = await read(
        tenant,
        part.map(({ id }) => id),
      );
      for (const { id, found } of part) if (there.has(id)) found.set(id, there.get(id)!);
    }
  }
}

/**
 * @returns by id, for each shelf, in order. A message's documents stand without a gap, so what it once made is found even where nothing
 *          tells how much it was: reading ends where {@link MARGIN} places are empty.
 */
export async function readMade<T>(
  shelves: readonly Shelf<T>[],
  read: ReadDocuments<T>,
): Promise<ReadonlyMap<string, T>[]> {
  const first = shelves.map(shelf =>
    stretch(shelf, new Map<string, T>(), 0, Math.max(shelf.documents.length, shelf.known) + MARGIN),
  );
  for (let open = first; open.length > 0; ) {
    await readStretches(open, read);
    const goesOn = open.filter(({ ids, found }) => ids.slice(-MARGIN).some(id => found.has(id)));
    open = goesOn.map(({ shelf, found, end }) => stretch(shelf, found, end, end + 4 * MARGIN));
  }
  return first.map(({ found }) => found);
}
