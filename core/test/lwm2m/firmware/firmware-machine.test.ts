import { assert } from "chai";
import type { Delivery } from "../../../src/lwm2m/firmware/delivery.ts";
import { type FirmwareEvent, stepFirmware } from "../../../src/lwm2m/firmware/firmware-machine.ts";
import type { FirmwareReport } from "../../../src/lwm2m/firmware/firmware-object.ts";
import {
  askOf,
  beginFirmware,
  type FirmwareContext,
  type FirmwareState,
  needsPolling,
} from "../../../src/lwm2m/firmware/firmware-state.ts";

const CONTEXT: FirmwareContext = {
  settings: {},
  source: { kind: "stored" },
  offered: ["coap", "coaps", "http", "https"],
  distrusted: [],
  secured: false,
  resets: true,
  failOnUnexpected: false,
  version: "2.0",
};
const STRICT: FirmwareContext = { ...CONTEXT, failOnUnexpected: true };

const PUSH: Delivery = { method: "PUSH" };
const PULL: Delivery = { method: "PULL", protocol: "coap" };

const begun = { registrationId: "r1", versionBefore: "1.0" } as const;
const observed = { ...begun, observation: "kept" } as const;
const pushing: FirmwareState = { at: "DELIVER", ...observed, delivery: PUSH };
const pulling: FirmwareState = { at: "DELIVER", ...observed, delivery: PULL };
const waiting: FirmwareState = { at: "AWAIT_DOWNLOAD", ...observed, delivery: PULL };
const loading: FirmwareState = { ...waiting, downloading: true };
const ready: FirmwareState = { at: "TRIGGER", ...observed, delivery: PULL, downloading: true };
const installing: FirmwareState = { ...ready, at: "AWAIT_RESULT" };

const says = (report: FirmwareReport): FirmwareEvent => ({ kind: "reported", report });
const shows = (report: FirmwareReport): FirmwareEvent => ({ kind: "checked", report });
const REFUSED: FirmwareEvent = { kind: "refused", reason: "4.05 Method Not Allowed" };
const SILENT: FirmwareEvent = { kind: "silent" };
const INTERRUPTED: FirmwareEvent = { kind: "interrupted" };
const UPDATE: FirmwareEvent = { kind: "connected", registrationId: "r1" };
const REGISTER: FirmwareEvent = { kind: "connected", registrationId: "r2" };
const RESTORED: FirmwareEvent = { kind: "restored" };
const moved = (progressed: boolean): FirmwareEvent => ({ kind: "moved", progressed });
const facts = (more: object): FirmwareEvent => ({
  kind: "queried",
  facts: { state: 0, result: 0, version: "1.0", method: "PULL", protocols: ["coap"], ...more } as never,
});

const nameOf = (event: FirmwareEvent): string => {
  const { kind, ...rest } = event;
  return `${kind} ${JSON.stringify(rest)}`;
};

/** Members that the new state must have just so; `undefined`: not at all. */
type Expected = { readonly [K in keyof FirmwareState]?: FirmwareState[K] | undefined };
type Row = readonly [from: FirmwareState, event: FirmwareEvent, to: Expected, ask: string | undefined];

function check(rows: readonly Row[], context = CONTEXT): void {
  for (const [from, event, to, ask] of rows) {
    const next = stepFirmware(from, event, context);
    const shown = Object.fromEntries(Object.keys(to).map(member => [member, next[member as keyof FirmwareState]]));
    assert.deepEqual(shown, to, `${from.at}: ${nameOf(event)}`);
    assert.equal(askOf(next, context), ask, `${from.at}: ${nameOf(event)}`);
  }
}

describe("lwm2m/firmware: the machine", () => {
  it("agent specification 14.3: begins with the reset, or without it where that is set", () => {
    assert.deepEqual(beginFirmware(CONTEXT), { at: "RESET" });
    assert.deepEqual(beginFirmware({ resets: false }), { at: "QUERY" });
  });

  it("20-19: the reset follows the method of the device, which is asked for first; nothing is guessed", () => {
    const begin = beginFirmware(CONTEXT);
    assert.equal(askOf(begin, CONTEXT), "method");
    for (const settings of [{ reset: "PACKAGE" }, { reset: "PACKAGE_URI" }, { method: "PUSH" }] as const) {
      assert.equal(askOf(begin, { settings }), "reset");
    }
    check([
      [begin, { kind: "method", method: "PUSH" }, { at: "RESET", method: "PUSH" }, "reset"],
      [begin, SILENT, { at: "RESET", away: true, method: undefined }, undefined],
      [begin, { kind: "method", method: undefined }, { at: "FAILED" }, undefined],
      [{ ...begin, away: true }, UPDATE, { at: "RESET", away: undefined, registrationId: "r1" }, "method"],
    ]);
  });

  it("RESET, QUERY, OBSERVE", () => {
    const reset: FirmwareState = { at: "RESET", method: "PULL" };
    const query: FirmwareState = { at: "QUERY", registrationId: "r1" };
    const observe: FirmwareState = { at: "OBSERVE", ...begun, delivery: PULL };
    check([
      [reset, { kind: "reset" }, { at: "QUERY" }, "query"],
      [reset, REFUSED, { at: "FAILED", reason: "4.05 Method Not Allowed" }, undefined],
      [reset, SILENT, { at: "RESET", away: true, doubt: undefined }, undefined],
      [query, facts({}), { at: "OBSERVE", delivery: PULL, versionBefore: "1.0", staleResult: undefined }, "observe"],
      [query, facts({ method: "PUSH" }), { at: "OBSERVE", delivery: PUSH }, "observe"],
      [query, facts({ method: "BOTH", protocols: [] }), { at: "OBSERVE", delivery: PULL }, "observe"],
      [query, facts({ result: 5 }), { at: "OBSERVE", staleResult: 5 }, "observe"],
      [query, facts({ state: 2 }), { at: "FAILED" }, undefined],
      [query, facts({ state: undefined }), { at: "FAILED" }, undefined],
      [query, facts({ method: undefined }), { at: "FAILED" }, undefined],
      [query, REFUSED, { at: "FAILED" }, undefined],
      [query, SILENT, { at: "QUERY", away: true }, undefined],
      [
        observe,
        { kind: "observed", kept: true, report: { state: 0, result: 0 } },
        { at: "DELIVER", observation: "kept" },
        "deliver",
      ],
      [observe, { kind: "observed", kept: false, report: {} }, { at: "DELIVER", observation: "refused" }, "deliver"],
      [observe, { kind: "observed", kept: true, report: { result: 8 } }, { at: "DELIVER", staleResult: 8 }, "deliver"],
      [observe, SILENT, { at: "OBSERVE", away: true }, undefined],
      [observe, says({ state: 2, result: 8 }), { at: "OBSERVE" }, "observe"],
    ]);
    const failed = stepFirmware(query, facts({ state: 2 }), CONTEXT);
    assert.equal(failed.reason, "the device is in state 2 (downloaded) before the update; it must be idle");
  });

  it("DELIVER: a URI that may have arrived is looked for, a package goes on by itself", () => {
    const unsure: FirmwareState = { ...pulling, doubt: true };
    check([
      [pulling, { kind: "delivered" }, { at: "AWAIT_DOWNLOAD", doubt: undefined }, undefined],
      [pushing, { kind: "delivered" }, { at: "AWAIT_DOWNLOAD", doubt: true, downloading: true }, "check"],
      [pulling, SILENT, { at: "DELIVER", away: true, doubt: true }, undefined],
      [pushing, SILENT, { at: "DELIVER", away: true, doubt: undefined }, undefined],
      [{ ...pulling, away: true, doubt: true }, UPDATE, { away: undefined, doubt: true }, "check"],
      [{ ...pushing, away: true }, UPDATE, { away: undefined, doubt: undefined }, "deliver"],
      [pushing, UPDATE, { at: "DELIVER", doubt: undefined }, "deliver"],
      [pulling, UPDATE, { at: "DELIVER", doubt: undefined }, "deliver"],
      [pulling, REGISTER, { registrationId: "r2", observation: undefined, doubt: true }, "check"],
      [pushing, REGISTER, { registrationId: "r2", observation: undefined, doubt: undefined }, "observe"],
      [unsure, shows({ state: 0, result: 0 }), { at: "DELIVER", doubt: undefined }, "deliver"],
      [unsure, shows({ state: 1, result: 0 }), { at: "AWAIT_DOWNLOAD", downloading: true }, undefined],
      [unsure, shows({ state: 2, result: 0 }), { at: "TRIGGER" }, "trigger"],
      [
        unsure,
        shows({ state: 0, result: 7 }),
        { at: "FAILED", reason: "Update Result 7: the URI of the package is not valid" },
        undefined,
      ],
      [pushing, RESTORED, { at: "DELIVER", doubt: undefined }, "deliver"],
      [pulling, RESTORED, { at: "DELIVER", doubt: true }, "check"],
      [pushing, says({ state: 1 }), { at: "DELIVER", downloading: true }, "deliver"],
      [pushing, says({ state: 2 }), { at: "TRIGGER" }, "trigger"],
      [pushing, says({ result: 2 }), { at: "FAILED" }, undefined],
      [{ ...pushing, downloading: true }, says({ state: 0 }), { at: "DELIVER", doubt: undefined }, "deliver"],
      [{ ...pulling, downloading: true }, says({ state: 0 }), { at: "DELIVER", doubt: true }, "check"],
    ]);
  });

  it("DELIVER, TRIGGER: a refusal is explained by the result, where there is one", () => {
    const refusal = "4.05 Method Not Allowed";
    for (const state of [pushing, pulling, ready]) {
      check([[state, REFUSED, { at: state.at, doubt: true, refusal }, "check"]]);
    }
    const delivering = stepFirmware(pushing, REFUSED, CONTEXT);
    const triggering = stepFirmware(ready, REFUSED, CONTEXT);
    check([
      [
        delivering,
        shows({ state: 0, result: 2 }),
        { at: "FAILED", reason: "Update Result 2: not enough storage for the package" },
        undefined,
      ],
      [delivering, shows({ state: 0, result: 0 }), { at: "FAILED", reason: refusal }, undefined],
      [delivering, shows({}), { at: "FAILED", reason: refusal }, undefined],
      [delivering, SILENT, { at: "DELIVER", away: true, refusal }, undefined],
      [triggering, shows({ state: 2, result: 0 }), { at: "FAILED", reason: refusal }, undefined],
      [triggering, shows({ state: 3, result: 0 }), { at: "AWAIT_RESULT", refusal: undefined }, undefined],
      [triggering, shows({ state: 0, result: 1 }), { at: "SUCCEEDED" }, undefined],
      [
        triggering,
        shows({ state: 2, result: 8 }),
        { at: "FAILED", reason: "Update Result 8: firmware update failed" },
        undefined,
      ],
    ]);
  });

  it("AWAIT_DOWNLOAD: states 1 and 2 as often as they come, a result of 2 and more is the end", () => {
    check([
      [waiting, says({ state: 1 }), { at: "AWAIT_DOWNLOAD", downloading: true }, undefined],
      [loading, says({ state: 1 }), { at: "AWAIT_DOWNLOAD", downloading: true }, undefined],
      [waiting, says({ state: 2 }), { at: "TRIGGER" }, "trigger"],
      [waiting, says({ state: 0, result: 0 }), { at: "AWAIT_DOWNLOAD", unexpected: undefined }, undefined],
      [loading, says({ state: 0 }), { at: "AWAIT_DOWNLOAD", doubt: true }, "check"],
      [{ ...loading, doubt: true }, shows({ state: 1 }), { at: "AWAIT_DOWNLOAD", doubt: undefined }, undefined],
      [waiting, UPDATE, { doubt: true }, "check"],
      [waiting, REGISTER, { doubt: true, observation: undefined }, "check"],
      [
        { ...waiting, doubt: true, observation: undefined } as never,
        shows({ state: 1 }),
        { at: "AWAIT_DOWNLOAD" },
        "observe",
      ],
      [waiting, RESTORED, { doubt: true }, "check"],
    ]);
    for (const result of [2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      for (const state of [pushing, pulling, waiting, loading, ready, installing]) {
        const next = stepFirmware(state, says({ result }), CONTEXT);
        assert.equal(next.at, "FAILED", `${state.at}: ${result}`);
        assert.match(next.reason!, new RegExp(`^Update Result ${result}: [a-z]`, "i"));
      }
    }
  });

  it("a result that an earlier update left behind counts when the device has been at work and is idle again", () => {
    const stale: FirmwareState = { ...waiting, staleResult: 5 };
    check([
      [stale, says({ result: 5 }), { at: "AWAIT_DOWNLOAD", staleResult: 5 }, undefined],
      [stale, says({ state: 0, result: 5 }), { at: "AWAIT_DOWNLOAD", staleResult: 5 }, undefined],
      [stale, says({ state: 1, result: 5 }), { downloading: true, staleResult: 5 }, undefined],
      [stale, says({ result: 0 }), { at: "AWAIT_DOWNLOAD", staleResult: undefined }, undefined],
      [stale, says({ result: 4 }), { at: "FAILED" }, undefined],
      [{ ...stale, downloading: true }, says({ state: 0, result: 5 }), { at: "FAILED" }, undefined],
      [{ ...installing, staleResult: 1 }, says({ result: 1 }), { at: "AWAIT_RESULT" }, undefined],
      [{ ...installing, staleResult: 1 }, shows({ state: 3, result: 1 }), { at: "AWAIT_RESULT" }, undefined],
      [{ ...installing, staleResult: 1 }, shows({ state: 0, result: 1 }), { at: "SUCCEEDED" }, undefined],
    ]);
  });

  it("TRIGGER: an Execute that may have arrived is not repeated before the state is known", () => {
    const unsure: FirmwareState = { ...ready, doubt: true };
    check([
      [ready, { kind: "triggered" }, { at: "AWAIT_RESULT", doubt: undefined }, undefined],
      [ready, SILENT, { at: "TRIGGER", away: true, doubt: true }, undefined],
      [ready, INTERRUPTED, { at: "TRIGGER", away: true, doubt: true }, undefined],
      [ready, RESTORED, { at: "TRIGGER", doubt: true }, "check"],
      [{ ...unsure, away: true }, REGISTER, { at: "TRIGGER", away: undefined, observation: undefined }, "check"],
      [unsure, shows({ state: 2, result: 0 }), { at: "TRIGGER", doubt: undefined }, "trigger"],
      [unsure, shows({ state: 3, result: 0 }), { at: "AWAIT_RESULT" }, undefined],
      [unsure, shows({ state: 0, result: 1 }), { at: "SUCCEEDED" }, undefined],
      [unsure, shows({ state: 0, result: 0, version: "2.0" }), { at: "SUCCEEDED" }, undefined],
      [ready, says({ state: 3 }), { at: "AWAIT_RESULT" }, undefined],
      [ready, says({ result: 1 }), { at: "SUCCEEDED" }, undefined],
      [ready, says({ state: 2 }), { at: "TRIGGER" }, "trigger"],
    ]);
  });

  it("AWAIT_RESULT: after a start result and version decide", () => {
    const unsure: FirmwareState = { ...installing, doubt: true };
    check([
      [installing, says({ state: 3 }), { at: "AWAIT_RESULT" }, undefined],
      [installing, says({ state: 2 }), { at: "AWAIT_RESULT", unexpected: undefined }, undefined],
      [installing, says({ state: 0 }), { doubt: true }, "check"],
      [installing, says({ state: 0, result: 0 }), { doubt: true }, "check"],
      [installing, says({ state: 0, result: 1 }), { at: "SUCCEEDED" }, undefined],
      [installing, says({ state: 2, result: 8 }), { at: "FAILED" }, undefined],
      [installing, REGISTER, { doubt: true, observation: undefined, registrationId: "r2" }, "check"],
      [unsure, shows({ state: 0, result: 1, version: "1.0" }), { at: "SUCCEEDED" }, undefined],
      [unsure, shows({ state: 0, result: 0, version: "2.0" }), { at: "SUCCEEDED" }, undefined],
      [unsure, shows({ version: "2.0" }), { at: "SUCCEEDED" }, undefined],
      [unsure, shows({ version: "1.0" }), { at: "AWAIT_RESULT", doubt: undefined }, undefined],
      [unsure, SILENT, { at: "AWAIT_RESULT", away: true, doubt: true }, undefined],
      [
        { ...unsure, versionBefore: "2.0" },
        shows({ state: 0, result: 0, version: "2.0" }),
        { at: "AWAIT_RESULT" },
        undefined,
      ],
    ]);
    const next = stepFirmware(unsure, shows({ state: 0, result: 0, version: "1.0" }), CONTEXT);
    assert.equal(next.unexpected, "state 0 (idle) without a result, firmware version 1.0");
    assert.equal(next.at, "AWAIT_RESULT");
  });

  describe("20-22: what does not fit is waited out, or fails where that is set (agent specification 14.4)", () => {
    const cases: readonly [string, FirmwareState, FirmwareEvent, FirmwareState["at"]][] = [
      ["idle again without a result", { ...loading, doubt: true }, shows({ state: 0, result: 0 }), "AWAIT_DOWNLOAD"],
      ["updating before it was told to", loading, says({ state: 3 }), "AWAIT_RESULT"],
      ["a state that is not defined", loading, says({ state: 4 }), "AWAIT_DOWNLOAD"],
      ["downloading after it was downloaded", ready, says({ state: 1 }), "AWAIT_DOWNLOAD"],
      ["downloading while it installs", installing, says({ state: 1 }), "AWAIT_DOWNLOAD"],
      ["the package is gone before the Update", { ...ready, doubt: true }, shows({ state: 0 }), "AWAIT_RESULT"],
      ["idle without a result", { ...installing, doubt: true }, shows({ state: 0, result: 0 }), "AWAIT_RESULT"],
      ["deferred", installing, says({ state: 2, result: 11 }), "AWAIT_RESULT"],
    ];
    for (const [name, state, event, at] of cases) {
      it(name, () => {
        const patient = stepFirmware(state, event, CONTEXT);
        assert.equal(patient.at, at);
        assert.isString(patient.unexpected);
        const strict = stepFirmware(state, event, STRICT);
        assert.equal(strict.at, "FAILED");
        assert.equal(strict.reason, `unexpected: ${patient.unexpected}`);
      });
    }

    it("success before the Update is a success, or fails", () => {
      assert.equal(stepFirmware(loading, says({ result: 1 }), CONTEXT).at, "SUCCEEDED");
      assert.equal(stepFirmware(loading, says({ result: 1 }), STRICT).at, "FAILED");
    });

    it("strict or not, the usual way is not in its way", () => {
      let state = { ...pushing };
      for (const event of [
        says({ state: 1 }),
        { kind: "delivered" },
        shows({ state: 1, result: 0 }),
        says({ state: 2 }),
        { kind: "triggered" },
        says({ state: 3 }),
        REGISTER,
        shows({ state: 0, result: 1, version: "2.0" }),
      ] as const) {
        state = stepFirmware(state, event, STRICT) as typeof state;
      }
      assert.equal(state.at as string, "SUCCEEDED");
    });
  });

  it("20-21: a request that ended with the device's address is sent once more, unless something has got through since", () => {
    for (const state of [pushing, ready, { ...waiting, doubt: true } as FirmwareState]) {
      const again = stepFirmware(state, moved(false), CONTEXT);
      assert.isUndefined(again.away);
      assert.isDefined(askOf(again, CONTEXT));
      assert.isTrue(stepFirmware(again, moved(false), CONTEXT).away);
      assert.isUndefined(stepFirmware(again, moved(true), CONTEXT).away);
    }
    check([
      [pushing, moved(false), { repeated: true, doubt: undefined }, "deliver"],
      [pulling, moved(false), { repeated: true, doubt: true }, "check"],
      [ready, moved(false), { repeated: true, doubt: true }, "check"],
      [{ ...ready, repeated: true, doubt: true }, shows({ state: 2 }), { repeated: undefined }, "trigger"],
    ]);
  });

  it("what cannot be observed is looked at from time to time", () => {
    const blind: FirmwareState = { ...waiting, observation: "refused" };
    assert.isTrue(needsPolling(blind));
    assert.isFalse(needsPolling(waiting));
    assert.isFalse(needsPolling({ ...blind, away: true }));
    assert.isFalse(needsPolling({ ...pushing, observation: "refused" }));
    check([
      [blind, { kind: "due" }, { doubt: true }, "check"],
      [waiting, { kind: "due" }, { doubt: undefined }, undefined],
    ]);
  });

  it("a device that tells something is there again", () => {
    check([
      [{ ...pushing, away: true }, says({ state: 1 }), { away: undefined }, "deliver"],
      [{ ...installing, away: true, doubt: true }, says({ state: 3 }), { away: undefined, doubt: true }, "check"],
    ]);
  });

  it("it can be stopped everywhere, and the end is the end", () => {
    const stop: FirmwareEvent = { kind: "stopped", reason: "Firmware update cancelled" };
    for (const state of [beginFirmware(CONTEXT), pushing, waiting, ready, installing]) {
      check([[state, stop, { at: "FAILED", reason: "Firmware update cancelled" }, undefined]]);
    }
    const ended: FirmwareState = { at: "SUCCEEDED", ...observed };
    for (const event of [stop, SILENT, UPDATE, REGISTER, RESTORED, says({ state: 0, result: 5 }), REFUSED]) {
      assert.equal(stepFirmware(ended, event, CONTEXT), ended);
    }
  });

  it("an answer to a step that is over changes nothing", () => {
    for (const event of [{ kind: "reset" }, { kind: "triggered" }, facts({ method: "PUSH" })] as const) {
      assert.equal(stepFirmware(waiting, event, CONTEXT), waiting);
    }
  });
});
