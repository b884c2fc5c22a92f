import { assert } from "chai";
import { type BreakerEvent, type BreakerState, CLOSED, stepBreaker } from "../../src/sandbox/breaker-machine.ts";

const FINE: BreakerEvent = { kind: "harmless", decodes: 1 };
const HARM: BreakerEvent = { kind: "harm", why: "slow" };
const DEATH: BreakerEvent = { kind: "hostDeath", why: "dead" };
const ASKED: BreakerEvent = { kind: "asked" };
const times = (count: number, event: BreakerEvent): BreakerEvent[] => Array.from({ length: count }, () => event);
const after = (events: readonly BreakerEvent[], nowMs = 0, from: BreakerState = CLOSED): BreakerState =>
  events.reduce((state, event) => stepBreaker(state, event, nowMs), from);

describe("sandbox/breaker-machine", () => {
  const cases: [what: string, events: readonly BreakerEvent[], at: BreakerState["at"]][] = [
    ["nothing but harmless decodes", times(100, FINE), "closed"],
    ["four harms", times(4, HARM), "closed"],
    ["five harms", times(5, HARM), "open"],
    ["five harms within 20 decodes", [HARM, HARM, HARM, HARM, ...times(15, FINE), HARM], "open"],
    ["five harms within 21 decodes", [HARM, HARM, HARM, HARM, ...times(16, FINE), HARM], "closed"],
    ["harms that a large batch has pushed out", [...times(4, HARM), { kind: "harmless", decodes: 64 }, HARM], "closed"],
    ["one host death", [DEATH], "closed"],
    ["two host deaths", [DEATH, DEATH], "quarantined"],
    ["a host death among four harms", [...times(4, HARM), DEATH], "open"],
    ["a host death while it is open, after another", [DEATH, ...times(4, HARM), DEATH], "quarantined"],
    ["anything in quarantine", [DEATH, DEATH, FINE, HARM, DEATH, ASKED], "quarantined"],
    ["a release from quarantine", [DEATH, DEATH, { kind: "released" }, DEATH], "closed"],
    ["late answers while it is open", [...times(5, HARM), FINE, HARM], "open"],
  ];
  for (const [what, events, at] of cases) {
    it(`is ${at} after ${what}`, () => assert.equal(after(events).at, at));
  }

  it("forgets a host death after 10 minutes", () => {
    const one = after([DEATH], 0);
    assert.equal(stepBreaker(one, DEATH, 599_999).at, "quarantined");
    assert.equal(stepBreaker(one, DEATH, 600_000).at, "closed");
  });

  it("rests 30 s, tries one, and rests twice as long each time, up to 10 minutes", () => {
    let state = after(times(5, HARM), 1000);
    let nowMs = 1000;
    for (const pauseMs of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
      assert.deepInclude(state, { at: "open", untilMs: nowMs + pauseMs });
      assert.equal(stepBreaker(state, ASKED, nowMs + pauseMs - 1), state);
      nowMs += pauseMs;
      state = stepBreaker(state, ASKED, nowMs);
      assert.equal(state.at, "trying");
      assert.equal(stepBreaker(state, ASKED, nowMs), state);
      state = stepBreaker(state, HARM, nowMs);
    }
  });

  it("works again when the one that was tried did, with the first pause", () => {
    const tried = stepBreaker(after(times(5, HARM)), ASKED, 30_000);
    assert.deepEqual(stepBreaker(tried, FINE, 30_000), CLOSED);
  });

  it("tries another when the one could not be tried", () => {
    const tried = stepBreaker(after(times(5, HARM)), ASKED, 30_000);
    const again = stepBreaker(tried, { kind: "notTried" }, 30_001);
    assert.equal(stepBreaker(again, ASKED, 30_001).at, "trying");
  });
});
