/** What anyone on the way can read of DTLS (RFC 6347 section 4, RFC 9146 section 4); a reader of its own, so that it checks the host's. */
import type { PassedDatagram } from "./nat-proxy.ts";

export interface WireRecord {
  /** 20 ChangeCipherSpec, 21 alert, 22 handshake, 23 application data, 25 with Connection ID. */
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly cid: string;
  readonly fragment: Buffer;
}

const HEADER_BYTES = 13;
const ALERT = 21;
const HANDSHAKE = 22;
const WITH_CID = 25;
const SERVER_HELLO = 2;

export const HANDSHAKE_TYPES = {
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  clientKeyExchange: 16,
} as const;

/** @param cidBytes of the receiver's Connection ID */
export function wireRecords(datagram: Buffer, cidBytes = 0): WireRecord[] {
  const records: WireRecord[] = [];
  for (let at = 0; at + HEADER_BYTES <= datagram.length; ) {
    const type = datagram.readUInt8(at);
    const cidLength = type === WITH_CID ? cidBytes : 0;
    const lengthAt = at + HEADER_BYTES - 2 + cidLength;
    const end = lengthAt + 2 + datagram.readUInt16BE(lengthAt);
    records.push({
      type,
      epoch: datagram.readUInt16BE(at + 3),
      sequence: datagram.readUIntBE(at + 5, 6),
      cid: datagram.toString("hex", lengthAt - cidLength, lengthAt),
      fragment: datagram.subarray(lengthAt + 2, end),
    });
    at = end;
  }
  return records;
}

const inClear = (
  datagrams: readonly PassedDatagram[],
  direction: PassedDatagram["direction"],
  type: number,
): Buffer[] =>
  datagrams
    .filter(each => each.direction === direction)
    // Records with a Connection ID are never in the clear, so its length does not matter here.
    .flatMap(({ bytes }) => (bytes[0] === WITH_CID ? [] : wireRecords(bytes)))
    .filter(record => record.epoch === 0 && record.type === type)
    .map(record => record.fragment);

/** Types of the handshake messages of a direction that were not encrypted, in their order, repeats included. */
export const plainHandshakes = (
  datagrams: readonly PassedDatagram[],
  direction: PassedDatagram["direction"],
): number[] => inClear(datagrams, direction, HANDSHAKE).map(fragment => fragment.readUInt8(0));

/** Descriptions of the alerts that were not encrypted. */
export const plainAlerts = (datagrams: readonly PassedDatagram[], direction: PassedDatagram["direction"]): number[] =>
  inClear(datagrams, direction, ALERT).map(fragment => fragment.readUInt8(1));

/** Suite of the last ServerHello. */
export function chosenSuite(datagrams: readonly PassedDatagram[]): number | undefined {
  const hello = inClear(datagrams, "toDevice", HANDSHAKE).findLast(fragment => fragment.readUInt8(0) === SERVER_HELLO);
  if (!hello) return undefined;
  // Header of 12 bytes, version, random, session id, suite.
  const sessionIdAt = 12 + 2 + 32;
  return hello.readUInt16BE(sessionIdAt + 1 + hello.readUInt8(sessionIdAt));
}

/** Bytes of the Connection IDs in records of each direction. */
export type CidBytes = Readonly<Record<PassedDatagram["direction"], number>>;

/**
 * Protected records with a number that another record of the same keys had: each would be a nonce used twice (RFC 5288 section 3,
 * RFC 6655 section 3). Keys are taken as new with each ServerHello to a device's port; the same bytes twice are one record.
 */
export function reusedNumbers(datagrams: readonly PassedDatagram[], cidBytes: CidBytes): string[] {
  const generations = new Map<number, number>();
  const seen = new Map<string, string>();
  const reused: string[] = [];
  for (const datagram of datagrams) {
    const { direction, devicePort, bytes } = datagram;
    for (const record of wireRecords(bytes, cidBytes[direction])) {
      const generation = generations.get(devicePort) ?? 0;
      const isHello = record.epoch === 0 && record.type === HANDSHAKE && record.fragment[0] === SERVER_HELLO;
      if (isHello && direction === "toDevice") generations.set(devicePort, generation + 1);
      if (record.epoch === 0) continue;
      const number = `${devicePort} ${direction} ${generation} ${record.epoch} ${record.sequence}`;
      const fragment = record.fragment.toString("base64");
      const former = seen.get(number);
      if (former !== undefined && former !== fragment) reused.push(number);
      seen.set(number, fragment);
    }
  }
  return reused;
}
