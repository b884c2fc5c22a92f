/**
 * Versions in the runtime: those in force stay there, others come when they are asked for, and the one unused for longest goes
 * when they are too many. A version that does not load is tried again after a while, not for every payload.
 */
import type { Clock } from "../../base/clock.ts";
import { isFailure, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type {
  DecodeOptions,
  DecodeOutcome,
  DecoderRuntime,
  DecoderSource,
  RuntimeInput,
} from "../../sandbox/decoder-runtime.ts";
import { type InstalledDecoder, ownerOf } from "../decoder-directory.ts";

export interface LoadedVersions {
  /** Resolves when it can decode. @throws MooringError DECODER_INVALID, DECODER_UNAVAILABLE, STORE_FAILED */
  ready(decoder: InstalledDecoder): Promise<void>;
  /** Loads a version that is not stored yet. @throws MooringError DECODER_INVALID, DECODER_UNAVAILABLE */
  tryOut(decoder: InstalledDecoder, source: DecoderSource): Promise<void>;
  /** Loads the version where it has to. Never rejects. */
  decode(decoder: InstalledDecoder, input: RuntimeInput, options?: DecodeOptions): Promise<DecodeOutcome>;
  /** It is in force or staged: it stays. */
  hold(id: string): void;
  /** It is no longer. What is under way ends. */
  release(id: string): void;
  /** Its text is gone. */
  forget(id: string): void;
}

export interface LoadedVersionsParts {
  readonly runtime: Pick<DecoderRuntime, "load" | "unload" | "has" | "decode">;
  sourceOf(decoder: InstalledDecoder): Promise<DecoderSource>;
  readonly clock: Clock;
  readonly log: Log;
  /** Versions that stay loaded without being held. */
  readonly mostIdle?: number;
}

const MOST_IDLE = 64;
const RETRY_MS = 60_000;

export function createLoadedVersions(parts: LoadedVersionsParts): LoadedVersions {
  const { runtime, clock, log, mostIdle = MOST_IDLE } = parts;
  const held = new Set<string>();
  /** Loaded and not held, the one unused for longest first. */
  const idle = new Set<string>();
  const loading = new Map<string, Promise<void>>();
  const broken = new Map<string, { readonly message: string; readonly retryAtMs: number }>();

  const touch = (id: string): void => {
    if (held.has(id)) return;
    idle.delete(id);
    idle.add(id);
    for (const oldest of idle) {
      if (idle.size <= mostIdle) return;
      idle.delete(oldest);
      runtime.unload(oldest);
    }
  };

  async function load(decoder: InstalledDecoder): Promise<void> {
    const { id, manifest } = decoder;
    try {
      await runtime.load(id, { ...(await parts.sourceOf(decoder)), owner: ownerOf(decoder) });
      broken.delete(id);
    } catch (error) {
      const { key, version } = manifest;
      log.error("decoder.notLoaded", { decoderId: id, key, version, reason: messageOf(error) });
      const failed = { message: messageOf(error), retryAtMs: clock.now() + RETRY_MS };
      if (isFailure(error, "DECODER_INVALID")) broken.set(id, failed);
      throw error;
    }
  }

  async function ready(decoder: InstalledDecoder): Promise<void> {
    const { id } = decoder;
    if (!runtime.has(id)) {
      const underWay = loading.get(id) ?? load(decoder).finally(() => loading.delete(id));
      loading.set(id, underWay);
      await underWay;
    }
    touch(id);
  }

  async function decodeLater(decoder: InstalledDecoder, input: RuntimeInput, options?: DecodeOptions) {
    const failed = broken.get(decoder.id);
    if (failed && failed.retryAtMs > clock.now()) return { ok: false, reason: "unavailable", ...failed } as const;
    try {
      await ready(decoder);
    } catch (error) {
      return { ok: false, reason: "unavailable", message: messageOf(error), ...broken.get(decoder.id) } as const;
    }
    return await runtime.decode(decoder.id, input, options);
  }

  return {
    ready,
    async tryOut({ id }, source) {
      await runtime.load(id, { ...source, owner: ownerOf({ id }) });
      touch(id);
    },
    decode(decoder, input, options) {
      const { id } = decoder;
      if (!runtime.has(id)) return decodeLater(decoder, input, options);
      if (idle.has(id)) touch(id);
      return runtime.decode(id, input, options);
    },
    hold(id) {
      held.add(id);
      idle.delete(id);
    },
    release(id) {
      held.delete(id);
      if (runtime.has(id)) touch(id);
    },
    forget(id) {
      held.delete(id);
      idle.delete(id);
      broken.delete(id);
      runtime.unload(id);
    },
  };
}
