/**
 * The receiving half of a handshake: records of both epochs to messages in order. What nobody has authenticated never ends a
 * handshake at once, see {@link DOUBT_MS}.
 */
import { equalBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { isFailure } from "../../base/errors.ts";
import { ALERT, readAlert } from "./alert.ts";
import type { HandshakeEnd } from "./handshake-error.ts";
import { HANDSHAKE, type HandshakeFragment, type HandshakeMessage, readFragments } from "./handshake-message.ts";
import { createMessageAssembly } from "./message-assembly.ts";
import { createPendingRecords } from "./pending-records.ts";
import type { RecordProtection } from "./protection.ts";
import { CONTENT, type RecordView } from "./records.ts";

/**
 * A wrong key shows as a record that is not authentic where Finished is due, and the peer should hear of it soon. Anybody can forge such
 * a record, however, and one must not end the handshake of another. So the verdict waits for this long: by then a Finished
 * that was sent together with the key exchange is here, unless the key is wrong. Where both a forged record comes and the Finished is lost,
 * the peer begins anew.
 */
const DOUBT_MS = 200;
const WRONG_KEY: HandshakeEnd = { alert: "decryptError", reason: "not-authentic" };
const TOLD_BY_PEER: HandshakeEnd = { alert: undefined, reason: "alert" };

export interface IncomingParts {
  readonly clock: Clock;
  /** message_seq of the first message. */
  readonly firstSequence: number;
  readonly maxMessageBytes: number;
  /** How long a plaintext alert is doubted: the peer has gone, or the next message of it comes. */
  readonly alertDoubtMs: number;
  /** Whether {@link message} may be called now. */
  listens(): boolean;
  message(message: HandshakeMessage): void;
  changeCipherSpec(): void;
  /** The peer has sent again what our last flight answered. */
  repeated(): void;
  failed(end: HandshakeEnd): void;
}

export interface IncomingRecords extends Disposable {
  /** @throws MooringError HANDSHAKE_INVALID, also from what is called */
  receive(record: RecordView): void;
  /** Delivers what came while nobody listened. */
  deliver(): void;
  /** From now on epoch 1 can be read; what waited for it comes now. @param cid in records to us; undefined: they have none */
  open(protection: RecordProtection, cid: Uint8Array | undefined): void;
  /** The messages delivered so far are a whole flight: the last one again means that the peer misses the answer. */
  flightEnded(): void;
  /** Highest sequence number of an authentic record of epoch 1; -1: none. */
  readonly highestSequence: number;
}

export function createIncomingRecords(parts: IncomingParts): IncomingRecords {
  const assembly = createMessageAssembly(parts.firstSequence, parts.maxMessageBytes);
  const pending = createPendingRecords();
  let opening: { readonly protection: RecordProtection; readonly cid: Uint8Array | undefined } | undefined;
  let highestSequence = -1;
  let lastDelivered = -1;
  let lastOfFlight = -1;
  let doubt: Disposable | undefined;

  function beginDoubt(end: HandshakeEnd, delayMs: number): void {
    doubt ??= parts.clock.after(delayMs, () => parts.failed(end));
  }

  function endDoubt(): void {
    doubt?.[Symbol.dispose]();
    doubt = undefined;
  }

  function deliver(): void {
    while (parts.listens()) {
      const message = assembly.take();
      if (!message) return;
      endDoubt();
      lastDelivered = message.sequence;
      parts.message(message);
    }
  }

  /** The last message of the flight is whole again with its last fragment, so one repetition of the flight counts once. */
  function noteOld({ sequence, offset, length, body }: HandshakeFragment): void {
    if (sequence === lastOfFlight && offset + body.length === length) parts.repeated();
  }

  /** Finished is the only message of epoch 1, and of no other: in plaintext it would prove nothing (RFC 5246 section 7.4.9). */
  function receiveMessages(content: Uint8Array, epoch: 0 | 1): void {
    for (const fragment of fragmentsOf(content)) {
      if ((fragment.type === HANDSHAKE.finished) !== (epoch === 1)) continue;
      if (assembly.add(fragment) === "old") noteOld(fragment);
    }
    deliver();
  }

  function receivePlain({ type, fragment }: RecordView): void {
    if (type === CONTENT.handshake) receiveMessages(fragment, 0);
    else if (type === CONTENT.changeCipherSpec && fragment.length === 1 && fragment[0] === 1) parts.changeCipherSpec();
    else if (type === CONTENT.alert && endsSession(fragment)) beginDoubt(TOLD_BY_PEER, parts.alertDoubtMs);
  }

  function receiveProtected(record: RecordView): void {
    if (!opening) {
      pending.keep(record);
      return;
    }
    const { protection, cid } = opening;
    // Where a Connection ID was agreed on, there are no records without it (RFC 9146 section 3).
    if (cid === undefined ? record.type === CONTENT.cid : !equalBytes(record.cid, cid) || record.type !== CONTENT.cid)
      return;
    const plain = protection.open(record);
    if (!plain) {
      if (record.type === CONTENT.handshake || record.type === CONTENT.cid) beginDoubt(WRONG_KEY, DOUBT_MS);
      return;
    }
    endDoubt();
    highestSequence = Math.max(highestSequence, record.sequence);
    if (plain.type === CONTENT.handshake) receiveMessages(plain.content, 1);
    else if (plain.type === CONTENT.alert && endsSession(plain.content)) parts.failed(TOLD_BY_PEER);
  }

  return {
    receive(record) {
      if (record.epoch === 0) receivePlain(record);
      else if (record.epoch === 1) receiveProtected(record);
    },
    deliver,
    open(protection, cid) {
      opening = { protection, cid };
      for (const record of pending.takeAll()) receiveProtected(record);
    },
    flightEnded() {
      lastOfFlight = lastDelivered;
    },
    get highestSequence() {
      return highestSequence;
    },
    [Symbol.dispose]: endDoubt,
  };
}

/** A record that holds no fragments is dropped like any that is invalid (RFC 6347 section 4.1.2.7). */
function fragmentsOf(content: Uint8Array): readonly HandshakeFragment[] {
  try {
    return readFragments(content);
  } catch (error) {
    if (isFailure(error, "HANDSHAKE_INVALID")) return [];
    throw error;
  }
}

function endsSession(content: Uint8Array): boolean {
  const alert = readAlert(content);
  return alert !== undefined && (alert.fatal || alert.description === ALERT.closeNotify);
}
