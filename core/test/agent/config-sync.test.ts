import { assert } from "chai";
import { toHex } from "../../src/base/bytes.ts";
import { lastValueOps } from "../../src/platform/last-values.ts";
import type { Fragments } from "../../src/platform/platform.ts";
import { ddf, item, object } from "../fixtures/ddf.ts";
import type { ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT, USER } from "./support/agent-world.ts";

const TYPES = ["String", "Integer", "Float", "Boolean", "Opaque", "Time", "Objlnk"];
const FILE = ddf(
  object({
    multiple: "Multiple",
    items: [
      ...TYPES.map((type, id) => item({ id: String(id), type, operations: "RW" })),
      item({ id: "7", type: "Integer", operations: "RW", multiple: "Multiple" }),
      item({ id: "8", type: "Integer", operations: "R" }),
      item({ id: "9", type: "String", operations: "RW" }),
    ],
  }),
);
const VALUES = {
  0: "a",
  1: 9_007_199_254_740_993n,
  2: 0.5,
  3: true,
  4: Uint8Array.of(0, 255),
  5: 1_736_960_596,
  6: "3:0",
  7: { 0: 1, 4: 5 },
  8: 80,
  9: null,
};

describe("agent/config-sync (agent specification 11.4)", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let [deviceId, referenceDevice] = ["", ""];
  beforeEach(async () => {
    world = await createAgentWorld();
    await world.wait(world.protocols.uploadDdf(TENANT, FILE));
    [deviceId, referenceDevice] = [(await world.make("dev")).id, (await world.make("reference")).id];
    device = world.device(5000);
    device.script = () => ({ code: 68 });
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</10000/0>');
    await world.settle();
    const values = Object.entries(VALUES).map(([id, value]) => ({ path: [10_000, 0, Number(id)], value, atMs: 0 }));
    const others = [
      { path: [10_000, 1, 8], value: 1, atMs: 0 },
      { path: [1, 0, 1], value: 3600, atMs: 0 },
    ];
    await world.wait(world.platform.write(lastValueOps(TENANT, referenceDevice, [...values, ...others])));
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function run(syncData: unknown, more: Fragments = {}) {
    const body = { type: "c8y_ConfigAuditSync", description: "x", deviceId, referenceDevice, syncData, ...more };
    const { id } = await world.wait(world.platform.operations.create(TENANT, body));
    await world.settle();
    const { status, failureReason, fragments } = await world.operation(id);
    return { status, failureReason, syncResult: fragments["syncResult"] as Fragments | undefined, fragments };
  }
  const sent = (): string[] => device.asked.map(({ method, path }) => `${method} ${path}`);

  it("true: everything that can be written and that the reference has", async () => {
    const { status, syncResult, fragments } = await run({ "c8y_Lwm2m_10000!0": true });
    assert.equal(status, "SUCCESSFUL");
    const paths = [0, 1, 2, 3, 4, 5, 6, 7].map(id => `/10000/0/${id}`);
    assert.deepEqual(syncResult, Object.fromEntries(paths.map(path => [path, "2.04 Changed"])));
    assert.deepEqual(
      sent(),
      paths.map(path => `PUT ${path}`),
    );
    assert.notProperty(fragments, "c8y_Command");
    assert.equal(fragments["type"], "c8y_ConfigAuditSync");
  });

  it("the values are those of the reference, in their types, exactly", async () => {
    await run({ "c8y_Lwm2m_10000!0": true });
    assert.deepEqual(
      device.asked.map(({ payload }) => toHex(payload)),
      [
        "c10061",
        "c801080020000000000001",
        "c4023f000000",
        "c10301",
        "c20400ff",
        "c4056787ea54",
        "c40600030000",
        "8607410001410405",
      ],
    );
    const known = await world.wait(world.platform.inventory.lastValues(TENANT, deviceId, 10_000, 0));
    assert.deepEqual(known, {
      instance: 0,
      "0": "a",
      "1": "9007199254740993",
      "2": 0.5,
      "3": true,
      "4": "00ff",
      "5": 1_736_960_596,
      "6": "3:0",
      "7": { "0": 1, "4": 5 },
    });
  });

  it("named resources only, of several instances and objects", async () => {
    const { status, syncResult } = await run({
      "c8y_Lwm2m_10000!0": { "1": true, "2": false },
      "c8y_Lwm2m_1!0": { "1": true },
    });
    assert.equal(status, "SUCCESSFUL");
    assert.deepEqual(syncResult, { "/10000/0/1": "2.04 Changed", "/1/0/1": "2.04 Changed" });
  });

  it("what the device refuses fails the operation, by path; the others are written", async () => {
    device.script = ({ path }) => (path === "/10000/0/1" ? { code: 128, payload: "too large\0" } : { code: 68 });
    const { status, failureReason, syncResult } = await run({
      "c8y_Lwm2m_10000!0": { "0": true, "1": true, "2": true },
    });
    assert.equal(status, "FAILED");
    assert.equal(failureReason, "2 of 3 written; /10000/0/1: 4.00 Bad Request: too large");
    assert.deepEqual(syncResult, {
      "/10000/0/0": "2.04 Changed",
      "/10000/0/1": "4.00 Bad Request: too large",
      "/10000/0/2": "2.04 Changed",
    });
  });

  it("a device that does not answer gets it all again when it comes back", async () => {
    await world.wait(world.platform.inventory.update(TENANT, deviceId, { lwm2mRequestTimeout: 10_000 }));
    device.script = ({ path }) => (path === "/10000/0/2" ? undefined : { code: 68 });
    const body = {
      type: "c8y_ConfigAuditSync",
      deviceId,
      referenceDevice,
      syncData: { "c8y_Lwm2m_10000!0": { "1": true, "2": true } },
    };
    const { id } = await world.wait(world.platform.operations.create(TENANT, body));
    await world.clock.advance(20_000);
    assert.equal((await world.operation(id)).status, "PENDING");
    device.script = () => ({ code: 68 });
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</10000/0>');
    await world.settle();
    assert.equal((await world.operation(id)).status, "SUCCESSFUL");
  });

  describe("bad input: says what is wrong, nothing is sent", () => {
    const all = { "c8y_Lwm2m_10000!0": true };
    for (const [name, syncData, more, text] of [
      ["no reference", all, { referenceDevice: undefined }, /^referenceDevice is missing/],
      ["a reference that is no id", all, { referenceDevice: { id: "7" } }, /^referenceDevice must be the id/],
      [
        "a reference that is not there",
        all,
        { referenceDevice: "999" },
        /^referenceDevice is not known: there is no managed object 999/,
      ],
      ["no data", undefined, {}, /^syncData must be an object/],
      ["data of another form", ["x"], {}, /^syncData must be an object/],
      ["empty data", {}, {}, /^syncData names nothing to write/],
      ["nothing chosen", { "c8y_Lwm2m_10000!0": { "1": false } }, {}, /^syncData names nothing to write/],
      ["a fragment of another name", { c8y_Firmware: true }, {}, /^syncData\.c8y_Firmware must be called/],
      ["neither true nor resources", { "c8y_Lwm2m_10000!0": 1 }, {}, /^syncData\.c8y_Lwm2m_10000!0 must be true/],
      ["no resource id", { "c8y_Lwm2m_10000!0": { x: true } }, {}, /^syncData\.c8y_Lwm2m_10000!0\.x is no resource id/],
      [
        "a resource that is not true",
        { "c8y_Lwm2m_10000!0": { "1": "yes" } },
        {},
        /^syncData\.c8y_Lwm2m_10000!0\.1 must be true or false/,
      ],
      [
        "an instance that the reference has not",
        { "c8y_Lwm2m_10000!5": true },
        {},
        /^syncData\.c8y_Lwm2m_10000!5 is not known of the reference device/,
      ],
      [
        "a resource that is only read",
        { "c8y_Lwm2m_10000!0": { "8": true } },
        {},
        /^syncData\.c8y_Lwm2m_10000!0\.8 is no resource that can be written/,
      ],
      [
        "a resource without a value",
        { "c8y_Lwm2m_10000!0": { "1": true, "9": true } },
        {},
        /^syncData\.c8y_Lwm2m_10000!0\.9 has no known value/,
      ],
      [
        "nothing that can be written",
        { "c8y_Lwm2m_10000!1": true },
        {},
        /^syncData names nothing that the reference device has/,
      ],
    ] as const) {
      it(name, async () => {
        const { status, failureReason, syncResult } = await run(syncData, more);
        assert.equal(status, "FAILED");
        assert.match(failureReason!, text);
        assert.isUndefined(syncResult);
        assert.isEmpty(sent());
      });
    }
    it("the device itself as reference", async () =>
      assert.match(
        (await run(all, { referenceDevice: deviceId })).failureReason!,
        /^referenceDevice is the device itself/,
      ));
    it("a reference of another type", async () => {
      await world.wait(world.platform.inventory.update(TENANT, referenceDevice, { type: "meter" }));
      const { failureReason } = await run(all);
      assert.equal(
        failureReason,
        `referenceDevice must be of the device's type c8y_lwm2m; ${referenceDevice} is of type meter`,
      );
    });
    it("another tenant's device as reference", async () => {
      const foreign = await world.wait(world.platform.inventory.create("t2", { type: "c8y_lwm2m" }, { owner: USER }));
      assert.match((await run(all, { referenceDevice: foreign.id })).failureReason!, /^referenceDevice is not known/);
    });
    it("a malformed one fails at once, also while the device is away", async () => {
      const { id } = await world.make("away");
      const { status } = await run("x", { deviceId: id });
      assert.equal(status, "FAILED");
    });
  });
});
