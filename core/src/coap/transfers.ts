/**
 * Bodies that are held between two messages of a peer: requests that are being put together (Block1) and responses that are
 * being fetched (Block2). Each is counted against the limits, and ends when the peer is silent for its time.
 */
import type { EndpointLimits } from "./endpoint.ts";
import { type PeerState, put, take } from "./peers.ts";
import type { TimerWheel } from "./timer-wheel.ts";

export interface Transfer<Body = unknown> {
  readonly body: Body;
  /** Bytes counted for it. */
  bytes: number;
  timer: Disposable;
  /** Told when it ends without {@link Transfers.close}: silence, a limit, or the peer was forgotten. */
  readonly onLost: () => void;
}

export interface Transfers {
  readonly count: number;
  readonly bytes: number;
  find(state: PeerState, key: string): Transfer | undefined;
  /** The peer's oldest gives way at the peer's own limit. @returns undefined when all peers together hold too much */
  open<Body>(state: PeerState, key: string, body: Body, bytes: number, onLost: () => void): Transfer<Body> | undefined;
  /** Counts more bytes and begins its time of silence anew. @returns false when all peers together hold too much */
  grow(state: PeerState, key: string, transfer: Transfer, bytes: number): boolean;
  /** From now on it waits no longer than this. */
  hasten(state: PeerState, key: string, transfer: Transfer, withinMs: number): void;
  close(state: PeerState, key: string): void;
  loseAll(state: PeerState): void;
}

export function createTransfers(limits: EndpointLimits, wheel: TimerWheel, silenceMs: number): Transfers {
  let count = 0;
  let held = 0;

  const close = (state: PeerState, key: string): Transfer | undefined => {
    const transfer = state.transfers?.get(key);
    if (!transfer) return undefined;
    state.transfers = take(state.transfers, key);
    transfer.timer[Symbol.dispose]();
    count--;
    held -= transfer.bytes;
    return transfer;
  };

  const lose = (state: PeerState, key: string): void => close(state, key)?.onLost();

  const silence = (state: PeerState, key: string, withinMs = silenceMs): Disposable =>
    wheel.after(withinMs, () => lose(state, key));

  return {
    get count() {
      return count;
    },
    get bytes() {
      return held;
    },
    find: (state, key) => state.transfers?.get(key),
    open(state, key, body, bytes, onLost) {
      lose(state, key);
      while (state.transfers && state.transfers.size >= limits.maxTransfersPerPeer) {
        const [oldest] = state.transfers.keys();
        lose(state, oldest!);
      }
      if (count >= limits.maxTransfers || held + bytes > limits.maxTransferBytes) return undefined;
      const transfer = { body, bytes, timer: silence(state, key), onLost };
      state.transfers = put(state.transfers, key, transfer);
      count++;
      held += bytes;
      return transfer;
    },
    grow(state, key, transfer, bytes) {
      if (held + bytes > limits.maxTransferBytes) return false;
      transfer.bytes += bytes;
      held += bytes;
      transfer.timer[Symbol.dispose]();
      transfer.timer = silence(state, key);
      return true;
    },
    hasten(state, key, transfer, withinMs) {
      transfer.timer[Symbol.dispose]();
      transfer.timer = silence(state, key, withinMs);
    },
    close: (state, key) => void close(state, key),
    loseAll(state) {
      for (const key of [...(state.transfers?.keys() ?? [])]) lose(state, key);
    },
  };
}
