import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { createWithdrawals } from "../../../src/transport/dtls/withdrawals.ts";
import type { PeerIdentity } from "../../../src/transport/transport.ts";
import { KEY, openWorld } from "./support/dtls-world.ts";
import { createKeptSessions } from "./support/kept-sessions.ts";

const CID = Uint8Array.of(7);
const psk = (identity: string): PeerIdentity => ({ kind: "psk", identity });
const isCalled = (name: string) => (identity: PeerIdentity) => identity.kind === "psk" && identity.identity === name;

describe("transport/dtls/withdrawals", () => {
  it("concern handshakes that began before them, and are forgotten with the oldest of those", () => {
    const underWay: number[] = [];
    const withdrawals = createWithdrawals(() => underWay[0]);
    withdrawals.add(isCalled("a"));
    underWay.push(withdrawals.count);
    withdrawals.add(isCalled("b"));
    underWay.push(withdrawals.count);
    withdrawals.add(isCalled("c"));
    const concerned = () =>
      underWay.map(before => ["a", "b", "c"].filter(name => withdrawals.concern(psk(name), before)).join(""));
    assert.deepEqual(concerned(), ["bc", "c"]);
    underWay.shift();
    withdrawals.trim();
    assert.deepEqual(concerned(), ["c"]);
    underWay.shift();
    withdrawals.trim();
    underWay.push(withdrawals.count);
    assert.deepEqual(concerned(), [""]);
  });

  it("a handshake that looked its key up before becomes no session, the others do", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const world = await openWorld({}, undefined, createManualClock(), {
      async pskKey() {
        await promise;
        return KEY;
      },
    });
    const [gone, stays] = [world.device({ cid: CID, identity: "gone" }), world.device({ identity: "stays", port: 2 })];
    await world.settle();
    assert.equal(await world.dtls.endSessions(isCalled("gone")), 0);
    resolve();
    await world.settle();
    assert.deepEqual(gone.ends, ["closed"]);
    assert.isTrue(stays.client.isConnected);
    assert.equal(world.dtls.sessions.live, 1);
    assert.deepInclude(world.dtls.dtls, { handshakesDone: 1, handshakesFailed: 1 });
    await world.connect({ identity: "gone", port: 3 });
    assert.equal(world.dtls.dtls.handshakesDone, 2);
  });

  it("a session that is being resumed is not, either", async () => {
    const kept = createKeptSessions();
    const world = await openWorld({}, kept);
    const gone = await world.connect({ cid: CID, identity: "gone" });
    const release = kept.hold("find");
    const again = world.device({ cid: CID, identity: "gone", session: gone.established.session, port: 2 });
    await world.settle();
    await world.dtls.endSessions(isCalled("gone"));
    release();
    await world.settle();
    assert.deepEqual(again.ends, ["closed"]);
    assert.equal(world.dtls.sessions.live, 0);
    assert.equal(kept.stored.size, 0);
  });
});
