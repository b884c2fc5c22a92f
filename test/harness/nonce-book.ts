/**
 * Whether a nonce was used twice under one key: the explicit part, which stands in the clear before the ciphertext (RFC 5288
 * section 3, RFC 6655 section 3), is to be another one in each record of a session and direction.
 */
import { wireRecords } from "./dtls-wire.ts";
import type { PassedDatagram } from "./nat-proxy.ts";

export interface NonceBook {
  /** Enters the records of a datagram. */
  take(datagram: PassedDatagram): void;
  /** Protected records entered. */
  readonly records: number;
  /** Sessions seen. */
  readonly sessions: number;
  /** Each nonce, or sequence number, that came a second time in another record. */
  readonly repeated: readonly string[];
}

const EXPLICIT_NONCE_BYTES = 8;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
/** Header of 12 bytes, version. */
const RANDOM_AT = 12 + 2;
const RANDOM_BYTES = 32;

/** @param serverCidBytes of the Connection ID that the server gives out */
export function createNonceBook(serverCidBytes = 3): NonceBook {
  /** Server's random of the last handshake, by device: its sessions have keys of their own. */
  const sessionOf = new Map<number, string>();
  const sessions = new Set<string>();
  const seen = new Set<string>();
  const repeated: string[] = [];
  let records = 0;

  const enter = (what: string): void => {
    if (seen.has(what)) repeated.push(what);
    seen.add(what);
  };
  return {
    take({ direction, devicePort, bytes }) {
      for (const { type, epoch, sequence, fragment } of wireRecords(
        bytes,
        direction === "toServer" ? serverCidBytes : 0,
      )) {
        if (epoch === 0 && type === HANDSHAKE && fragment[0] === SERVER_HELLO && direction === "toDevice") {
          const session = `${devicePort} ${fragment.toString("hex", RANDOM_AT, RANDOM_AT + RANDOM_BYTES)}`;
          sessionOf.set(devicePort, session);
          sessions.add(session);
        }
        if (epoch === 0) continue;
        records++;
        const of = `${sessionOf.get(devicePort)} ${direction} ${epoch}`;
        enter(`${of} nonce ${fragment.toString("hex", 0, EXPLICIT_NONCE_BYTES)}`);
        enter(`${of} sequence ${sequence}`);
      }
    },
    get records() {
      return records;
    },
    get sessions() {
      return sessions.size;
    },
    repeated,
  };
}
