/** Sends a handshake's flights: cut, sealed, packed into datagrams, repeated until answered (RFC 6347 sections 4.2.3 and 4.2.4). */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { type AlertName, writeAlert } from "./alert.ts";
import { type FlightEvent, type FlightState, type FlightTiming, startFlight, stepFlight } from "./flight-machine.ts";
import type { LastFlightRecord } from "./handshake.ts";
import {
  cutMessage,
  HANDSHAKE_HEADER_BYTES,
  type HandshakeMessage,
  writeFragment,
  writeMessage,
} from "./handshake-message.ts";
import type { RecordProtection } from "./protection.ts";
import { CONTENT, RECORD_HEADER_BYTES, writePlainRecord } from "./records.ts";
import { joinBytes } from "./wire.ts";

/** A message in the epoch that it belongs to, or the change to epoch 1. */
export type FlightItem = { readonly epoch: 0 | 1; readonly message: HandshakeMessage } | "changeCipherSpec";

/** Timers wait up to this much longer, so that many peers do not repeat in step. */
const JITTER = 0.25;
/** A peer's repetitions are answered at most this often: doubled datagrams and each fragment of a flight would each count. */
const REPEAT_PAUSE_MS = 100;
/** Fragments do not get smaller than this, whatever the datagram. */
const MIN_FRAGMENT_BYTES = HANDSHAKE_HEADER_BYTES + 32;
/** What every path carries (RFC 6347 section 4.1.1.1 leaves the sizes open; IPv6 guarantees 1280, 6LoWPAN links are happier below). */
const MIN_DATAGRAM_BYTES = 256;
const CHANGE_CIPHER_SPEC = Uint8Array.of(1);

/**
 * Largest datagram of a repetition: after the first one each is half of the one before, since large ones may be what gets lost
 * (RFC 6347 section 4.1.1.1).
 */
export const datagramBytes = (maxBytes: number, retransmissions: number): number =>
  Math.max(Math.min(maxBytes, MIN_DATAGRAM_BYTES), maxBytes >> Math.max(0, retransmissions - 1));

/** Joins records into datagrams, in order; a record larger than `maxBytes` goes alone. */
export function packRecords(records: readonly Uint8Array[], maxBytes: number): Uint8Array[] {
  const datagrams: Uint8Array[][] = [];
  let room = 0;
  for (const record of records) {
    if (record.length > room || datagrams.length === 0) {
      datagrams.push([]);
      room = maxBytes;
    }
    datagrams.at(-1)!.push(record);
    room -= record.length;
  }
  return datagrams.map(parts => (parts.length === 1 ? parts[0]! : joinBytes(parts)));
}

export interface FlightsParts {
  readonly clock: Clock;
  readonly random: Pick<Random, "fraction">;
  readonly timing: FlightTiming;
  readonly maxDatagramBytes: number;
  /** First record sequence number in epoch 0. */
  readonly firstSequence: number;
  send(datagram: Uint8Array): void;
  /** The peer did not answer the last repetition. */
  gaveUp(): void;
}

export interface Flights extends Disposable {
  /** Most bytes of plaintext in one record from now on (RFC 6066 section 4, RFC 8449). */
  limitPlaintext(maxBytes: number): void;
  /** Makes epoch 1 known. @param cid in records to the peer */
  protect(protection: RecordProtection, cid: Uint8Array): void;
  /** Sends a flight and repeats it until the next one. Without items: only the timer runs. */
  begin(items: readonly FlightItem[]): void;
  /** The peer sent its last flight again. */
  repeat(): void;
  /** Everything of the peer is there: sends the last flight, once, if there is something to say. */
  finish(items: readonly FlightItem[]): void;
  /** In the epoch that the peer reads: 1 once a ChangeCipherSpec of ours is out. */
  alert(name: AlertName): void;
  /** The current flight as it may be repeated later. */
  records(): LastFlightRecord[];
  /** Next sequence number of epoch 1. */
  readonly nextSequence: number;
}

export function createFlights(parts: FlightsParts): Flights {
  const { clock, random, timing } = parts;
  const sequences: [number, number] = [parts.firstSequence, 0];
  let sealing: { readonly protection: RecordProtection; readonly cid: Uint8Array } | undefined;
  let maxPlaintextBytes = Number.POSITIVE_INFINITY;
  let items: readonly FlightItem[] = [];
  let state: FlightState = startFlight(timing);
  let timer: Disposable | undefined;
  let sentAtMs = 0;
  /** How often the peer's repetitions of its flight have begun the timer anew: one that only repeats itself does not stay for ever. */
  let putOff = 0;

  const record = (type: number, epoch: 0 | 1, content: Uint8Array): Uint8Array =>
    epoch === 1
      ? sealing!.protection.seal(type, 1, sequences[1]++, sealing!.cid, content)
      : writePlainRecord(type, sequences[0]++, content);

  function recordsOf(item: FlightItem, maxBytes: number): Uint8Array[] {
    if (item === "changeCipherSpec") return [record(CONTENT.changeCipherSpec, 0, CHANGE_CIPHER_SPEC)];
    const overhead = item.epoch === 1 ? sealing!.protection.overhead : RECORD_HEADER_BYTES;
    const fragmentBytes = Math.max(MIN_FRAGMENT_BYTES, Math.min(maxBytes - overhead, maxPlaintextBytes));
    return cutMessage(item.message, fragmentBytes).map(fragment =>
      record(CONTENT.handshake, item.epoch, writeFragment(fragment)),
    );
  }

  function transmit(): void {
    sentAtMs = clock.monotonic();
    const maxBytes = datagramBytes(parts.maxDatagramBytes, state.at === "waiting" ? state.retransmissions : 0);
    const records = items.flatMap(item => recordsOf(item, maxBytes));
    for (const datagram of packRecords(records, maxBytes)) parts.send(datagram);
  }

  function disarm(): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
  }

  function arm(): void {
    disarm();
    if (state.at !== "waiting") return;
    timer = clock.after(state.timeoutMs * (1 + JITTER * random.fraction()), () => handle("timer"));
  }

  function handle(event: FlightEvent): void {
    state = stepFlight(state, event, timing);
    if (state.at === "waiting") transmit();
    if (event !== "peerRepeated" || putOff++ < timing.maxRetransmissions) arm();
    if (state.at === "gaveUp") parts.gaveUp();
  }

  return {
    limitPlaintext(maxBytes) {
      maxPlaintextBytes = maxBytes;
    },
    protect(protection, cid) {
      sealing = { protection, cid };
    },
    begin(flight) {
      items = flight;
      state = startFlight(timing);
      putOff = 0;
      transmit();
      arm();
    },
    repeat() {
      if (items.length > 0 && clock.monotonic() - sentAtMs >= REPEAT_PAUSE_MS) handle("peerRepeated");
    },
    finish(flight) {
      handle("answered");
      items = flight;
      transmit();
    },
    alert(name) {
      parts.send(record(CONTENT.alert, items.includes("changeCipherSpec") ? 1 : 0, writeAlert(name)));
    },
    records: () =>
      items.map(item =>
        item === "changeCipherSpec"
          ? {
              type: CONTENT.changeCipherSpec,
              epoch: 0,
              content: record(CONTENT.changeCipherSpec, 0, CHANGE_CIPHER_SPEC),
            }
          : { type: CONTENT.handshake, epoch: item.epoch, content: writeMessage(item.message) },
      ),
    get nextSequence() {
      return sequences[1];
    },
    [Symbol.dispose]: disarm,
  };
}
