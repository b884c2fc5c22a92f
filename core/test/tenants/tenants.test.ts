import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { CollectionSpec } from "../../src/store/collection.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { USERS } from "../../src/store/collections/tenants.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { ROLES } from "../../src/tenants/roles.ts";
import {
  createTenants,
  type GeneratedLogin,
  MANAGEMENT_TENANT,
  type Tenants,
  type TenantsParts,
} from "../../src/tenants/tenants.ts";
import { ADMINISTRATORS, effectiveRoles, mayUser } from "../../src/tenants/user.ts";
import { failing } from "../platform/failing.ts";

/** As weak as scrypt can be: these tests are about the rules round it. */
const QUICK = { N: 2, r: 1, p: 1 };
const PASSWORD = "correct horse";

describe("tenants/tenants", () => {
  let store: Store;
  let clock: ManualClock;
  let tenants: Tenants;
  const open = (parts: Partial<TenantsParts> = {}): Tenants =>
    createTenants({ store, clock, random: createSeededRandom(1), scrypt: QUICK, ...parts });
  beforeEach(async () => {
    clock = createManualClock();
    store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
    tenants = open();
  });
  afterEach(() => store.close());

  const first = () => tenants.ensureFirstTenant({ tenant: "t1", adminUser: "admin", adminPassword: PASSWORD });
  const login = (password = PASSWORD, more: object = {}) =>
    tenants.authenticate({ tenant: "t1", userName: "admin", password, address: "10.0.0.1", ...more });

  describe("ensureFirstTenant", () => {
    it("makes the management tenant, the first tenant and its administrator", async () => {
      await first();
      assert.deepEqual(await tenants.list(), [MANAGEMENT_TENANT, "t1"]);
      const admin = await login();
      assert.deepEqual(admin, {
        tenant: "t1",
        userName: "admin",
        enabled: true,
        isDevice: false,
        roles: [ADMINISTRATORS],
      });
      assert.deepEqual(effectiveRoles(admin), ROLES);
    });

    it("tells a generated password once, before it is stored, and keeps it nowhere", async () => {
      const told: GeneratedLogin[] = [];
      let usersThen: Promise<number> | undefined;
      const start = () =>
        open().ensureFirstTenant({
          tenant: "t1",
          adminUser: "admin",
          onGenerated(login) {
            told.push(login);
            usersThen = store.collection(USERS).count({});
          },
        });
      await start();
      assert.equal(await usersThen, 0);
      const { password, ...whose } = told[0]!;
      assert.deepEqual(whose, { tenant: "t1", userName: "admin" });
      assert.match(password, /^[A-Za-z0-9_-]{20}$/);
      await login(password);
      await start();
      assert.lengthOf(told, 1);
      await login(password);
      assert.notInclude(JSON.stringify(await store.collection(USERS).find({}, { limit: 10 })), password);
    });

    it("leaves the password of an administrator that is there", async () => {
      await first();
      await tenants.ensureFirstTenant({ tenant: "t1", adminUser: "admin", adminPassword: "another one" });
      await login();
      await failing("UNAUTHORIZED", () => login("another one"));
    });

    it("names what is no tenant, user or password", async () => {
      const field = async (options: object) =>
        (
          await failing("VALIDATION", () =>
            tenants.ensureFirstTenant({ tenant: "t1", adminUser: "admin", adminPassword: PASSWORD, ...options }),
          )
        ).details["field"];
      assert.equal(await field({ tenant: "T 1" }), "tenant");
      assert.equal(await field({ adminUser: "a/b" }), "userName");
      assert.equal(await field({ adminPassword: "short" }), "password");
    });
  });

  describe("authenticate", () => {
    beforeEach(first);

    it("platform API 3.1: the tenant follows from there being one only", async () => {
      assert.equal((await login(PASSWORD, { tenant: undefined })).tenant, "t1");
      await tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
      await failing("UNAUTHORIZED", () => login(PASSWORD, { tenant: undefined }));
      assert.equal((await login(PASSWORD, { tenant: "t2" })).tenant, "t2");
    });

    it("says the same whatever was wrong", async () => {
      const messages = new Set<string>();
      for (const [password, more] of [
        ["wrong password", {}],
        [PASSWORD, { userName: "nobody" }],
        [PASSWORD, { userName: "" }],
        [PASSWORD, { userName: "x".repeat(1000) }],
        [PASSWORD, { userName: "a\0b" }],
        [PASSWORD, { tenant: "t\0" }],
        [PASSWORD, { tenant: "t9" }],
        [PASSWORD, { tenant: MANAGEMENT_TENANT }],
        ["", {}],
      ] as const) {
        messages.add((await failing("UNAUTHORIZED", () => login(password, more))).message);
      }
      assert.deepEqual([...messages], ["Invalid credentials! : Bad credentials"]);
    });

    it("composes what is typed: a password is the same in either Unicode form", async () => {
      await tenants.createUser("t1", { userName: "jörg", password: "pässword", roles: [] });
      await login("pa\u0308ssword", { userName: "jörg" });
    });

    it("a disabled user, a deleted user and a changed password are felt at once", async () => {
      await tenants.createUser("t1", { userName: "u", password: PASSWORD, roles: [] });
      const asU = (password = PASSWORD) => login(password, { userName: "u" });
      await asU();
      await tenants.setEnabled("t1", "u", false);
      await failing("UNAUTHORIZED", () => asU());
      await tenants.setEnabled("t1", "u", true);
      await asU();
      await tenants.setPassword("t1", "u", "another one");
      await failing("UNAUTHORIZED", () => asU());
      await asU("another one");
      await tenants.deleteUser("t1", "u");
      await failing("UNAUTHORIZED", () => asU("another one"));
      await failing("NOT_FOUND", () => tenants.deleteUser("t1", "u"));
      await failing("NOT_FOUND", () => tenants.setEnabled("t1", "u", true));
    });

    it("pays scrypt once for a login that comes again, and again after a while", async () => {
      let reads = 0;
      const users = store.collection(USERS);
      const findOne: typeof users.findOne = (...asked) => {
        reads++;
        return users.findOne(...asked);
      };
      const collection = ((spec: CollectionSpec) =>
        spec.name === USERS.name ? { ...users, findOne } : store.collection(spec)) as Store["collection"];
      tenants = open({ store: { ...store, collection } });
      await Promise.all([login(), login(), login()]);
      await login();
      assert.equal(reads, 1);
      await clock.advance(60_000);
      await login();
      assert.equal(reads, 2);
    });
  });

  describe("limit of attempts", () => {
    beforeEach(first);

    it("pauses a user at one address after 10 failures, with the time to wait", async () => {
      for (let i = 0; i < 10; i++) await failing("UNAUTHORIZED", () => login("wrong password"));
      await clock.advance(20_000);
      const error = await failing("TOO_MANY_REQUESTS", () => login());
      assert.equal(error.details["retryAfterSeconds"], 40);
      await login(PASSWORD, { address: "10.0.0.2" });
      await clock.advance(40_000);
      await login(PASSWORD);
    });

    it("counts attempts that come at once", async () => {
      tenants = open({ maxChecksPerAddress: 16 });
      const results = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => login(`wrong password ${i}`)));
      const codes = results.map(result => (result as PromiseRejectedResult).reason.code);
      assert.equal(codes.filter(code => code === "UNAUTHORIZED").length, 10);
      assert.equal(codes.filter(code => code === "TOO_MANY_REQUESTS").length, 6);
    });

    it("begins anew after a good login", async () => {
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 9; i++) await failing("UNAUTHORIZED", () => login("wrong password"));
        await clock.advance(1);
        await tenants.setPassword("t1", "admin", PASSWORD);
        await login();
      }
    });

    it("does not stop a login that was verified lately", async () => {
      await login();
      for (let i = 0; i < 11; i++) await login("wrong password").catch(() => undefined);
      await login();
    });

    it("refuses more checks at once than it is made for", async () => {
      tenants = open({ maxChecksInFlight: 2, attempts: { attempts: 100, windowMs: 1000, remembered: 10 } });
      const results = await Promise.allSettled(Array.from({ length: 4 }, (_, i) => login(`wrong password ${i}`)));
      const codes = results.map(result => (result as PromiseRejectedResult).reason.code);
      assert.deepEqual(codes, ["UNAUTHORIZED", "UNAUTHORIZED", "OVERLOADED", "OVERLOADED"]);
    });

    it("one address does not take the places of all others", async () => {
      tenants = open({ maxChecksInFlight: 4, maxChecksPerAddress: 2 });
      const guesses = Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => login(PASSWORD, { userName: `guess-${i}`, address: "10.0.0.66" })),
      );
      assert.equal((await login()).userName, "admin");
      const codes = (await guesses).map(result => (result as PromiseRejectedResult).reason.code);
      assert.deepEqual(codes.slice(0, 3), ["UNAUTHORIZED", "UNAUTHORIZED", "OVERLOADED"]);
      await failing("UNAUTHORIZED", () => login(PASSWORD, { userName: "guess-9", address: "10.0.0.66" }));
    });

    it("remembers a bounded number of users", async () => {
      tenants = open({ attempts: { attempts: 1, windowMs: 60_000, remembered: 2 } });
      await failing("UNAUTHORIZED", () => login("wrong password"));
      for (const userName of ["a", "b"]) await failing("UNAUTHORIZED", () => login("wrong password", { userName }));
      await login();
    });
  });

  describe("users", () => {
    beforeEach(first);

    it("have the roles they were given", async () => {
      const user = await tenants.createUser("t1", {
        userName: "reader",
        password: PASSWORD,
        roles: ["ROLE_INVENTORY_READ", "ROLE_ALARM_ADMIN"],
      });
      assert.deepEqual(await tenants.findUser("t1", "reader"), user);
      assert.isTrue(mayUser(user, "inventory:read"));
      assert.isFalse(mayUser(user, "inventory:write"));
      assert.isTrue(mayUser(user, "alarm:read"));
      assert.isTrue(mayUser(user, "alarm:write"));
      assert.isFalse(mayUser(user, "measurement:read"));
    });

    it("are made once, of known roles, in a tenant that is there", async () => {
      const make = (more: object, tenant = "t1") =>
        tenants.createUser(tenant, { userName: "u", password: PASSWORD, roles: [], ...more });
      assert.equal((await failing("VALIDATION", () => make({ roles: ["ROLE_KING"] }))).details["field"], "roles");
      assert.equal((await failing("VALIDATION", () => make({ userName: "a:b" }))).details["field"], "userName");
      assert.equal((await failing("VALIDATION", () => make({ password: "1234567" }))).details["field"], "password");
      await failing("NOT_FOUND", () => make({}, "t9"));
      assert.isUndefined(await tenants.findUser("t1", "u"));
      await make({});
      await failing("DUPLICATE", () => make({}));
      assert.isUndefined(await tenants.findUser(MANAGEMENT_TENANT, "u"));
    });
  });
});
