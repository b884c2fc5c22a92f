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
  certificate: 11,
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

/** In how many handshakes the device sent a message of that type in the clear: a flight that is repeated is no other handshake. */
export function handshakesWith(type: number, datagrams: readonly PassedDatagram[]): number {
  /** ServerHello that a device is at: its random makes it another one in each handshake. */
  const at = new Map<number, string>();
  const found = new Set<string>();
  for (const datagram of datagrams) {
    const { direction, devicePort } = datagram;
    for (const fragment of inClear([datagram], direction, HANDSHAKE)) {
      if (direction === "toDevice" && fragment[0] === SERVER_HELLO) at.set(devicePort, fragment.toString("hex"));
      if (direction === "toServer" && fragment[0] === type) found.add(`${devicePort} ${at.get(devicePort)}`);
    }
  }
  return found.size;
}

/** ServerHellos, each once. */
export const serverHellos = (datagrams: readonly PassedDatagram[]): number =>
  new Set(
    inClear(datagrams, "toDevice", HANDSHAKE)
      .filter(fragment => fragment[0] === SERVER_HELLO)
      .map(fragment => fragment.toString("hex")),
  ).size;

/** From the device's key exchange to the alert that it got for it, or for what came with it, ms. */
export function refusedAfterMs(datagrams: readonly PassedDatagram[]): number {
  const asked = datagrams.find(each => plainHandshakes([each], "toServer").includes(HANDSHAKE_TYPES.clientKeyExchange));
  const alert = datagrams.find(each => plainAlerts([each], "toDevice").length > 0);
  return asked && alert ? alert.atMs - asked.atMs : Number.NaN;
}

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
