import { assert } from "chai";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/service/lwm2m-agent/firmware/bulk";
const CSV = "name;version;url\nmeter;1.0;https://fw.example.com/a\nmeter;;https://fw.example.com/b\n";

describe("rest/firmware", () => {
  let rest: RestFixture;
  beforeEach(async () => {
    rest = await openRest();
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const form = (): FormData => {
    const body = new FormData();
    body.set("file", new Blob([CSV], { type: "text/csv" }), "firmware.csv");
    return body;
  };
  const versions = async (as = "t1/admin") =>
    (await rest.ask("GET", "/inventory/managedObjects?type=c8y_FirmwareBinary", { as })).body.managedObjects;

  it("a file, as a form or as it is: what became of each row", async () => {
    const expected = {
      numberOfAll: 2,
      numberOfSuccessful: 1,
      numberOfFailed: 1,
      failed: [{ line: 3, name: "meter", version: "", reason: "version is missing" }],
    };
    const { status, body } = await rest.ask("POST", PATH, { body: form() });
    assert.equal(status, 200);
    assert.deepEqual(body, expected);
    const headers = { "Content-Type": "text/csv" };
    const again = await rest.ask("POST", PATH, { body: CSV, headers });
    assert.deepEqual(
      again.body.failed.map(({ reason }: { reason: string }) => reason),
      ["version 1.0 of meter is in the repository already", "version is missing"],
    );
    assert.lengthOf(await versions(), 1);
  });

  it("what is no such file: 422 with field and rule", async () => {
    const { status, body } = await rest.ask("POST", PATH, { body: "a;b\n1;2\n" });
    assert.equal(status, 422);
    assert.deepEqual(body.details, { field: "header", rule: 'has no column "name"' });
  });

  it("needs the role, and stays in its tenant", async () => {
    await rest.tenants.createUser("t1", { userName: "none", password: PASSWORD, roles: ["ROLE_INVENTORY_READ"] });
    assert.equal((await rest.ask("POST", PATH, { body: CSV, as: "t1/none" })).status, 403);
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    await rest.ask("POST", PATH, { body: CSV, as: "t2/admin" });
    assert.lengthOf(await versions(), 0);
    assert.lengthOf(await versions("t2/admin"), 1);
  });
});
