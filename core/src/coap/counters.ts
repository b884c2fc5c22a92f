/** What an endpoint counts, as plain numbers for `/metrics`. */

/** Counted up; the sizes of what is open are added by the endpoint. */
export interface Tally {
  datagramsReceived: number;
  datagramsSent: number;
  /** Datagrams that break the message format (RFC 7252 section 3). */
  formatErrors: number;
  /** Well-formed messages that fit nowhere: late acknowledgements, reserved codes, mismatched tokens. */
  ignored: number;
  pings: number;
  /** Repeated messages that reached nobody a second time. */
  duplicates: number;
  retransmissions: number;
  /** Confirmable messages that were never acknowledged. */
  gaveUp: number;
  resetsSent: number;
  resetsReceived: number;
  requestsReceived: number;
  /** Requests answered 5.03 because too many were running or being put together. */
  requestsRefused: number;
  /** Found the line of those that can wait full. */
  requestsDropped: number;
  separateResponses: number;
  /** Requests whose handler threw something that was no MooringError. */
  handlerFaults: number;
  requestsSent: number;
  responsesReceived: number;
  exchangeTimeouts: number;
  notifications: number;
  /** Notifications older than one already offered (RFC 7641 section 3.4). */
  notificationsStale: number;
  /** Notifications that could not be queued or were refused by their handler. */
  notificationsRefused: number;
  /** Peers that found no room in the table. */
  peersRefused: number;
  /** Exceptions that ended in the guard round the datagram path: each is a defect of ours. */
  faults: number;
}

export const createTally = (): Tally => ({
  datagramsReceived: 0,
  datagramsSent: 0,
  formatErrors: 0,
  ignored: 0,
  pings: 0,
  duplicates: 0,
  retransmissions: 0,
  gaveUp: 0,
  resetsSent: 0,
  resetsReceived: 0,
  requestsReceived: 0,
  requestsRefused: 0,
  requestsDropped: 0,
  separateResponses: 0,
  handlerFaults: 0,
  requestsSent: 0,
  responsesReceived: 0,
  exchangeTimeouts: 0,
  notifications: 0,
  notificationsStale: 0,
  notificationsRefused: 0,
  peersRefused: 0,
  faults: 0,
});
