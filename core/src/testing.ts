/** What tests outside of core may use of it: clocks, logs and randomness that a test holds, and the decoder sandbox. */

export { fromHex, toHex } from "./base/bytes.ts";
export { createManualClock, type ManualClock, systemClock } from "./base/clock.ts";
export { createRecordingLog, type LogLine, silentLog } from "./base/log.ts";
export { createSeededRandom } from "./base/random.ts";
export { compileSchema } from "./base/schema.ts";
export { loadDecoderFolder } from "./decoding/decoder-registry.ts";
export { decoderBytes } from "./decoding/decoder-wire.ts";
export type { DecodeOutcome, DecoderRuntime, DecoderSource, RuntimeInput } from "./sandbox/decoder-runtime.ts";
export { openDecoderRuntime } from "./sandbox/isolate-runtime.ts";
