import { assert } from "chai";
import { ROLES } from "../../src/tenants/roles.ts";
import { openRest, type RestFixture } from "./fixture.ts";

describe("rest/tenant", () => {
  let rest: RestFixture;
  before(async () => {
    rest = await openRest();
  });
  after(() => rest[Symbol.asyncDispose]());

  it("platform API 15: the current tenant, for every user", async () => {
    await rest.tenants.createUser("t1", { userName: "none", password: "correct horse", roles: [] });
    for (const as of ["t1/admin", "t1/none", "none"]) {
      const { status, body } = await rest.ask("GET", "/tenant/currentTenant", { as });
      assert.equal(status, 200);
      assert.deepInclude(body, { name: "t1", domainName: "127.0.0.1", allowCreateTenants: false });
    }
  });

  it("platform API 15: the current user with effective roles", async () => {
    const { body } = await rest.ask("GET", "/user/currentUser", {
      headers: { Accept: "application/vnd.com.nsn.cumulocity.user+json;" },
    });
    assert.deepInclude(body, { id: "admin", userName: "admin", enabled: true });
    assert.deepEqual(
      body.effectiveRoles.map(({ id }: { id: string }) => id),
      ROLES,
    );
    assert.equal(body.groups.references[0].group.name, "admins");
    await rest.tenants.createUser("t1", { userName: "one", password: "correct horse", roles: ["ROLE_EVENT_READ"] });
    const one = (await rest.ask("GET", "/user/currentUser", { as: "one" })).body;
    const role = { id: "ROLE_EVENT_READ", name: "ROLE_EVENT_READ", self: `${rest.origin}/user/roles/ROLE_EVENT_READ` };
    assert.deepEqual(one.effectiveRoles, [role]);
    assert.deepEqual(one.roles.references, [{ role, self: role.self }]);
    assert.deepEqual(one.groups.references, []);
    assert.notInclude(JSON.stringify(one), "scrypt");
  });

  it("platform API 3.4: login options need no login", async () => {
    const { status, body } = await rest.ask("GET", "/tenant/loginOptions?tenantId=t1", { as: null });
    assert.equal(status, 200);
    assert.deepEqual(
      body.loginOptions.map(({ type }: { type: string }) => type),
      ["BASIC"],
    );
  });
});
