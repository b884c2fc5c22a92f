import { assert } from "chai";
import { openRest, type RestFixture } from "./fixture.ts";

describe("rest/identity", () => {
  let rest: RestFixture;
  let id: string;
  before(async () => {
    rest = await openRest();
  });
  beforeEach(async () => {
    id = await rest.createDevice();
  });
  after(() => rest[Symbol.asyncDispose]());

  const bind = (body: unknown, of = id) => rest.ask("POST", `/identity/globalIds/${of}/externalIds`, { body });

  const odd: [externalId: string, asked: string, self: string][] = [
    ["urn:imei:490154203237518", "urn:imei:490154203237518", "urn:imei:490154203237518"],
    ["a/b//c", "a/b//c", "a/b//c"],
    ["a/b", "a%2Fb", "a/b"],
    ["50 %", "50%20%25", "50%20%25"],
    ["ü?#", "%C3%BC%3F%23", "%C3%BC%3F%23"],
    ["v1.2", "v1.2", "v1.2"],
  ];
  for (const [externalId, asked, self] of odd) {
    it(`platform API 4.2: finds "${externalId}" at ${asked}`, async () => {
      const made = await bind({ type: `T-${asked}`, externalId });
      assert.equal(made.status, 201);
      const path = `/identity/externalIds/${encodeURIComponent(`T-${asked}`)}/${asked}`;
      const found = await rest.ask("GET", path);
      assert.equal(found.status, 200);
      assert.equal(found.body.externalId, externalId);
      assert.equal(found.body.managedObject.id, id);
      assert.isTrue(found.body.self.endsWith(`/${self}`), found.body.self);
      assert.equal((await rest.ask("GET", new URL(found.body.self).pathname)).body.externalId, externalId);
      assert.equal((await rest.ask("DELETE", path)).status, 204);
      const gone = await rest.ask("GET", path);
      assert.deepEqual([gone.status, gone.body.message], [404, "External ID not found"]);
      assert.equal((await rest.ask("DELETE", path)).status, 404);
    });
  }

  it("platform API 7: lists, refuses a pair that is bound and an object that is not there", async () => {
    await bind({ type: "c8y_Serial", externalId: `s-${id}`, managedObject: { id: "1" } });
    const { body } = await rest.ask("GET", `/identity/globalIds/${id}/externalIds`);
    assert.deepEqual(body.externalIds, [
      {
        type: "c8y_Serial",
        externalId: `s-${id}`,
        managedObject: { id, self: `${rest.origin}/inventory/managedObjects/${id}` },
        self: `${rest.origin}/identity/externalIds/c8y_Serial/s-${id}`,
      },
    ]);
    const again = await bind({ type: "c8y_Serial", externalId: `s-${id}` });
    assert.deepEqual([again.status, again.body.error], [409, "identity/Duplicate"]);
    assert.equal((await bind({ type: "a", externalId: "b" }, "1")).status, 404);
    assert.equal((await rest.ask("GET", "/identity/globalIds/1/externalIds")).status, 404);
  });

  const bad: [name: string, body: unknown, field: string][] = [
    ["no type", { externalId: "x" }, "type"],
    ["no external id", { type: "x" }, "externalId"],
    ["an empty one", { type: "x", externalId: "" }, "externalId"],
    ["a number", { type: "x", externalId: 5 }, "externalId"],
    ["a list", [], "body"],
  ];
  for (const [name, body, field] of bad) {
    it(`refuses ${name} and binds nothing`, async () => {
      const answer = await bind(body);
      assert.deepEqual([answer.status, answer.body.details.field], [422, field]);
      assert.deepEqual((await rest.ask("GET", `/identity/globalIds/${id}/externalIds`)).body.externalIds, []);
    });
  }

  it("platform API 19: needs its roles", async () => {
    await rest.tenants.createUser("t1", { userName: "none", password: "correct horse", roles: [] });
    await rest.tenants.createUser("t1", {
      userName: "reader",
      password: "correct horse",
      roles: ["ROLE_IDENTITY_READ"],
    });
    const path = `/identity/globalIds/${id}/externalIds`;
    assert.equal((await rest.ask("GET", path, { as: "t1/none" })).status, 403);
    assert.equal((await rest.ask("GET", path, { as: "t1/reader" })).status, 200);
    assert.equal((await rest.ask("POST", path, { as: "t1/reader", body: { type: "a", externalId: "b" } })).status, 403);
  });
});
