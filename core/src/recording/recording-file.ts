/** A recording as a capture file and back. Notes are comments of the packet that follows them. */
import { MooringError } from "../base/errors.ts";
import { type CapturedPacket, readPcapng, writePcapng } from "./pcapng.ts";
import type { RecordedEntry, RecordedPacket, Recording } from "./recording.ts";
import { type End, unwrapUdp, wrapUdp } from "./udp-packet.ts";

/**
 * The host's port in the file, whatever it is in truth: on this one Wireshark knows CoAP by itself, and none of it is
 * encrypted there (RFC 7252 section 6.1).
 */
const COAP_PORT = 5683;
/** Stands for the host (RFC 5737, RFC 3849). */
const HOST_V4 = "192.0.2.1";
const HOST_V6 = "2001:db8::1";
const HEAD = "LwM2M messages of ";
const NOTE = "note: ";

const hostFor = ({ address }: RecordedPacket): End => ({
  address: address.includes(":") && !/^::ffff:\d+\./i.test(address) ? HOST_V6 : HOST_V4,
  port: COAP_PORT,
});

function toCaptured(packet: RecordedPacket, notes: readonly string[]): CapturedPacket {
  const device: End = { address: packet.address, port: packet.port };
  const host = hostFor(packet);
  const [from, to] = packet.direction === "fromDevice" ? [device, host] : [host, device];
  return {
    atMs: packet.atMs,
    direction: packet.direction === "fromDevice" ? "inbound" : "outbound",
    bytes: wrapUdp({ from, to, payload: packet.bytes }),
    comments: notes.map(note => NOTE + note),
  };
}

/** @param application that writes the file, with its version */
export function writeRecording({ endpoint, entries }: Recording, application: string): Uint8Array {
  const packets: CapturedPacket[] = [];
  let notes: string[] = [];
  for (const entry of entries) {
    if (entry.kind === "note") notes.push(entry.text);
    else {
      packets.push(toCaptured(entry, notes));
      notes = [];
    }
  }
  return writePcapng({ application, comment: HEAD + endpoint, packets });
}

function toEntries({ atMs, direction, bytes, comments }: CapturedPacket): RecordedEntry[] {
  const { from, to, payload } = unwrapUdp(bytes);
  const fromDevice = direction === "inbound";
  const { address, port } = fromDevice ? from : to;
  const notes = comments.filter(text => text.startsWith(NOTE));
  return [
    ...notes.map((text): RecordedEntry => ({ kind: "note", atMs, text: text.slice(NOTE.length) })),
    { kind: "packet", atMs, direction: fromDevice ? "fromDevice" : "toDevice", address, port, bytes: payload },
  ];
}

/** @throws MooringError MALFORMED for a file that {@link writeRecording} did not write */
export function readRecording(bytes: Uint8Array): Recording {
  const { comment, packets } = readPcapng(bytes);
  if (!comment.startsWith(HEAD)) {
    throw new MooringError("MALFORMED", "the capture does not say whose messages it holds", { rule: "comment" });
  }
  return { endpoint: comment.slice(HEAD.length), entries: packets.flatMap(toEntries) };
}
