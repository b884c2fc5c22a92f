import { assert } from "chai";
import {
  type Failure,
  type PluginEventName,
  type PluginStateName,
  stepFailures,
  stepPlugin,
} from "../../src/plugin-host/plugin-machine.ts";

describe("plugin-host/plugin-machine: states", () => {
  for (const [at, kind, next] of [
    ["FOUND", "start", "STARTING"],
    ["FOUND", "disable", "DISABLED"],
    ["FOUND", "fail", "FAULTY"],
    ["FOUND", "wait", "FOUND"],
    ["FOUND", "trip", undefined],
    ["STARTING", "started", "ACTIVE"],
    ["STARTING", "fail", "FAULTY"],
    ["STARTING", "disable", undefined],
    ["ACTIVE", "disable", "DISABLED"],
    ["ACTIVE", "trip", "STOPPED"],
    ["ACTIVE", "wait", "FOUND"],
    ["ACTIVE", "start", undefined],
    ["DISABLED", "enable", "FOUND"],
    ["DISABLED", "start", undefined],
    ["DISABLED", "trip", undefined],
    ["FAULTY", "enable", "FOUND"],
    ["FAULTY", "start", undefined],
    ["STOPPED", "enable", "FOUND"],
    ["STOPPED", "disable", "DISABLED"],
    ["STOPPED", "start", undefined],
  ] as readonly [PluginStateName, PluginEventName, PluginStateName | undefined][]) {
    it(`${at}, ${kind}: ${next ?? "not possible"}`, () => {
      assert.deepEqual(stepPlugin({ at }, { kind }), next && { at: next });
      if (next) assert.deepEqual(stepPlugin({ at, fault: "old" }, { kind, fault: "x" }), { at: next, fault: "x" });
    });
  }
});

describe("plugin-host/plugin-machine: failures", () => {
  for (const [what, failures, isTooOften] of [
    [
      "four",
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
      false,
    ],
    [
      "five at once",
      [
        [0, 1],
        [0, 2],
        [0, 3],
        [0, 4],
        [0, 5],
      ],
      true,
    ],
    [
      "five in a minute",
      [
        [0, 1],
        [15_000, 2],
        [30_000, 3],
        [45_000, 4],
        [60_000, 5],
      ],
      true,
    ],
    [
      "five in more than a minute",
      [
        [0, 1],
        [15_000, 2],
        [30_000, 3],
        [45_000, 4],
        [60_001, 5],
      ],
      false,
    ],
    [
      "the last five of six in a minute",
      [
        [0, 1],
        [60_000, 2],
        [61_000, 3],
        [62_000, 4],
        [63_000, 5],
        [64_000, 6],
      ],
      true,
    ],
    [
      "five of 50 calls",
      [
        [0, 1],
        [1, 10],
        [2, 20],
        [3, 30],
        [4, 50],
      ],
      true,
    ],
    [
      "five of 51 calls",
      [
        [0, 1],
        [1, 10],
        [2, 20],
        [3, 30],
        [4, 51],
      ],
      false,
    ],
    [
      "five without any call",
      [
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
        [4, 0],
      ],
      true,
    ],
  ] as readonly [string, readonly (readonly [number, number])[], boolean][]) {
    it(`${what}: ${isTooOften ? "too often" : "not yet"}`, () => {
      let recent: readonly Failure[] = [];
      const steps = failures.map(([atMs, calls]) => {
        const next = stepFailures(recent, { atMs, calls });
        recent = next.recent;
        return next.isTooOften;
      });
      assert.equal(steps.at(-1), isTooOften);
      assert.notInclude(steps.slice(0, -1), true);
    });
  }
});
