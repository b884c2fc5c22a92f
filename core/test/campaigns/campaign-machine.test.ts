import { assert } from "chai";
import {
  type CampaignLimits,
  type CampaignProgress,
  type CampaignState,
  stepCampaign,
  type WaveTally,
} from "../../src/campaigns/campaign-machine.ts";

const LIMITS: CampaignLimits = { maxFailurePercent: 10, minSuccessPercent: 90, minMinutes: 0 };
const NOW_MS = 1_000_000;

/** `w 5 o 1 s 3 f 1`: waiting, open, successful, failed. */
const tally = (waiting: number, open: number, successful: number, failed: number): WaveTally => ({
  waiting,
  open,
  successful,
  failed,
});

describe("campaigns/campaign-machine", () => {
  describe("what an operator asks", () => {
    const allowed: Readonly<Record<string, readonly [from: CampaignState, to: CampaignState][]>> = {
      start: [["CREATED", "RUNNING"]],
      pause: [["RUNNING", "PAUSED"]],
      resume: [
        ["PAUSED", "RUNNING"],
        ["HALTED", "RUNNING"],
      ],
      cancel: [
        ["CREATED", "CANCELLED"],
        ["RUNNING", "CANCELLED"],
        ["PAUSED", "CANCELLED"],
        ["HALTED", "CANCELLED"],
      ],
    };
    for (const kind of ["start", "pause", "resume", "cancel"] as const) {
      for (const state of ["CREATED", "RUNNING", "PAUSED", "HALTED", "COMPLETED", "CANCELLED"] as const) {
        const to = allowed[kind]!.find(([from]) => from === state)?.[1];
        it(`${kind} when ${state}: ${to ?? "refused"}`, () => {
          const before: CampaignProgress = { state, wave: 0, reason: "because" };
          const after = stepCampaign(before, { kind }, LIMITS, [tally(1, 0, 0, 0)], NOW_MS);
          assert.equal(after?.state, to);
          if (after) assert.isUndefined(after.reason);
          if (kind === "start" && after) assert.equal(after.waveStartedMs, NOW_MS);
        });
      }
    }
  });

  describe("a look at a campaign that runs", () => {
    const next = tally(100, 0, 0, 0);
    const cases: readonly [
      what: string,
      tallies: readonly WaveTally[],
      expected: string,
      more?: Partial<CampaignLimits & CampaignProgress>,
    ][] = [
      ["nothing is sent yet", [tally(100, 0, 0, 0), next], "RUNNING 0"],
      ["some are sent", [tally(50, 50, 0, 0), next], "RUNNING 0"],
      ["all are sent, too few are done", [tally(0, 11, 89, 0), next], "RUNNING 0"],
      ["enough are done, none waits: the next wave", [tally(0, 10, 90, 0), next], "RUNNING 1"],
      ["enough are done, one was not sent to", [tally(1, 9, 90, 0), next], "RUNNING 0"],
      ["a tenth failed: that is allowed", [tally(0, 0, 90, 10), next], "RUNNING 1"],
      ["more than a tenth failed", [tally(0, 50, 39, 11), next], "HALTED 0"],
      ["one too many, before the others were sent to", [tally(80, 5, 4, 11), next], "HALTED 0"],
      ["20 % failed in wave 1", [tally(0, 0, 80, 20), next], "HALTED 0"],
      ["the gate cannot open any more", [tally(0, 94, 0, 6), next], "HALTED 0", { minSuccessPercent: 95 }],
      ["no failure is allowed, one is there", [tally(0, 99, 0, 1), next], "HALTED 0", { maxFailurePercent: 0 }],
      ["no failure is allowed, none is there", [tally(0, 0, 100, 0), next], "RUNNING 1", { maxFailurePercent: 0 }],
      ["it stands too short", [tally(0, 0, 100, 0), next], "RUNNING 0", { minMinutes: 10 }],
      [
        "it stands long enough",
        [tally(0, 0, 100, 0), next],
        "RUNNING 1",
        { minMinutes: 10, waveStartedMs: NOW_MS - 600_000 },
      ],
      ["the last wave goes on", [tally(0, 0, 100, 0), tally(0, 1, 99, 0)], "RUNNING 1", { wave: 1 }],
      ["the last wave is done", [tally(0, 0, 100, 0), tally(0, 0, 95, 5)], "COMPLETED 1", { wave: 1 }],
      [
        "the last is done, one of the first is not",
        [tally(0, 1, 99, 0), tally(0, 0, 100, 0)],
        "RUNNING 1",
        { wave: 1 },
      ],
      ["a wave that is over fails after all", [tally(0, 0, 80, 20), tally(50, 50, 0, 0)], "HALTED 1", { wave: 1 }],
      ["too many fail in the last wave", [tally(0, 0, 100, 0), tally(0, 0, 80, 20)], "HALTED 1", { wave: 1 }],
      ["one device", [tally(0, 0, 1, 0)], "COMPLETED 0"],
      ["one device that fails", [tally(0, 0, 0, 1)], "HALTED 0"],
    ];
    for (const [what, tallies, expected, { wave = 0, waveStartedMs = NOW_MS, ...limits } = {}] of cases) {
      it(`${what}: ${expected}`, () => {
        const before: CampaignProgress = { state: "RUNNING", wave, waveStartedMs };
        const after = stepCampaign(before, { kind: "look" }, { ...LIMITS, ...limits }, tallies, NOW_MS)!;
        assert.equal(`${after.state} ${after.wave}`, expected);
        if (after.state === "RUNNING" && after.wave === wave) assert.equal(after, before);
        if (after.wave > wave) assert.equal(after.waveStartedMs, NOW_MS);
      });
    }

    it("says why it halts, with the figures", () => {
      const before: CampaignProgress = { state: "RUNNING", wave: 0 };
      const halted = (limits: Partial<CampaignLimits>, failed: number) =>
        stepCampaign(before, { kind: "look" }, { ...LIMITS, ...limits }, [tally(0, 0, 100 - failed, failed), next], 0)
          ?.reason;
      assert.equal(halted({}, 20), "20 of 100 devices of wave 1 failed (20 %), more than maxFailurePercent 10");
      assert.equal(
        halted({ minSuccessPercent: 95 }, 6),
        "6 of 100 devices of wave 1 failed (6 %): minSuccessPercent 95 cannot be reached",
      );
    });

    for (const state of ["CREATED", "PAUSED", "HALTED", "COMPLETED", "CANCELLED"] as const) {
      it(`${state} stays what it is, whatever fails`, () => {
        const before: CampaignProgress = { state, wave: 0 };
        assert.equal(stepCampaign(before, { kind: "look" }, LIMITS, [tally(0, 0, 0, 100)], NOW_MS), before);
      });
    }
  });
});
