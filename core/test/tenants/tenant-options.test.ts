import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox } from "../../src/base/secret-box.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { TENANT_OPTIONS } from "../../src/store/collections/tenants.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { createTenantOptions, ENCRYPTED, type TenantOptions } from "../../src/tenants/tenant-options.ts";

describe("tenants/tenant-options (platform API 15)", () => {
  let store: Store;
  let options: TenantOptions;
  const open = (fill = 1): TenantOptions =>
    createTenantOptions({ store, secrets: createSecretBox(new Uint8Array(32).fill(fill), createSeededRandom(2)) });
  beforeEach(async () => {
    const clock = createManualClock();
    store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
    options = open();
  });
  afterEach(() => store.close());

  const codeOf = async (promise: Promise<unknown>): Promise<string> => {
    try {
      await promise;
    } catch (error) {
      assert.instanceOf(error, MooringError);
      return (error as MooringError).code;
    }
    return "nothing";
  };

  it("the owner sees secrets, nobody else does", async () => {
    await options.set("t1", "cat", { "credentials.key": "secret", plain: "1" });
    assert.deepEqual([...(await options.reveal("t1", "cat"))].sort(), [
      ["credentials.key", "secret"],
      ["plain", "1"],
    ]);
    assert.deepEqual(await options.ofCategory("t1", "cat"), { "credentials.key": ENCRYPTED, plain: "1" });
    assert.equal((await options.get("t1", "cat", "credentials.key")).value, ENCRYPTED);
  });

  it("a secret opens in its place alone, and with its key alone", async () => {
    await options.set("t1", "cat", { "credentials.a": "secret a", "credentials.b": "secret b" });
    const documents = store.collection(TENANT_OPTIONS);
    const [a, b] = await documents.find({ tenant: "t1" }, { limit: 2 });
    await documents.updateOne({ _id: b!._id }, { $set: { value: a!.value } });
    const unreadable = new Set<string>();
    assert.deepEqual([...(await options.reveal("t1", "cat", unreadable)).keys()], ["credentials.a"]);
    assert.deepEqual([...unreadable], ["credentials.b"]);
    assert.deepEqual([...(await open(2).reveal("t1", "cat"))], []);
  });

  it("the owner may refuse: nothing of the request is stored, and he is not told", async () => {
    const told: string[] = [];
    options.own("cat", {
      check(values, changed) {
        assert.deepEqual(changed, ["good", "bad"]);
        if (values.get("bad") === "no") throw new MooringError("VALIDATION", "bad must be yes", { field: "bad" });
      },
      changed: async tenant => void told.push(tenant),
    });
    assert.equal(await codeOf(options.set("t1", "cat", { good: "1", bad: "no" })), "VALIDATION");
    assert.deepEqual([await options.list("t1"), told], [[], []]);
    await options.set("t1", "cat", { good: "1", bad: "yes" });
    assert.deepEqual(told, ["t1"]);
  });

  it("the owner sees what would be: changes over what is stored, placeholders resolved", async () => {
    const seen: Record<string, string>[] = [];
    options.own("cat", {
      check: values => void seen.push(Object.fromEntries(values)),
      changed: async () => {},
    });
    await options.set("t1", "cat", { "credentials.a": "secret", b: "1" });
    await options.set("t1", "cat", { "credentials.a": ENCRYPTED, b: "2" });
    await options.set("t2", "cat", { b: "3" });
    assert.deepEqual(seen.slice(1), [{ "credentials.a": "secret", b: "2" }, { b: "3" }]);
  });

  it("changes at once are checked one after the other", async () => {
    options.own("cat", {
      check(values) {
        if (values.size > 1) throw new MooringError("VALIDATION", "one is enough", { field: "cat" });
      },
      changed: async () => {},
    });
    const codes = await Promise.all(["a", "b", "c"].map(key => codeOf(options.set("t1", "cat", { [key]: "1" }))));
    assert.deepEqual(codes, ["nothing", "VALIDATION", "VALIDATION"]);
  });

  it("a change waits until the owner has taken it over", async () => {
    let taken = false;
    options.own("cat", {
      check: () => {},
      async changed() {
        await Promise.resolve();
        taken = true;
      },
    });
    await options.set("t1", "cat", { a: "1" });
    assert.isTrue(taken);
    taken = false;
    await options.delete("t1", "cat", "a");
    assert.isTrue(taken);
  });

  it("a tenant has at most 2000; those that are there may change", async () => {
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, "1"]));
    await options.set("t1", "cat", many);
    assert.equal(await codeOf(options.set("t1", "other", { one: "more" })), "CONFLICT");
    assert.equal(await codeOf(options.set("t1", "cat", { k0: "2" })), "nothing");
    assert.equal(await codeOf(options.set("t2", "cat", { one: "more" })), "nothing");
    assert.lengthOf(await options.list("t1"), 2000);
  });
});
