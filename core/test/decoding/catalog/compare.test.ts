import { assert } from "chai";
import type { DecoderResult } from "../../../src/contract/decoder.ts";
import { compareOutcomes, type Verdict } from "../../../src/decoding/catalog/compare.ts";
import type { DecodeOutcome } from "../../../src/sandbox/decoder-runtime.ts";

const AT = Date.UTC(2026, 0, 1);
const TIME = "2026-01-01T00:00:00.000Z";
const payload = { device: { name: "m7", fragments: { IMEI: "49" } }, atMs: AT };

const made = (result: Partial<DecoderResult>, cpuMs = 0.1): DecodeOutcome => ({
  ok: true,
  result: { success: true, ...result },
  version: "1.0.0",
  cpuMs,
});
const broken = (message = "oops"): DecodeOutcome => ({ ok: false, reason: "threw", message, cpuMs: 0.1 });
const measurement = (value: number, more: object = {}) => ({
  type: "m",
  values: [{ seriesName: "U", unit: "V", value }],
  ...more,
});
const measured = (...values: number[]) => made({ measurements: values.map(value => measurement(value)) });
const alarm = (status: "ACTIVE" | "CLEARED") => ({ type: "a", text: "t", severity: "MINOR", status }) as const;
const event = (text: string, more: object = {}) => ({ type: "e", text, ...more });

type Case = [
  what: string,
  active: DecodeOutcome,
  staged: DecodeOutcome,
  verdict: Verdict | undefined,
  differences?: readonly (readonly [what: string, active?: unknown, staged?: unknown])[],
];

describe("decoding/catalog/compare", () => {
  const cases: Case[] = [
    ["the same", measured(1), measured(1), "equal"],
    ["another value", measured(1), measured(2), "different", [[`measurement m at ${TIME}: m.U.value`, 1, 2]]],
    [
      "another unit",
      measured(1),
      made({ measurements: [measurement(1, { values: [{ seriesName: "U", unit: "mV", value: 1 }] })] }),
      "different",
      [[`measurement m at ${TIME}: m.U.unit`, "V", "mV"]],
    ],
    [
      "another series",
      measured(1),
      made({ measurements: [measurement(1, { values: [{ seriesName: "I", value: 1 }] })] }),
      "different",
      [
        [`measurement m at ${TIME}: m.U`, { unit: "V", value: 1 }, undefined],
        [`measurement m at ${TIME}: m.I`, undefined, { value: 1 }],
      ],
    ],
    [
      "another time",
      measured(1),
      made({ measurements: [measurement(1, { time: "2026-01-01T00:00:01Z" })] }),
      "different",
      [
        [`measurement m at ${TIME}`, { m: { U: { unit: "V", value: 1 } } }, undefined],
        ["measurement m at 2026-01-01T00:00:01.000Z", undefined, { m: { U: { unit: "V", value: 1 } } }],
      ],
    ],
    ["a time that is said, the same", measured(1), made({ measurements: [measurement(1, { time: TIME })] }), "equal"],
    ["measurements in another order", measured(1, 2, 3), measured(3, 1, 2), "equal"],
    [
      "one measurement less",
      measured(1, 2),
      measured(1),
      "different",
      [[`measurement m at ${TIME}`, { m: { U: { unit: "V", value: 2 } } }, undefined]],
    ],
    [
      "the same one twice",
      measured(1, 1),
      measured(1),
      "different",
      [[`measurement m at ${TIME}`, { m: { U: { unit: "V", value: 1 } } }, undefined]],
    ],
    [
      "one of two changed",
      measured(1, 2),
      measured(2, 9),
      "different",
      [[`measurement m at ${TIME}: m.U.value`, 1, 9]],
    ],
    [
      "a measurement without values, which nobody stores",
      made({}),
      made({ measurements: [measurement(1, { values: [] })] }),
      "equal",
    ],
    [
      "a fragment of the device",
      measured(1),
      made({ measurements: [measurement(1, { fragmentsToCopyFromSourceDevice: ["IMEI"] })] }),
      "different",
      [[`measurement m at ${TIME}: IMEI`, undefined, "49"]],
    ],
    [
      "events in another order",
      made({ events: [event("x"), event("y")] }),
      made({ events: [event("y"), event("x")] }),
      "equal",
    ],
    [
      "another text and another member of an event",
      made({ events: [event("x", { n: 1 })] }),
      made({ events: [event("y", { n: 2 })] }),
      "different",
      [
        [`event e at ${TIME}: n`, 1, 2],
        [`event e at ${TIME}: text`, "x", "y"],
      ],
    ],
    [
      "alarms of one type in another order",
      made({ alarms: [alarm("ACTIVE"), alarm("CLEARED")] }),
      made({ alarms: [alarm("CLEARED"), alarm("ACTIVE")] }),
      "different",
      [
        [
          "alarm a",
          [
            { severity: "MINOR", status: "ACTIVE", text: "t", time: TIME },
            { severity: "MINOR", status: "CLEARED", text: "t", time: TIME },
          ],
          [
            { severity: "MINOR", status: "CLEARED", text: "t", time: TIME },
            { severity: "MINOR", status: "ACTIVE", text: "t", time: TIME },
          ],
        ],
      ],
    ],
    [
      "another status for open alarms",
      made({ alarmTypesToUpdate: { ACTIVE: ["x"] } }),
      made({ alarmTypesToUpdate: { ACKNOWLEDGED: ["x"] } }),
      "different",
      [["open alarms x: status", "ACTIVE", "ACKNOWLEDGED"]],
    ],
    [
      "another last value",
      made({ dataFragments: [{ key: "/3/0/9", value: "1" }] }),
      made({ dataFragments: [{ key: "/3/0/9", value: "2" }] }),
      "different",
      [["last value /3/0/9: value", "1", "2"]],
    ],
    ["-0 and 0, which are stored alike", measured(-0), measured(0), "equal"],
    ["the same for much more CPU time", measured(1), made({ measurements: [measurement(1)] }, 1.5), "slower"],
    ["the same for a little more CPU time", measured(1), made({ measurements: [measurement(1)] }, 0.9), "equal"],
    ["a new failure", made({}), broken(), "failed", [["result", "decoded", "threw: oops"]]],
    [
      "undecodable now",
      made({}),
      made({ success: false, message: "too short" }),
      "failed",
      [["result", "decoded", "undecodable: too short"]],
    ],
    ["a failure less", broken(), made({}), "repaired", [["result", "threw: oops", "decoded"]]],
    ["two failures", broken(), broken("other"), "equal"],
    ["one that did not run", measured(1), { ok: false, reason: "unavailable", message: "queue full" }, undefined],
    ["a call that is made again", { ok: false, reason: "callFailed", message: "500" }, measured(1), undefined],
    [
      "a staged service that fails",
      measured(1),
      { ok: false, reason: "callFailed", message: "500" },
      "failed",
      [
        ["result", "decoded", "callFailed: 500"],
        [`measurement m at ${TIME}`, { m: { U: { unit: "V", value: 1 } } }, undefined],
      ],
    ],
    ["none in force that ran", { ok: false, reason: "unavailable", message: "queue full" }, measured(1), undefined],
  ];
  for (const [what, active, staged, verdict, differences = []] of cases) {
    it(`${what}: ${verdict ?? "not comparable"}`, () => {
      const comparison = compareOutcomes(active, staged, payload);
      assert.equal(comparison?.verdict, verdict);
      assert.deepEqual(comparison?.differences.map(each => [each.what, each.active, each.staged]) ?? [], [
        ...differences.map(([name, ours, theirs]) => [name, ours, theirs]),
      ] as never);
    });
  }
});
