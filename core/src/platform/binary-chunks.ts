/** Bytes of binaries in pieces of one size, so that none is ever whole in memory: written as they come, read by offset. */
import { MooringError } from "../base/errors.ts";
import { keyOf } from "../store/collections/keys.ts";
import { BINARY_CHUNKS } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { inSlices } from "./in-slices.ts";

const CHUNK_BYTES = 65_536;
/** Chunks of one upload that are being stored while the next one fills. */
const MOST_PENDING = 4;
/** Chunks kept in memory for all readers: a device that fetches small blocks asks for each of them many times. */
const CACHED_CHUNKS = 64;
/** Rows of one deletion, which the store's other writes wait for. */
const DELETED_AT_ONCE = 50;

const chunkId = (binary: string, number: number | ""): string => keyOf(binary, String(number));

export interface ChunkWriter {
  /** Takes the next bytes, which are copied; resolves when there is room for more. @throws MooringError STORE_FULL, STORE_FAILED */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when all is stored, or throws what failed. */
  end(): Promise<void>;
  /** Resolves when nothing is under way any more; never throws. */
  idle(): Promise<void>;
}

export interface BinaryChunks {
  writer(binary: string): ChunkWriter;
  /** Bytes [offset, offset + length) of those that there are: fewer at the end. @throws MooringError NOT_FOUND when they were deleted */
  read(binary: string, totalBytes: number, offset: number, length: number): Promise<Uint8Array>;
  delete(binary: string): Promise<void>;
}

export function createBinaryChunks(store: Store): BinaryChunks {
  const chunks = store.collection(BINARY_CHUNKS);
  /** The longest unused first. The bytes of a chunk never change. */
  const cached = new Map<string, Promise<Uint8Array>>();

  async function load(binary: string, id: string): Promise<Uint8Array> {
    const chunk = await chunks.findOne({ _id: id });
    if (!chunk) throw new MooringError("NOT_FOUND", "the bytes of the binary were deleted or replaced", { binary });
    return chunk.bytes;
  }

  function chunkOf(binary: string, number: number): Promise<Uint8Array> {
    const id = chunkId(binary, number);
    const found = cached.get(id) ?? load(binary, id);
    cached.delete(id);
    cached.set(id, found);
    if (cached.size > CACHED_CHUNKS) cached.delete(cached.keys().next().value!);
    found.catch(() => void (cached.get(id) === found && cached.delete(id)));
    return found;
  }

  return {
    writer(binary) {
      const pending = new Set<Promise<void>>();
      let chunk = new Uint8Array(CHUNK_BYTES);
      let filled = 0;
      let number = 0;
      let failure: unknown;

      async function flush(): Promise<void> {
        // A view would take the whole buffer with it to the store's thread.
        const bytes = filled === CHUNK_BYTES ? chunk : chunk.slice(0, filled);
        const stored = chunks.insertOne({ _id: chunkId(binary, number++), binary, bytes }).catch((error: unknown) => {
          failure ??= error;
        });
        pending.add(stored);
        void stored.then(() => pending.delete(stored));
        chunk = new Uint8Array(CHUNK_BYTES);
        filled = 0;
        if (pending.size >= MOST_PENDING) await Promise.race(pending);
      }

      const idle = async (): Promise<void> => void (await Promise.all(pending));

      return {
        async write(bytes) {
          for (let at = 0; at < bytes.length; ) {
            const piece = bytes.subarray(at, at + CHUNK_BYTES - filled);
            chunk.set(piece, filled);
            filled += piece.length;
            at += piece.length;
            if (filled === CHUNK_BYTES) await flush();
            if (failure !== undefined) throw failure;
          }
        },
        async end() {
          if (filled > 0) await flush();
          await idle();
          if (failure !== undefined) throw failure;
        },
        idle,
      };
    },

    async read(binary, totalBytes, offset, length) {
      const end = Math.min(totalBytes, offset + length);
      if (offset >= end) return new Uint8Array(0);
      const bytes = new Uint8Array(end - offset);
      for (let at = offset; at < end; ) {
        const chunk = await chunkOf(binary, Math.floor(at / CHUNK_BYTES));
        const piece = chunk.subarray(at % CHUNK_BYTES, (at % CHUNK_BYTES) + end - at);
        bytes.set(piece, at - offset);
        at += piece.length;
      }
      return bytes;
    },

    async delete(binary) {
      await inSlices(() => chunks.deleteMany({ binary }, { limit: DELETED_AT_ONCE }), DELETED_AT_ONCE);
      for (const id of cached.keys()) if (id.startsWith(chunkId(binary, ""))) cached.delete(id);
    },
  };
}
