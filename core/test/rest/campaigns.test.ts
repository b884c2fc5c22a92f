import { assert } from "chai";
import { DEVICES } from "../../src/store/collections/devices.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/service/lwm2m-agent/campaigns";
const FIRMWARE = { name: "meter", version: "2.0", url: "https://fw.example.com/fw.bin" };

describe("rest/campaigns", () => {
  let rest: RestFixture;
  let ids: string[];
  beforeEach(async () => {
    rest = await openRest();
    ids = [];
    for (const name of ["a", "b", "c"]) {
      const managedObject = await rest.createDevice(name);
      const own = { serverIdentity: name, bootstrapIdentity: name, securityMode: "NO_SEC", details: {} };
      await rest.store.collection(DEVICES).insertOne({ _id: name, tenant: "t1", managedObject, ...own });
      ids.push(managedObject);
    }
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const body = (more: object = {}) => ({
    name: "winter",
    firmware: FIRMWARE,
    devices: { ids },
    waves: [{ devices: 1 }, { percent: 100 }],
    ...more,
  });
  const post = (more: object = {}, as = "t1/admin") => rest.ask("POST", PATH, { body: body(more), as });
  const put = (id: string, given: object, as = "t1/admin") => rest.ask("PUT", `${PATH}/${id}`, { body: given, as });
  const get = async (id: string) => (await rest.ask("GET", `${PATH}/${id}`)).body;
  const sent = async () =>
    (await rest.ask("GET", "/devicecontrol/operations?fragmentType=c8y_Firmware&pageSize=100")).body.operations;
  const until = async (id: string, state: string) => {
    for (;;) {
      const campaign = await get(id);
      if (campaign.state === state) return campaign;
      await new Promise(resolve => setImmediate(resolve));
    }
  };

  it("made, started and followed wave by wave, its operations ended over REST", async () => {
    const made = await post();
    assert.equal(made.status, 201);
    const { id } = made.body;
    const self = `${rest.origin}${PATH}/${id}`;
    assert.equal(made.headers.get("location"), self);
    assert.deepEqual(made.body, {
      id,
      self,
      name: "winter",
      state: "CREATED",
      owner: "admin",
      creationTime: "2026-01-01T00:00:00.000Z",
      firmware: FIRMWARE,
      maxFailurePercent: 10,
      gate: { minSuccessPercent: 90, minutes: 0 },
      retries: 0,
      retryDelayMinutes: 10,
      retryOn: [3, 4, 5, 11],
      wave: 1,
      waves: [
        { number: 1, devices: 1, waiting: 1, running: 0, successful: 0, failed: 0 },
        { number: 2, devices: 2, waiting: 2, running: 0, successful: 0, failed: 0 },
      ],
      progress: { devices: 3, waiting: 3, running: 0, successful: 0, failed: 0 },
    });
    assert.equal((await put(id, { action: "start" })).body.state, "RUNNING");
    for (let wave = 1; wave <= 2; wave++) {
      while ((await sent()).length < (wave === 1 ? 1 : 3)) await new Promise(resolve => setImmediate(resolve));
      for (const operation of await sent()) {
        assert.deepEqual(operation.c8y_Firmware, FIRMWARE);
        await rest.ask("PUT", `/devicecontrol/operations/${operation.id}`, { body: { status: "SUCCESSFUL" } });
      }
    }
    const done = await until(id, "COMPLETED");
    assert.deepEqual(done.progress, { devices: 3, waiting: 0, running: 0, successful: 3, failed: 0 });
    assert.equal(done.waves[1].startTime, "2026-01-01T00:00:00.000Z");
    const listed = await rest.ask("GET", `${PATH}?withTotalPages=true`);
    assert.deepEqual(
      listed.body.campaigns.map((each: { id: string; state: string }) => [each.id, each.state]),
      [[id, "COMPLETED"]],
    );
    assert.equal(listed.body.statistics.totalPages, 1);
  });

  it("halts on a failure, and tells which device failed and why", async () => {
    const { id } = (await post()).body;
    await put(id, { action: "start" });
    while ((await sent()).length < 1) await new Promise(resolve => setImmediate(resolve));
    const [operation] = await sent();
    const failure = { status: "FAILED", failureReason: "Update Result 8: firmware update failed" };
    await rest.ask("PUT", `/devicecontrol/operations/${operation.id}`, { body: failure });
    const halted = await until(id, "HALTED");
    assert.match(halted.reason, /1 of 1 devices of wave 1 failed/);
    const { body: page } = await rest.ask("GET", `${PATH}/${id}/devices?state=FAILED`);
    assert.deepEqual(page.devices, [
      {
        deviceId: ids[0],
        wave: 1,
        state: "FAILED",
        attempts: 1,
        operationId: operation.id,
        reason: failure.failureReason,
      },
    ]);
    assert.lengthOf((await rest.ask("GET", `${PATH}/${id}/devices?pageSize=100`)).body.devices, 3);
    assert.lengthOf(await sent(), 1);
    const refused = await put(id, { action: "resume" });
    assert.equal(refused.status, 409);
    assert.include(refused.body.message, "retryFailed");
  });

  it("from a version of the repository", async () => {
    const csv = "name;version;url\ngate;3;https://fw.example.com/g\n";
    await rest.ask("POST", "/service/lwm2m-agent/firmware/bulk", { body: csv });
    const { body: found } = await rest.ask("GET", "/inventory/managedObjects?type=c8y_FirmwareBinary");
    const made = await post({ firmware: { id: found.managedObjects[0].id } });
    assert.deepEqual(made.body.firmware, { name: "gate", version: "3", url: "https://fw.example.com/g" });
    const wrong = await post({ firmware: { id: ids[0] } });
    assert.deepEqual([wrong.status, wrong.body.details.field], [422, "firmware.id"]);
    assert.equal((await post({ firmware: { id: "815" } })).status, 404);
  });

  for (const [what, status, field, given] of [
    ["no devices", 422, "devices", { devices: {} }],
    ["a member that nobody knows", 422, "force", { force: true }],
    ["a share above all", 422, "maxFailurePercent", { maxFailurePercent: 101 }],
    ["a wave of nothing", 422, "waves[0].devices", { waves: [{ devices: 0 }] }],
  ] as const) {
    it(`bad input: ${what}`, async () => {
      const answer = await post(given);
      assert.deepEqual([answer.status, answer.body.details.field], [status, field]);
      assert.lengthOf((await rest.ask("GET", PATH)).body.campaigns, 0);
    });
  }

  it("bad input: no JSON, no action, an unknown campaign, an unknown state", async () => {
    assert.equal((await rest.ask("POST", PATH, { body: "{" })).status, 400);
    const { id } = (await post()).body;
    assert.equal((await put(id, { action: "go" })).status, 422);
    assert.equal((await put(id, { action: "pause" })).status, 409);
    assert.equal((await put("815", { action: "start" })).status, 404);
    assert.equal((await rest.ask("GET", `${PATH}/${id}/devices?state=x`)).status, 422);
  });

  it("platform API 19: roles of bulk operations, each tenant for itself", async () => {
    const { id } = (await post()).body;
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    const roles = { reader: "ROLE_BULK_OPERATION_READ", keeper: "ROLE_BULK_OPERATION_ADMIN", none: "ROLE_ALARM_READ" };
    for (const [userName, role] of Object.entries(roles)) {
      await rest.tenants.createUser("t1", { userName, password: PASSWORD, roles: [role] });
    }
    const statuses = async (as: string) => [
      (await rest.ask("GET", PATH, { as })).status,
      (await rest.ask("GET", `${PATH}/${id}`, { as })).status,
      (await rest.ask("GET", `${PATH}/${id}/devices`, { as })).status,
      (await put(id, { maxFailurePercent: 5 }, as)).status,
      (await post({}, as)).status,
    ];
    assert.deepEqual(await statuses("t1/none"), [403, 403, 403, 403, 403]);
    assert.deepEqual(await statuses("t1/reader"), [200, 200, 200, 403, 403]);
    assert.deepEqual(await statuses("t1/keeper"), [200, 200, 200, 200, 201]);
    assert.deepEqual(await statuses("t2/admin"), [200, 404, 404, 404, 422]);
    assert.lengthOf((await rest.ask("GET", PATH, { as: "t2/admin" })).body.campaigns, 0);
  });
});
