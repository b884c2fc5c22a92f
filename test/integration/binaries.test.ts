/** Files of the size of firmware, and a host that dies while it receives one. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { systemClock } from "../../core/src/base/clock.ts";
import { createSeededRandom } from "../../core/src/base/random.ts";
import { BINARIES, BINARY_CHUNKS } from "../../core/src/store/collections/platform.ts";
import { openStore } from "../../core/src/store/open-store.ts";
import { expectStatus, type ManagedObject } from "../harness/agent.ts";
import { api } from "../harness/api.ts";
import { type Host, startHost } from "../harness/host.ts";

const MIB = 2 ** 20;
const PATH = "/inventory/binaries";
const PIECE = createSeededRandom(3).bytes(MIB);

/** So many MiB, one after the other; `pause` stands between them. */
async function* pieces(count: number, pause: (sent: number) => Promise<void> = async () => {}) {
  for (let i = 0; i < count; i++) {
    await pause(i);
    yield PIECE;
  }
}

function upload(host: Host, body: AsyncIterable<Uint8Array>): Promise<Response> {
  const headers = { authorization: api(host).authorization, "content-type": "application/octet-stream" };
  return fetch(`${host.http}${PATH}?name=fw.bin`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
}

describe("binaries over the host", () => {
  let dataDir: string;
  let host: Host;
  before(async function () {
    this.timeout(40_000);
    dataDir = await mkdtemp(join(tmpdir(), "mooring-binaries-"));
    host = await startHost({ dataDir, store: "sqlite" });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  const list = async (): Promise<readonly ManagedObject[]> =>
    expectStatus(await api(host).get<{ managedObjects: ManagedObject[] }>(PATH), 200, "binaries").managedObjects;

  it("50 MiB come back unchanged; one byte more is 413, and neither leaves more than itself", async function () {
    this.timeout(60_000);
    const { id, length } = (await (await upload(host, pieces(50))).json()) as { id: string; length: number };
    assert.equal(length, 50 * MIB);
    const answer = await fetch(`${host.http}${PATH}/${id}`, { headers: { authorization: api(host).authorization } });
    const [received, expected] = [createHash("sha256"), createHash("sha256")];
    for await (const chunk of answer.body!) received.update(chunk);
    for (let i = 0; i < 50; i++) expected.update(PIECE);
    assert.equal(received.digest("hex"), expected.digest("hex"));
    assert.equal((await upload(host, pieces(51))).status, 413);
    assert.deepEqual(
      (await list()).map(each => each.id),
      [id],
    );
    assert.equal((await api(host).del(`${PATH}/${id}`)).status, 204);
  });

  it("kill -9 in the middle of an upload leaves nothing behind", async function () {
    this.timeout(60_000);
    const killed = upload(
      host,
      pieces(20, async sent => {
        if (sent === 10) await host.kill();
      }),
    );
    await killed.then(
      () => assert.fail("the upload was answered"),
      () => {},
    );
    await host.start();
    assert.deepEqual(await list(), []);
    await host.stop();
    const store = await openStore({ store: "sqlite", dataDirectory: dataDir, clock: systemClock });
    try {
      const counts = [await store.collection(BINARIES).count({}), await store.collection(BINARY_CHUNKS).count({})];
      assert.deepEqual(counts, [0, 0]);
    } finally {
      await store.close();
    }
    await host.start();
    assert.equal((await upload(host, pieces(1))).status, 201);
    assert.lengthOf(await list(), 1);
  });
});
