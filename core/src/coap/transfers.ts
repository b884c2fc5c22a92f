/**
 * Bodies that are held between two messages of a peer: requests that are being put together (Block1) and responses that are
 * being fetched (Block2). Each is counted against the limits, and ends when the peer is silent for its time. Where all peers
 * together hold too much, what has been silent for longest gives way, so that transfers begun and abandoned keep nobody out.
 */
import type { Clock } from "../base/clock.ts";
import type { EndpointLimits } from "./endpoint.ts";
import { type PeerState, put, take } from "./peers.ts";
import type { TimerWheel } from "./timer-wheel.ts";

export interface Transfer<Body = unknown> {
  readonly body: Body;
  /** Bytes counted for it. */
  bytes: number;
  timer: Disposable;
  /** Monotonic time of the last message of it. */
  aliveMs: number;
  /** Told when it ends without {@link Transfers.close}: silence, a limit, or the peer was forgotten. */
  readonly onLost: () => void;
}

export interface Transfers {
  readonly count: number;
  readonly bytes: number;
  find(state: PeerState, key: string): Transfer | undefined;
  /** The peer's oldest gives way at the peer's own limit. @returns undefined when all peers together hold too much that is alive */
  open<Body>(state: PeerState, key: string, body: Body, bytes: number, onLost: () => void): Transfer<Body> | undefined;
  /** Counts more bytes and begins its time of silence anew. @returns false when all peers together hold too much that is alive */
  grow(state: PeerState, key: string, transfer: Transfer, bytes: number): boolean;
  /** From now on it waits no longer than this. */
  hasten(state: PeerState, key: string, transfer: Transfer, withinMs: number): void;
  close(state: PeerState, key: string): void;
  loseAll(state: PeerState): void;
}

/** Longer than a slow device takes from block to block, far shorter than a whole exchange may. */
const GIVES_WAY_AFTER_MS = 15_000;

export interface TransfersParts {
  readonly limits: EndpointLimits;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** After so much silence a transfer is lost. */
  readonly silenceMs: number;
}

export function createTransfers({ limits, wheel, clock, silenceMs }: TransfersParts): Transfers {
  /** Longest silent first, each with what ends it. */
  const byAge = new Map<Transfer, () => void>();
  let held = 0;

  const close = (state: PeerState, key: string): Transfer | undefined => {
    const transfer = state.transfers?.get(key);
    if (!transfer) return undefined;
    state.transfers = take(state.transfers, key);
    transfer.timer[Symbol.dispose]();
    byAge.delete(transfer);
    held -= transfer.bytes;
    return transfer;
  };

  const lose = (state: PeerState, key: string): void => close(state, key)?.onLost();

  const fits = (transfers: number, bytes: number): boolean =>
    byAge.size + transfers <= limits.maxTransfers && held + bytes <= limits.maxTransferBytes;

  /** @returns false when what is left is alive */
  const makeRoom = (transfers: number, bytes: number): boolean => {
    const before = clock.monotonic() - GIVES_WAY_AFTER_MS;
    for (const [transfer, end] of byAge) {
      if (fits(transfers, bytes) || transfer.aliveMs > before) break;
      end();
    }
    return fits(transfers, bytes);
  };

  const silence = (state: PeerState, key: string, withinMs = silenceMs): Disposable =>
    wheel.after(withinMs, () => lose(state, key));

  return {
    get count() {
      return byAge.size;
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
      if (!makeRoom(1, bytes)) return undefined;
      const transfer = { body, bytes, timer: silence(state, key), aliveMs: clock.monotonic(), onLost };
      state.transfers = put(state.transfers, key, transfer);
      byAge.set(transfer, () => lose(state, key));
      held += bytes;
      return transfer;
    },
    grow(state, key, transfer, bytes) {
      byAge.delete(transfer);
      byAge.set(transfer, () => lose(state, key));
      transfer.aliveMs = clock.monotonic();
      if (!makeRoom(0, bytes)) return false;
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
