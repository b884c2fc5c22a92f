import { assert } from "chai";
import { DEFAULT_TRANSMISSION, derivedTimes, firstTimeoutMs } from "../../src/coap/transmission.ts";

describe("coap/transmission", () => {
  it("RFC 7252 4.8.2 table 3: derived times of the default parameters", () => {
    assert.deepEqual(derivedTimes(DEFAULT_TRANSMISSION), {
      maxTransmitSpanMs: 45_000,
      maxTransmitWaitMs: 93_000,
      processingDelayMs: 2_000,
      maxRttMs: 202_000,
      exchangeLifetimeMs: 247_000,
      nonLifetimeMs: 145_000,
    });
  });

  it("RFC 7252 4.8.2: they follow other parameters", () => {
    const times = derivedTimes({ ...DEFAULT_TRANSMISSION, ackTimeoutMs: 10_000, maxRetransmit: 2, ackRandomFactor: 1 });
    assert.equal(times.maxTransmitSpanMs, 30_000);
    assert.equal(times.maxTransmitWaitMs, 70_000);
    assert.equal(times.exchangeLifetimeMs, 240_000);
  });

  it("RFC 7252 4.2: the first time-out lies between ACK_TIMEOUT and ACK_TIMEOUT * ACK_RANDOM_FACTOR", () => {
    assert.equal(firstTimeoutMs(DEFAULT_TRANSMISSION, 0), 2_000);
    assert.equal(firstTimeoutMs(DEFAULT_TRANSMISSION, 0.5), 2_500);
    assert.isBelow(firstTimeoutMs(DEFAULT_TRANSMISSION, 0.999), 3_000);
  });
});
