/** Tenants and users without roles, each tried at every route with the ids of somebody else's documents. */
import { assert } from "chai";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const OBJECTS = "/inventory/managedObjects";
const PAGE = "pageSize=2000";

describe("rest: isolation", () => {
  let rest: RestFixture;
  let device: string;
  let child: string;
  let file: string;
  const made: Record<string, string> = {};

  beforeEach(async () => {
    rest = await openRest();
    device = await rest.createDevice("secret meter", { c8y_Secret: "tenant one" });
    const source = { id: device };
    const bodies: Record<string, object> = {
      "/measurement/measurements": { source, type: "secret", time: TIME, s: { T: { value: 1 } } },
      "/alarm/alarms": { source, type: "secret", text: "secret", severity: "MAJOR", time: TIME },
      "/event/events": { source, type: "secret", text: "secret", time: TIME },
      "/devicecontrol/operations": { deviceId: device, secret: {} },
    };
    for (const [path, body] of Object.entries(bodies)) made[path] = (await rest.ask("POST", path, { body })).body.id;
    child = (await rest.ask("POST", `${OBJECTS}/${device}/childAdditions`, { body: { name: "secret child" } })).body.id;
    file = (await rest.ask("POST", "/inventory/binaries?name=secret", { body: "tenant one" })).body.id;
    const external = { type: "c8y_Id", externalId: "secret" };
    await rest.ask("POST", `/identity/globalIds/${device}/externalIds`, { body: external });
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    await rest.tenants.createUser("t1", { userName: "none", password: PASSWORD, roles: [] });
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  /** All that the first tenant has, as its administrator sees it. */
  async function everything(): Promise<string> {
    const paths = [
      `/inventory/managedObjects?${PAGE}`,
      `/inventory/managedObjects/${device}/supportedSeries`,
      `/identity/globalIds/${device}/externalIds`,
      `${OBJECTS}/${device}/childAdditions?${PAGE}`,
      `${OBJECTS}/${device}/childAssets?${PAGE}`,
      `/inventory/binaries?${PAGE}`,
      `/inventory/binaries/${file}`,
      ...Object.keys(made).map(path => `${path}?${PAGE}`),
    ];
    const texts = [];
    for (const path of paths) texts.push((await rest.ask("GET", path)).text);
    return texts.join("\n");
  }

  /** Every way to the documents of the device: reading, then changing, then making and deleting. */
  function requests(): [method: string, path: string, body?: object][] {
    const source = { id: device };
    const documents = Object.entries(made);
    const far = `dateFrom=2000-01-01&dateTo=2100-01-01`;
    return [
      ["GET", `/inventory/managedObjects/${device}`],
      ["GET", `/inventory/managedObjects?ids=${device}`],
      ["GET", "/inventory/managedObjects?text=secret"],
      ["GET", "/inventory/managedObjects?fragmentType=c8y_Secret"],
      ["GET", `/inventory/managedObjects/${device}/supportedSeries`],
      ["GET", `/inventory/managedObjects/${device}/supportedMeasurements`],
      ["GET", `${OBJECTS}?childAdditionId=${child}`],
      ["GET", `${OBJECTS}?withChildren=true&withParents=true`],
      ["GET", `${OBJECTS}/${child}?withParents=true`],
      ["GET", `${OBJECTS}/${device}/childAdditions`],
      ["GET", `${OBJECTS}/${device}/childAdditions/${child}`],
      ["GET", "/inventory/binaries"],
      ["GET", `/inventory/binaries?childAdditionId=${child}`],
      ["GET", `/inventory/binaries/${file}`],
      ["GET", "/identity/externalIds/c8y_Id/secret"],
      ["GET", `/identity/globalIds/${device}/externalIds`],
      ...documents.flatMap(([path, id]): [string, string][] => [
        ["GET", `${path}/${id}`],
        ["GET", `${path}?source=${device}&deviceId=${device}`],
        ["GET", `${path}?${PAGE}&${far}`],
      ]),
      ["GET", `/devicecontrol/operations?agentId=${device}`],
      ["PUT", `/inventory/managedObjects/${device}`, { c8y_Secret: "changed", owner: "none" }],
      ["PUT", `/inventory/binaries/${file}`, { changed: true }],
      ["POST", `${OBJECTS}/${device}/childAssets`, { name: "mine" }],
      ["POST", `${OBJECTS}/${device}/childAssets`, { managedObject: { id: child } }],
      ["DELETE", `${OBJECTS}/${device}/childAdditions`, { references: [{ managedObject: { id: child } }] }],
      ["DELETE", `${OBJECTS}/${device}/childAdditions/${child}`],
      ["DELETE", `/inventory/binaries/${file}`],
      ["PUT", `/alarm/alarms/${made["/alarm/alarms"]}`, { status: "CLEARED" }],
      ["PUT", `/alarm/alarms?source=${device}`, { status: "CLEARED" }],
      ["PUT", `/alarm/alarms?${far}`, { status: "CLEARED" }],
      ["PUT", `/event/events/${made["/event/events"]}`, { text: "changed" }],
      ["PUT", `/devicecontrol/operations/${made["/devicecontrol/operations"]}`, { status: "FAILED" }],
      ["POST", "/measurement/measurements", { source, type: "t", time: TIME, s: { T: { value: 2 } } }],
      [
        "POST",
        "/measurement/measurements",
        { measurements: [{ source, type: "t", time: TIME, s: { T: { value: 2 } } }] },
      ],
      ["POST", "/alarm/alarms", { source, type: "secret", text: "t", severity: "MAJOR", time: TIME }],
      [
        "POST",
        "/alarm/alarms",
        { source, type: "secret", text: "t", severity: "MAJOR", time: TIME, status: "CLEARED" },
      ],
      ["POST", "/event/events", { source, type: "t", text: "t", time: TIME }],
      ["POST", "/devicecontrol/operations", { deviceId: device }],
      ["POST", `/identity/globalIds/${device}/externalIds`, { type: "c8y_Id", externalId: "mine" }],
      ["DELETE", "/identity/externalIds/c8y_Id/secret"],
      ...documents.flatMap(([path, id]): [string, string][] => [
        ["DELETE", `${path}/${id}`],
        ["DELETE", `${path}?source=${device}&deviceId=${device}`],
        ["DELETE", `${path}?${far}`],
      ]),
      ["DELETE", `/inventory/managedObjects/${device}`],
      ["DELETE", `/inventory/managedObjects/${device}?forceCascade=true`],
    ];
  }

  for (const [who, as] of [
    ["the administrator of another tenant", "t2/admin"],
    ["a user without roles who owns nothing", "t1/none"],
  ] as const) {
    it(`${who} neither sees nor changes anything, by any route`, async function () {
      this.timeout(60_000);
      const before = await everything();
      for (const [method, path, body] of requests()) {
        const { status, text } = await rest.ask(method, path, { as, ...(body && { body }) });
        assert.isBelow(status, 500, `${method} ${path}`);
        assert.notInclude(text, "secret meter", `${method} ${path}`);
        assert.notInclude(text, "tenant one", `${method} ${path}`);
        if (method === "GET" && status === 200) assert.notInclude(text, `"${device}"`, `${method} ${path}`);
        assert.equal(await everything(), before, `${method} ${path} (${status}) changed something`);
      }
    });
  }

  it("external ids are of one tenant: the other one may use the same", async () => {
    const { body } = await rest.ask("POST", "/inventory/managedObjects", { as: "t2/admin", body: { name: "theirs" } });
    const path = `/identity/globalIds/${body.id}/externalIds`;
    const external = { type: "c8y_Id", externalId: "secret" };
    assert.equal((await rest.ask("POST", path, { as: "t2/admin", body: external })).status, 201);
    const found = await rest.ask("GET", "/identity/externalIds/c8y_Id/secret");
    assert.equal(found.body.managedObject.id, device);
  });
});
