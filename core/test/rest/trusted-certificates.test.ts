import { assert } from "chai";
import { certificate, chainPem, keyPem, pem } from "../x509/support/certificates.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const path = (tenant = "t1"): string => `/tenant/tenants/${tenant}/trusted-certificates`;

describe("rest/trusted-certificates", () => {
  let rest: RestFixture;
  beforeEach(async () => {
    rest = await openRest();
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const post = (name: string, more: object = {}) =>
    rest.ask("POST", path(), { body: { certInPemFormat: pem(name), status: "ENABLED", name, ...more } });

  it("POST: 201 with what the certificate says", async () => {
    const { status, body, headers } = await post("intermediate", { autoRegistrationEnabled: true });
    assert.equal(status, 201);
    const { x509, notBeforeMs, notAfterMs } = certificate("intermediate");
    const fingerprint = x509.fingerprint.replaceAll(":", "").toLowerCase();
    assert.deepEqual(body, {
      fingerprint,
      name: "intermediate",
      status: "ENABLED",
      autoRegistrationEnabled: true,
      certInPemFormat: pem("intermediate"),
      subject: "CN=Mooring Test Intermediate CA",
      issuer: "CN=Mooring Test CA",
      serialNumber: BigInt(`0x${x509.serialNumber}`).toString(),
      version: 3,
      algorithmName: "SHA256withECDSA",
      notBefore: new Date(notBeforeMs).toISOString(),
      notAfter: new Date(notAfterMs).toISOString(),
      self: `${rest.origin}${path()}/${fingerprint}`,
    });
    assert.equal(headers.get("location"), body.self);
    assert.deepEqual((await rest.ask("GET", `${path()}/${fingerprint.toUpperCase()}`)).body, body);
  });

  it("the Base64 of DER counts too", async () => {
    const certInPemFormat = Buffer.from(certificate("ca").der).toString("base64");
    const { status, body } = await post("ca", { certInPemFormat });
    assert.deepEqual([status, body.certInPemFormat], [201, pem("ca")]);
  });

  it("PUT changes name, status and flag, whatever else comes along; DELETE", async () => {
    const { body: made } = await post("ca");
    const body = { ...made, name: "new", status: "DISABLED", autoRegistrationEnabled: true, subject: "CN=else" };
    const changed = await rest.ask("PUT", `${path()}/${made.fingerprint}`, { body });
    assert.equal(changed.status, 200);
    assert.deepEqual(changed.body, { ...made, name: "new", status: "DISABLED", autoRegistrationEnabled: true });
    assert.equal((await rest.ask("DELETE", `${path()}/${made.fingerprint}`)).status, 204);
    for (const method of ["GET", "DELETE"]) {
      assert.equal((await rest.ask(method, `${path()}/${made.fingerprint}`)).status, 404);
    }
    assert.equal((await rest.ask("PUT", `${path()}/${made.fingerprint}`, { body: {} })).status, 404);
  });

  it("2.5: the list in pages", async () => {
    for (const name of ["ca", "other-ca", "rsa-ca"]) await post(name);
    const { body } = await rest.ask("GET", `${path()}?pageSize=2&withTotalPages=true`);
    assert.lengthOf(body.certificates, 2);
    assert.equal(body.statistics.totalPages, 2);
    assert.lengthOf((await rest.ask("GET", body.next.slice(rest.origin.length))).body.certificates, 1);
  });

  it("several at once, all or nothing", async () => {
    const one = (name: string) => ({ certInPemFormat: pem(name), status: "ENABLED", name });
    const bulk = (...certificates: object[]) => rest.ask("POST", `${path()}/bulk`, { body: { certificates } });
    const bad = await bulk(one("ca"), { ...one("other-ca"), status: "MAYBE" });
    assert.deepEqual([bad.status, bad.body.details.field], [422, "certificates[1].status"]);
    assert.equal((await bulk(one("ca"), one("ca"))).status, 409);
    assert.lengthOf((await rest.ask("GET", path())).body.certificates, 0);
    const { status, body } = await bulk(one("ca"), one("other-ca"));
    assert.equal(status, 201);
    assert.deepEqual(
      body.certificates.map(({ name }: { name: string }) => name),
      ["ca", "other-ca"],
    );
    assert.equal((await bulk(one("rsa-ca"), one("ca"))).status, 409);
    assert.lengthOf((await rest.ask("GET", path())).body.certificates, 2);
  });

  it("the same certificate again: 409", async () => {
    assert.equal((await post("ca")).status, 201);
    assert.equal((await post("ca", { name: "other" })).status, 409);
    const both = await Promise.all([post("other-ca"), post("other-ca")]);
    assert.sameMembers(
      both.map(({ status }) => status),
      [201, 409],
    );
  });

  const bad: [name: string, body: object, field: string, rule: RegExp][] = [
    ["no certificate", { certInPemFormat: undefined }, "certInPemFormat", /missing/],
    ["no status", { status: undefined }, "status", /missing/],
    ["another status", { status: "enabled" }, "status", /ENABLED, DISABLED/],
    ["a name that is no text", { name: 1 }, "name", /string/],
    ["a flag that is none", { autoRegistrationEnabled: "true" }, "autoRegistrationEnabled", /boolean/],
    ["no PEM", { certInPemFormat: "hello, world" }, "certInPemFormat", /Base64/],
    ["cut PEM", { certInPemFormat: pem("ca").slice(0, 300) }, "certInPemFormat", /cut/],
    ["PEM of something else", { certInPemFormat: keyPem("ca") }, "certInPemFormat", /private key/],
    ["Base64 of something else", { certInPemFormat: "aGVsbG8gd29ybGQ=" }, "certInPemFormat", /DER|X\.509/],
    ["two certificates", { certInPemFormat: chainPem("ca", "other-ca") }, "certInPemFormat", /one certificate/],
    ["a device's", { certInPemFormat: pem("device-1") }, "certInPemFormat", /CA:TRUE/],
    ["one that may not issue", { certInPemFormat: pem("intermediate-no-cert-sign") }, "certInPemFormat", /keyCertSign/],
  ];
  for (const [name, body, field, rule] of bad) {
    it(`refused: ${name}`, async () => {
      const answer = await post("ca", body);
      assert.equal(answer.status, 422, answer.text);
      assert.equal(answer.body.details.field, field);
      assert.match(answer.body.details.rule, rule);
      assert.lengthOf((await rest.ask("GET", path())).body.certificates, 0);
    });
  }

  it("an update of a wrong kind: 422 by name", async () => {
    const { body: made } = await post("ca");
    const answer = await rest.ask("PUT", `${path()}/${made.fingerprint}`, { body: { status: "GONE" } });
    assert.deepEqual([answer.status, answer.body.details.field], [422, "status"]);
  });

  it("one that has expired is refused", async () => {
    await rest.clock.advance(Date.UTC(2200, 0, 1) - rest.clock.now());
    const answer = await post("ca");
    assert.match(answer.body.details.rule, /has expired at 2126/);
  });

  it("needs its roles", async () => {
    const { body: made } = await post("ca");
    const one = `${path()}/${made.fingerprint}`;
    const users: Record<string, [roles: string[], statuses: number[]]> = {
      none: [[], [403, 403, 403, 403, 403, 403]],
      options: [["ROLE_OPTION_MANAGEMENT_ADMIN"], [403, 403, 403, 403, 403, 403]],
      reader: [["ROLE_TENANT_MANAGEMENT_READ"], [200, 200, 403, 403, 403, 403]],
      writer: [["ROLE_TENANT_ADMIN"], [200, 200, 409, 409, 200, 204]],
    };
    const body = { certInPemFormat: pem("ca"), status: "ENABLED" };
    for (const [userName, [roles, statuses]] of Object.entries(users)) {
      await rest.tenants.createUser("t1", { userName, password: PASSWORD, roles });
      const as = `t1/${userName}`;
      const found = [
        await rest.ask("GET", path(), { as }),
        await rest.ask("GET", one, { as }),
        await rest.ask("POST", path(), { as, body }),
        await rest.ask("POST", `${path()}/bulk`, { as, body: { certificates: [body] } }),
        await rest.ask("PUT", one, { as, body: { name: "x" } }),
        await rest.ask("DELETE", one, { as }),
      ].map(({ status }) => status);
      assert.deepEqual(found, statuses, userName);
    }
  });

  it("isolation: no way into another tenant, but from the management tenant", async () => {
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
    await rest.tenants.createUser("management", { userName: "root", password: PASSWORD, roles: ["admins"] });
    const { body: made } = await post("ca");
    const body = { certInPemFormat: pem("other-ca"), status: "ENABLED" };
    const requests: [method: string, path: string, body?: object][] = [
      ["GET", path()],
      ["GET", `${path()}/${made.fingerprint}`],
      ["PUT", `${path()}/${made.fingerprint}`, { status: "DISABLED" }],
      ["DELETE", `${path()}/${made.fingerprint}`],
      ["POST", path(), body],
      ["POST", `${path()}/bulk`, { certificates: [body] }],
      ["GET", path("none")],
    ];
    for (const [method, to, sent] of requests) {
      assert.equal((await rest.ask(method, to, { as: "t2/admin", body: sent })).status, 403, `${method} ${to}`);
    }
    assert.equal((await rest.ask("GET", `${path("t2")}/${made.fingerprint}`, { as: "t2/admin" })).status, 404);
    assert.deepEqual((await rest.ask("GET", path())).body.certificates, [made]);
    assert.deepEqual((await rest.ask("GET", path(), { as: "management/root" })).body.certificates, [made]);
    assert.equal((await rest.ask("GET", path("none"), { as: "management/root" })).status, 404);
  });
});
