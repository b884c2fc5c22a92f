export { readRecording } from "@mooring/core/internal/recording/recording-file.ts";
export { type Difference, differences } from "./differences.ts";
export { createFakeDevice, type FakeDevice, type FakeDeviceOptions, type ValueOptions } from "./fake-device.ts";
export {
  type ActivePlugin,
  activatePlugin,
  type FakePluginHostOptions,
  type FakeRequest,
  type LogLine,
} from "./fake-plugin-host.ts";
export { type ReplayOptions, type ReplayResult, replayRecording } from "./replay/replay-recording.ts";
export { runDamaged } from "./run-damaged.ts";
export {
  checkVector,
  checkVectors,
  type RunnableDecoder,
  runVectors,
  runVectorsInSandbox,
  type VectorOutcome,
} from "./run-vectors.ts";
export { type DecoderSandbox, openDecoderSandbox, openSandboxedDecoder, type SandboxedDecoder } from "./sandbox.ts";
export { openSimulatedDevice, type SimulatedDevice, type SimulatedDeviceOptions } from "./simulated-device.ts";
export { readVectorDocuments, readVectors, type Vector } from "./vector.ts";
