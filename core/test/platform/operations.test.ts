import { assert } from "chai";
import type { OperationFilter } from "../../src/platform/platform.ts";
import { keyOf } from "../../src/store/collections/keys.ts";
import { CHILD_REFERENCES } from "../../src/store/collections/platform.ts";
import { failing } from "./failing.ts";
import { createDevice, PAGE, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

describe("platform/operations", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest((opened, deviceId) => {
    fixture = opened;
    id = deviceId;
  });

  const all = async (filter: OperationFilter = {}) =>
    (await fixture.platform.operations.list(TENANT, filter, PAGE)).items;

  it("platform API 11.1: is PENDING whatever was sent, and told of once it is stored", async () => {
    const { operations } = fixture.platform;
    const told: unknown[] = [];
    using _listener = operations.onCreated((tenant, operation) => {
      told.push([tenant, operation.id]);
    });
    const body = {
      deviceId: id,
      status: "SUCCESSFUL",
      id: "1",
      description: "Restart",
      c8y_Command: { text: "read /3/0" },
    };
    const created = await operations.create(TENANT, body);
    assert.deepEqual(created, {
      id: created.id,
      deviceId: id,
      deviceName: "meter 7",
      status: "PENDING",
      creationTimeMs: fixture.clock.now(),
      lastUpdatedMs: fixture.clock.now(),
      fragments: { description: "Restart", c8y_Command: { text: "read /3/0" } },
    });
    assert.deepEqual(await operations.get(TENANT, created.id), created);
    assert.deepEqual(told, [[TENANT, created.id]]);
  });

  it("tells of a change with the operation as it is then", async () => {
    const { operations } = fixture.platform;
    const told: unknown[] = [];
    using _changed = operations.onChanged((tenant, operation) => {
      told.push([tenant, operation.id, operation.status]);
    });
    const { id: operation } = await operations.create(TENANT, { deviceId: id });
    await operations.update(TENANT, operation, { status: "EXECUTING" });
    assert.deepEqual(told, [[TENANT, operation, "EXECUTING"]]);
  });

  it("a listener that throws keeps nothing from the caller or the others", async () => {
    const { operations } = fixture.platform;
    let told = 0;
    using _bad = operations.onCreated(() => {
      throw new TypeError("broken");
    });
    using _good = operations.onCreated(() => {
      told++;
    });
    await operations.create(TENANT, { deviceId: id });
    await fixture.clock.advance(0);
    assert.equal(told, 1);
    assert.deepEqual(
      fixture.log.lines.map(({ event }) => event),
      ["operation.listenerFailed"],
    );
  });

  for (const filter of [{}, { revert: true }]) {
    it(`platform API 11.1: nothing is deleted by ${JSON.stringify(filter)}, which selects nothing`, async () => {
      const { operations } = fixture.platform;
      await operations.create(TENANT, { deviceId: id });
      await failing("VALIDATION", () => operations.deleteMatching(TENANT, filter));
      assert.lengthOf(await all(), 1);
      await operations.deleteMatching(TENANT, { ...filter, deviceId: id });
      assert.isEmpty(await all());
    });
  }

  const bad: [name: string, body: unknown, field: string][] = [
    ["no deviceId", {}, "deviceId"],
    ["a deviceId that is none", { deviceId: "x" }, "deviceId"],
    ["an unknown deviceId", { deviceId: "1" }, "deviceId"],
    ["no object", "read /3/0", "body"],
  ];
  for (const [name, body, field] of bad) {
    it(`platform API 11.1: refuses ${name}, stores and tells nothing`, async () => {
      let told = 0;
      using _listener = fixture.platform.operations.onCreated(() => {
        told++;
      });
      const error = await failing("VALIDATION", () => fixture.platform.operations.create(TENANT, body));
      assert.equal(error.details["field"], field);
      assert.lengthOf(await all(), 0);
      assert.equal(told, 0);
    });
  }

  it("platform API 11.1: a change needs a status; fragments merge, null removes", async () => {
    const { operations } = fixture.platform;
    const { id: operation } = await operations.create(TENANT, { deviceId: id, c8y_Command: { text: "a" }, x: 1 });
    const missing = await failing("VALIDATION", () => operations.update(TENANT, operation, { x: 2 }));
    assert.equal(missing.message, "Following mandatory fields should be included: status");
    await failing("VALIDATION", () => operations.update(TENANT, operation, { status: "DONE" }));
    await operations.update(TENANT, operation, { status: "EXECUTING" });
    const failed = await operations.update(TENANT, operation, {
      status: "FAILED",
      failureReason: "4.04",
      deviceId: "1",
      c8y_Command: { text: "a", result: "4.04" },
      x: null,
    });
    assert.deepInclude(failed, { status: "FAILED", failureReason: "4.04", deviceId: id });
    assert.deepEqual(failed.fragments, { c8y_Command: { text: "a", result: "4.04" } });
    const again = await operations.update(TENANT, operation, { status: "PENDING", failureReason: null });
    assert.notProperty(again, "failureReason");
    await failing("NOT_FOUND", () => operations.update(TENANT, "1", { status: "EXECUTING" }));
    await failing("NOT_FOUND", () => operations.get("t2", operation));
  });

  it("details are kept for the part that runs it until they are replaced or removed", async () => {
    const { operations } = fixture.platform;
    const { id: operation } = await operations.create(TENANT, { deviceId: id, details: { of: "the caller" } });
    const running = { status: "EXECUTING" };
    assert.deepEqual((await operations.update(TENANT, operation, running, { at: 1 })).details, { at: 1 });
    await fixture.clock.advance(5);
    const kept = await operations.update(TENANT, operation, running);
    assert.deepEqual(kept.details, { at: 1 });
    assert.equal(kept.lastUpdatedMs - kept.creationTimeMs, 5);
    assert.deepEqual(kept.fragments, { details: { of: "the caller" } });
    assert.notProperty(await operations.update(TENANT, operation, running, null), "details");
  });

  it("those that are deleted are told of, however many", async () => {
    const { operations } = fixture.platform;
    const other = await createDevice(fixture.platform, "other");
    const ids: string[] = [];
    for (let i = 0; i < 501; i++) ids.push((await operations.create(TENANT, { deviceId: id })).id);
    await operations.create(TENANT, { deviceId: other });
    const told: string[] = [];
    using _listener = operations.onDeleted((tenant, deleted) => {
      assert.equal(tenant, TENANT);
      told.push(...deleted);
    });
    await operations.deleteMatching(TENANT, { deviceId: id, statuses: ["PENDING"] });
    assert.sameMembers(told, ids);
    assert.lengthOf(await all(), 1);
  });

  it("platform API 11.1: oldest first, revert newest first, and filters", async () => {
    const { operations } = fixture.platform;
    const child = await createDevice(fixture.platform, "child");
    await fixture.store
      .collection(CHILD_REFERENCES)
      .insertOne({ _id: keyOf("childDevices", id, child), tenant: TENANT, kind: "childDevices", parent: id, child });
    const make = async (n: number, body: object) => {
      await fixture.clock.advance(1000);
      return await operations.create(TENANT, { deviceId: id, n, ...body });
    };
    const first = await make(1, { c8y_Restart: {} });
    const second = await make(2, { bulkOperationId: 12 });
    await make(3, { deviceId: child });
    await operations.update(TENANT, second.id, { status: "EXECUTING" });
    const numbers = async (filter: OperationFilter) => (await all(filter)).map(({ fragments }) => fragments["n"]);
    assert.deepEqual(await numbers({}), [1, 2, 3]);
    assert.deepEqual(await numbers({ revert: true }), [3, 2, 1]);
    assert.deepEqual(await numbers({ deviceId: id }), [1, 2]);
    assert.deepEqual(await numbers({ agentId: id }), [1, 2, 3]);
    assert.deepEqual(await numbers({ agentId: child }), [3]);
    assert.deepEqual(await numbers({ statuses: ["PENDING"] }), [1, 3]);
    assert.deepEqual(await numbers({ fragmentType: "c8y_Restart" }), [1]);
    assert.deepEqual(await numbers({ bulkOperationId: 12 }), [2]);
    assert.deepEqual(await numbers({ toMs: first.creationTimeMs }), [1]);
  });
});
