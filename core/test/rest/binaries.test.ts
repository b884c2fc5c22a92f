import { request } from "node:http";
import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import { BINARIES, BINARY_CHUNKS } from "../../src/store/collections/platform.ts";
import { type Answer, basic, openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/inventory/binaries";
const BYTES = createSeededRandom(5).bytes(200_000);

type Part = readonly [name: string, value: string | Uint8Array, more?: { fileName?: string; type?: string }];

/** A form as older clients write it: parts in the order given, each as said. */
function form(...parts: readonly Part[]): { headers: Record<string, string>; body: Uint8Array } {
  const pieces = parts.flatMap(([name, value, { fileName, type } = {}]) => [
    `--boundary\r\nContent-Disposition: form-data; name="${name}"${fileName ? `; filename="${fileName}"` : ""}\r\n`,
    type ? `Content-Type: ${type}\r\n\r\n` : "\r\n",
    value,
    "\r\n",
  ]);
  const body = Buffer.concat([...pieces, "--boundary--\r\n"].map(piece => Buffer.from(piece as string)));
  return { headers: { "Content-Type": "multipart/form-data; boundary=boundary" }, body };
}

describe("rest/binaries", () => {
  let rest: RestFixture;
  beforeEach(async () => {
    rest = await openRest();
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const file: Part = ["file", BYTES, { fileName: "fw-2.0.bin", type: "application/x-firmware" }];
  const post = (...parts: readonly Part[]): Promise<Answer> => rest.ask("POST", PATH, form(...parts));
  const made = async (): Promise<string> => (await post(file)).body.id;
  const left = async (): Promise<number> =>
    (await rest.store.collection(BINARIES).count({})) + (await rest.store.collection(BINARY_CHUNKS).count({}));

  async function bytesOf(id: string, headers: Record<string, string> = {}): Promise<[number, Headers, Uint8Array]> {
    const answer = await fetch(`${rest.origin}${PATH}/${id}`, {
      headers: { Authorization: basic("t1/admin"), Connection: "close", ...headers },
    });
    return [answer.status, answer.headers, new Uint8Array(await answer.arrayBuffer())];
  }

  for (const [order, parts] of [
    ["the file first", [file, ["object", '{"name":"fw","type":"t","c8y_Note":{}}']]],
    ["the object first, with a size", [["object", '{"name":"fw","type":"t","c8y_Note":{}}'], ["filesize", "5"], file]],
    [
      "an object with a file name, as browsers send blobs",
      [["object", '{"name":"fw","type":"t","c8y_Note":{}}', { fileName: "blob", type: "application/json" }], file],
    ],
  ] as const) {
    it(`platform API 13: upload, ${order}`, async () => {
      const { status, headers, body } = await post(...(parts as readonly Part[]));
      assert.equal(status, 201);
      const self = `${rest.origin}${PATH}/${body.id}`;
      assert.deepInclude(body, {
        self,
        name: "fw",
        type: "t",
        contentType: "application/x-firmware",
        length: 200_000,
        owner: "admin",
        c8y_IsBinary: "",
        c8y_Note: {},
      });
      assert.equal(headers.get("location"), self);
      const [, downloaded, bytes] = await bytesOf(body.id);
      assert.deepEqual(bytes, BYTES);
      assert.equal(downloaded.get("content-type"), "application/x-firmware");
      assert.equal(downloaded.get("content-disposition"), 'attachment; filename="fw"');
      assert.equal(downloaded.get("content-length"), "200000");
      assert.equal(downloaded.get("accept-ranges"), "bytes");
      const object = (await rest.ask("GET", `/inventory/managedObjects/${body.id}`)).body;
      assert.deepInclude(object, { c8y_IsBinary: "", length: 200_000 });
    });
  }

  it("a file alone has its own name; one that is no form has that of the query", async () => {
    assert.deepInclude((await post(file)).body, { name: "fw-2.0.bin", contentType: "application/x-firmware" });
    const headers = { "Content-Type": "application/octet-stream" };
    const raw = await rest.ask("POST", `${PATH}?name=fw.bin`, { body: BYTES, headers });
    assert.deepInclude(raw.body, { name: "fw.bin", length: 200_000, contentType: "application/octet-stream" });
    assert.deepEqual((await bytesOf(raw.body.id))[2], BYTES);
  });

  it("an empty file is one", async () => {
    const { body } = await post(["file", "", { fileName: "empty" }]);
    assert.equal(body.length, 0);
    const [status, , bytes] = await bytesOf(body.id);
    assert.deepEqual([status, bytes.length], [200, 0]);
    assert.equal((await bytesOf(body.id, { Range: "bytes=0-0" }))[0], 416);
  });

  it("a name of any script goes into the header", async () => {
    const { body } = await post(["object", JSON.stringify({ name: 'Zähler "2".bin' })], file);
    const [, headers] = await bytesOf(body.id);
    assert.equal(
      headers.get("content-disposition"),
      "attachment; filename=\"Z_hler _2_.bin\"; filename*=UTF-8''Z%C3%A4hler%20%222%22.bin",
    );
  });

  describe("ranges (RFC 9110 section 14)", () => {
    let id: string;
    beforeEach(async () => {
      id = await made();
    });

    for (const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=65530-65541", 65_530, 65_542],
      ["bytes=199999-", 199_999, 200_000],
      ["bytes=100-999999999", 100, 200_000],
      ["bytes=-500", 199_500, 200_000],
      ["bytes=-500000", 0, 200_000],
    ] as const) {
      it(`${range} is 206`, async () => {
        const [status, headers, bytes] = await bytesOf(id, { Range: range });
        assert.equal(status, 206);
        assert.equal(headers.get("content-range"), `bytes ${start}-${end - 1}/200000`);
        assert.equal(headers.get("content-length"), String(end - start));
        assert.deepEqual(bytes, BYTES.slice(start, end));
      });
    }

    for (const range of ["bytes=200000-", "bytes=200000-200001", "bytes=-0"]) {
      it(`${range} is 416 with the length`, async () => {
        const { status, headers, body } = await rest.ask("GET", `${PATH}/${id}`, { headers: { Range: range } });
        assert.equal(status, 416);
        assert.equal(headers.get("content-range"), "bytes */200000");
        assert.equal(body.error, "inventory/Range Not Satisfiable");
      });
    }

    for (const range of ["bytes=5-1", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,4-5"]) {
      it(`${range} is passed over: the whole`, async () => {
        const [status, , bytes] = await bytesOf(id, { Range: range });
        assert.deepEqual([status, bytes.length], [200, 200_000]);
      });
    }

    it("If-Range: a part only of the bytes that the client has begun with", async () => {
      const [, headers] = await bytesOf(id);
      const same = await bytesOf(id, { Range: "bytes=0-9", "If-Range": headers.get("etag")! });
      assert.equal(same[0], 206);
      const other = await bytesOf(id, { Range: "bytes=0-9", "If-Range": '"another"' });
      assert.deepEqual([other[0], other[2].length], [200, 200_000]);
    });

    it("HEAD has the headers and no bytes", async () => {
      const { status, headers, text } = await rest.ask("HEAD", `${PATH}/${id}`);
      assert.deepEqual([status, headers.get("content-length"), text], [200, "200000", ""]);
    });
  });

  it("lists metadata of files and of nothing else, filtered and in pages", async () => {
    await rest.createDevice();
    const ids = [await made(), await made(), (await post(["object", '{"name":"x","type":"t"}'], file)).body.id];
    const { body } = await rest.ask("GET", `${PATH}?pageSize=2&withTotalPages=true`);
    assert.deepEqual(
      body.managedObjects.map(({ id }: { id: string }) => id),
      ids.slice(0, 2),
    );
    assert.equal(body.statistics.totalPages, 2);
    assert.include(body.next, "currentPage=2");
    const typed = await rest.ask("GET", `${PATH}?type=t`);
    assert.deepEqual(
      typed.body.managedObjects.map(({ id, self }: { id: string; self: string }) => [id, self]),
      [[ids[2], `${rest.origin}${PATH}/${ids[2]}`]],
    );
  });

  it("PUT replaces the bytes: 201 and the metadata", async () => {
    const id = await made();
    const headers = { "Content-Type": "text/plain" };
    const { status, body } = await rest.ask("PUT", `${PATH}/${id}`, { body: "new", headers });
    assert.equal(status, 201);
    assert.deepInclude(body, { id, length: 3, contentType: "text/plain", name: "fw-2.0.bin" });
    assert.equal(Buffer.from((await bytesOf(id))[2]).toString(), "new");
    assert.equal((await rest.ask("PUT", `${PATH}/815`, { body: "new", headers })).status, 404);
  });

  it("DELETE takes object and bytes, by either path", async () => {
    for (const path of [PATH, "/inventory/managedObjects"]) {
      const id = await made();
      assert.equal((await rest.ask("DELETE", `${path}/${id}`)).status, 204);
      assert.equal((await rest.ask("GET", `${PATH}/${id}`)).status, 404);
      assert.equal((await rest.ask("GET", `/inventory/managedObjects/${id}`)).status, 404);
      assert.equal((await rest.ask("DELETE", `${PATH}/${id}`)).status, 404);
    }
    assert.equal(await left(), 0);
    const device = await rest.createDevice();
    assert.equal((await rest.ask("DELETE", `${PATH}/${device}`)).status, 404);
  });

  describe("what is refused leaves nothing", () => {
    for (const [what, status, error, parts] of [
      ["no file", 422, /file is missing/, [["object", "{}"]]],
      ["an object that is no JSON", 400, /not JSON/, [file, ["object", "{"]]],
      ["an object that is a list", 422, /object must be an object/, [file, ["object", "[]"]]],
      ["a name that is a number", 422, /name must be string/, [file, ["object", '{"name":5}']]],
      ["an object larger than a body", 413, /object is larger/, [file, ["object", `"${"x".repeat(70_000)}"`]]],
    ] as const) {
      it(what, async () => {
        const answer = await post(...(parts as readonly Part[]));
        assert.equal(answer.status, status);
        assert.match(answer.body.message, error);
        assert.equal(await left(), 0);
      });
    }

    it("a form that ends too early", async () => {
      const { headers, body } = form(file);
      const answer = await rest.ask("POST", PATH, { headers, body: body.subarray(0, 100_000) });
      assert.equal(answer.status, 400);
      assert.equal(await left(), 0);
    });

    it("a file past the limit: 413, however it is sent", async () => {
      const { store, clock, log } = rest;
      const platform = createPlatform({ store, clock, random: createSeededRandom(1), log, maxBinaryBytes: 150_000 });
      await using small = await openRest({ platform });
      for (const sent of [form(file), { body: BYTES, headers: { "Content-Type": "application/octet-stream" } }]) {
        const answer = await small.ask("POST", PATH, sent);
        assert.equal(answer.status, 413);
        assert.match(answer.body.message, /larger than 150000 bytes/);
      }
      assert.equal(await left(), 0);
    });

    it("a client that goes away in the middle", async () => {
      const { headers, body } = form(file);
      const sent = request(`${rest.origin}${PATH}`, {
        method: "POST",
        headers: { ...headers, Authorization: basic("t1/admin"), "Content-Length": body.length },
      });
      sent.on("error", () => {});
      const begun = rest.store.collection(BINARY_CHUNKS);
      sent.write(body.subarray(0, 150_000));
      while ((await begun.count({})) === 0) await new Promise(resolve => setImmediate(resolve));
      sent.destroy();
      while ((await left()) > 0) await new Promise(resolve => setImmediate(resolve));
      assert.lengthOf((await rest.ask("GET", PATH)).body.managedObjects, 0);
    });
  });

  it("platform API 19: roles", async () => {
    const id = await made();
    const roles = { reader: "ROLE_BINARY_READ", creator: "ROLE_BINARY_CREATE", keeper: "ROLE_BINARY_ADMIN" };
    for (const [userName, role] of Object.entries(roles)) {
      await rest.tenants.createUser("t1", { userName, password: PASSWORD, roles: [role] });
    }
    const statuses = async (as: string): Promise<number[]> => {
      const own = await rest.ask("POST", PATH, { ...form(file), as });
      return [
        (await rest.ask("GET", `${PATH}/${id}`, { as })).status,
        own.status,
        (await rest.ask("PUT", `${PATH}/${id}`, { body: BYTES, as })).status,
        own.status === 201 ? (await rest.ask("DELETE", `${PATH}/${own.body.id}`, { as })).status : 0,
      ];
    };
    assert.deepEqual(await statuses("t1/reader"), [200, 403, 403, 0]);
    assert.deepEqual(await statuses("t1/creator"), [403, 201, 403, 204]);
    assert.deepEqual(await statuses("t1/keeper"), [200, 201, 201, 204]);
    assert.lengthOf((await rest.ask("GET", PATH, { as: "t1/creator" })).body.managedObjects, 0);
    assert.lengthOf((await rest.ask("GET", PATH, { as: "t1/reader" })).body.managedObjects, 1);
  });
});
