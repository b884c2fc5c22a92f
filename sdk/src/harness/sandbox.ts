/** The host's own sandbox, for a partner's tests: what runs here runs there. */
import { type DecoderInput, type DecoderResult, MooringError } from "@mooring/core";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import { openDecoderRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { bundleDecoder } from "../pack/bundle.ts";

export interface SandboxedDecoder extends AsyncDisposable {
  /** @throws MooringError DECODER_FAILED with `details {reason}`: timeout, memory, threw, invalidResult ... */
  decode(input: DecoderInput): Promise<DecoderResult>;
}

/**
 * Loads the decoder of a folder (`manifest.json`, `src/decoder.ts` or `.js`) into a sandbox of its own.
 * @throws MooringError DECODER_INVALID when it cannot be loaded, DECODER_UNAVAILABLE where the sandbox does not run
 */
export async function openSandboxedDecoder(folder: string): Promise<SandboxedDecoder> {
  const source = await loadDecoderFolder(folder, bundleDecoder);
  const runtime = await openDecoderRuntime({ clock: systemClock, log: silentLog });
  const { key } = source.manifest;
  try {
    await runtime.load(key, source);
  } catch (error) {
    await runtime[Symbol.asyncDispose]();
    throw error;
  }
  return {
    async decode(input) {
      const outcome = await runtime.decode(key, input);
      if (outcome.ok) return outcome.result;
      const { reason, message } = outcome;
      throw new MooringError("DECODER_FAILED", `decoder ${key} (${reason}): ${message}`, { key, reason });
    },
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}
