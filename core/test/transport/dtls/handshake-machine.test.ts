import { assert } from "chai";
import {
  type HandshakeEvent,
  type HandshakeState,
  listensIn,
  stepHandshake,
} from "../../../src/transport/dtls/handshake-machine.ts";

const STATES: readonly HandshakeState[] = [
  "clientHello",
  "choice",
  "clientKeyExchange",
  "key",
  "certificate",
  "certifiedKeyExchange",
  "certificateVerify",
  "trust",
  "changeCipherSpec",
  "finished",
  "established",
];
const EVENTS: readonly HandshakeEvent[] = [
  "clientHello",
  "certificate",
  "clientKeyExchange",
  "certificateVerify",
  "changeCipherSpec",
  "finished",
  "keyChosen",
  "certificatesChosen",
  "resumptionChosen",
  "keyFound",
  "trusted",
];

/** Everything that is allowed; any other pair is unexpected_message. */
const ALLOWED: readonly [source: string, HandshakeState, HandshakeEvent, HandshakeState][] = [
  ["RFC 6347 4.2.1", "clientHello", "clientHello", "choice"],
  ["RFC 4279 2", "choice", "keyChosen", "clientKeyExchange"],
  ["RFC 4279 2", "clientKeyExchange", "clientKeyExchange", "key"],
  ["RFC 4279 2", "key", "keyFound", "changeCipherSpec"],
  ["RFC 5246 7.4.4", "choice", "certificatesChosen", "certificate"],
  ["RFC 5246 7.4.6", "certificate", "certificate", "certifiedKeyExchange"],
  ["RFC 5246 7.4.7", "certifiedKeyExchange", "clientKeyExchange", "certificateVerify"],
  ["RFC 5246 7.4.8", "certificateVerify", "certificateVerify", "trust"],
  ["RFC 5246 7.4.8", "trust", "trusted", "changeCipherSpec"],
  ["RFC 5246 7.3", "choice", "resumptionChosen", "changeCipherSpec"],
  ["RFC 5246 7.1", "changeCipherSpec", "changeCipherSpec", "finished"],
  ["RFC 5246 7.4.9", "finished", "finished", "established"],
];

describe("dtls/handshake-machine", () => {
  for (const [source, state, event, next] of ALLOWED) {
    it(`${source}: ${state} on ${event} to ${next}`, () => assert.equal(stepHandshake(state, event), next));
  }

  for (const state of STATES) {
    it(`RFC 5246 7.4: ${state} takes nothing else`, () => {
      const taken = ALLOWED.filter(([, from]) => from === state).map(([, , event]) => event);
      for (const event of EVENTS.filter(one => !taken.includes(one))) {
        assert.isUndefined(stepHandshake(state, event), event);
      }
    });
  }

  it("no way leads to established without Finished, nor to Finished without keys", () => {
    const into = (target: HandshakeState) => ALLOWED.filter(([, , , next]) => next === target).map(([, from]) => from);
    assert.deepEqual(into("established"), ["finished"]);
    assert.deepEqual(into("finished"), ["changeCipherSpec"]);
    assert.sameMembers(into("changeCipherSpec"), ["key", "trust", "choice"]);
  });

  it("what the client sends waits while something is looked up", () =>
    assert.deepEqual(
      STATES.filter(state => !listensIn(state)),
      ["choice", "key", "trust", "established"],
    ));
});
