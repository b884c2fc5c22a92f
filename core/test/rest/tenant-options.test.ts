import { assert } from "chai";
import { TENANT_OPTIONS } from "../../src/store/collections/tenants.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/tenant/options";
const SECRET = "correct battery staple";

describe("rest/tenant-options (platform API 15)", () => {
  let rest: RestFixture;
  beforeEach(async () => {
    rest = await openRest();
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const post = (category: string, key: string, value: unknown) =>
    rest.ask("POST", PATH, { body: { category, key, value } });

  it("POST: 200 with the option and its address", async () => {
    const { status, body } = await post("a b", "c/d", "1");
    assert.equal(status, 200);
    assert.deepEqual(body, { category: "a b", key: "c/d", value: "1", self: `${rest.origin}${PATH}/a%20b/c%2Fd` });
    assert.equal((await rest.ask("GET", `${PATH}/a%20b/c%2Fd`)).body.value, "1");
  });

  it("POST again, PUT and DELETE of one", async () => {
    await post("cat", "key", "1");
    assert.equal((await post("cat", "key", "2")).body.value, "2");
    const put = await rest.ask("PUT", `${PATH}/cat/key`, { body: { value: "3", category: "other", key: "other" } });
    assert.deepInclude(put.body, { category: "cat", key: "key", value: "3" });
    assert.equal((await rest.ask("DELETE", `${PATH}/cat/key`)).status, 204);
    const gone = await rest.ask("GET", `${PATH}/cat/key`);
    assert.deepEqual([gone.status, gone.body.error], [404, "options/Not Found"]);
    assert.equal((await rest.ask("DELETE", `${PATH}/cat/key`)).status, 404);
  });

  it("a whole category, read and changed", async () => {
    const { status, body } = await rest.ask("PUT", `${PATH}/cat`, { body: { a: "1", b: "2" } });
    assert.deepEqual([status, body], [200, { a: "1", b: "2" }]);
    await rest.ask("PUT", `${PATH}/cat`, { body: { b: "3" } });
    assert.deepEqual((await rest.ask("GET", `${PATH}/cat`)).body, { a: "1", b: "3" });
    assert.deepEqual((await rest.ask("GET", `${PATH}/none`)).body, {});
  });

  it("2.5: the list in pages", async () => {
    for (const key of ["a", "b", "c"]) await post("cat", key, key);
    const { body } = await rest.ask("GET", `${PATH}?pageSize=2&withTotalElements=true`);
    assert.deepEqual(
      body.options.map(({ key }: { key: string }) => key),
      ["a", "b"],
    );
    assert.deepEqual(body.statistics, { currentPage: 1, pageSize: 2, totalElements: 3 });
    const next = await rest.ask("GET", body.next.slice(rest.origin.length));
    assert.lengthOf(next.body.options, 1);
    assert.notProperty(next.body, "next");
  });

  it("credentials: sealed at rest, shown to nobody, kept when they come back", async () => {
    assert.equal((await post("cat", "credentials.password", SECRET)).body.value, "<<Encrypted>>");
    for (const path of [PATH, `${PATH}/cat`, `${PATH}/cat/credentials.password`]) {
      const { text } = await rest.ask("GET", path);
      assert.include(text, "<<Encrypted>>");
      assert.notInclude(text, SECRET);
    }
    const shown = (await rest.ask("GET", `${PATH}/cat`)).body;
    await rest.ask("PUT", `${PATH}/cat`, { body: { ...shown, other: "1" } });
    assert.equal((await rest.tenantOptions.reveal("t1", "cat")).get("credentials.password"), SECRET);
    const stored = await rest.store.collection(TENANT_OPTIONS).find({ tenant: "t1" }, { limit: 10 });
    assert.notInclude(JSON.stringify(stored), SECRET);
    assert.notInclude(JSON.stringify(rest.log.lines), SECRET);
  });

  const bad: [name: string, ask: () => ReturnType<RestFixture["ask"]>, status: number, field: string | undefined][] = [
    ["no value", () => rest.ask("POST", PATH, { body: { category: "c", key: "k" } }), 422, "value"],
    ["no key", () => rest.ask("POST", PATH, { body: { category: "c", value: "v" } }), 422, "key"],
    ["a value that is no text", () => post("c", "k", 1), 422, "value"],
    ["an empty key", () => post("c", "", "v"), 422, "key"],
    ["an empty category", () => post("", "k", "v"), 422, "category"],
    ["control characters", () => post("c", "a\nb", "v"), 422, "key"],
    ["a key that is too long", () => post("c", "k".repeat(251), "v"), 422, "key"],
    ["a category and key that are too long together", () => post("~".repeat(240), "~".repeat(240), "v"), 422, "key"],
    ["a category of numbers", () => rest.ask("PUT", `${PATH}/c`, { body: { a: 1 } }), 422, "a"],
    ["a list", () => rest.ask("PUT", `${PATH}/c`, { body: [] }), 422, "body"],
    ["the placeholder of nothing", () => post("c", "credentials.k", "<<Encrypted>>"), 422, "credentials.k"],
    ["no JSON", () => rest.ask("PUT", `${PATH}/c/k`, { body: "{" }), 400, undefined],
  ];
  for (const [name, ask, status, field] of bad) {
    it(`refused: ${name}, nothing is stored`, async () => {
      const answer = await ask();
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.details?.field, field);
      assert.lengthOf((await rest.ask("GET", PATH)).body.options, 0);
    });
  }

  it("19: needs its roles", async () => {
    await post("cat", "key", "1");
    const make = (userName: string, ...roles: string[]) =>
      rest.tenants.createUser("t1", { userName, password: PASSWORD, roles });
    await make("none");
    await make("reader", "ROLE_OPTION_MANAGEMENT_READ");
    await make("writer", "ROLE_OPTION_MANAGEMENT_ADMIN");
    const statuses = async (as: string) => {
      const found = [];
      for (const [method, path, body] of [
        ["GET", PATH],
        ["GET", `${PATH}/cat`],
        ["GET", `${PATH}/cat/key`],
        ["POST", PATH, { category: "c", key: "k", value: "v" }],
        ["PUT", `${PATH}/cat`, { key: "2" }],
        ["PUT", `${PATH}/cat/key`, { value: "2" }],
        ["DELETE", `${PATH}/cat/key`],
      ] as const)
        found.push((await rest.ask(method, path, { as, body })).status);
      return found;
    };
    assert.deepEqual(await statuses("t1/none"), [403, 403, 403, 403, 403, 403, 403]);
    assert.deepEqual(await statuses("t1/reader"), [200, 200, 200, 403, 403, 403, 403]);
    assert.deepEqual(await statuses("t1/writer"), [200, 200, 200, 200, 200, 200, 204]);
  });

  it("isolation: another tenant has options of its own", async () => {
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    await post("cat", "key", "of t1");
    const other = { as: "t2/admin" };
    assert.deepEqual((await rest.ask("GET", `${PATH}/cat`, other)).body, {});
    assert.equal((await rest.ask("GET", `${PATH}/cat/key`, other)).status, 404);
    assert.equal((await rest.ask("DELETE", `${PATH}/cat/key`, other)).status, 404);
    await rest.ask("PUT", `${PATH}/cat/key`, { ...other, body: { value: "of t2" } });
    assert.equal((await rest.ask("GET", `${PATH}/cat/key`)).body.value, "of t1");
  });

  it("system options: read-only, for every user", async () => {
    await rest.tenants.createUser("t1", { userName: "none", password: PASSWORD, roles: [] });
    const as = "t1/none";
    const { body } = await rest.ask("GET", "/tenant/system/options", { as });
    assert.deepInclude(body.options, { category: "system", key: "version", value: "1.2.3" });
    const one = await rest.ask("GET", "/tenant/system/options/two-factor-authentication/enforced", { as });
    assert.equal(one.body.value, "false");
    assert.equal((await rest.ask("GET", "/tenant/system/options/system/none", { as })).status, 404);
    assert.equal((await rest.ask("PUT", "/tenant/system/options/system/version", { body: {} })).status, 405);
  });
});
