/** The peers that something is open with, or that spoke lately, in order of when they last did. */
import type { Peer } from "../transport/transport.ts";
import type { Exchange, ExchangeLine } from "./exchange.ts";
import type { SentMessage } from "./message-layer.ts";
import type { ObservationState } from "./observe.ts";
import { allExpired, type SeenMessages } from "./seen-messages.ts";
import type { Transfer } from "./transfers.ts";

/** All that the endpoint keeps of one peer. What is empty is undefined: most peers are silent most of the time. */
export interface PeerState {
  /** The newest value of the transport; the address may change under the same key. */
  peer: Peer;
  /** -1 until the first message; then random (RFC 7252 section 4.4). */
  nextMessageId: number;
  /** Monotonic time of the last message either way, or of the last look at a peer that is in use. */
  lastUsedMs: number;
  /** Requests whose handlers run. */
  busy: number;
  seen: SeenMessages | undefined;
  sent: Map<number, SentMessage> | undefined;
  exchanges: Map<string, Exchange> | undefined;
  line: ExchangeLine | undefined;
  observations: Map<string, ObservationState> | undefined;
  transfers: Map<string, Transfer> | undefined;
  older: PeerState | undefined;
  newer: PeerState | undefined;
}

export interface PeerTable {
  readonly size: number;
  /** Finds or makes; moves to the newest place. Undefined when the table is full and nobody in it can be forgotten. */
  open(peer: Peer, nowMs: number): PeerState | undefined;
  /** Finds without any effect. */
  find(peer: Peer): PeerState | undefined;
  /** Forgets peers that were silent for `silenceMs` and have nothing open. @returns true when there is more to do */
  sweep(nowMs: number, silenceMs: number): boolean;
  all(): Iterable<PeerState>;
  clear(): void;
}

/** How many peers in use are passed over in search of one to forget, and looked at in one sweep. */
const PASSED_OVER = 64;
const SWEPT_AT_ONCE = 5_000;

/** True for a peer that can be forgotten without harm once its messages have expired. */
export const isIdle = (state: PeerState): boolean =>
  state.busy === 0 && !state.sent && !state.exchanges && !state.line && !state.observations && !state.transfers;

export function createPeerTable(maxPeers: number): PeerTable {
  const states = new Map<string, PeerState>();
  let oldest: PeerState | undefined;
  let newest: PeerState | undefined;

  const unlink = (state: PeerState): void => {
    if (state.older) state.older.newer = state.newer;
    else oldest = state.newer;
    if (state.newer) state.newer.older = state.older;
    else newest = state.older;
    state.older = undefined;
    state.newer = undefined;
  };

  const append = (state: PeerState): void => {
    state.older = newest;
    if (newest) newest.newer = state;
    else oldest = state;
    newest = state;
  };

  const toNewest = (state: PeerState, nowMs: number): void => {
    state.lastUsedMs = nowMs;
    if (state === newest) return;
    unlink(state);
    append(state);
  };

  const forget = (state: PeerState): void => {
    unlink(state);
    states.delete(state.peer.key);
  };

  const makeRoom = (nowMs: number): boolean => {
    for (let passed = 0; passed < PASSED_OVER && oldest; passed++) {
      if (isIdle(oldest)) {
        forget(oldest);
        return true;
      }
      toNewest(oldest, nowMs);
    }
    return false;
  };

  return {
    get size() {
      return states.size;
    },
    open(peer, nowMs) {
      const known = states.get(peer.key);
      if (known) {
        known.peer = peer;
        toNewest(known, nowMs);
        return known;
      }
      if (states.size >= maxPeers && !makeRoom(nowMs)) return undefined;
      const state = createPeerState(peer, nowMs);
      states.set(peer.key, state);
      append(state);
      return state;
    },
    find: peer => states.get(peer.key),
    sweep(nowMs, silenceMs) {
      for (let looked = 0; looked < SWEPT_AT_ONCE; looked++) {
        if (!oldest || oldest.lastUsedMs + silenceMs > nowMs) return false;
        if (isIdle(oldest)) forget(oldest);
        else {
          if (oldest.seen && allExpired(oldest.seen, nowMs)) oldest.seen = undefined;
          toNewest(oldest, nowMs);
        }
      }
      return true;
    },
    all: () => states.values(),
    clear() {
      states.clear();
      oldest = undefined;
      newest = undefined;
    },
  };
}

const createPeerState = (peer: Peer, nowMs: number): PeerState => ({
  peer,
  nextMessageId: -1,
  lastUsedMs: nowMs,
  busy: 0,
  seen: undefined,
  sent: undefined,
  exchanges: undefined,
  line: undefined,
  observations: undefined,
  transfers: undefined,
  older: undefined,
  newer: undefined,
});

/** Adds to a map that is made when first needed. */
export function put<K, V>(map: Map<K, V> | undefined, key: K, value: V): Map<K, V> {
  const target = map ?? new Map<K, V>();
  target.set(key, value);
  return target;
}

/** Removes from a map that is given up when nothing is left. */
export function take<K, V>(map: Map<K, V> | undefined, key: K): Map<K, V> | undefined {
  map?.delete(key);
  return map && map.size > 0 ? map : undefined;
}
