import { assert } from "chai";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";
import { createCatalogStore } from "../../../src/decoding/catalog/catalog-store.ts";
import { NEW_DECODER } from "../../../src/decoding/catalog/decoder-machine.ts";
import type { DecodeOutcome } from "../../../src/sandbox/decoder-runtime.ts";
import { DECODER_SOURCES, DECODER_VERSIONS, DECODERS } from "../../../src/store/collections/decoding.ts";
import { MANAGEMENT_TENANT } from "../../../src/tenants/tenants.ts";
import { BROKEN, type CatalogFixture, INPUT, measured, openCatalog, storedVersion, TENANT } from "./support.ts";

describe("decoding/catalog/catalog", () => {
  let fixture: CatalogFixture;
  beforeEach(async () => {
    fixture = await openCatalog();
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const inForce = (tenant = TENANT) => fixture.decoders.catalog.find(tenant, "meter")?.manifest.version;
  const activate = (version: string) => fixture.decoders.services.activate(TENANT, "meter", { version }, "admin");
  const decode = (tenant = TENANT): Promise<DecodeOutcome> => {
    const { catalog } = fixture.decoders;
    return catalog.decode(catalog.find(tenant, "meter")!, INPUT);
  };
  async function refusal(work: Promise<unknown>): Promise<MooringError> {
    try {
      await work;
    } catch (error) {
      if (isFailure(error)) return error;
      throw error;
    }
    return assert.fail("not refused");
  }

  it("a start reads what is in force and staged, and loads nothing of thousands of other versions", async () => {
    const stored = createCatalogStore(fixture.store);
    const versions = Array.from({ length: 3000 }, (_, n) => storedVersion(`k${n % 3}`, `1.0.${n}`, `${n}`));
    await fixture.store
      .collection(DECODER_SOURCES)
      .insertMany(
        versions.map(({ checksum, owner }, n) => ({ _id: `${owner},${checksum}`, tenant: owner, source: `${n}` })),
      );
    await fixture.store.collection(DECODER_VERSIONS).insertMany(
      versions.map(({ owner: tenant, manifest: { key, version }, checksum, createdAtMs: creationTime, ...more }) => {
        const details = { ...more, manifest: { key, name: key, version } };
        const names = { _id: `${tenant},${key},${version}`, tenant, key, version };
        return { ...names, checksum, creationTime, details: details as never };
      }),
    );
    for (let n = 0; n < 3; n++) {
      const state = { ...NEW_DECODER, active: `1.0.${n}`, ...(n === 0 && { staged: "1.0.3" }) };
      await stored.save({ owner: TENANT, key: `k${n}`, state }, 0);
    }
    await fixture.reopen();
    const { catalog } = fixture.decoders;
    assert.deepEqual(
      catalog.list(TENANT).map(({ manifest: { key, version } }) => `${key} ${version}`),
      ["k0 1.0.0", "k1 1.0.1", "k2 1.0.2"],
    );
    assert.equal(catalog.staged(TENANT, "k0")?.decoder.manifest.version, "1.0.3");
    await Promise.all(catalog.list(TENANT).map(decoder => catalog.decode(decoder, INPUT)));
    const expected = ["k0@1.0.0", "k0@1.0.3", "k1@1.0.1", "k2@1.0.2"].map(name => `${TENANT}/${name}`);
    assert.deepEqual([...new Set(fixture.runtime.loads)].sort(), expected);
    const other = await catalog.version(TENANT, "k1", "1.0.1000");
    assert.deepEqual(await catalog.decode(other!, INPUT), measured(1007, "1.0.1000"));
  });

  it("a version that does not load any more is named in the log, and harms no other", async () => {
    await fixture.upload("1.0.0");
    const stored = createCatalogStore(fixture.store);
    const state = { ...NEW_DECODER, active: "1.0.0" };
    await stored.add(storedVersion("bad", "1.0.0", BROKEN), BROKEN, { owner: TENANT, key: "bad", state });
    await fixture.reopen();
    const { catalog } = fixture.decoders;
    assert.isTrue((await decode()).ok);
    const bad = catalog.find(TENANT, "bad")!;
    const failed = await catalog.decode(bad, INPUT);
    const retryAtMs = fixture.clock.now() + 60_000;
    assert.deepInclude(failed, { ok: false, reason: "unavailable", retryAtMs });
    const lines = fixture.log.lines.filter(({ event }) => event === "decoder.notLoaded");
    assert.deepInclude(lines[0]!.fields, { decoderId: `${TENANT}/bad@1.0.0`, key: "bad", version: "1.0.0" });
    const loads = fixture.runtime.loads.length;
    await catalog.decode(bad, INPUT);
    assert.lengthOf(fixture.runtime.loads, loads, "it is not tried again for every payload");
    await fixture.clock.advance(60_000);
    await catalog.decode(bad, INPUT);
    assert.lengthOf(fixture.runtime.loads, loads + 1);
  });

  it("one of several uploads of one version at the same time is stored", async () => {
    await fixture.upload("1.0.0");
    const ends = await Promise.allSettled([1, 2, 3].map(n => fixture.upload("2.0.0", `${n}`)));
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected"],
    );
    for (const end of ends.slice(1)) {
      assert.isTrue(isFailure((end as PromiseRejectedResult).reason, "DUPLICATE"));
    }
    await activate("2.0.0");
    assert.deepEqual(await decode(), measured(8, "2.0.0"));
  });

  it("what is tried out and does not load is not stored, and may be uploaded again, mended", async () => {
    const error = await refusal(fixture.upload("1.0.0", BROKEN));
    assert.equal(error.code, "DECODER_INVALID");
    assert.deepInclude(error.details, { field: "source", rule: "cannot be used: broken" });
    assert.equal(await fixture.store.collection(DECODER_VERSIONS).count({}), 0);
    assert.isUndefined(inForce());
    await fixture.upload("1.0.0", "1");
    assert.deepEqual(await decode(), measured(8));
  });

  it("what the store does not take does not come into force", async () => {
    await fixture.upload("1.0.0");
    await fixture.upload("2.0.0", "2");
    await fixture.store.close();
    const error = await refusal(activate("2.0.0"));
    assert.equal(error.code, "CLOSED");
    assert.equal(inForce(), "1.0.0");
  });

  it("a decode that is under way ends with the version it began with", async () => {
    await fixture.upload("1.0.0", "1");
    await fixture.upload("2.0.0", "2");
    const { promise, resolve } = Promise.withResolvers<void>();
    const { answer } = fixture.runtime;
    fixture.runtime.answer = async (...given) => {
      await promise;
      return answer(...given);
    };
    const before = decode();
    await activate("2.0.0");
    const after = decode();
    resolve();
    assert.deepEqual(await before, measured(8, "1.0.0"));
    assert.deepEqual(await after, measured(9, "2.0.0"));
  });

  it("what is not in force leaves the runtime when too many are loaded, and comes back when it is asked for", async () => {
    for (let n = 0; n < 70; n++) await fixture.upload(`1.0.${n}`, `${n}`);
    assert.equal(inForce(), "1.0.0");
    assert.equal(fixture.runtime.loaded.size, 65);
    assert.isTrue(fixture.runtime.has(`${TENANT}/meter@1.0.0`));
    assert.isFalse(fixture.runtime.has(`${TENANT}/meter@1.0.1`));
    const { catalog } = fixture.decoders;
    assert.deepEqual(
      await catalog.decode((await catalog.version(TENANT, "meter", "1.0.1"))!, INPUT),
      measured(8, "1.0.1"),
    );
    assert.equal(fixture.runtime.loaded.size, 65);
  });

  it("a decoder of the management tenant is there for all, until a tenant has its own in force", async () => {
    await fixture.upload("1.0.0", "1", MANAGEMENT_TENANT);
    assert.equal(inForce("t2"), "1.0.0");
    await fixture.upload("1.1.0", "5");
    assert.equal(inForce(), "1.0.0", "a further version, not the first");
    await activate("1.1.0");
    assert.deepEqual([inForce(), inForce("t2")], ["1.1.0", "1.0.0"]);
    await fixture.upload("2.0.0", "2", MANAGEMENT_TENANT);
    await fixture.decoders.services.activate(MANAGEMENT_TENANT, "meter", { version: "2.0.0" }, "root");
    assert.deepEqual([inForce(), inForce("t2")], ["1.1.0", "2.0.0"]);
    await activate("2.0.0");
    assert.deepEqual(await decode(), measured(9, "2.0.0"));
    assert.isNull(fixture.decoders.catalog.record(TENANT, "meter")!.state.active);
    await fixture.reopen();
    assert.equal(inForce(), "2.0.0");
    await fixture.decoders.services.rollback(TENANT, "meter", "admin");
    assert.equal(inForce(), "1.1.0");
  });

  it("what is staged and does not load any more keeps nobody from going back", async () => {
    await fixture.upload("1.0.0", "1");
    await fixture.upload("2.0.0", "2");
    await fixture.upload("3.0.0", "3");
    await activate("2.0.0");
    const { services } = fixture.decoders;
    await services.stage(TENANT, "meter", { version: "3.0.0" }, "admin");
    fixture.runtime.unload(`${TENANT}/meter@3.0.0`);
    const sources = fixture.store.collection(DECODER_SOURCES);
    await sources.updateOne({ source: "3" } as never, { $set: { source: BROKEN } });
    await services.rollback(TENANT, "meter", "admin");
    assert.deepEqual(await decode(), measured(8));
  });

  it("there is no way back to what the host does not have any more", async () => {
    await fixture.upload("1.0.0", "1", MANAGEMENT_TENANT);
    await fixture.upload("1.1.0", "5");
    await activate("1.1.0");
    await fixture.decoders.services.remove(MANAGEMENT_TENANT, "meter", "root");
    const error = await refusal(fixture.decoders.services.rollback(TENANT, "meter", "admin"));
    assert.equal(error.code, "CONFLICT");
    assert.equal(inForce(), "1.1.0");
  });

  it("a version whose text cannot be read now is asked for again at once", async () => {
    await fixture.upload("1.0.0", "1");
    await fixture.reopen();
    const sources = fixture.store.collection(DECODER_SOURCES);
    const [source] = await sources.find({}, { limit: 1 });
    await fixture.clock.advance(0);
    fixture.runtime.loaded.clear();
    await sources.deleteMany({});
    const failed = await decode();
    assert.deepInclude(failed, { ok: false, reason: "unavailable" });
    assert.notProperty(failed, "retryAtMs");
    await sources.insertOne(source!);
    assert.deepEqual(await decode(), measured(8));
  });

  it("changes are told as events of the tenant, with who made them", async () => {
    await fixture.upload("1.0.0");
    await fixture.upload("2.0.0", "2");
    const { services, changeEvents } = fixture.decoders;
    await services.activate(TENANT, "meter", { version: "2.0.0", force: true }, "eve");
    await services.rollback(TENANT, "meter", "admin");
    await services.remove(TENANT, "meter", "admin");
    await changeEvents.idle();
    const page = { currentPage: 1, pageSize: 100, withTotal: false };
    const { items } = await fixture.platform.events.list(TENANT, { type: "c8y_LWM2MDecoderChanged" }, page);
    assert.sameMembers(
      items.map(({ text }) => text),
      [
        "Decoder meter: 1.0.0 uploaded by admin",
        "Decoder meter: 2.0.0 uploaded by admin",
        "Decoder meter: 2.0.0 activated by eve, in spite of its report",
        "Decoder meter: 1.0.0 put in force again by admin",
        "Decoder meter: with all its versions deleted by admin",
      ],
    );
    assert.deepInclude(items[0]!.fragments["c8y_LWM2MDecoder"] as object, { key: "meter" });
  });

  it("a decoder that was removed is gone with its versions; what waits is told that there is none", async () => {
    await fixture.upload("1.0.0");
    await fixture.decoders.services.remove(TENANT, "meter", "admin");
    assert.isUndefined(inForce());
    assert.deepEqual(fixture.decoders.catalog.keysOf(TENANT), []);
    assert.equal(await fixture.store.collection(DECODERS).count({}), 0);
    assert.equal(await fixture.store.collection(DECODER_SOURCES).count({}), 0);
    assert.equal((await refusal(fixture.upload("1.0.0"))).code, "DUPLICATE");
    assert.isFalse(fixture.runtime.has(`${TENANT}/meter@1.0.0`));
  });
});
