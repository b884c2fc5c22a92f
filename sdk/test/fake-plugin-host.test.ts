import { definePlugin, MooringError, type PluginPermission } from "@mooring/sdk";
import { activatePlugin, createFakeDevice } from "@mooring/sdk/harness";
import { assert } from "chai";

const device = createFakeDevice({ endpoint: "dev", fragments: { c8y_Hardware: { model: "M" } } });

/** One of each thing that a plugin can add. */
const everything = (seen: unknown[]) =>
  definePlugin({
    name: "everything",
    activate(host) {
      host.log.info("everything.began", { limit: host.options["limit"] });
      host.actions.add({
        name: "mine:scale",
        aliases: ["mine:old"],
        run: ({ value, atMs, device: { name } }) => [
          { kind: "event", type: "t", text: `${name}: ${String(value.value)}`, atMs },
        ],
      });
      host.handlers.add({
        objectId: 3303,
        resources: [5700],
        needsLastValues: true,
        run: ({ value, instanceId }) => [
          { kind: "inventory", set: { [`i${instanceId}`]: [value(5700), value(5701)] } },
        ],
      });
      host.publishers.add({ name: "mine", publish: data => void seen.push(data) });
      let ticks = 0;
      host.figures.add({ name: "ticks", help: "Ticks", type: "counter", value: () => ticks });
      host.timers.every(1000, async () => void ticks++);
      host.routes.add({
        method: "POST",
        path: "/meters/:id",
        roles: [],
        handle: ({ params, query, user, json }) => ({
          json: { id: params["id"], more: query.get("more"), tenant: user.tenant, body: json() },
        }),
      });
      host.pages.add({ name: "meters", title: "Meters", folder: "test" });
      host.onClose({ [Symbol.dispose]: () => void seen.push("closed") });
    },
  });

describe("sdk/harness: fake host and fake device", () => {
  it("calls what a plugin has added as the host would, and undoes it", async () => {
    const seen: unknown[] = [];
    const manifest = {
      configuration: { type: "object", properties: { limit: { type: "integer", default: 5 } } },
    };
    const plugin = await activatePlugin(everything(seen), { manifest });
    assert.deepEqual(plugin.log, [{ level: "info", event: "everything.began", plugin: "everything", limit: 5 }]);
    assert.deepEqual(plugin.actions, ["mine:old", "mine:scale"]);
    const [effect] = plugin.act("mine:old", device.value("/3303/0/5700", 21.5), device);
    assert.deepEqual(effect, { kind: "event", type: "t", text: "dev: 21.5", atMs: Date.UTC(2026, 0, 1) });
    assert.deepEqual(plugin.handle([device.value("/3303/2/5700", 1)], device, { 5701: "Cel" }), [
      { kind: "inventory", set: { i2: [1, "Cel"] } },
    ]);
    assert.deepEqual(plugin.handle([device.value("/3303/2/5701", "Cel")], device), []);
    const data = device.data([device.value("/3/0/0", "ACME")]);
    plugin.publish(data);
    await plugin.advance(3500);
    assert.deepEqual(plugin.figures(), { ticks: 3 });
    const answer = await plugin.request("POST", "/meters/7", { body: { a: 1 }, query: { more: "x" } });
    assert.deepEqual([answer.status, answer.body], [200, '{"id":"7","more":"x","tenant":"t1","body":{"a":1}}']);
    assert.deepEqual(
      plugin.pages.map(({ title }) => title),
      ["Meters"],
    );
    await plugin[Symbol.asyncDispose]();
    assert.deepEqual(seen, [data, "closed"]);
    assert.deepEqual([plugin.actions, plugin.pages, plugin.figures()], [[], [], {}]);
  });

  it("keeps the host's rules: permissions, names, options, kinds of effects", async () => {
    const adding = (permissions: readonly PluginPermission[]) =>
      activatePlugin(everything([]), { manifest: { name: "mine", permissions } });
    const refused = await adding(["actions"]).catch((error: unknown) => error);
    assert.match((refused as MooringError).message, /plugin mine may not use host\.handlers/);
    const bad = definePlugin({ activate: host => void host.actions.add({ name: "decoder:x", run: () => [] }) });
    const kept = await activatePlugin(bad).catch((error: unknown) => error);
    assert.match((kept as MooringError).message, /kept for decoders/);
    const plugin = await activatePlugin(
      definePlugin({ activate: host => void host.actions.add({ name: "a", run: () => 1 as never }) }),
    );
    assert.throws(() => plugin.act("a", device.value("/3/0/0", "x")), TypeError, "list of effects");
    assert.throws(() => plugin.act("b", device.value("/3/0/0", "x")), MooringError, "no action b");
    const missing = await plugin.request("GET", "/none").catch((error: unknown) => error);
    assert.equal((missing as MooringError).code, "NOT_FOUND");
    const options = await activatePlugin(bad, { options: { x: 1 } }).catch((error: unknown) => error);
    assert.instanceOf(options, Error);
  });

  it("agent specification 9.3: a decoder is given the bytes of a value by its type", () => {
    const bytes = (value: Parameters<typeof device.value>[1], type?: "TIME") =>
      device.decoderInput(device.value("/33456/0/123", value, type && { type })).valueHex;
    assert.equal(bytes(new Uint8Array([8, 253])), "08fd");
    assert.equal(bytes(1), "0000000000000001");
    assert.equal(bytes(1.5), "3ff8000000000000");
    assert.equal(bytes("ä"), "c3a4");
    assert.equal(bytes(true), "01");
    assert.equal(bytes({ objectId: 3, instanceId: 0 }), "333a30");
    assert.equal(bytes(1, "TIME"), "00000000000003e8");
    const {
      resourcePath,
      resourceType,
      sourceDeviceId,
      device: fragments,
    } = device.decoderInput(device.value("/3/0/0", "x"));
    assert.deepEqual([resourcePath, resourceType, sourceDeviceId], ["/3/0/0", "STRING", "4711"]);
    assert.deepEqual(fragments, { c8y_Hardware: { model: "M" } });
    assert.throws(() => device.value("/3", "x", { type: "INTEGER" }), MooringError);
  });
});
