import { assert } from "chai";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import type { MappingAction } from "../../src/contract/action.ts";
import type { Plugin, PluginHost } from "../../src/contract/plugin.ts";
import type { ValueBatch } from "../../src/lwm2m/server/value-batch.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { createPublishers } from "../../src/mapping/publishers.ts";
import { createFigures } from "../../src/plugin-host/figures.ts";
import { openTestPlugins, type TestPlugin } from "./support.ts";

const action = (name: string): MappingAction => ({ name, run: () => [] });
const plugin = (name: string, activate: Plugin["activate"], more: Partial<TestPlugin> = {}): TestPlugin => ({
  name,
  activate,
  ...more,
});

function setUp() {
  const registry = createActionRegistry();
  const log = createRecordingLog();
  const publishers = createPublishers(log);
  const figures = createFigures();
  const optionsOf = (group: string) => (group === "one" ? { depth: 7 } : undefined);
  return { registry, publishers, figures, log, ...openTestPlugins({ registry, publishers, figures, log, optionsOf }) };
}
const OPTIONS = { configuration: { type: "object", properties: { depth: { type: "integer" } } } };

async function refusal(work: Promise<unknown>): Promise<MooringError> {
  try {
    await work;
  } catch (error) {
    assert.instanceOf(error, MooringError);
    return error as MooringError;
  }
  return assert.fail("was accepted");
}

describe("plugin-host/host", () => {
  it("an active plugin is listed, its actions work, its log lines carry its name", async () => {
    const { registry, log, plugins, activate } = setUp();
    await activate(
      plugin(
        "one",
        host => {
          host.actions.add(action("one:act"));
          host.handlers.add({ objectId: 3, resources: [0], run: () => [] });
          host.log.info("one.ready");
        },
        OPTIONS,
      ),
    );
    assert.deepInclude(plugins.get("one"), { name: "one", state: "ACTIVE", origin: "folder" });
    assert.isDefined(registry.action("one:act"));
    assert.lengthOf(registry.handlers(3), 1);
    assert.deepInclude(log.lines, { level: "info", event: "one.ready", fields: { plugin: "one" } });
  });

  it("disabling undoes all, last added first", async () => {
    const { registry, plugins, activate } = setUp();
    const order: string[] = [];
    const closing = (name: string): Disposable => ({ [Symbol.dispose]: () => void order.push(name) });
    const closingLater = (name: string): AsyncDisposable => ({
      async [Symbol.asyncDispose]() {
        await Promise.resolve();
        order.push(name);
      },
    });
    await activate(
      plugin("two", host => {
        host.onClose(closing("first"));
        host.actions.add(action("one:act"));
        host.onClose(closingLater("second"));
        host.onClose(closing("third"));
      }),
    );
    await plugins.disable("two");
    assert.deepEqual(order, ["third", "second", "first"]);
    assert.isUndefined(registry.action("one:act"));
    assert.equal(plugins.get("two").state, "DISABLED");
    assert.isTrue(isFailure(await refusal(plugins.disable("three")), "NOT_FOUND"));
  });

  for (const [name, activated] of [
    ["throws", () => assert.fail("broken")],
    ["rejects", () => Promise.reject(new MooringError("UNSUPPORTED", "broken"))],
  ] as const) {
    it(`one whose activate ${name} leaves nothing behind, is off with its fault and an alarm, and may be enabled once mended`, async () => {
      const { registry, plugins, activate, alarms } = setUp();
      let closed = 0;
      const broken = plugin("two", host => {
        host.actions.add(action("one:act"));
        host.handlers.add({ objectId: 3, resources: [0], run: () => [] });
        host.onClose({ [Symbol.dispose]: () => void closed++ });
        return activated();
      });
      const error = await refusal(activate(broken));
      assert.equal(error.code, "PLUGIN_INVALID");
      assert.equal(error.message, "plugin two: activate failed: broken");
      assert.isUndefined(registry.action("one:act"));
      assert.isEmpty(registry.handlers(3));
      assert.deepInclude(plugins.get("two"), { state: "FAULTY", fault: "activate failed: broken" });
      assert.equal(alarms.get("two"), "Plugin two is not active: activate failed: broken");
      assert.equal(closed, 1);
      await activate(plugin("two", () => {}));
      assert.equal(plugins.get("two").state, "ACTIVE");
      assert.isEmpty(alarms);
    });
  }

  it("what a plugin adds while it activates is in force when it has ended, all at once", async () => {
    const { registry, activate } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    const added = Promise.withResolvers<void>();
    const activating = activate(
      plugin("two", async host => {
        host.actions.add(action("a:b"));
        added.resolve();
        await promise;
        host.actions.add(action("a:c"));
      }),
    );
    await added.promise;
    assert.isUndefined(registry.action("a:b"));
    resolve();
    await activating;
    assert.isDefined(registry.action("a:b"));
    assert.isDefined(registry.action("a:c"));
  });

  it("an action that another plugin has is refused where it is added, and the second plugin with it", async () => {
    const { registry, activate } = setUp();
    await activate(plugin("two", host => void host.actions.add(action("a:b"))));
    const first = registry.action("a:b");
    const error = await refusal(activate(plugin("three", host => void host.actions.add(action("a:b")))));
    assert.equal(error.message, 'plugin three: activate failed: action "a:b" exists already');
    assert.strictEqual(registry.action("a:b"), first);
  });

  it("a plugin that kept its host can add nothing after its end", async () => {
    const { registry, plugins, activate } = setUp();
    let kept: PluginHost | undefined;
    await activate(plugin("two", host => void (kept = host)));
    await plugins.disable("two");
    assert.throws(() => kept?.actions.add(action("late:act")), MooringError, /not active any more/);
    assert.throws(() => kept?.onClose({ [Symbol.dispose]: () => {} }), MooringError, /not active any more/);
    assert.isUndefined(registry.action("late:act"));
  });

  it("what a plugin disposed itself is not disposed twice, and frees its name", async () => {
    const { registry, plugins, activate } = setUp();
    let host!: PluginHost;
    await activate(plugin("two", given => void (host = given)));
    host.actions.add(action("one:act"))[Symbol.dispose]();
    const again = action("one:act");
    registry.addAction(again);
    await plugins.disable("two");
    assert.strictEqual(registry.action("one:act"), again);
  });

  it("something that fails to close is logged and does not keep the rest open", async () => {
    const { registry, log, plugins, activate } = setUp();
    await activate(
      plugin("two", host => {
        host.actions.add(action("one:act"));
        host.onClose({ [Symbol.dispose]: () => assert.fail("stuck") });
      }),
    );
    await plugins.disable("two");
    assert.isUndefined(registry.action("one:act"));
    assert.deepInclude(log.lines, {
      level: "warn",
      event: "plugin.closeFailed",
      fields: { plugin: "two", version: "1.0.0", error: "stuck" },
    });
  });

  it("a plugin has the options of its own name, checked, and none of another", async () => {
    const { activate } = setUp();
    const seen: unknown[] = [];
    const look = ({ options }: PluginHost): void => void seen.push(options);
    await activate(plugin("one", look, OPTIONS));
    await activate(plugin("two", look, OPTIONS));
    assert.deepEqual(seen, [{ depth: 7 }, {}]);
    const { activate: again } = setUp();
    const error = await refusal(again(plugin("one", () => {})));
    assert.equal(error.message, "plugin one: activate failed: depth is not known here");
  });

  for (const [permission, use] of [
    ["actions", host => host.actions.add(action("a:b"))],
    ["handlers", host => host.handlers.add({ objectId: 3, resources: [0], run: () => [] })],
    ["publishers", host => host.publishers.add({ name: "p", publish: () => {} })],
    ["figures", host => host.figures.add({ name: "f", help: "", type: "gauge", value: () => 0 })],
  ] as readonly [string, (host: PluginHost) => unknown][]) {
    it(`host.${permission} is for those whose manifest asks for it`, async () => {
      const { activate } = setUp();
      const error = await refusal(activate(plugin("two", host => void use(host), { permissions: [] })));
      assert.equal(
        error.message,
        `plugin two: activate failed: plugin two may not use host.${permission}: its manifest must name the permission "${permission}"`,
      );
      await activate(plugin("two", host => void use(host), { permissions: [permission as "actions"] }));
    });
  }

  it("publishers and figures go with the plugin that added them", async () => {
    const { plugins, activate, publishers, figures, log } = setUp();
    const told: string[] = [];
    await activate(
      plugin("three", host => {
        host.publishers.add({ name: "a", publish: ({ endpoint }) => void told.push(endpoint) });
        host.figures.add({ name: "told", help: "Told", type: "counter", value: () => told.length });
      }),
    );
    const registration = { id: "r", endpoint: "dev", tenant: "t1", deviceId: "7" } as ValueBatch["registration"];
    const values = [{ path: [3, 0, 9], type: "INTEGER", value: 80 } as const];
    const batch = { registration, values, source: "SEND", messageKey: "m", requestPath: [], receivedAtMs: 0 } as const;
    publishers.publish({ ...batch, compositePaths: undefined });
    assert.deepEqual(
      figures.list().map(({ plugin: owner, figure }) => [owner, figure.name, figure.value()]),
      [["three", "told", 1]],
    );
    const again = (name: string) =>
      plugin("two", host => void host.figures.add({ name, help: "", type: "gauge", value: () => 0 }));
    assert.equal((await refusal(activate(again("Not_a_name")))).code, "PLUGIN_INVALID");
    await activate(again("told"));
    await plugins.disable("two");
    await plugins.disable("three");
    publishers.publish({ ...batch, compositePaths: undefined });
    assert.deepEqual(told, ["dev"]);
    assert.isEmpty(figures.list());
    assert.isEmpty(log.lines.filter(({ level }) => level === "warn"));
  });

  it("disposing the host ends its plugins, the last first", async () => {
    const order: string[] = [];
    const { plugins, activate } = openTestPlugins();
    for (const name of ["one", "two"]) {
      await activate(plugin(name, host => host.onClose({ [Symbol.dispose]: () => void order.push(name) })));
    }
    await plugins[Symbol.asyncDispose]();
    assert.deepEqual(order, ["two", "one"]);
  });
});
