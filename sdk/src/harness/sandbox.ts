/** The host's own sandbox, for a partner's tests: what runs here runs there. */
import { type DecoderInput, type DecoderResult, MooringError } from "@mooring/core";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import type { DecodeOutcome, DecoderSource } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { openDecoderRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { bundleDecoder } from "../pack/bundle.ts";

export interface SandboxedDecoder extends AsyncDisposable {
  /** @throws MooringError DECODER_FAILED with `details {reason}`: timeout, memory, threw, invalidResult ... */
  decode(input: DecoderInput): Promise<DecoderResult>;
}

/** A sandbox for one decoder at a time, which may be another every time. */
export interface DecoderSandbox extends AsyncDisposable {
  /** Takes the place of the one before. @throws MooringError DECODER_INVALID, DECODER_UNAVAILABLE as the runtime's `load` */
  load(source: DecoderSource): Promise<void>;
  /** With what the decoder printed. Never rejects. */
  decode(input: DecoderInput): Promise<DecodeOutcome>;
}

export async function openDecoderSandbox(): Promise<DecoderSandbox> {
  const runtime = await openDecoderRuntime({ clock: systemClock, log: silentLog });
  let loaded = 0;
  return {
    async load(source) {
      // An id names one text for ever.
      await runtime.load(String(loaded + 1), source);
      runtime.unload(String(loaded));
      loaded++;
    },
    decode: input => runtime.decode(String(loaded), input, { console: true }),
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

/**
 * Loads the decoder of a folder (`manifest.json`, `src/decoder.ts` or `.js`) into a sandbox of its own.
 * @throws MooringError DECODER_INVALID when it cannot be loaded, DECODER_UNAVAILABLE where the sandbox does not run
 */
export async function openSandboxedDecoder(folder: string): Promise<SandboxedDecoder> {
  const source = await loadDecoderFolder(folder, bundleDecoder);
  await using opened = new AsyncDisposableStack();
  const sandbox = opened.use(await openDecoderSandbox());
  await sandbox.load(source);
  const { key } = source.manifest;
  const open = opened.move();
  return {
    async decode(input) {
      const outcome = await sandbox.decode(input);
      if (outcome.ok) return outcome.result;
      const { reason, message } = outcome;
      throw new MooringError("DECODER_FAILED", `decoder ${key} (${reason}): ${message}`, { key, reason });
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
