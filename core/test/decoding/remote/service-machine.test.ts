import { assert } from "chai";
import {
  type ServiceEvent,
  type ServiceRules,
  type ServiceState,
  serviceUp,
  stepService,
} from "../../../src/decoding/remote/service-machine.ts";

const RULES: ServiceRules = { failures: 3, pauseMs: 10, maxPauseMs: 35, unreachableMs: 100 };
const NOW = 1000;
const failed: ServiceEvent = { kind: "failed", reason: "it answered 500" };
const unreachable: ServiceEvent = { kind: "unreachable", reason: "refused" };
const asked: ServiceEvent = { kind: "asked" };
const leftAlone: ServiceEvent = { kind: "leftAlone", untilMs: NOW + 50, reason: "others" };
const answered: ServiceEvent = { kind: "answered" };

const up = (failures: number): ServiceState => ({ at: "up", failures });
const paused = (untilMs: number, reason: string, nextPauseMs: number): ServiceState => ({
  at: "paused",
  untilMs,
  reason,
  nextPauseMs,
});
const trying = (nextPauseMs: number): ServiceState => ({ at: "trying", reason: "before", nextPauseMs });

const STEPS: readonly (readonly [ServiceState, ServiceEvent, ServiceState])[] = [
  [serviceUp, asked, serviceUp],
  [serviceUp, answered, serviceUp],
  [up(2), answered, up(0)],
  [up(0), failed, up(1)],
  [up(2), failed, paused(NOW + 10, "it answered 500", 20)],
  [up(0), unreachable, paused(NOW + 100, "refused", 10)],
  [paused(NOW + 1, "before", 20), asked, paused(NOW + 1, "before", 20)],
  [paused(NOW, "before", 20), asked, trying(20)],
  [paused(NOW, "before", 20), answered, paused(NOW, "before", 20)],
  [paused(NOW, "before", 20), failed, paused(NOW, "before", 20)],
  [paused(NOW, "before", 20), unreachable, paused(NOW, "before", 20)],
  [trying(20), asked, trying(20)],
  [trying(20), answered, up(0)],
  [trying(20), failed, paused(NOW + 20, "it answered 500", 35)],
  [trying(35), failed, paused(NOW + 35, "it answered 500", 35)],
  [trying(20), unreachable, paused(NOW + 100, "refused", 20)],
  [up(2), leftAlone, paused(NOW + 50, "others", 10)],
  [paused(NOW + 49, "before", 20), leftAlone, paused(NOW + 50, "others", 20)],
  [paused(NOW + 51, "before", 20), leftAlone, paused(NOW + 51, "before", 20)],
  [trying(20), leftAlone, paused(NOW + 50, "others", 20)],
];

describe("decoding/remote/service-machine", () => {
  for (const [state, event, next] of STEPS) {
    it(`${JSON.stringify(state)} ${event.kind}: ${next.at}`, () => {
      assert.deepEqual(stepService(state, event, NOW, RULES), next);
    });
  }
});
