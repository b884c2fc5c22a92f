/**
 * Frames on the pipes between the main process and a decoder host. A frame is a small JSON head and any number of opaque
 * parts, so that payloads and results pass through the host without being parsed there:
 * u32 bytes that follow, u8 number of parts, u32 length of each, the parts; big-endian. Part 0 is the head.
 */
import { decodeUtf8 } from "../base/bytes.ts";

export interface Frame {
  /** Parsed JSON, not yet checked; undefined where it is no JSON. */
  readonly head: unknown;
  /** Views on the received bytes. */
  readonly parts: readonly Uint8Array[];
}

export function encodeFrame(head: object, parts: readonly (string | Uint8Array)[] = []): Uint8Array {
  const all = [JSON.stringify(head), ...parts].map(part => (typeof part === "string" ? Buffer.from(part) : part));
  const lengths = 1 + 4 * all.length;
  const size = all.reduce((sum, part) => sum + part.length, lengths);
  const frame = Buffer.allocUnsafe(4 + size);
  frame.writeUInt32BE(size, 0);
  frame.writeUInt8(all.length, 4);
  let at = 4 + lengths;
  for (const [index, part] of all.entries()) {
    frame.writeUInt32BE(part.length, 5 + 4 * index);
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** @returns undefined for a body whose lengths do not add up */
function decodeBody(body: Buffer): Frame | undefined {
  const count = body.length > 0 ? body.readUInt8(0) : 0;
  let at = 1 + 4 * count;
  if (count === 0 || at > body.length) return undefined;
  const parts: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const length = body.readUInt32BE(1 + 4 * index);
    if (at + length > body.length) return undefined;
    parts.push(body.subarray(at, at + length));
    at += length;
  }
  if (at !== body.length) return undefined;
  const [head, ...rest] = parts;
  return { head: parseHead(head!), parts: rest };
}

function parseHead(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface FrameReader {
  /** Takes the next bytes of the stream. @returns false once the stream is malformed: nothing after that is read. */
  push(chunk: Uint8Array): boolean;
}

/** @param limitBytes a longer frame makes the stream malformed, before anything is allocated for it */
export function createFrameReader(limitBytes: number, onFrame: (frame: Frame) => void): FrameReader {
  let chunks: Uint8Array[] = [];
  let buffered = 0;
  let sound = true;
  const joined = (): Buffer => {
    if (chunks.length !== 1) chunks = [Buffer.concat(chunks, buffered)];
    const [whole] = chunks;
    return Buffer.from(whole!.buffer, whole!.byteOffset, whole!.length);
  };
  /** Bytes that must be there before anything can be done. */
  let needed = 4;
  const drain = (): void => {
    while (sound && buffered >= needed) {
      const bytes = joined();
      const size = bytes.readUInt32BE(0);
      if (size > limitBytes) sound = false;
      needed = 4 + size;
      if (!sound || buffered < needed) return;
      const frame = decodeBody(bytes.subarray(4, needed));
      chunks = [bytes.subarray(needed)];
      buffered -= needed;
      needed = 4;
      if (frame) onFrame(frame);
      else sound = false;
    }
  };
  return {
    push(chunk) {
      if (!sound) return false;
      chunks.push(chunk);
      buffered += chunk.length;
      drain();
      return sound;
    },
  };
}
