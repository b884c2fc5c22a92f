/**
 * The server's handshake as a state machine: full with a key (RFC 4279, RFC 5489), full with certificates on both sides (RFC 5246
 * section 7.3, RFC 8422), abbreviated (RFC 5246 section 7.3, figure 2). The owner reads and writes the messages.
 */

/** Named after what comes next: a message of the client, or the end of something of ours. */
export type HandshakeState =
  | "clientHello"
  | "choice"
  | "clientKeyExchange"
  | "key"
  | "certificate"
  | "certifiedKeyExchange"
  | "certificateVerify"
  | "trust"
  | "changeCipherSpec"
  | "finished"
  | "established";

/** Messages of the client. */
export type ClientMessage =
  | "clientHello"
  | "certificate"
  | "clientKeyExchange"
  | "certificateVerify"
  | "changeCipherSpec"
  | "finished";

/** What we chose, and what was looked up. */
export type Conclusion = "keyChosen" | "certificatesChosen" | "resumptionChosen" | "keyFound" | "trusted";

export type HandshakeEvent = ClientMessage | Conclusion;

/**
 * What each state takes, and where it leads; everything else is unexpected. ChangeCipherSpec stands behind the key exchange on every
 * way, so there are no keys that it could switch to too early (CVE-2014-0224), and Finished behind it, so none is skipped.
 */
const NEXT: Readonly<Record<HandshakeState, Readonly<Partial<Record<HandshakeEvent, HandshakeState>>>>> = {
  clientHello: { clientHello: "choice" },
  choice: {
    keyChosen: "clientKeyExchange",
    certificatesChosen: "certificate",
    resumptionChosen: "changeCipherSpec",
  },
  clientKeyExchange: { clientKeyExchange: "key" },
  key: { keyFound: "changeCipherSpec" },
  certificate: { certificate: "certifiedKeyExchange" },
  certifiedKeyExchange: { clientKeyExchange: "certificateVerify" },
  certificateVerify: { certificateVerify: "trust" },
  trust: { trusted: "changeCipherSpec" },
  changeCipherSpec: { changeCipherSpec: "finished" },
  finished: { finished: "established" },
  established: {},
};

/** In these the client is not listened to: what it sends waits. */
const BUSY: readonly HandshakeState[] = ["choice", "key", "trust", "established"];

/** One step. @returns undefined: the event is unexpected, and the handshake fails */
export const stepHandshake = (state: HandshakeState, event: HandshakeEvent): HandshakeState | undefined =>
  NEXT[state][event];

export const listensIn = (state: HandshakeState): boolean => !BUSY.includes(state);
