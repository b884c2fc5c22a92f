import { assert } from "chai";
import type { Plan, Remapping, RemappingRequest } from "../../src/remapping/remapping.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/service/lwm2m-agent/objectResourceMappings";
const FROM_MS = Date.UTC(2026, 0, 1);
const none = { produced: 0, changed: 0, removed: 0, unchanged: 0, samples: [] };
const PLAN: Plan = {
  ...{ id: "a-b", deviceId: "7", objectIds: [3303], fromMs: FROM_MS, toMs: FROM_MS + 1, more: false, inForce: false },
  ...{ messages: 1, withoutValues: 0, measurements: none, events: none, alarms: { ...none, leftOpen: 0 } },
  ...{ decoders: [], failures: [] },
};

describe("rest/mapping-plans", () => {
  let rest: RestFixture;
  let asked: (readonly [tenant: string, request: RemappingRequest, plan?: string])[];
  const remapping: Remapping = {
    async plan(...given) {
      asked.push(given);
      return PLAN;
    },
    async apply(...given) {
      asked.push(given);
      return PLAN;
    },
  };
  beforeEach(async () => {
    asked = [];
    rest = await openRest({ remapping });
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const body = {
    deviceId: "7",
    protocol: { objectId: 3303 },
    dateFrom: "2026-01-01T00:00:00Z",
    dateTo: "2026-01-01T01:00:00+01:00",
  };
  const request = { objectId: 3303, deviceId: "7", protocol: { objectId: 3303 }, fromMs: FROM_MS, toMs: FROM_MS };

  it("dryRun answers the plan, with its name and its times", async () => {
    const { status, body: answer } = await rest.ask("POST", `${PATH}/3303/dryRun`, { body });
    const { id: plan, fromMs: _, toMs: __, ...summary } = PLAN;
    const times = { dateFrom: "2026-01-01T00:00:00.000Z", dateTo: "2026-01-01T00:00:00.001Z" };
    assert.deepEqual([status, answer], [200, { plan, ...times, ...summary }]);
    assert.deepEqual(asked, [["t1", { ...request, plan: undefined } as never]]);
  });

  it("apply passes the plan's name on", async () => {
    const { status } = await rest.ask("POST", `${PATH}/3303/apply`, { body: { ...body, plan: "a-b" } });
    assert.equal(status, 200);
    assert.deepEqual(asked, [["t1", request, "a-b"]]);
  });

  const refused: readonly (readonly [what: string, path: string, body: unknown, field: string])[] = [
    ["an object that is none", "65535/dryRun", body, "objectId"],
    ["no object at all", "x/apply", body, "objectId"],
    ["no device", "3303/dryRun", { protocol: {} }, "deviceId"],
    ["a device that is no id", "3303/dryRun", { ...body, deviceId: "dev" }, "deviceId"],
    ["no protocol", "3303/dryRun", { deviceId: "7" }, "protocol"],
    ["a time without zone", "3303/dryRun", { ...body, dateTo: "2026-01-01" }, "dateTo"],
    ["a member that is not known", "3303/dryRun", { ...body, dateUntil: "x" }, "dateUntil"],
    ["apply without a plan", "3303/apply", body, "plan"],
    ["a list", "3303/dryRun", [], "body"],
  ];
  for (const [what, path, given, field] of refused) {
    it(`refuses ${what}, naming ${field}`, async () => {
      const { status, body: answer } = await rest.ask("POST", `${PATH}/${path}`, { body: given });
      assert.deepEqual([status, answer.details.field], [422, field]);
      assert.isString(answer.details.rule);
      assert.isEmpty(asked);
    });
  }

  it("asks for the roles to read, and to write, all that it touches", async () => {
    const roles = ["ROLE_INVENTORY_READ", "ROLE_MEASUREMENT_READ", "ROLE_EVENT_READ", "ROLE_ALARM_READ"];
    await rest.tenants.createUser("t1", { userName: "reader", password: PASSWORD, roles });
    const as = { body: { ...body, plan: "a-b" }, as: "t1/reader" };
    assert.equal((await rest.ask("POST", `${PATH}/3303/dryRun`, as)).status, 200);
    assert.equal((await rest.ask("POST", `${PATH}/3303/apply`, as)).status, 403);
    await rest.tenants.createUser("t1", { userName: "partly", password: PASSWORD, roles: roles.slice(0, 3) });
    assert.equal((await rest.ask("POST", `${PATH}/3303/dryRun`, { ...as, as: "t1/partly" })).status, 403);
    assert.equal((await rest.ask("POST", `${PATH}/3303/dryRun`, { ...as, as: null })).status, 401);
  });
});
