/** Which version of a decoder is in force, which one is staged, and how it came to that: one step function. Pure. */

/** null: what the owner has without a version of its own in force, another owner's or none. */
export type InForce = string | null;

export interface DecoderState {
  readonly active: InForce;
  readonly staged: string | undefined;
  /** What was in force before, the latest last. */
  readonly previous: readonly InForce[];
  /** Oldest first; the last 100. */
  readonly history: readonly HistoryEntry[];
}

export interface HistoryEntry {
  readonly action: DecoderEvent["kind"];
  readonly version: InForce;
  readonly atMs: number;
  /** User name. */
  readonly by: string;
  /** Activated in spite of its report. */
  readonly forced?: boolean;
}

export type DecoderEvent =
  | { readonly kind: "upload"; readonly version: string /** Nothing was in force. */; readonly isFirst: boolean }
  | { readonly kind: "stage"; readonly version: string }
  | { readonly kind: "unstage" }
  | { readonly kind: "activate"; readonly version: InForce; readonly forced?: boolean }
  | { readonly kind: "rollback" }
  | { readonly kind: "delete"; readonly version: string };

export const NEW_DECODER: DecoderState = { active: null, staged: undefined, previous: [], history: [] };

const MOST_HISTORY = 100;
/** Rollbacks in a row. */
const MOST_PREVIOUS = 20;

type Change = Partial<Omit<DecoderState, "history">> & { readonly version: InForce };

function activated(state: DecoderState, version: InForce): Change | undefined {
  if (version === state.active) return undefined;
  const previous = [...state.previous, state.active].slice(-MOST_PREVIOUS);
  return { version, active: version, previous, staged: state.staged === version ? undefined : state.staged };
}

function rolledBack({ previous }: DecoderState): Change | undefined {
  const version = previous.at(-1);
  return version === undefined ? undefined : { version, active: version, previous: previous.slice(0, -1) };
}

function deleted({ active, staged, previous }: DecoderState, version: string): Change | undefined {
  if (version === active || version === staged) return undefined;
  return { version, previous: previous.filter(each => each !== version) };
}

function changeOf(state: DecoderState, event: DecoderEvent): Change | undefined {
  const { active, staged } = state;
  switch (event.kind) {
    case "upload":
      return { version: event.version, ...(event.isFirst && { active: event.version }) };
    case "stage":
      return event.version === active ? undefined : { version: event.version, staged: event.version };
    case "unstage":
      return staged === undefined ? undefined : { version: staged, staged: undefined };
    case "activate":
      return activated(state, event.version);
    case "rollback":
      return rolledBack(state);
    case "delete":
      return deleted(state, event.version);
  }
}

/** @returns undefined for what is not possible in that state */
export function stepDecoder(
  state: DecoderState,
  event: DecoderEvent,
  { atMs, by }: { readonly atMs: number; readonly by: string },
): DecoderState | undefined {
  const change = changeOf(state, event);
  if (!change) return undefined;
  const { version, ...changed } = change;
  const forced = event.kind === "activate" && event.forced ? { forced: true } : {};
  const entry: HistoryEntry = { action: event.kind, version, atMs, by, ...forced };
  return { ...state, ...changed, history: [...state.history, entry].slice(-MOST_HISTORY) };
}
