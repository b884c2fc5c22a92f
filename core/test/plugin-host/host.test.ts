import { assert } from "chai";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import type { MappingAction } from "../../src/contract/action.ts";
import type { Plugin, PluginHost } from "../../src/contract/plugin.ts";
import type { ValueBatch } from "../../src/lwm2m/server/value-batch.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { createPublishers } from "../../src/mapping/publishers.ts";
import { createFigures } from "../../src/plugin-host/figures.ts";
import { createPluginHost } from "../../src/plugin-host/host.ts";
import { pluginHostParts } from "./support.ts";

const action = (name: string): MappingAction => ({ name, run: () => [] });
const plugin = (name: string, activate: Plugin["activate"]): Plugin => ({
  name,
  version: "1.0.0",
  contract: "^1.0.0",
  activate,
});

function setUp() {
  const registry = createActionRegistry();
  const log = createRecordingLog();
  const publishers = createPublishers(log);
  const figures = createFigures();
  const optionsOf = (group: string) => (group === "one" ? { depth: 7 } : undefined);
  const parts = pluginHostParts({ registry, publishers, figures, log, optionsOf });
  return { registry, publishers, figures, log, plugins: createPluginHost(parts) };
}

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
    const { registry, log, plugins } = setUp();
    await plugins.activate(
      plugin("one", host => {
        host.actions.add(action("one:act"));
        host.handlers.add({ objectId: 3, resources: [0], run: () => [] });
        host.log.info("one.ready");
      }),
    );
    assert.deepEqual(plugins.list(), [{ name: "one", version: "1.0.0" }]);
    assert.isDefined(registry.action("one:act"));
    assert.lengthOf(registry.handlers(3), 1);
    assert.deepInclude(log.lines, { level: "info", event: "one.ready", fields: { plugin: "one" } });
  });

  it("deactivate undoes all, last added first", async () => {
    const { registry, plugins } = setUp();
    const order: string[] = [];
    const closing = (name: string): Disposable => ({ [Symbol.dispose]: () => void order.push(name) });
    const closingLater = (name: string): AsyncDisposable => ({
      async [Symbol.asyncDispose]() {
        await Promise.resolve();
        order.push(name);
      },
    });
    await plugins.activate(
      plugin("one", host => {
        host.onClose(closing("first"));
        host.actions.add(action("one:act"));
        host.onClose(closingLater("second"));
        host.onClose(closing("third"));
      }),
    );
    await plugins.deactivate("one");
    assert.deepEqual(order, ["third", "second", "first"]);
    assert.isUndefined(registry.action("one:act"));
    assert.isEmpty(plugins.list());
    assert.isTrue(isFailure(await refusal(plugins.deactivate("one")), "NOT_FOUND"));
  });

  for (const [name, activate] of [
    ["throws", () => assert.fail("broken")],
    ["rejects", () => Promise.reject(new MooringError("UNSUPPORTED", "broken"))],
  ] as const) {
    it(`one whose activate ${name} leaves nothing behind, and its name is free again`, async () => {
      const { registry, plugins } = setUp();
      let closed = 0;
      const broken = plugin("one", host => {
        host.actions.add(action("one:act"));
        host.handlers.add({ objectId: 3, resources: [0], run: () => [] });
        host.onClose({ [Symbol.dispose]: () => void closed++ });
        return activate();
      });
      const error = await refusal(plugins.activate(broken));
      assert.equal(error.code, "PLUGIN_INVALID");
      assert.match(error.message, /one: activate failed: broken/);
      assert.isUndefined(registry.action("one:act"));
      assert.isEmpty(registry.handlers(3));
      assert.isEmpty(plugins.list());
      assert.equal(closed, 1);
      await plugins.activate(plugin("one", () => {}));
    });
  }

  it("a name is taken while its plugin is still on the way", async () => {
    const { plugins } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = plugins.activate(plugin("one", () => promise));
    assert.isEmpty(plugins.list());
    assert.equal((await refusal(plugins.activate(plugin("one", () => {})))).code, "PLUGIN_INVALID");
    resolve();
    await first;
    assert.lengthOf(plugins.list(), 1);
  });

  it("an action that another plugin has is refused, and the second plugin with it", async () => {
    const { registry, plugins } = setUp();
    const first = action("a:b");
    await plugins.activate(plugin("one", host => void host.actions.add(first)));
    assert.equal(
      (await refusal(plugins.activate(plugin("two", host => void host.actions.add(action("a:b")))))).code,
      "PLUGIN_INVALID",
    );
    assert.strictEqual(registry.action("a:b"), first);
  });

  it("a plugin that kept its host can add nothing after its end", async () => {
    const { registry, plugins } = setUp();
    let kept: PluginHost | undefined;
    await plugins.activate(plugin("one", host => void (kept = host)));
    await plugins.deactivate("one");
    assert.throws(() => kept?.actions.add(action("late:act")), MooringError, /not active any more/);
    assert.isUndefined(registry.action("late:act"));
  });

  it("what a plugin disposed itself is not disposed twice, and frees its name", async () => {
    const { registry, plugins } = setUp();
    let host!: PluginHost;
    await plugins.activate(plugin("one", given => void (host = given)));
    host.actions.add(action("one:act"))[Symbol.dispose]();
    const again = action("one:act");
    registry.addAction(again);
    await plugins.deactivate("one");
    assert.strictEqual(registry.action("one:act"), again);
  });

  it("something that fails to close is logged and does not keep the rest open", async () => {
    const { registry, log, plugins } = setUp();
    await plugins.activate(
      plugin("one", host => {
        host.actions.add(action("one:act"));
        host.onClose({ [Symbol.dispose]: () => assert.fail("stuck") });
      }),
    );
    await plugins.deactivate("one");
    assert.isUndefined(registry.action("one:act"));
    assert.deepInclude(log.lines, {
      level: "warn",
      event: "plugin.closeFailed",
      fields: { plugin: "one", error: "stuck" },
    });
  });

  it("a plugin has the options of its own name, and none of another", async () => {
    const { plugins } = setUp();
    const seen: unknown[] = [];
    for (const name of ["one", "two"]) await plugins.activate(plugin(name, ({ options }) => void seen.push(options)));
    assert.deepEqual(seen, [{ depth: 7 }, {}]);
  });

  it("publishers and figures go with the plugin that added them", async () => {
    const { plugins, publishers, figures, log } = setUp();
    const told: string[] = [];
    await plugins.activate(
      plugin("one", host => {
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
      [["one", "told", 1]],
    );
    const again = (name: string) =>
      plugin("two", host => void host.figures.add({ name, help: "", type: "gauge", value: () => 0 }));
    assert.equal((await refusal(plugins.activate(again("Not_a_name")))).code, "PLUGIN_INVALID");
    await plugins.activate(again("told"));
    await plugins.deactivate("two");
    await plugins.deactivate("one");
    publishers.publish({ ...batch, compositePaths: undefined });
    assert.deepEqual(told, ["dev"]);
    assert.isEmpty(figures.list());
    assert.isEmpty(log.lines.filter(({ level }) => level === "warn"));
  });

  it("disposing the host ends its plugins, the last first", async () => {
    const order: string[] = [];
    {
      await using plugins = createPluginHost(pluginHostParts());
      for (const name of ["one", "two"]) {
        await plugins.activate(plugin(name, host => host.onClose({ [Symbol.dispose]: () => void order.push(name) })));
      }
    }
    assert.deepEqual(order, ["two", "one"]);
  });
});
