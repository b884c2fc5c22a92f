/** Transmission parameters and the times derived from them (RFC 7252 section 4.8). Times in milliseconds. */

export interface TransmissionParameters {
  /** ACK_TIMEOUT: least time before the first retransmission. */
  readonly ackTimeoutMs: number;
  /** ACK_RANDOM_FACTOR, 1 or more: the first time-out lies between ackTimeoutMs and that times this factor. */
  readonly ackRandomFactor: number;
  /** MAX_RETRANSMIT: repetitions after the first transmission. */
  readonly maxRetransmit: number;
  /** NSTART: exchanges that are open with one peer at once; further requests wait in line. */
  readonly nstart: number;
  /** MAX_LATENCY: longest way of a datagram, one direction. */
  readonly maxLatencyMs: number;
  /** A request whose handler is still busy gets its empty acknowledgement after this time; below ackTimeoutMs of the devices. */
  readonly emptyAckAfterMs: number;
  /** How long a separate response may take after the empty acknowledgement (RFC 7252 section 5.2.2 sets no limit; nobody waits for ever here). */
  readonly separateResponseMs: number;
}

/** RFC 7252 section 4.8, table 2; the last two are ours. */
export const DEFAULT_TRANSMISSION: TransmissionParameters = {
  ackTimeoutMs: 2_000,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  nstart: 1,
  maxLatencyMs: 100_000,
  emptyAckAfterMs: 1_000,
  separateResponseMs: 60_000,
};

export interface TransmissionTimes {
  /** First transmission to last retransmission: 45 s. */
  readonly maxTransmitSpanMs: number;
  /** First transmission to giving up: 93 s. */
  readonly maxTransmitWaitMs: number;
  /** How long a recipient may take to answer: ACK_TIMEOUT. */
  readonly processingDelayMs: number;
  /** 202 s */
  readonly maxRttMs: number;
  /** A Confirmable message's id may be used again after this time, its duplicates are known until then: 247 s. */
  readonly exchangeLifetimeMs: number;
  /** The same for a Non-confirmable message: 145 s. */
  readonly nonLifetimeMs: number;
}

/** RFC 7252 section 4.8.2, table 3. */
export function derivedTimes(parameters: TransmissionParameters): TransmissionTimes {
  const { ackTimeoutMs, ackRandomFactor, maxRetransmit, maxLatencyMs } = parameters;
  const maxTransmitSpanMs = ackTimeoutMs * (2 ** maxRetransmit - 1) * ackRandomFactor;
  const maxRttMs = 2 * maxLatencyMs + ackTimeoutMs;
  return {
    maxTransmitSpanMs,
    maxTransmitWaitMs: ackTimeoutMs * (2 ** (maxRetransmit + 1) - 1) * ackRandomFactor,
    processingDelayMs: ackTimeoutMs,
    maxRttMs,
    exchangeLifetimeMs: maxTransmitSpanMs + maxRttMs,
    nonLifetimeMs: maxTransmitSpanMs + maxLatencyMs,
  };
}

/** First time-out of a Confirmable message (RFC 7252 section 4.2). @param fraction 0 <= x < 1 */
export const firstTimeoutMs = (parameters: TransmissionParameters, fraction: number): number =>
  parameters.ackTimeoutMs * (1 + fraction * (parameters.ackRandomFactor - 1));
