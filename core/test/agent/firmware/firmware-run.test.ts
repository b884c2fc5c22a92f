/** What the whole agent cannot be made to do: a store that refuses, a host that stops in between. */
import { assert } from "chai";
import { createFirmwareRun, type FirmwareRun, type RunParts } from "../../../src/agent/firmware/firmware-run.ts";
import type { UpdateDetails } from "../../../src/agent/firmware/update-details.ts";
import { createManualClock } from "../../../src/base/clock.ts";
import { MooringError } from "../../../src/base/errors.ts";
import type { FirmwareEvent } from "../../../src/lwm2m/firmware/firmware-machine.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";

const FULL = new MooringError("STORE_FULL", "full");
const DETAILS: UpdateDetails = { state: { at: "RESET" }, sinceMs: 0, timeline: [], url: "coap://h/fw", observed: [] };

describe("agent/firmware: a run", () => {
  const clock = createManualClock();
  let run: FirmwareRun;
  let asked: string[];
  let saved: string[];
  let faults: string[];
  /** Thrown by the next writes, one each. */
  let refusals: Error[];
  let answers: (FirmwareEvent | Error)[];

  function open(more: Partial<RunParts> = {}, details: UpdateDetails = DETAILS): void {
    [asked, saved, faults, refusals, answers] = [[], [], [], [], []];
    const registration = { id: "r1" } as Registration;
    const refused = async (): Promise<void> => {
      const error = refusals.shift();
      if (error) throw error;
    };
    run = createFirmwareRun(
      {
        operationId: "1",
        nowMs: clock.now,
        after: clock.after,
        context: async () => ({
          settings: {},
          source: { kind: "stored" },
          offered: ["coap"],
          distrusted: [],
          secured: false,
          resets: true,
          failOnUnexpected: false,
          version: "2",
        }),
        source: () => Promise.reject(new TypeError("not asked for")),
        registration: () => registration,
        isReachable: () => true,
        inTurn: job => job(registration, new AbortController().signal),
        async ask(ask) {
          asked.push(ask);
          const answer = answers.shift();
          if (answer === undefined) return new Promise<never>(() => {});
          if (answer instanceof Error) throw answer;
          return answer;
        },
        async save({ state }) {
          await refused();
          saved.push(state.at);
        },
        async finish({ state }) {
          await refused();
          saved.push(state.at);
        },
        cleanUp: () => {},
        onObservation: async () => {},
        onNoted: () => {},
        onAbsent: () => {},
        onFault: reason => void faults.push(reason),
        ...more,
      },
      details,
    );
    run.start(details !== DETAILS);
  }
  afterEach(() => run.close());

  it("a state that the store refuses is stored later; the device is not asked before", async () => {
    open();
    answers.push({ kind: "method", method: "PUSH" }, { kind: "reset" });
    refusals.push(FULL, FULL);
    await clock.advance(9_000);
    assert.isEmpty(asked);
    await clock.advance(2_000);
    assert.deepEqual(asked, ["method", "reset", "query"]);
    assert.deepEqual(saved.at(-1), "QUERY");
    assert.lengthOf(faults, 2);
  });

  it("an end that the store refuses is not lost", async () => {
    open();
    await clock.advance(0);
    refusals.push(FULL, FULL, FULL);
    run.tell({ kind: "stopped", reason: "cancelled" });
    await clock.advance(0);
    assert.notInclude(saved, "FAILED");
    await clock.advance(20_000);
    assert.equal(saved.at(-1), "FAILED");
    await run.ended;
  });

  it("an ask that the store has cut short is made again after a pause", async () => {
    open();
    answers.push(FULL, { kind: "method", method: "PUSH" });
    await clock.advance(1_000);
    assert.deepEqual(asked, ["method"]);
    await clock.advance(5_000);
    assert.deepEqual(asked, ["method", "method", "reset"]);
  });

  it("what is no failure of ours is said, and ends the step as a refusal", async () => {
    open();
    answers.push(new TypeError("broken"));
    await clock.advance(0);
    assert.deepEqual(faults, ["broken"]);
    assert.equal(saved.at(-1), "FAILED");
  });

  it("a host that stops waits for no store", async () => {
    open();
    await clock.advance(0);
    refusals.push(...Array.from({ length: 100 }, () => FULL));
    run.tell({ kind: "stopped", reason: "cancelled" });
    await clock.advance(0);
    await run.close();
    assert.notInclude(saved, "FAILED");
  });

  it("a look at the device that a newer notification has overtaken does not put it back", async () => {
    let look: (event: FirmwareEvent) => void = () => {};
    const state: UpdateDetails["state"] = {
      ...{ at: "AWAIT_DOWNLOAD", registrationId: "r1", doubt: true, downloading: true, observation: "kept" },
      delivery: { method: "PUSH" },
    };
    open(
      {
        ask(ask) {
          asked.push(ask);
          return new Promise(resolve => {
            look = resolve;
          });
        },
      },
      { ...DETAILS, state },
    );
    await clock.advance(0);
    assert.deepEqual(asked, ["check"]);
    run.tell({ kind: "reported", report: { state: 2 } });
    look({ kind: "checked", report: { state: 1, result: 0 } });
    await clock.advance(0);
    assert.deepEqual(asked, ["check", "trigger"]);
    assert.equal(saved.at(-1), "TRIGGER");
  });

  it("an answer to what is not asked for any more is not taken", async () => {
    let answer: (event: FirmwareEvent) => void = () => {};
    open({
      ask: () => {
        return new Promise(resolve => {
          answer = resolve;
        });
      },
    });
    await clock.advance(0);
    run.abandon();
    answer({ kind: "method", method: "PUSH" });
    await clock.advance(0);
    assert.deepEqual(run.details.state.at, "RESET");
  });
});
