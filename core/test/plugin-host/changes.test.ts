/** Plugins that come, go and fail while the host goes on. */
import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { isFailure, type MooringError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { ActionInput } from "../../src/contract/action.ts";
import type { PluginHost } from "../../src/contract/plugin.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { createPublishers } from "../../src/mapping/publishers.ts";
import type { FoundPlugin } from "../../src/plugin-host/discover.ts";
import { createFigures } from "../../src/plugin-host/figures.ts";
import { manifestOf, openTestPlugins, type TestPlugin } from "./support.ts";

const INPUT = {} as ActionInput;
/** What an action of the name `<plugin>:act` makes: an event of that type. */
const acting = (name: string, type: string, more: Partial<TestPlugin> = {}): TestPlugin => ({
  name,
  ...more,
  activate: host =>
    void host.actions.add({ name: `${name}:act`, run: () => [{ kind: "event", type, text: "", atMs: 0 }] }),
});
const needs = (...names: readonly string[]) => ({
  dependencies: Object.fromEntries(names.map(name => [name, "^1.0.0"])),
});

function setUp() {
  const registry = createActionRegistry();
  const publishers = createPublishers(silentLog);
  const figures = createFigures();
  const clock = createManualClock();
  const opened = openTestPlugins({ registry, publishers, figures, clock });
  const { plugins } = opened;
  return {
    registry,
    figures,
    clock,
    ...opened,
    states: () => Object.fromEntries(plugins.list().map(({ name, state }) => [name, state])),
    act: (name: string) =>
      registry
        .action(name)
        ?.run(INPUT)
        .map(effect => (effect as { type: string }).type),
    settled: () => new Promise(resolve => setImmediate(resolve)),
  };
}

async function refusal(work: Promise<unknown>, code: "CONFLICT" | "PLUGIN_INVALID" | "NOT_FOUND"): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.isTrue(isFailure(error, code), String(error));
    return (error as MooringError).message;
  }
  return assert.fail("was accepted");
}

describe("plugin-host: start", () => {
  it("activates in the order of dependencies, not what is disabled, stopped or broken", async () => {
    const { plugins, put, states, stored, settled } = setUp();
    const order: string[] = [];
    const noting = (name: string, more: object = {}): TestPlugin => ({
      name,
      ...more,
      activate: () => void order.push(name),
    });
    put(noting("c", needs("b")), noting("b", needs("a")), noting("a"), noting("off"), noting("worn"));
    put(noting("x", { fault: "mooring-plugin.json is no JSON" }), noting("y", needs("x")), noting("z", needs("off")));
    stored.set("off", { at: "DISABLED" }).set("worn", { at: "STOPPED", fault: "action a:b: boom" });
    await plugins.start();
    await settled();
    assert.deepEqual(order, ["a", "b", "c"]);
    assert.deepEqual(states(), {
      c: "ACTIVE",
      b: "ACTIVE",
      a: "ACTIVE",
      off: "DISABLED",
      worn: "STOPPED",
      x: "FAULTY",
      y: "FAULTY",
      z: "FOUND",
    });
    assert.equal(plugins.get("y").fault, "needs plugin x ^1.0.0, which is not there");
    assert.equal(plugins.get("z").fault, "needs plugin off, which is DISABLED");
    assert.equal(plugins.get("worn").fault, "action a:b: boom");
  });

  it("cycles are named, the others are active", async () => {
    const { plugins, put, states } = setUp();
    put(acting("a", "1", needs("b")), acting("b", "1", needs("a")), acting("c", "1"));
    await plugins.start();
    assert.deepEqual(states(), { a: "FAULTY", b: "FAULTY", c: "ACTIVE" });
    assert.equal(plugins.get("a").fault, "needs itself: a -> b -> a");
  });

  it("of several with one name the one that can be used has it", async () => {
    const place = { name: "a", origin: "folder" } as const;
    const found: readonly FoundPlugin[] = [
      { ...place, location: "/plugins/1", fault: "main is missing" },
      { ...place, location: "/plugins/2", manifest: manifestOf({ name: "a" }) },
      { ...place, location: "/plugins/3", fault: "its name is taken by the plugin in /plugins/2" },
    ];
    const load = async () => ({ default: { activate: () => {} }, resolving: { [Symbol.dispose]: () => {} } });
    const { plugins } = openTestPlugins({ discover: async () => found, load });
    await plugins.start();
    assert.deepEqual(
      plugins.list().map(({ name, state }) => `${name} ${state}`),
      ["a@/plugins/1 FAULTY", "a ACTIVE", "a@/plugins/3 FAULTY"],
    );
  });

  it("an activate that never ends is given up, and can add nothing afterwards", async () => {
    const { plugins, put, clock, registry, states } = setUp();
    const go = Promise.withResolvers<void>();
    let late: unknown;
    put({
      name: "slow",
      async activate(host) {
        await go.promise;
        try {
          host.actions.add({ name: "slow:act", run: () => [] });
        } catch (error) {
          late = error;
        }
      },
    });
    const started = plugins.start();
    await clock.advance(10_000);
    await clock.advance(3000);
    await started;
    assert.equal(plugins.get("slow").fault, "activate failed: activate took longer than 10000 ms");
    go.resolve();
    await clock.advance(0);
    assert.isTrue(isFailure(late, "CLOSED"));
    assert.isUndefined(registry.action("slow:act"));
    assert.deepEqual(states(), { slow: "FAULTY" });
  });

  it("one that lacks another is active as soon as that is", async () => {
    const { plugins, put, states } = setUp();
    put(acting("b", "1", needs("a")));
    await plugins.start();
    assert.deepEqual(states(), { b: "FAULTY" });
    put(acting("a", "1"));
    await plugins.enable("a");
    assert.deepEqual(states(), { b: "ACTIVE", a: "ACTIVE" });
  });

  it("what is put there later is found when somebody asks", async () => {
    const { plugins, put, states, remove } = setUp();
    await plugins.start();
    put(acting("a", "1"));
    assert.isEmpty(states());
    await plugins.discover();
    assert.deepEqual(states(), { a: "ACTIVE" });
    put(acting("b", "1"));
    await plugins.enable("b");
    remove("a");
    remove("b");
    await plugins.disable("b");
    await plugins.discover();
    assert.deepEqual(states(), { a: "ACTIVE" }, "what is active stays");
  });
});

describe("plugin-host: enable and disable", () => {
  it("are stored before they are done, and hold through a restart", async () => {
    const { plugins, put, stored, states, act } = setUp();
    put(acting("a", "1"));
    await plugins.start();
    await plugins.disable("a");
    assert.deepEqual([...stored], [["a", { at: "DISABLED" }]]);
    assert.isUndefined(act("a:act"));
    assert.deepEqual(states(), { a: "DISABLED" });
    await plugins.discover();
    assert.deepEqual(states(), { a: "DISABLED" });
    await plugins.enable("a");
    assert.isEmpty(stored);
    assert.deepEqual(act("a:act"), ["1"]);
    await plugins.enable("a");
    assert.deepEqual(act("a:act"), ["1"]);
  });

  it("disabling one that others need says so; with cascade they go too, the last first", async () => {
    const { plugins, put, states, stored } = setUp();
    const gone: string[] = [];
    const leaving = (name: string, more: object = {}): TestPlugin => ({
      name,
      ...more,
      activate: host => host.onClose({ [Symbol.dispose]: () => void gone.push(name) }),
    });
    put(leaving("a"), leaving("b", needs("a")), leaving("c", needs("b")), leaving("d"));
    await plugins.start();
    const said = await refusal(plugins.disable("a"), "CONFLICT");
    assert.equal(said, "plugin a is needed by b, c; cascade disables them too");
    assert.isEmpty(gone);
    await plugins.disable("a", { cascade: true });
    assert.deepEqual(gone, ["c", "b", "a"]);
    assert.deepEqual(states(), { a: "DISABLED", b: "DISABLED", c: "DISABLED", d: "ACTIVE" });
    assert.lengthOf([...stored], 3);
    const needed = await refusal(plugins.enable("c"), "CONFLICT");
    assert.equal(needed, "plugin c needs a, b, which must be enabled first; cascade enables them too");
    await plugins.enable("c", { cascade: true });
    assert.deepEqual(states(), { a: "ACTIVE", b: "ACTIVE", c: "ACTIVE", d: "ACTIVE" });
  });

  it("bad input: an unknown one, a broken one", async () => {
    const { plugins, put } = setUp();
    put({ name: "x", fault: "main is missing", activate: () => {} });
    await plugins.start();
    assert.equal(await refusal(plugins.enable("nobody"), "NOT_FOUND"), "no plugin nobody");
    assert.equal(await refusal(plugins.enable("x"), "PLUGIN_INVALID"), "plugin x: main is missing");
    assert.equal(await refusal(plugins.reload("nobody"), "NOT_FOUND"), "no plugin nobody");
  });
});

describe("plugin-host: reload", () => {
  it("exchanges the plugin at once: at no time is there no action, and the new one may use the old one's names", async () => {
    const { plugins, put, act, registry } = setUp();
    put(acting("a", "old"));
    await plugins.start();
    const go = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    put({
      name: "a",
      version: "1.1.0",
      async activate(host) {
        host.actions.add({ name: "a:act", run: () => [{ kind: "event", type: "new", text: "", atMs: 0 }] });
        host.actions.add({ name: "a:more", run: () => [] });
        begun.resolve();
        await go.promise;
      },
    });
    const reloaded = plugins.reload("a");
    await begun.promise;
    assert.deepEqual(act("a:act"), ["old"]);
    assert.isUndefined(registry.action("a:more"));
    go.resolve();
    const seen = new Set<string | undefined>();
    const over = reloaded.then(() => true);
    while ((await Promise.race([over, Promise.resolve(false)])) === false) seen.add(act("a:act")?.[0]);
    assert.notInclude([...seen], undefined);
    assert.deepEqual(act("a:act"), ["new"]);
    assert.isDefined(registry.action("a:more"));
    assert.equal(plugins.get("a").manifest?.version, "1.1.0");
  });

  it("default handlers keep their place among those of other plugins", async () => {
    const { plugins, put, registry } = setUp();
    const handling = (name: string): TestPlugin => ({
      name,
      activate: host =>
        void host.handlers.add({
          objectId: 3,
          resources: [0],
          run: () => [{ kind: "inventory", set: { from: name } }],
        }),
    });
    put(handling("a"), handling("b"), handling("c"));
    await plugins.start();
    const order = () =>
      registry
        .handlers(3)
        .map(handler => (handler.run({} as never)[0] as unknown as { set: { from: string } }).set.from);
    await plugins.reload("a");
    await plugins.disable("b");
    await plugins.enable("b");
    assert.deepEqual(order(), ["a", "b", "c"]);
  });

  for (const [what, broken, fault] of [
    ["throws", { activate: () => assert.fail("no") }, "plugin a: activate failed: no"],
    ["wants a name that another has", acting("b", "2"), 'plugin a: activate failed: action "b:act" exists already'],
    ["has a broken manifest", { fault: "name is missing", activate: () => {} }, "plugin a: name is missing"],
    ["needs what is not there", acting("a", "2", needs("q")), "plugin a: needs plugin q ^1.0.0, which is not there"],
  ] as readonly [string, TestPlugin, string][]) {
    it(`one that ${what} changes nothing: the one that is active stays`, async () => {
      const { plugins, put, act, states } = setUp();
      put(acting("a", "old"), acting("b", "1"));
      await plugins.start();
      put({ ...broken, name: "a" });
      assert.equal(await refusal(plugins.reload("a"), "PLUGIN_INVALID"), fault);
      assert.deepEqual(act("a:act"), ["old"]);
      assert.deepEqual(states(), { a: "ACTIVE", b: "ACTIVE" });
    });
  }

  it("is refused where others need another version, or while it is disabled", async () => {
    const { plugins, put, act } = setUp();
    put(acting("a", "old"), acting("b", "1", needs("a")));
    await plugins.start();
    put(acting("a", "new", { version: "2.0.0" }));
    const said = await refusal(plugins.reload("a"), "CONFLICT");
    assert.equal(said, "plugin a cannot be 2.0.0: plugin b needs plugin a ^1.0.0, which is there as 2.0.0");
    assert.deepEqual(act("a:act"), ["old"]);
    await plugins.disable("b");
    assert.equal(await refusal(plugins.reload("b"), "CONFLICT"), "plugin b is disabled: enable it");
  });

  it("waits for what the old one has under way before its end, three seconds at most", async () => {
    const { plugins, put, clock } = setUp();
    const order: string[] = [];
    const work = Promise.withResolvers<void>();
    put({
      name: "a",
      activate(host) {
        host.onClose({ [Symbol.dispose]: () => void order.push("closed") });
        host.timers.after(10, async () => {
          await work.promise;
          order.push("worked");
        });
      },
    });
    await plugins.start();
    await clock.advance(10);
    put({ name: "a", activate: () => {} });
    const reloaded = plugins.reload("a");
    await clock.advance(2000);
    assert.isEmpty(order);
    work.resolve();
    await reloaded;
    assert.deepEqual(order, ["worked", "closed"]);
    const stuck = {
      name: "a",
      activate: (host: PluginHost) => void host.timers.after(10, () => new Promise(() => {})),
    };
    put(stuck);
    await plugins.reload("a");
    await clock.advance(10);
    const ended = plugins.disable("a");
    await clock.advance(3000);
    await ended;
  });
});

describe("plugin-host: an end that never comes", () => {
  it("is given up after three seconds, and the rest is closed", async () => {
    const { plugins, put, clock, states } = setUp();
    let isClosed = false;
    put({
      name: "a",
      activate(host) {
        host.onClose({ [Symbol.dispose]: () => void (isClosed = true) });
        host.onClose({ [Symbol.asyncDispose]: () => new Promise(() => {}) });
      },
    });
    await plugins.start();
    const disabled = plugins.disable("a");
    await clock.advance(2999);
    assert.isFalse(isClosed);
    await clock.advance(1);
    await disabled;
    assert.isTrue(isClosed);
    assert.deepEqual(states(), { a: "DISABLED" });
    assert.equal(plugins.get("a").figures.close.failures, 1);
  });
});

describe("plugin-host: failures", () => {
  const failing = (more: Partial<TestPlugin> = {}): TestPlugin => ({
    name: "bad",
    ...more,
    activate: host => void host.actions.add({ name: "bad:act", run: () => assert.fail("boom") }),
  });

  it("five of an action within a minute stop the plugin, with an alarm, and what needs it; enabling starts it again", async () => {
    const { plugins, put, act, states, stored, alarms, settled } = setUp();
    put(failing(), acting("user", "1", needs("bad")), acting("other", "1"));
    await plugins.start();
    for (let failed = 1; failed <= 5; failed++) {
      assert.throws(() => act("bad:act"), "boom");
      if (failed < 5) await settled();
      assert.equal(plugins.get("bad").state, "ACTIVE");
    }
    await settled();
    assert.deepEqual(states(), { bad: "STOPPED", user: "FOUND", other: "ACTIVE" });
    assert.deepEqual([...stored], [["bad", { at: "STOPPED", fault: "action bad:act: boom" }]]);
    assert.equal(alarms.get("bad"), "Plugin bad failed too often and is stopped: action bad:act: boom");
    assert.deepInclude(plugins.get("bad").figures.action, { calls: 5, failures: 5 });
    assert.isUndefined(act("bad:act"));
    put(acting("bad", "mended"));
    await plugins.enable("bad");
    assert.deepEqual(states(), { bad: "ACTIVE", user: "ACTIVE", other: "ACTIVE" });
    assert.isEmpty(alarms);
    assert.isEmpty(stored);
  });

  it("five in more than a minute, or among many calls that went well, do not", async () => {
    const { plugins, put, clock, registry, settled } = setUp();
    let isBad = true;
    put({
      name: "bad",
      activate: host => void host.actions.add({ name: "bad:act", run: () => (isBad ? assert.fail("boom") : []) }),
    });
    await plugins.start();
    const run = () => registry.action("bad:act")!.run(INPUT);
    for (let failed = 0; failed < 10; failed++) {
      assert.throws(run, "boom");
      await clock.advance(16_000);
    }
    await clock.advance(60_000);
    for (let failed = 0; failed < 10; failed++) {
      isBad = false;
      for (let good = 0; good < 12; good++) run();
      isBad = true;
      assert.throws(run, "boom");
    }
    await settled();
    assert.equal(plugins.get("bad").state, "ACTIVE");
  });

  for (const [what, run, rule] of [
    ["gives nothing", () => undefined, "run must give a list of effects"],
    ["is asynchronous", () => Promise.reject(new Error("late")), "action bad:act must not be asynchronous"],
  ] as const) {
    it(`an action that ${what} has failed`, async () => {
      const { plugins, put, registry } = setUp();
      put({ name: "bad", activate: host => void host.actions.add({ name: "bad:act", run: run as never }) });
      await plugins.start();
      assert.throws(() => registry.action("bad:act")!.run(INPUT), rule);
      assert.equal(plugins.get("bad").figures.action.failures, 1);
    });
  }

  it("figures that fail are no numbers, and stop the plugin when they go on to", async () => {
    const { plugins, put, figures, settled } = setUp();
    const values = ["x", -1, undefined, Number.NaN];
    put({
      name: "bad",
      activate: host =>
        void host.figures.add({
          name: "f",
          help: "",
          type: "counter",
          value: () => (values.pop() ?? assert.fail("no")) as number,
        }),
    });
    await plugins.start();
    for (let read = 0; read < 5; read++) assert.isNaN(figures.list()[0]!.figure.value());
    await settled();
    assert.equal(plugins.get("bad").state, "STOPPED");
  });

  it("what it leaves behind is known as its own: rejections, also after its end", async () => {
    const { plugins, put, act, settled } = setUp();
    const taken: unknown[] = [];
    const listen = (error: unknown): void => void taken.push([(error as Error).message, plugins.takeStray(error)]);
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", listen);
    try {
      const { promise, resolve } = Promise.withResolvers<void>();
      const run = () => {
        void promise.then(() => assert.fail("after its end"));
        void Promise.reject(new Error("at once"));
        return [];
      };
      put({ name: "bad", activate: host => void host.actions.add({ name: "bad:act", run }) });
      await plugins.start();
      act("bad:act");
      await settled();
      await plugins.disable("bad");
      resolve();
      void Promise.reject(new Error("somebody else's"));
      await settled();
      assert.deepEqual(taken, [
        ["at once", true],
        ["somebody else's", false],
        ["after its end", true],
      ]);
      assert.equal(plugins.get("bad").figures.stray.failures, 2);
    } finally {
      process.off("unhandledRejection", listen);
      for (const other of others) process.on("unhandledRejection", other as never);
    }
  });
});
