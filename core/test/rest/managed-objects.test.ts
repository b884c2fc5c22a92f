import { assert } from "chai";
import { openRest, type RestFixture } from "./fixture.ts";

const PATH = "/inventory/managedObjects";

describe("rest/managed-objects", () => {
  let rest: RestFixture;
  beforeEach(async () => {
    rest = await openRest();
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const count = async () => (await rest.ask("GET", `${PATH}/count`)).body as number;

  it("platform API 5.1: 201 with Location and the object", async () => {
    const { status, headers, body } = await rest.ask("POST", PATH, {
      body: { name: "m", type: "t", c8y_IsDevice: {}, id: "1", owner: "device_x" },
    });
    assert.equal(status, 201);
    const self = `${rest.origin}${PATH}/${body.id}`;
    const references = (name: string) => ({ self: `${self}/${name}`, references: [] });
    assert.deepEqual(body, {
      id: body.id,
      self,
      name: "m",
      type: "t",
      owner: "device_x",
      creationTime: "2026-01-01T00:00:00.000Z",
      lastUpdated: "2026-01-01T00:00:00.000Z",
      c8y_IsDevice: {},
      childDevices: references("childDevices"),
      childAssets: references("childAssets"),
      childAdditions: references("childAdditions"),
      deviceParents: references("deviceParents"),
      assetParents: references("assetParents"),
      additionParents: references("additionParents"),
    });
    assert.match(body.id, /^\d+$/);
    assert.equal(headers.get("location"), self);
    assert.deepEqual((await rest.ask("GET", `${PATH}/${body.id}`)).body, body);
  });

  it("platform API 5.2: several at once, with external ids, or none", async () => {
    const one = (externalId: string) => ({ name: externalId, externalIds: [{ type: "c8y_Id", externalId }] });
    const made = await rest.ask("POST", PATH, { body: { managedObjects: [one("a"), one("b")] } });
    assert.equal(made.status, 201);
    assert.deepEqual(
      made.body.managedObjects.map(({ name }: { name: string }) => name),
      ["a", "b"],
    );
    assert.equal(
      (await rest.ask("GET", "/identity/externalIds/c8y_Id/b")).body.managedObject.id,
      made.body.managedObjects[1].id,
    );
    const again = await rest.ask("POST", PATH, { body: { managedObjects: [one("c"), one("a")] } });
    assert.equal(again.status, 409);
    assert.equal((await rest.ask("GET", "/identity/externalIds/c8y_Id/c")).status, 404);
    assert.equal(await count(), 2);
  });

  const bad: [name: string, body: unknown, headers: Record<string, string>, field: string][] = [
    ["a name that is no text", { name: 1 }, {}, "name"],
    ["a type that is no text", { type: [] }, {}, "type"],
    ["external ids that are no list", { externalIds: "x" }, {}, "externalIds"],
    ["an external id without type", { externalIds: [{ externalId: "x" }] }, {}, "externalIds[0].type"],
    ["one bad object of several", { managedObjects: [{}, { name: 1 }] }, {}, "managedObjects[1].name"],
    ["what is no object among several", { managedObjects: [{}, 5] }, {}, "managedObjects[1]"],
    [
      "a collection without its list",
      { name: "x" },
      { "Content-Type": "application/vnd.com.nsn.cumulocity.managedObjectCollection+json" },
      "managedObjects",
    ],
  ];
  for (const [name, body, headers, field] of bad) {
    it(`refuses ${name} and stores nothing`, async () => {
      const answer = await rest.ask("POST", PATH, { body, headers });
      assert.equal(answer.status, 422);
      assert.equal(answer.body.details.field, field);
      assert.equal(await count(), 0);
    });
  }

  it("platform API 5.2: PUT merges; only an id is a heartbeat; unknown is 404", async () => {
    const id = await rest.createDevice("m", { a: { x: 1 }, b: 1 });
    const whole = (await rest.ask("GET", `${PATH}/${id}`)).body;
    const put = await rest.ask("PUT", `${PATH}/${id}`, { body: { ...whole, a: { y: 2 }, b: null, owner: "other" } });
    assert.equal(put.status, 200);
    assert.deepEqual([put.body.a, put.body.b, put.body.owner], [{ y: 2 }, undefined, "other"]);
    assert.deepEqual((await rest.ask("PUT", `${PATH}/${id}`, { body: { id } })).body, { id });
    assert.equal((await rest.ask("PUT", `${PATH}/1`, { body: { a: 1 } })).status, 404);
    assert.equal((await rest.ask("PUT", `${PATH}/${id}`, { body: { name: 5 } })).status, 422);
    assert.equal((await rest.ask("GET", `${PATH}/${id}`)).body.name, "m");
  });

  it("platform API 5.2: DELETE answers 204, then 404", async () => {
    const id = await rest.createDevice();
    const gone = await rest.ask("DELETE", `${PATH}/${id}`);
    assert.deepEqual([gone.status, gone.text], [204, ""]);
    assert.equal((await rest.ask("DELETE", `${PATH}/${id}`)).status, 404);
    const { body } = await rest.ask("GET", `${PATH}/${id}`);
    assert.equal(body.message, `Finding device data from database failed : No managedObject for id '${id}'!`);
  });

  it("platform API 5.3: lists by every filter, lists of ids both ways", async () => {
    const [a, b, c] = [
      await rest.createDevice("a", { type: "pump" }),
      await rest.createDevice("b", { type: "pump", c8y_Position: {} }),
      await rest.createDevice("c", { owner: "device_c" }),
    ];
    const names = async (query: string) =>
      (await rest.ask("GET", `${PATH}?pageSize=100&${query}`)).body.managedObjects.map(
        (mo: { name: string }) => mo.name,
      );
    assert.deepEqual(await names("type=pump"), ["a", "b"]);
    assert.deepEqual(await names("fragmentType=c8y_Position"), ["b"]);
    assert.deepEqual(await names("owner=device_c"), ["c"]);
    assert.deepEqual(await names(`ids=${a},${c},1`), ["a", "c"]);
    assert.deepEqual(await names(`ids=${a}&ids=${b}`), ["a", "b"]);
    assert.deepEqual(await names("text=B%20c"), ["b", "c"]);
    assert.deepEqual((await rest.ask("GET", `${PATH}/count?type=pump`)).text, "2");
  });

  describe("paging (platform API 2.5)", () => {
    beforeEach(async () => {
      const managedObjects = Array.from({ length: 11 }, (_, i) => ({ name: String(i), type: "x y" }));
      await rest.ask("POST", PATH, { body: { managedObjects } });
    });

    it("pages of five, with links that keep the other parameters", async () => {
      const { body } = await rest.ask("GET", `${PATH}?type=x%20y&pageSize=3&currentPage=2`);
      const url = (page: number) => `${rest.origin}${PATH}?type=x%20y&pageSize=3&currentPage=${page}`;
      assert.deepEqual(
        body.managedObjects.map(({ name }: { name: string }) => name),
        ["3", "4", "5"],
      );
      assert.deepEqual(body.statistics, { currentPage: 2, pageSize: 3 });
      assert.deepEqual([body.self, body.prev, body.next], [url(2), url(1), url(3)]);
      const first = (await rest.ask("GET", PATH)).body;
      assert.lengthOf(first.managedObjects, 5);
      assert.notProperty(first, "prev");
      assert.deepEqual(first.statistics, { currentPage: 1, pageSize: 5 });
    });

    it("links keep every other parameter as it came", async () => {
      for (let i = 0; i < 2; i++) await rest.createDevice("meter", { type: "what?+no" });
      const parameters = "type=what?%2Bno&c8y_pageSize=7&text=meter";
      const { body } = await rest.ask("GET", `${PATH}?pageSize=1&${parameters}&currentPage=1`);
      assert.equal(body.next, `${rest.origin}${PATH}?${parameters}&pageSize=1&currentPage=2`);
      const following = await rest.ask("GET", body.next.slice(rest.origin.length));
      assert.lengthOf(following.body.managedObjects, 1);
      assert.equal(following.body.managedObjects[0].type, "what?+no");
    });

    it("totals when asked for, next only while there is more", async () => {
      const last = (
        await rest.ask("GET", `${PATH}?pageSize=3&currentPage=4&withTotalPages=true&withTotalElements=true`)
      ).body;
      assert.deepEqual(last.statistics, { currentPage: 4, pageSize: 3, totalPages: 4, totalElements: 11 });
      assert.notProperty(last, "next");
      const full = (await rest.ask("GET", `${PATH}?pageSize=11&withTotalElements=true`)).body;
      assert.deepEqual(full.statistics, { currentPage: 1, pageSize: 11, totalElements: 11 });
      assert.notProperty(full, "next");
      const none = (await rest.ask("GET", `${PATH}?type=none&withTotalPages=true`)).body;
      assert.deepEqual(none.statistics, { currentPage: 1, pageSize: 5, totalPages: 0 });
    });

    it("past the end: 200 and nothing", async () => {
      const { status, body } = await rest.ask("GET", `${PATH}?currentPage=99`);
      assert.deepEqual([status, body.managedObjects], [200, []]);
    });

    it("a size above 2000 is cut", async () => {
      assert.equal((await rest.ask("GET", `${PATH}?pageSize=5000`)).body.statistics.pageSize, 2000);
    });

    for (const query of [
      "pageSize=0",
      "pageSize=x",
      "pageSize=-1",
      "pageSize=1.5",
      "currentPage=0",
      "currentPage=99999999999",
    ]) {
      it(`refuses ${query}`, async () => {
        const { status, body } = await rest.ask("GET", `${PATH}?${query}`);
        assert.equal(status, 422);
        assert.equal(body.details.field, query.split("=")[0]);
      });
    }
  });

  describe("roles (platform API 19)", () => {
    const as = (userName: string) => ({ as: `t1/${userName}` });
    let id: string;
    beforeEach(async () => {
      const create = (userName: string, ...roles: string[]) =>
        rest.tenants.createUser("t1", { userName, password: "correct horse", roles });
      await create("none");
      await create("reader", "ROLE_INVENTORY_READ");
      await create("maker", "ROLE_MANAGED_OBJECT_CREATE");
      await create("writer", "ROLE_INVENTORY_ADMIN");
      id = await rest.createDevice("m", { owner: "none" });
      await rest.createDevice("other");
    });

    it("without a role one sees and changes what one owns, and makes nothing", async () => {
      const { body } = await rest.ask("GET", PATH, as("none"));
      assert.deepEqual(
        body.managedObjects.map(({ name }: { name: string }) => name),
        ["m"],
      );
      assert.equal((await rest.ask("GET", `${PATH}/${id}`, as("none"))).status, 200);
      assert.equal((await rest.ask("PUT", `${PATH}/${id}`, { ...as("none"), body: { a: 1 } })).status, 200);
      const refused = await rest.ask("POST", PATH, { ...as("none"), body: {} });
      assert.equal(refused.status, 403);
      assert.equal(refused.body.error, "security/Forbidden");
      assert.deepEqual((await rest.ask("GET", PATH, as("maker"))).body.managedObjects, []);
      assert.equal((await rest.ask("GET", `${PATH}/${id}`, as("maker"))).status, 403);
    });

    it("a reader reads", async () => {
      assert.lengthOf((await rest.ask("GET", PATH, as("reader"))).body.managedObjects, 2);
      assert.equal((await rest.ask("GET", `${PATH}/${id}`, as("reader"))).status, 200);
      assert.equal((await rest.ask("PUT", `${PATH}/${id}`, { ...as("reader"), body: { a: 1 } })).status, 403);
      assert.equal((await rest.ask("DELETE", `${PATH}/${id}`, as("reader"))).status, 403);
      assert.equal((await rest.ask("GET", `${PATH}/${id}`)).body.a, undefined);
    });

    it("who may create owns what is made, whatever the body says", async () => {
      const { status, body } = await rest.ask("POST", PATH, { ...as("maker"), body: { owner: "admin" } });
      assert.deepEqual([status, body.owner], [201, "maker"]);
    });

    it("who may write is no administrator: the owner stays", async () => {
      const { status, body } = await rest.ask("PUT", `${PATH}/${id}`, {
        ...as("writer"),
        body: { owner: "writer", a: 1 },
      });
      assert.deepEqual([status, body.owner, body.a], [200, "none", 1]);
      assert.equal((await rest.ask("DELETE", `${PATH}/${id}`, as("writer"))).status, 204);
    });
  });
});
