import { assert } from "chai";
import {
  type FlightEvent,
  type FlightState,
  startFlight,
  stepFlight,
} from "../../../src/transport/dtls/flight-machine.ts";

const timing = { retransmissionTimeoutMs: 2000, maxRetransmissionTimeoutMs: 10_000, maxRetransmissions: 4 };
const waiting = (retransmissions: number, timeoutMs: number): FlightState => ({
  at: "waiting",
  retransmissions,
  timeoutMs,
});

const TABLE: readonly [FlightState, FlightEvent, FlightState][] = [
  [waiting(0, 2000), "timer", waiting(1, 4000)],
  [waiting(1, 4000), "timer", waiting(2, 8000)],
  [waiting(2, 8000), "timer", waiting(3, 10_000)],
  [waiting(4, 10_000), "timer", { at: "gaveUp" }],
  [waiting(1, 4000), "peerRepeated", waiting(1, 4000)],
  [waiting(4, 10_000), "peerRepeated", waiting(4, 10_000)],
  [waiting(3, 10_000), "answered", { at: "finished" }],
  [{ at: "finished" }, "timer", { at: "finished" }],
  [{ at: "finished" }, "peerRepeated", { at: "finished" }],
  [{ at: "gaveUp" }, "answered", { at: "gaveUp" }],
];

describe("dtls/flight-machine", () => {
  for (const [state, event, expected] of TABLE) {
    it(`RFC 6347 4.2.4: ${JSON.stringify(state)} on ${event}`, () =>
      assert.deepEqual(stepFlight(state, event, timing), expected));
  }

  it("RFC 6347 4.2.4.1: begins with the first time-out", () => assert.deepEqual(startFlight(timing), waiting(0, 2000)));
});
