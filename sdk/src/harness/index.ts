export { checkVector, checkVectors, type RunnableDecoder, runVectors, type VectorOutcome } from "./run-vectors.ts";
export { openSandboxedDecoder, type SandboxedDecoder } from "./sandbox.ts";
export { readVectors, type Vector } from "./vector.ts";
