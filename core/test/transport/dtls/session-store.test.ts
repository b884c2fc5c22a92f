import { assert } from "chai";
import { systemClock } from "../../../src/base/clock.ts";
import { createRecordingLog } from "../../../src/base/log.ts";
import { createSystemRandom } from "../../../src/base/random.ts";
import { createSecretBox } from "../../../src/base/secret-box.ts";
import { DTLS_SESSIONS } from "../../../src/store/collections/devices.ts";
import { openSqlite } from "../../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import type { StoredSession } from "../../../src/transport/dtls/dtls.ts";
import { createSessionStore } from "../../../src/transport/dtls/session-store.ts";

const random = createSystemRandom();
const KEY = random.bytes(32);

const sessionOf = (id: string, changed: Partial<StoredSession> = {}): StoredSession => ({
  id,
  address: "192.0.2.7",
  port: 40_000,
  cid: "a1b2c3",
  principal: "psk:urn:a",
  resumptionId: "00".repeat(32),
  received: 5,
  reserved: 1029,
  createdAtMs: 1_700_000_000_000,
  seenAtMs: 1_700_000_000_001,
  secrets: Uint8Array.of(1, 2, 3),
  ...changed,
});

const A = "000000000000000a";
const B = "000000000000000b";

describe("transport/dtls/session-store", () => {
  let store: Store;
  beforeEach(async () => {
    store = await openSqlite({
      directory: undefined,
      collections: [DTLS_SESSIONS],
      clock: systemClock,
      host: "inline",
    });
  });
  afterEach(() => store.close());

  const log = createRecordingLog();
  const open = (key = KEY, server: "server" | "bootstrap" = "server") =>
    createSessionStore({ store, box: createSecretBox(key, random), log, node: "local", server });

  it("keeps sessions, whole or without their secrets", async () => {
    const sessions = open();
    await sessions.insert([sessionOf(A), sessionOf(B, { cid: "" })]);
    await sessions.insert([sessionOf(A, { received: 9 })]);
    assert.deepEqual(await sessions.find(A), sessionOf(A), "a second insert changes nothing");
    const heads = await sessions.heads();
    assert.deepEqual(
      heads.map(({ id }) => id),
      [A, B],
    );
    assert.notProperty(heads[0], "secrets");
    await sessions.delete([A]);
    await sessions.delete([]);
    assert.isUndefined(await sessions.find(A));
  });

  it("the secrets are not there to be read, nor those of one session in the place of another", async () => {
    const sessions = open();
    const secrets = new TextEncoder().encode("a master secret");
    await sessions.insert([sessionOf(A, { secrets }), sessionOf(B)]);
    const collection = store.collection(DTLS_SESSIONS);
    const document = await collection.findOne({ _id: A });
    assert.notInclude(JSON.stringify(document), "master");
    assert.notInclude(JSON.stringify(document), Buffer.from(secrets).toString("base64"));
    await collection.updateOne({ _id: B }, { $set: { secrets: document!.secrets } });
    assert.isUndefined(await sessions.find(B));
  });

  it("moves on what changes with traffic, sequence numbers never down", async () => {
    const sessions = open();
    await sessions.insert([sessionOf(A)]);
    const moved = { id: A, address: "192.0.2.8", port: 1, seenAtMs: 1_700_000_000_009 };
    await sessions.update([{ ...moved, received: 70, reserved: 2053 }]);
    await sessions.update([{ ...moved, received: 69, reserved: 1029 }]);
    await sessions.update([]);
    const { id: _, ...changed } = moved;
    assert.deepEqual(await sessions.find(A), sessionOf(A, { ...changed, received: 70, reserved: 2053 }));
    await sessions.update([{ ...moved, id: B, received: 1, reserved: 1 }]);
    assert.isUndefined(await sessions.find(B), "an update inserts nothing");
  });

  it("a session that was sealed with another key is as if it were not there, and that is said", async () => {
    await open().insert([sessionOf(A)]);
    assert.isUndefined(await open(random.bytes(32)).find(A));
    assert.equal(log.lines.at(-1)!.event, "dtls.session.secret.unreadable");
  });

  it("each server has its own", async () => {
    await open().insert([sessionOf(A)]);
    assert.deepEqual(await open(KEY, "bootstrap").heads(), []);
  });
});
