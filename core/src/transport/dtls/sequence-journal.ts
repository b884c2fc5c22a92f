/**
 * The sequence journal as two files beside each other, `<path>.0` and `<path>.1`: one is written while the other waits to be cleared.
 * They survive `kill -9` by being written before anything follows from a record; they are not synced, which power loss would need.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { toHex } from "../../base/bytes.ts";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { SequenceJournal } from "./dtls.ts";
import { MAX_SEQUENCE } from "./records.ts";

/** Session id, sequence number, check: fixed, so that an entry that was cut short harms none after it. */
const ID_BYTES = 8;
const SEQUENCE_BYTES = 6;
const CHECK_BYTES = 2;
export const ENTRY_BYTES = ID_BYTES + SEQUENCE_BYTES + CHECK_BYTES;
const CHECK_AT = ID_BYTES + SEQUENCE_BYTES;

/** Fletcher's sum over 8 bits, not 0 for zeros: a file system may leave those behind. */
function checkOf(bytes: Uint8Array, at: number): number {
  let low = 0x5a;
  let high = 0xa5;
  for (let i = at; i < at + CHECK_AT; i++) {
    low = (low + bytes[i]!) % 255;
    high = (high + low) % 255;
  }
  return (high << 8) | low;
}

function writeEntry(bytes: Buffer, at: number, id: string, received: number): void {
  bytes.write(id, at, ID_BYTES, "hex");
  bytes.writeUIntBE(received, at + ID_BYTES, SEQUENCE_BYTES);
  bytes.writeUInt16BE(checkOf(bytes, at), at + CHECK_AT);
}

/** @param latest given what is found, where it is the highest */
function readEntries(bytes: Buffer, latest: Map<string, number>): void {
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    if (bytes.readUInt16BE(at + CHECK_AT) !== checkOf(bytes, at)) continue;
    const id = toHex(bytes.subarray(at, at + ID_BYTES));
    const received = bytes.readUIntBE(at + ID_BYTES, SEQUENCE_BYTES);
    if (received > (latest.get(id) ?? -1)) latest.set(id, received);
  }
}

interface Part {
  readonly file: number;
  /** Whole entries. */
  bytes: number;
}

function openPart(path: string, latest: Map<string, number>): Part {
  const file = openSync(path, "a+");
  const content = readFileSync(file);
  readEntries(content, latest);
  const bytes = content.length - (content.length % ENTRY_BYTES);
  // What follows a torn entry must begin where an entry begins.
  if (bytes < content.length) ftruncateSync(file, bytes);
  return { file, bytes };
}

const failed = (path: string, cause: unknown): MooringError =>
  new MooringError("STORE_FAILED", `sequence journal ${path}: ${messageOf(cause)}`, { path }, { cause });

/**
 * @param path of the two files without their endings; the folder is made where it is missing
 * @throws MooringError STORE_FAILED: they cannot be opened or read
 */
export function openSequenceJournal(path: string): SequenceJournal {
  let latest = new Map<string, number>();
  let isClosed = false;
  const guarded = <T>(run: () => T): T => {
    // The numbers of its files may be those of others by now.
    if (isClosed) throw failed(path, "it is closed");
    try {
      return run();
    } catch (cause) {
      throw failed(path, cause);
    }
  };
  guarded(() => mkdirSync(dirname(path), { recursive: true }));
  let [writing, waiting] = guarded(() => [openPart(`${path}.0`, latest), openPart(`${path}.1`, latest)] as const);
  let buffer = Buffer.alloc(64 * ENTRY_BYTES);

  /** A disk that filled up in the middle of an entry must not shift those after it. */
  function write(length: number): void {
    const written = guarded(() => writeSync(writing.file, buffer, 0, length));
    if (written === length) {
      writing.bytes += length;
      return;
    }
    guarded(() => ftruncateSync(writing.file, writing.bytes));
    throw failed(path, `${written} of ${length} bytes could be written`);
  }

  return {
    read() {
      const found = latest;
      latest = new Map();
      return found;
    },
    append(entries) {
      const length = entries.length * ENTRY_BYTES;
      if (length > buffer.length) buffer = Buffer.alloc(2 * length);
      for (const [i, { id, received }] of entries.entries()) {
        writeEntry(buffer, i * ENTRY_BYTES, id, Math.min(received, MAX_SEQUENCE));
      }
      if (length > 0) write(length);
    },
    split() {
      if (waiting.bytes === 0) [writing, waiting] = [waiting, writing];
    },
    clear() {
      guarded(() => ftruncateSync(waiting.file, 0));
      waiting.bytes = 0;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      closeSync(writing.file);
      closeSync(waiting.file);
    },
  };
}
