/** `npm start -- --demo`: what a newcomer sees. */
import { assert } from "chai";
import type { ManagedObject } from "../harness/agent.ts";
import { measurements } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { withHost } from "../harness/with-host.ts";

const DEMO_DEVICES = 5;

describe("the demo", () => {
  const suite = withHost({ arguments: ["--demo"] });

  it("five meters register and each kind of value arrives, the decoder's among them", async () => {
    const devices = await eventually(
      async () => {
        const { body } = await suite.api.get<{ readonly managedObjects: readonly ManagedObject[] }>(
          "/inventory/managedObjects?fragmentType=c8y_IsLwm2mDevice&pageSize=100",
        );
        assert.lengthOf(body.managedObjects, DEMO_DEVICES);
        return body.managedObjects;
      },
      { withinMs: 20_000, what: "the demo's devices" },
    );
    for (const { id, name } of devices) {
      for (const valueFragmentType of ["c8y_Temperature", "c8y_SignalStrength"]) {
        await eventually(async () => (await measurements(suite.api, { source: id, valueFragmentType })).at(0), {
          withinMs: 30_000,
          what: `${valueFragmentType} of ${name}`,
        });
      }
      await eventually(
        async () => (await measurements(suite.api, { source: id })).find(each => each.type.startsWith("acme")),
        { withinMs: 30_000, what: `a decoded measurement of ${name}` },
      );
      await eventually(
        async () => (await suite.api.get(`/inventory/managedObjects/${id}`)).body["c8y_Position"] ?? undefined,
        { withinMs: 30_000, what: `the position of ${name}` },
      );
    }
  });

  it("the log shows them arriving", () => {
    assert.isNotEmpty(suite.host.lines.filter(line => line.includes("demo-meter-1")));
  });

  /** Meters with keys of which it is told, each once: one that was refused by a busy host begins anew. */
  const secured = (event: string): readonly string[] => {
    const told = suite.host.lines.filter(line => line.includes(`"${event}"`)).join("\n");
    return ["demo-meter-2", "demo-meter-4"].filter(meter => told.includes(`"${meter}"`));
  };

  const isToldOfBoth = (event: string): Promise<true> =>
    eventually(() => secured(event).length === 2 || undefined, {
      withinMs: 20_000,
      what: `${event} of both meters with keys`,
    });

  it("every second one bootstraps over DTLS and registers with the key it was given", async () => {
    await isToldOfBoth("demo.bootstrapped");
    await isToldOfBoth("demo.registered");
  });

  it("at the next start they are given new keys and come back", async () => {
    assert.deepEqual(await suite.host.stop(), { code: 0, signal: null });
    await suite.host.start();
    await isToldOfBoth("demo.registered");
  });

  it("ends with its devices", async () => {
    assert.deepEqual(await suite.host.stop(), { code: 0, signal: null });
  });
});
