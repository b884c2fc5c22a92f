import { createHash } from "node:crypto";
import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { Binaries, ManagedObject, Platform } from "../../src/platform/platform.ts";
import { BINARIES, BINARY_CHUNKS, type BinaryDocument } from "../../src/store/collections/platform.ts";
import { failing } from "./failing.ts";
import { PAGE, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

const NAMED = { body: { name: "fw.bin" }, owner: "admin" };
const bytesOf = (length: number, seed = 1): Uint8Array => createSeededRandom(seed).bytes(length);

/** Sent in pieces that fit no chunk. */
async function upload(binaries: Binaries, bytes: Uint8Array, tenant = TENANT): Promise<ManagedObject> {
  await using upload = await binaries.begin(tenant);
  for (let at = 0; at < bytes.length; at += 10_001) await upload.write(bytes.subarray(at, at + 10_001));
  return await upload.create(NAMED);
}

describe("platform: binaries", () => {
  let fixture: PlatformFixture;
  let platform: Platform;
  let binaries: Binaries;
  perTest(opened => {
    fixture = opened;
    ({ platform } = opened);
    ({ binaries } = platform);
  });

  const count = async (): Promise<[binaries: number, chunks: number]> => [
    await fixture.store.collection(BINARIES).count({}),
    await fixture.store.collection(BINARY_CHUNKS).count({}),
  ];
  const states = async (): Promise<string[]> =>
    (await fixture.store.collection(BINARIES).find({}, { limit: 10 })).map(({ state }) => state);
  const read = async (id: string): Promise<Uint8Array> => {
    const stored = await binaries.open(TENANT, id);
    return await stored.read(0, stored.length);
  };

  for (const length of [0, 1, 65_535, 65_536, 65_537, 700_000]) {
    it(`${length} bytes come back unchanged`, async () => {
      const bytes = bytesOf(length);
      const { id, fragments } = await upload(binaries, bytes);
      assert.deepInclude(fragments, { c8y_IsBinary: "", contentType: "application/octet-stream", length });
      const stored = await binaries.open(TENANT, id);
      assert.deepInclude(stored, { id, name: "fw.bin", length, contentType: "application/octet-stream" });
      assert.equal(stored.sha256, createHash("sha256").update(bytes).digest("hex"));
      assert.deepEqual(await read(id), bytes);
      assert.deepEqual(await states(), ["stored"]);
    });
  }

  it("is read by offset, across chunks and past the end", async () => {
    const bytes = bytesOf(200_000);
    const stored = await binaries.open(TENANT, (await upload(binaries, bytes)).id);
    for (const [offset, length] of [
      [0, 1],
      [65_530, 12],
      [65_536, 65_536],
      [1, 199_999],
      [199_990, 100],
    ] as const) {
      assert.deepEqual(await stored.read(offset, length), bytes.slice(offset, offset + length), `${offset}`);
    }
    assert.lengthOf(await stored.read(200_000, 10), 0);
    assert.lengthOf(await stored.read(300_000, 10), 0);
  });

  it("the type is that of the bytes, else of the body, else of octets; what is no media type counts as none", async () => {
    const typeOf = async (body: object, contentType?: string): Promise<unknown> => {
      await using upload = await binaries.begin(TENANT);
      const object = await upload.create({ body: { ...body }, owner: "admin", ...(contentType && { contentType }) });
      assert.equal(object.type, (body as { type?: string }).type);
      return object.fragments["contentType"];
    };
    assert.equal(await typeOf({ type: "text/plain" }, "image/png"), "image/png");
    assert.equal(await typeOf({ type: "text/plain;charset=utf-8" }), "text/plain;charset=utf-8");
    assert.equal(await typeOf({ type: "c8y_Firmware" }), "application/octet-stream");
    assert.equal(await typeOf({}, "text/html\r\nSet-Cookie: a=b"), "application/octet-stream");
  });

  it("while it is received nobody sees it; given up, nothing of it stays", async () => {
    {
      await using upload = await binaries.begin(TENANT);
      await upload.write(bytesOf(300_000));
      assert.lengthOf((await platform.inventory.list(TENANT, { fragmentType: "c8y_IsBinary" }, PAGE)).items, 0);
    }
    assert.deepEqual(await count(), [0, 0]);
  });

  it("a body that breaks a rule makes nothing, and leaves no bytes", async () => {
    {
      await using upload = await binaries.begin(TENANT);
      await upload.write(bytesOf(70_000));
      await failing("VALIDATION", () => upload.create({ body: { name: 5 }, owner: "admin" }));
    }
    assert.deepEqual(await count(), [0, 0]);
  });

  it("is refused past the limit, and what came of it goes", async () => {
    const { store, clock, log } = fixture;
    const small = createPlatform({ store, clock, random: createSeededRandom(1), log, maxBinaryBytes: 1000 });
    {
      await using upload = await small.binaries.begin(TENANT);
      await upload.write(bytesOf(1000));
      await failing("TOO_LARGE", () => upload.write(bytesOf(1)));
    }
    assert.deepEqual(await count(), [0, 0]);
  });

  it("deleting the object deletes the bytes, of that one only", async () => {
    const kept = await upload(binaries, bytesOf(100_000, 2));
    const { id } = await upload(binaries, bytesOf(500_000));
    const stored = await binaries.open(TENANT, id);
    await platform.inventory.delete(TENANT, id);
    assert.deepEqual(await count(), [1, 2]);
    await failing("NOT_FOUND", () => binaries.open(TENANT, id));
    await failing("NOT_FOUND", () => stored.read(0, 10));
    assert.deepEqual(await read(kept.id), bytesOf(100_000, 2));
  });

  it("is replaced as a whole; who reads the old one gets an error, not a mixture", async () => {
    const { id } = await upload(binaries, bytesOf(200_000));
    const old = await binaries.open(TENANT, id);
    await old.read(0, 1000);
    {
      await using upload = await binaries.begin(TENANT);
      await upload.write(bytesOf(100, 7));
      assert.deepEqual((await read(id)).length, 200_000);
      const object = await upload.replace(id, "text/plain");
      assert.deepInclude(object.fragments, { contentType: "text/plain", length: 100 });
    }
    assert.deepEqual(await read(id), bytesOf(100, 7));
    assert.notEqual((await binaries.open(TENANT, id)).content, old.content);
    await failing("NOT_FOUND", () => old.read(100_000, 1000));
    assert.deepEqual(await count(), [1, 1]);
  });

  it("of two that replace at once the later begun stays", async () => {
    const { id } = await upload(binaries, bytesOf(10));
    await using first = await binaries.begin(TENANT);
    await using second = await binaries.begin(TENANT);
    await first.write(bytesOf(20));
    await second.write(bytesOf(30));
    await second.replace(id);
    const object = await first.replace(id);
    assert.equal(object.fragments["length"], 30);
    assert.lengthOf(await read(id), 30);
    assert.deepEqual(await count(), [1, 1]);
  });

  it("replaces nothing that is no binary, of another tenant, or deleted meanwhile", async () => {
    const { id } = await upload(binaries, bytesOf(10));
    const plain = await platform.inventory.create(TENANT, { name: "no file" }, { owner: "admin" });
    for (const [tenant, target] of [
      [TENANT, plain.id],
      [TENANT, "815"],
      ["t2", id],
    ] as const) {
      await using upload = await binaries.begin(tenant);
      await failing("NOT_FOUND", () => upload.replace(target));
    }
    {
      await using upload = await binaries.begin(TENANT);
      await upload.write(bytesOf(5));
      await platform.inventory.delete(TENANT, id);
      await failing("NOT_FOUND", () => upload.replace(id));
    }
    assert.deepEqual(await count(), [0, 0]);
  });

  it("is another tenant's for nobody", async () => {
    const { id } = await upload(binaries, bytesOf(10));
    await failing("NOT_FOUND", () => binaries.open("t2", id));
  });

  describe("at a start", () => {
    const left = (document: Partial<BinaryDocument>): Promise<void> =>
      fixture.store
        .collection(BINARIES)
        .insertOne({ _id: "2000000000", tenant: TENANT, state: "uploading", node: "local", ...document });
    const leaveChunk = (binary: string): Promise<void> =>
      fixture.store.collection(BINARY_CHUNKS).insertOne({ _id: `${binary},0`, binary, bytes: bytesOf(3) });

    it("what was being received is gone, but that of other nodes", async () => {
      await left({});
      await leaveChunk("2000000000");
      await left({ _id: "2000000001", node: "other" });
      await leaveChunk("2000000001");
      await binaries.recover();
      assert.deepEqual(await count(), [1, 1]);
    });

    it("what is complete without its object is gone", async () => {
      await left({ state: "complete", managedObject: "77", length: 3 });
      await leaveChunk("2000000000");
      await binaries.recover();
      assert.deepEqual(await count(), [0, 0]);
    });

    it("what is complete with its object counts, and the one before goes", async () => {
      const { id } = await upload(binaries, bytesOf(100_000));
      await left({ state: "complete", managedObject: id, length: 3, contentType: "text/plain" });
      await leaveChunk("2000000000");
      await binaries.recover();
      assert.deepEqual(await count(), [1, 1]);
      assert.deepEqual(await read(id), bytesOf(3));
      const object = await platform.inventory.get(TENANT, id);
      assert.deepInclude(object.fragments, { length: 3, contentType: "text/plain" });
      assert.deepEqual(await states(), ["stored"]);
    });
  });
});
