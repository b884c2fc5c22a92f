/**
 * Capture files that Wireshark opens (draft-ietf-opsawg-pcapng-02): one section, one interface of raw IP packets, times in
 * microseconds, little-endian. Reads what it writes.
 */
import { concatBytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";

export interface CapturedPacket {
  /** ms since the epoch; kept to the microsecond. */
  readonly atMs: number;
  readonly direction: "inbound" | "outbound";
  /** An IP packet. */
  readonly bytes: Uint8Array;
  readonly comments: readonly string[];
}

export interface Capture {
  /** What wrote it. */
  readonly application: string;
  /** Of the whole. */
  readonly comment: string;
  readonly packets: readonly CapturedPacket[];
}

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
/** LINKTYPE_RAW: the packet begins with its IPv4 or IPv6 header. */
const RAW_IP = 101;
/** Section 3.5, and 4.1 to 4.3 for the options of each block. */
const OPTION = { END: 0, COMMENT: 1, APPLICATION: 4, PACKET_FLAGS: 2 } as const;
const DIRECTIONS = { inbound: 1, outbound: 2 } as const;
const LONGEST_OPTION = 65_535;
const HEADER_BYTES = 8;

const u16 = (...values: readonly number[]): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(values.length * 2));
  for (const [i, value] of values.entries()) bytes.setUint16(i * 2, value, true);
  return new Uint8Array(bytes.buffer);
};
const u32 = (...values: readonly number[]): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(values.length * 4));
  for (const [i, value] of values.entries()) bytes.setUint32(i * 4, value, true);
  return new Uint8Array(bytes.buffer);
};

const padded = (length: number): number => Math.ceil(length / 4) * 4;
const padding = (length: number): Uint8Array => new Uint8Array(padded(length) - length);

function block(type: number, ...body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, HEADER_BYTES + 4);
  return concatBytes([u32(type, length), ...body, u32(length)]);
}

function option(code: number, value: Uint8Array): Uint8Array {
  const kept = value.subarray(0, LONGEST_OPTION);
  return concatBytes([u16(code, kept.length), kept, padding(kept.length)]);
}

const comment = (text: string): Uint8Array => option(OPTION.COMMENT, encodeUtf8(text));
const END_OF_OPTIONS = u16(OPTION.END, 0);
const UNKNOWN_LENGTH = u32(0xffffffff, 0xffffffff);

function packetBlock({ atMs, direction, bytes, comments }: CapturedPacket): Uint8Array {
  const microseconds = BigInt(Math.round(atMs * 1000));
  const [high, low] = [Number(microseconds >> 32n), Number(microseconds & 0xffffffffn)];
  return block(
    ENHANCED_PACKET,
    u32(0, high, low, bytes.length, bytes.length),
    bytes,
    padding(bytes.length),
    option(OPTION.PACKET_FLAGS, u32(DIRECTIONS[direction])),
    ...comments.map(comment),
    END_OF_OPTIONS,
  );
}

/** @param capture comments of up to 65,535 bytes; longer ones are cut */
export function writePcapng(capture: Capture): Uint8Array {
  const application = option(OPTION.APPLICATION, encodeUtf8(capture.application));
  return concatBytes([
    block(SECTION, u32(BYTE_ORDER), u16(1, 0), UNKNOWN_LENGTH, comment(capture.comment), application, END_OF_OPTIONS),
    block(INTERFACE, u16(RAW_IP, 0), u32(0)),
    ...capture.packets.map(packetBlock),
  ]);
}

const malformed = (rule: string, at: number): MooringError =>
  new MooringError("MALFORMED", `no capture file of this kind: ${rule} (byte ${at})`, { rule, at });

interface Block {
  readonly type: number;
  readonly at: number;
  readonly body: Uint8Array;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function readBlocks(bytes: Uint8Array): Block[] {
  const view = viewOf(bytes);
  const blocks: Block[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + HEADER_BYTES + 4 > bytes.length) throw malformed("a block is cut short", at);
    const length = view.getUint32(at + 4, true);
    if (length < HEADER_BYTES + 4 || length % 4 !== 0) throw malformed("a block's length is wrong", at);
    if (at + length > bytes.length) throw malformed("a block is cut short", at);
    if (view.getUint32(at + length - 4, true) !== length) throw malformed("a block's lengths differ", at);
    blocks.push({ type: view.getUint32(at, true), at, body: bytes.subarray(at + HEADER_BYTES, at + length - 4) });
    at += length;
  }
  return blocks;
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

function readOptions({ body, at: blockAt }: Block, from: number): Option[] {
  const view = viewOf(body);
  const options: Option[] = [];
  for (let at = from; at + 4 <= body.length; ) {
    const [code, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (code === OPTION.END) break;
    if (at + 4 + length > body.length) throw malformed("an option runs past its block", blockAt);
    options.push({ code, value: body.subarray(at + 4, at + 4 + length) });
    at += 4 + padded(length);
  }
  return options;
}

const textsOf = (options: readonly Option[], code: number): string[] =>
  options.filter(each => each.code === code).map(({ value }) => decodeUtf8(value) ?? "");

function readSection(first: Block | undefined): Pick<Capture, "application" | "comment"> {
  if (first?.type !== SECTION || first.body.length < 16) throw malformed("it has no section header", 0);
  const view = viewOf(first.body);
  if (view.getUint32(0, true) !== BYTE_ORDER) throw malformed("it is not little-endian", 0);
  if (view.getUint16(4, true) !== 1) throw malformed("its version is not 1", 0);
  const options = readOptions(first, 16);
  const [text = ""] = textsOf(options, OPTION.COMMENT);
  const [application = ""] = textsOf(options, OPTION.APPLICATION);
  return { application, comment: text };
}

function readPacket(found: Block): CapturedPacket {
  const { body, at } = found;
  if (body.length < 20) throw malformed("a packet is cut short", at);
  const view = viewOf(body);
  const microseconds = (BigInt(view.getUint32(4, true)) << 32n) | BigInt(view.getUint32(8, true));
  const length = view.getUint32(12, true);
  if (20 + padded(length) > body.length) throw malformed("a packet is cut short", at);
  const options = readOptions(found, 20 + padded(length));
  const flags = options.find(({ code }) => code === OPTION.PACKET_FLAGS)?.value;
  if (flags?.length !== 4) throw malformed("a packet does not say its direction", at);
  return {
    atMs: Number(microseconds) / 1000,
    direction: (flags[0]! & 3) === DIRECTIONS.inbound ? "inbound" : "outbound",
    bytes: body.subarray(20, 20 + length),
    comments: textsOf(options, OPTION.COMMENT),
  };
}

/**
 * Blocks of other kinds are passed over.
 * @throws MooringError MALFORMED, `details {rule, at}`, for another kind of file or one that is cut
 */
export function readPcapng(bytes: Uint8Array): Capture {
  const [section, ...blocks] = readBlocks(bytes);
  const head = readSection(section);
  for (const { type, body, at } of blocks) {
    if (type === SECTION) throw malformed("it has a second section", at);
    if (type !== INTERFACE) continue;
    if (body.length < 8 || viewOf(body).getUint16(0, true) !== RAW_IP)
      throw malformed("it is not of raw IP packets", at);
  }
  return { ...head, packets: blocks.filter(({ type }) => type === ENHANCED_PACKET).map(readPacket) };
}
