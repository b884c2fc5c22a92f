/** What the tests of decoder services have decoded, and what became of it in a word. */
import type { DecodeOutcome, RuntimeInput } from "../../../src/sandbox/decoder-runtime.ts";

export const inputOf = (...value: readonly number[]): RuntimeInput => ({
  value: Uint8Array.from(value),
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "12345",
  device: {},
});

export const reasonOf = (outcome: DecodeOutcome): string => (outcome.ok ? "ok" : outcome.reason);
