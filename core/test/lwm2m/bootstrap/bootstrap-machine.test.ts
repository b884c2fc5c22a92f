import { assert } from "chai";
import {
  type BootstrapEvent,
  type BootstrapState,
  type BootstrapStep,
  beginBootstrap,
  judge,
  pathOfStep,
  stepBootstrap,
} from "../../../src/lwm2m/bootstrap/bootstrap-machine.ts";
import { configOf, pskAccount, serverAccount } from "./support/bootstrap-world.ts";

const PLAN = { config: configOf("dev-1"), version: undefined };

const STEPS: Readonly<Record<BootstrapStep["kind"], BootstrapStep>> = {
  discover: { kind: "discover", path: [0] },
  delete: { kind: "delete", path: [0] },
  write: { kind: "write", path: [0, 1], values: [] },
  read: { kind: "read", path: [1] },
  finish: { kind: "finish" },
};

const answered = (code: number): BootstrapEvent => ({ kind: "answered", code });
const SILENT: BootstrapEvent = { kind: "silent" };
const RESET: BootstrapEvent = { kind: "refused", reason: "Reset" };
const BROKEN: BootstrapEvent = { kind: "broken", reason: "no room" };

const place = (state: BootstrapState): string =>
  state.at === "discovering" || state.at === "asking" ? `${state.step.kind} ${pathOfStep(state.step)}` : state.at;

describe("bootstrap-machine", () => {
  describe("what an event means to a step (LwM2M Core 1.1.1 section 6.1.7; agent specification 5)", () => {
    const table: readonly [BootstrapStep["kind"], BootstrapEvent, string][] = [
      ["discover", answered(69), "passed"],
      ["discover", answered(132), "tolerated"],
      ["discover", answered(133), "tolerated"],
      ["discover", RESET, "tolerated"],
      ["discover", SILENT, "failed"],
      ["discover", BROKEN, "failed"],
      ["delete", answered(66), "passed"],
      ["delete", answered(132), "passed"],
      ["delete", answered(68), "tolerated"],
      ["delete", answered(160), "tolerated"],
      ["delete", RESET, "tolerated"],
      ["delete", SILENT, "failed"],
      ["delete", BROKEN, "failed"],
      ["write", answered(68), "passed"],
      ["write", answered(65), "passed"],
      ["write", answered(64), "failed"],
      ["write", answered(128), "failed"],
      ["write", RESET, "failed"],
      ["write", SILENT, "failed"],
      ["write", BROKEN, "failed"],
      ["read", answered(69), "passed"],
      ["read", answered(132), "failed"],
      ["read", RESET, "failed"],
      ["read", SILENT, "failed"],
      ["finish", answered(68), "passed"],
      ["finish", answered(69), "failed"],
      ["finish", answered(134), "failed"],
      ["finish", answered(160), "failed"],
      ["finish", RESET, "failed"],
      ["finish", SILENT, "failed"],
    ];
    for (const [kind, event, verdict] of table) {
      const what = event.kind === "answered" ? String(event.code) : event.kind;
      it(`${kind}, ${what}: ${verdict}`, () => assert.equal(judge(STEPS[kind], event), verdict));
    }
  });

  it("B4: a refused Write with empty resources is asked once more without them; silence is not", () => {
    const values = [{ path: [0, 1, 3], type: "OPAQUE", value: new Uint8Array(0) }] as const;
    const step: BootstrapStep = { kind: "write", path: [0, 1], values, withoutEmpty: [] };
    const state: BootstrapState = { at: "asking", step, rest: [STEPS.finish] };
    assert.equal(judge(step, SILENT), "failed");
    assert.equal(judge(step, answered(68)), "passed");
    for (const event of [answered(160), RESET]) {
      assert.equal(judge(step, event), "again");
      const again = stepBootstrap(state, event, PLAN);
      assert.deepEqual(again, {
        at: "asking",
        step: { kind: "write", path: [0, 1], values: [] },
        rest: [STEPS.finish],
      });
      assert.equal(stepBootstrap(again, event, PLAN).at, "failed");
    }
  });

  it("goes through all steps in order when each passes", () => {
    const config = configOf("dev-1", {
      accessControl: [{ instance: 5, objectId: 3, objectInstance: 0, rights: {}, ownerShortServerId: 1 }],
      readBack: [[1], []],
    });
    const plan = { config, version: undefined };
    const places: string[] = [];
    let state = beginBootstrap(plan);
    for (; state.at === "discovering" || state.at === "asking"; ) {
      places.push(place(state));
      const code = { discover: 69, delete: 66, write: 68, read: 69, finish: 68 }[state.step.kind];
      state = stepBootstrap(state, answered(code), plan);
    }
    assert.deepEqual(places, [
      "discover /0",
      "delete /0",
      "delete /1",
      "write /0/0",
      "write /1/0",
      "write /2/5",
      "read /1",
      "discover /",
      "finish /bs",
    ]);
    assert.equal(state.at, "done");
  });

  it("the version is the newer one of what the device stated and what its request implies", () => {
    const config = configOf("dev-1", { servers: [serverAccount({ binding: "UQ" })], deletes: [], security: [] });
    const bindingOf = (version: "1.1" | undefined, stated: "1.0" | "1.1" | undefined): unknown => {
      const plan = { config, version };
      const discovered = { version: stated, bootstrapInstances: [] };
      const state = stepBootstrap(beginBootstrap(plan), { kind: "answered", code: 69, discovered }, plan);
      assert.isTrue(state.at === "asking" && state.step.kind === "write");
      return state.at === "asking" && state.step.kind === "write" ? state.step.values.at(-1)?.value : undefined;
    };
    assert.equal(bindingOf(undefined, undefined), "UQ");
    assert.equal(bindingOf("1.1", undefined), "U");
    assert.equal(bindingOf("1.1", "1.0"), "U", "Leshan's client states 1.0 and prefers a format of 1.1");
    assert.equal(bindingOf(undefined, "1.0"), "UQ");
    assert.equal(bindingOf(undefined, "1.1"), "U");
  });

  it("without Discover nothing is shifted; with it our instances make way (B1)", () => {
    const config = configOf("dev-1", { deletes: [], security: [pskAccount({ instance: 2 })] });
    assert.equal(place(beginBootstrap({ config: { ...config, discover: false }, version: undefined })), "write /0/2");
    const plan = { config, version: undefined };
    const discovered = { version: undefined, bootstrapInstances: [2, 3] };
    const next = stepBootstrap(beginBootstrap(plan), { kind: "answered", code: 69, discovered }, plan);
    assert.equal(place(next), "write /0/4");
  });

  it("the end is the end", () => {
    const done: BootstrapState = { at: "done" };
    const failed: BootstrapState = { at: "failed", failure: { path: "/0/0", code: 128, reason: "" } };
    for (const event of [answered(68), SILENT, RESET, BROKEN]) {
      assert.equal(stepBootstrap(done, event, PLAN), done);
      assert.equal(stepBootstrap(failed, event, PLAN), failed);
    }
  });

  it("a failure names path, code and what the device said", () => {
    const state: BootstrapState = { at: "asking", step: STEPS.write, rest: [] };
    assert.deepEqual(stepBootstrap(state, { kind: "answered", code: 160, text: "flash full" }, PLAN), {
      at: "failed",
      failure: { path: "/0/1", code: 160, reason: "Write of /0/1 was answered 5.00: flash full" },
    });
    assert.deepEqual(stepBootstrap(state, SILENT, PLAN), {
      at: "failed",
      failure: { path: "/0/1", code: undefined, reason: "Write of /0/1 was not answered in time" },
    });
  });
});
