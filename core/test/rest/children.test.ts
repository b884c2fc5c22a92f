import { assert } from "chai";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/inventory/managedObjects";
const vendor = (type: string) => ({ "Content-Type": `application/vnd.com.nsn.cumulocity.${type}+json` });

describe("rest/children", () => {
  let rest: RestFixture;
  let parent: string;
  let child: string;
  beforeEach(async () => {
    rest = await openRest();
    parent = await rest.createDevice("parent");
    child = await rest.createDevice("child", { c8y_Note: { a: 1 } });
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const at = (kind: string, ...more: readonly string[]): string => [PATH, parent, kind, ...more].join("/");
  const add = (kind: string, id = child, to = parent) =>
    rest.ask("POST", `${PATH}/${to}/${kind}`, { body: { managedObject: { id } } });
  const idsIn = async (kind: string): Promise<string[]> =>
    (await rest.ask("GET", `${at(kind)}?pageSize=100`)).body.references.map(
      (each: { managedObject: { id: string } }) => each.managedObject.id,
    );

  for (const kind of ["childDevices", "childAssets", "childAdditions"]) {
    it(`platform API 5.6: ${kind} by reference, by references and as a new object, by type or by shape`, async () => {
      const one = await rest.ask("POST", at(kind), {
        headers: vendor("managedObjectReference"),
        body: { managedObject: { id: child } },
      });
      assert.equal(one.status, 201);
      const self = `${rest.origin}${at(kind, child)}`;
      assert.equal(one.body.self, self);
      assert.equal(one.headers.get("location"), self);
      assert.deepInclude(one.body.managedObject, { id: child, name: "child", c8y_Note: { a: 1 } });
      const other = await rest.createDevice("other");
      const many = await rest.ask("POST", at(kind), {
        body: { references: [{ managedObject: { id: other } }, { managedObject: { id: Number(child) } }] },
      });
      assert.equal(many.status, 201);
      assert.deepEqual(
        many.body.references.map((each: { managedObject: { id: string } }) => each.managedObject.id),
        [other, child],
      );
      const made = await rest.ask("POST", at(kind), { headers: vendor("managedObject"), body: { name: "made" } });
      assert.deepInclude(made.body, { name: "made", owner: "admin" });
      assert.equal(made.headers.get("location"), `${rest.origin}${PATH}/${made.body.id}`);
      const plain = await rest.ask("POST", at(kind), { body: { name: "plain" } });
      assert.deepEqual(await idsIn(kind), [child, other, made.body.id, plain.body.id]);
    });

    it(`platform API 5.6: ${kind}: one, and what is none`, async () => {
      await add(kind);
      const { status, body } = await rest.ask("GET", at(kind, child));
      assert.deepEqual([status, body.managedObject.id], [200, child]);
      for (const method of ["GET", "DELETE"]) {
        const none = await rest.ask(method, at(kind, parent));
        assert.equal(none.status, 422, method);
        assert.include(none.body.message, `managedObject ${parent} is not a child of ${parent}`);
        assert.equal((await rest.ask(method, `${PATH}/815/${kind}/${child}`)).status, 404, method);
      }
      assert.equal((await rest.ask("DELETE", at(kind, child))).status, 204);
      assert.deepEqual(await idsIn(kind), []);
      assert.equal((await rest.ask("GET", `${PATH}/${child}`)).status, 200);
    });
  }

  it("is paged, with statistics", async () => {
    for (let i = 0; i < 5; i++) await rest.ask("POST", at("childAssets"), { body: { name: String(i) } });
    const { body } = await rest.ask("GET", `${at("childAssets")}?pageSize=2&currentPage=2&withTotalPages=true`);
    assert.deepEqual(
      body.references.map((each: { managedObject: { name: string } }) => each.managedObject.name),
      ["2", "3"],
    );
    assert.deepEqual(body.statistics, { currentPage: 2, pageSize: 2, totalPages: 3 });
    assert.include(body.next, "currentPage=3");
    assert.equal((await rest.ask("GET", `${PATH}/815/childAssets`)).status, 404);
  });

  it("several go in one request, all or none", async () => {
    const other = await rest.createDevice("other");
    const references = (...ids: readonly string[]) => ({ references: ids.map(id => ({ managedObject: { id } })) });
    await rest.ask("POST", at("childAssets"), { body: references(child, other) });
    const refused = await rest.ask("DELETE", at("childAssets"), { body: references(child, parent) });
    assert.equal(refused.status, 422);
    assert.lengthOf(await idsIn("childAssets"), 2);
    assert.equal((await rest.ask("DELETE", at("childAssets"), { body: references(child, other) })).status, 204);
    assert.deepEqual(await idsIn("childAssets"), []);
  });

  it("adding twice is no error", async () => {
    assert.equal((await add("childDevices")).status, 201);
    assert.equal((await add("childDevices")).status, 201);
    assert.deepEqual(await idsIn("childDevices"), [child]);
  });

  for (const [what, kind, run] of [
    ["itself", "childAssets", () => add("childAssets", parent)],
    [
      "what stands above it, by whatever kind",
      "childAdditions",
      async () => {
        await add("childAssets");
        return await add("childAdditions", parent, child);
      },
    ],
    [
      "a second device parent",
      "childDevices",
      async () => {
        await add("childDevices", child, await rest.createDevice("first"));
        return await add("childDevices");
      },
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { status, body } = await run();
      assert.equal(status, 422);
      assert.equal(body.details.field, "managedObject.id");
      assert.deepEqual(await idsIn(kind), []);
    });
  }

  for (const [what, status, field, body] of [
    ["an unknown child", 404, undefined, { managedObject: { id: "815" } }],
    ["an id that is none", 422, "managedObject.id", { managedObject: { id: "abc" } }],
    ["no id", 422, "managedObject.id", { managedObject: {} }],
    ["a reference without one", 422, "references[0].managedObject.id", { references: [{}] }],
    [
      "an id that is none among references",
      422,
      "references[0].managedObject.id",
      { references: [{ managedObject: { id: {} } }] },
    ],
    ["a text among references", 422, "references[0]", { references: ["5"] }],
    ["no references", 422, "references", { references: [] }],
    ["a list", 422, "body", []],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const answer = await rest.ask("POST", at("childAssets"), { body });
      assert.equal(answer.status, status);
      assert.equal(answer.body.details?.field, field);
    });
  }

  it("a deleted child is none any more, and a deleted parent leaves its children", async () => {
    await add("childAssets");
    const other = await rest.createDevice("other");
    await add("childAssets", other);
    await rest.ask("DELETE", `${PATH}/${child}`);
    assert.deepEqual(await idsIn("childAssets"), [other]);
    await rest.ask("DELETE", `${PATH}/${parent}`);
    const { body } = await rest.ask("GET", `${PATH}/${other}?withParents=true`);
    assert.deepEqual(body.assetParents.references, []);
  });

  describe("platform API 5.3: shown with the object", () => {
    beforeEach(async () => {
      await add("childAssets");
      await add("childAdditions");
    });
    const shown = async (id: string, query: string) => (await rest.ask("GET", `${PATH}/${id}?${query}`)).body;
    const reference = (kind: string, of: string, id: string, name?: string) => ({
      managedObject: { id, ...(name && { name }), self: `${rest.origin}${PATH}/${id}` },
      self: `${rest.origin}${PATH}/${of}/${kind}/${id}`,
    });

    it("children with names, without names, counted, or not at all", async () => {
      assert.deepEqual((await shown(parent, "withChildren=true")).childAssets.references, [
        reference("childAssets", parent, child, "child"),
      ]);
      assert.deepEqual((await shown(parent, "withChildren=true&skipChildrenNames=true")).childAdditions.references, [
        reference("childAdditions", parent, child),
      ]);
      const counted = await shown(parent, "withChildrenCount=true");
      assert.deepInclude(counted.childAssets, { count: 1, references: [] });
      assert.equal(counted.childDevices.count, 0);
      assert.deepEqual((await shown(parent, "")).childAssets.references, []);
      const { body } = await rest.ask("GET", `${PATH}?ids=${parent}&withChildren=true`);
      assert.lengthOf(body.managedObjects[0].childAssets.references, 1);
    });

    it("all ancestors, or the groups that it is in", async () => {
      const group = (await rest.ask("POST", PATH, { body: { name: "group", c8y_IsDeviceGroup: {} } })).body.id;
      await add("childAssets", parent, group);
      const { assetParents, additionParents } = await shown(child, "withParents=true");
      assert.deepEqual(assetParents.references, [
        reference("assetParents", child, parent, "parent"),
        reference("assetParents", child, group, "group"),
      ]);
      assert.deepEqual(additionParents.references, [reference("additionParents", child, parent, "parent")]);
      assert.deepEqual((await shown(child, "withGroups=true")).assetParents.references, [
        reference("assetParents", child, group, "group"),
      ]);
    });

    it("parents of a child are found by it", async () => {
      for (const [query, found] of [
        [`childAssetId=${child}`, [parent]],
        [`childAdditionId=${child}`, [parent]],
        [`childDeviceId=${child}`, []],
        [`childAssetId=${child}&type=x`, []],
      ] as const) {
        const { body } = await rest.ask("GET", `${PATH}?${query}`);
        assert.deepEqual(
          body.managedObjects.map(({ id }: { id: string }) => id),
          found,
          query,
        );
      }
      assert.equal((await rest.ask("GET", `${PATH}?childAssetId=x`)).status, 422);
    });
  });

  describe("platform API 5.2: DELETE", () => {
    let group: string;
    let subgroup: string;
    beforeEach(async () => {
      const make = async (body: object) => (await rest.ask("POST", PATH, { body })).body.id;
      group = await make({ name: "group", c8y_IsDeviceGroup: {} });
      subgroup = await make({ name: "subgroup", c8y_IsDeviceGroup: {} });
      await add("childAssets", subgroup, group);
      await add("childAssets", parent, subgroup);
      await add("childAdditions");
    });
    const left = async (): Promise<string[]> =>
      (await rest.ask("GET", `${PATH}?pageSize=100`)).body.managedObjects.map(({ name }: { name: string }) => name);

    it("a group takes its subgroups, the devices in it only when asked to", async () => {
      await rest.ask("DELETE", `${PATH}/${group}`);
      assert.deepEqual(await left(), ["parent", "child"]);
    });

    it("cascade: a group with all below it", async () => {
      await rest.ask("DELETE", `${PATH}/${group}?cascade=true`);
      assert.deepEqual(await left(), []);
    });

    it("cascade is for devices and groups, forceCascade for every object", async () => {
      const plain = (await rest.ask("POST", PATH, { body: { name: "plain" } })).body.id;
      await rest.ask("POST", `${PATH}/${plain}/childAdditions`, { body: { name: "below" } });
      await rest.ask("DELETE", `${PATH}/${plain}?cascade=true`);
      assert.include(await left(), "below");
      const again = (await rest.ask("POST", PATH, { body: { name: "again" } })).body.id;
      await rest.ask("POST", `${PATH}/${again}/childAdditions`, { body: { name: "lower" } });
      await rest.ask("DELETE", `${PATH}/${again}?forceCascade=true`);
      assert.notInclude(await left(), "lower");
    });

    it("nothing goes where one of them may not", async () => {
      await rest.tenants.createUser("t1", { userName: "own", password: PASSWORD, roles: ["ROLE_INVENTORY_CREATE"] });
      const mine = (await rest.ask("POST", PATH, { as: "t1/own", body: { name: "mine" } })).body.id;
      await rest.ask("POST", `${PATH}/${mine}/childAdditions`, { body: { name: "not mine" } });
      const { status } = await rest.ask("DELETE", `${PATH}/${mine}?forceCascade=true`, { as: "t1/own" });
      assert.equal(status, 403);
      assert.includeMembers(await left(), ["mine", "not mine"]);
    });
  });

  it("platform API 19: who owns the parent sees and takes only what else is theirs", async () => {
    await rest.tenants.createUser("t1", { userName: "own", password: PASSWORD, roles: ["ROLE_INVENTORY_CREATE"] });
    const as = "t1/own";
    const mine = (await rest.ask("POST", PATH, { as, body: { name: "mine" } })).body.id;
    const path = `${PATH}/${mine}/childAssets`;
    assert.equal((await rest.ask("POST", path, { as, body: { managedObject: { id: child } } })).status, 403);
    assert.equal((await rest.ask("POST", path, { as, body: { name: "below" } })).status, 201);
    await rest.ask("POST", path, { body: { managedObject: { id: child } } });
    const { body } = await rest.ask("GET", path, { as });
    assert.deepEqual(
      body.references.map((each: { managedObject: { name: string } }) => each.managedObject.name),
      ["below"],
    );
    assert.equal((await rest.ask("GET", `${path}/${child}`, { as })).status, 403);
    assert.equal((await rest.ask("GET", at("childAssets"), { as })).status, 403);
  });
});
