/** UDP datagrams in IP packets, as a capture has them (RFC 768, RFC 791, RFC 8200). */
import { isIPv4, SocketAddress } from "node:net";
import { concatBytes } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";

export interface End {
  /** IPv4 or IPv6 literal. */
  readonly address: string;
  readonly port: number;
}

export interface UdpPacket {
  readonly from: End;
  readonly to: End;
  readonly payload: Uint8Array;
}

const UDP = 17;
const UDP_HEADER_BYTES = 8;
const V4_HEADER_BYTES = 20;
const V6_HEADER_BYTES = 40;
const HOPS = 64;
const LARGEST_PAYLOAD = 65_535 - V4_HEADER_BYTES - UDP_HEADER_BYTES;
/** `::ffff:192.0.2.1` */
const MAPPED_V4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

function v6Groups(address: string): number[] {
  const [plain] = address.split("%");
  const embedded = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain!);
  const [a, b, c, d] = embedded ? embedded.slice(2).map(Number) : [];
  const text = embedded ? `${embedded[1]}${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}` : plain!;
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map(each => Number.parseInt(each, 16));
  if (tail === undefined) return groups(head);
  const [before, after] = [groups(head), groups(tail)];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** 4 or 16 bytes. */
function addressBytes(address: string): Uint8Array {
  const v4 = MAPPED_V4.exec(address)?.[1] ?? address;
  if (isIPv4(v4)) return Uint8Array.from(v4.split("."), Number);
  return concatBytes(v6Groups(address).map(u16));
}

/** One's complement of the one's complement sum (RFC 1071). */
function checksum(...parts: readonly Uint8Array[]): number {
  const bytes = concatBytes(parts);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function ipHeader(from: Uint8Array, to: Uint8Array, length: number): Uint8Array {
  if (from.length === 16)
    return concatBytes([Uint8Array.of(0x60, 0, 0, 0), u16(length), Uint8Array.of(UDP, HOPS), from, to]);
  const start = concatBytes([
    Uint8Array.of(0x45, 0),
    u16(V4_HEADER_BYTES + length),
    Uint8Array.of(0, 0, 0, 0, HOPS, UDP),
  ]);
  return concatBytes([start, u16(checksum(start, Uint8Array.of(0, 0), from, to)), from, to]);
}

/** @param packet addresses of one family; a payload that no datagram can carry is cut */
export function wrapUdp({ from, to, payload }: UdpPacket): Uint8Array {
  const [source, destination] = [addressBytes(from.address), addressBytes(to.address)];
  const body = payload.subarray(0, LARGEST_PAYLOAD);
  const length = UDP_HEADER_BYTES + body.length;
  const ports = concatBytes([u16(from.port), u16(to.port), u16(length)]);
  const pseudoHeader = concatBytes([source, destination, u16(0), u16(length), u16(0), u16(UDP)]);
  // Zero stands for "none" (RFC 768).
  const sum = checksum(pseudoHeader, ports, u16(0), body) || 0xffff;
  return concatBytes([ipHeader(source, destination, length), ports, u16(sum), body]);
}

const malformed = (rule: string): MooringError => new MooringError("MALFORMED", `no UDP packet: ${rule}`, { rule });

function v6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

/** @throws MooringError MALFORMED for anything but whole UDP over IPv4 or IPv6 without extension headers */
export function unwrapUdp(packet: Uint8Array): UdpPacket {
  const version = packet.length > 0 ? packet[0]! >> 4 : 0;
  if (version !== 4 && version !== 6) throw malformed("it is neither IPv4 nor IPv6");
  const headerBytes = version === 4 ? (packet[0]! & 0x0f) * 4 : V6_HEADER_BYTES;
  if (packet.length < headerBytes + UDP_HEADER_BYTES) throw malformed("it is cut short");
  if (packet[version === 4 ? 9 : 6] !== UDP) throw malformed("it carries another protocol");
  const [at, bytes] = version === 4 ? [12, 4] : [8, 16];
  const textOf = (address: Uint8Array): string => (version === 4 ? address.join(".") : v6Text(address));
  const udp = packet.subarray(headerBytes);
  const length = (udp[4]! << 8) | udp[5]!;
  if (length < UDP_HEADER_BYTES || length > udp.length) throw malformed("its length is wrong");
  const portAt = (offset: number): number => (udp[offset]! << 8) | udp[offset + 1]!;
  return {
    from: { address: textOf(packet.subarray(at, at + bytes)), port: portAt(0) },
    to: { address: textOf(packet.subarray(at + bytes, at + 2 * bytes)), port: portAt(2) },
    payload: udp.subarray(UDP_HEADER_BYTES, length),
  };
}
