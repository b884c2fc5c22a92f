import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { createRecordingLog } from "../../../src/base/log.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { capacityOf, freshCid } from "../../../src/transport/dtls/connection-ids.ts";
import { createHandshakeAdmission } from "../../../src/transport/dtls/handshake-admission.ts";
import { createLongestSilent } from "../../../src/transport/dtls/longest-silent.ts";
import { createMute } from "../../../src/transport/dtls/mute.ts";
import { cidKey, resumptionKey, type Session } from "../../../src/transport/dtls/session.ts";
import { ATTEMPTS, createStoreLane } from "../../../src/transport/dtls/store-lane.ts";

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve));
};

describe("transport/dtls/longest-silent", () => {
  const sessionSeen = (seenAtMs: number): Session => ({ seenAtMs }) as Session;

  it("gives sessions by their silence, one scan for many", () => {
    const sessions = new Set(Array.from({ length: 1000 }, (_, n) => sessionSeen((n * 7919) % 1000)));
    let scans = 0;
    const silent = createLongestSilent(
      () => {
        scans++;
        return sessions;
      },
      session => sessions.has(session),
    );
    const taken: number[] = [];
    for (let session = silent.take(); session; session = silent.take()) {
      taken.push(session.seenAtMs);
      sessions.delete(session);
    }
    assert.deepEqual(
      taken,
      Array.from({ length: 1000 }, (_, n) => n),
    );
    assert.isBelow(scans, 400);
  });

  it("leaves out those that were heard or left since the scan", () => {
    const [a, b, c] = [1, 2, 3].map(sessionSeen) as [Session, Session, Session];
    const many = Array.from({ length: 200 }, (_, n) => sessionSeen(10 + n));
    const sessions = new Set([a, b, c, ...many]);
    const silent = createLongestSilent(
      () => sessions,
      session => sessions.has(session),
    );
    assert.strictEqual(silent.take(), a);
    sessions.delete(a);
    b.seenAtMs = 1000;
    sessions.delete(c);
    assert.strictEqual(silent.take(), many[0]);
  });
});

describe("transport/dtls/store-lane", () => {
  function openLane({ givesUp = false } = {}) {
    const clock = createManualClock();
    const state = { fails: 0, batches: [] as number[][], stored: [] as number[], lost: [] as number[] };
    const lane = createStoreLane<number>({
      clock,
      log: createRecordingLog(),
      name: "test",
      async store(batch) {
        state.batches.push([...batch]);
        if (state.fails-- > 0) throw new TypeError("broken");
      },
      stored: batch => void state.stored.push(...batch),
      ...(givesUp && { lost: (batch: readonly number[]) => void state.lost.push(...batch) }),
    });
    return { clock, lane, state };
  }

  it("stores what comes in one turn together, and the rest behind it", async () => {
    const { lane, state } = openLane();
    for (let i = 0; i < 3; i++) lane.push(i);
    await settle();
    lane.push(3);
    await settle();
    assert.deepEqual(state.batches, [[0, 1, 2], [3]]);
  });

  it("tries again in the same order for as long as the store fails", async () => {
    const { clock, lane, state } = openLane();
    state.fails = 20;
    lane.push(1);
    await clock.advance(500);
    lane.push(2);
    await clock.advance(60_000);
    assert.deepEqual(state.stored, [1, 2]);
    assert.isAbove(state.batches.length, 20);
  });

  it("gives up where it was told how", async () => {
    const { clock, lane, state } = openLane({ givesUp: true });
    state.fails = ATTEMPTS;
    lane.push(1);
    await clock.advance(60_000);
    lane.push(2);
    await clock.advance(1000);
    assert.deepEqual([state.lost, state.stored], [[1], [2]]);
  });

  it("is closed when what waits was tried", async () => {
    const { clock, lane, state } = openLane();
    state.fails = 1;
    lane.push(1);
    await settle();
    await lane.close();
    assert.deepEqual(state.stored, [1]);
    assert.equal(clock.pending, 0);
  });
});

describe("transport/dtls/connection-ids", () => {
  it("are keys of a map, one for each of the same length", () => {
    const random = createSeededRandom(1);
    for (const length of [1, 3, 6, 7, 20]) {
      const cids = Array.from({ length: 200 }, () => random.bytes(length));
      const texts = new Set(cids.map(String));
      assert.equal(new Set(cids.map(cidKey)).size, texts.size);
    }
    assert.equal(cidKey(Uint8Array.of(1, 0, 0)), 65_536);
  });

  it("a fresh one is not in use", () => {
    const inUse = new Set(Array.from({ length: 128 }, (_, n) => n * 2));
    const random = createSeededRandom(1);
    for (let i = 0; i < 100; i++) assert.equal(freshCid(random, 1, cid => inUse.has(cid as number))[0]! % 2, 1);
    assert.equal(freshCid(random, 0, () => true).length, 0);
    assert.deepEqual([capacityOf(1), capacityOf(3)], [64, 4_194_304]);
  });

  it("a Session ID is told by its first bytes; a short one is none of ours", () => {
    assert.equal(resumptionKey(Uint8Array.of(255, 255, 255, 255, 1)), 2 ** 31 - 1);
    assert.equal(resumptionKey(Uint8Array.of(1, 2, 3)), -1);
  });
});

describe("transport/dtls/handshake-admission", () => {
  const options = {
    maxHandshakes: 100,
    handshakeRate: { perSecond: 10, burst: 40 },
    handshakeRatePerAddress: { perSecond: 5, burst: 50 },
  };
  const admitted = (count: number, admit: (n: number) => boolean): number =>
    Array.from({ length: count }, (_, n) => admit(n)).filter(Boolean).length;

  it("strangers leave a quarter of room and rate to those who are known", async () => {
    const clock = createManualClock();
    const admission = createHandshakeAdmission(clock, options);
    assert.equal(
      admitted(100, n => admission.admit(`a${n}`, 0, false)),
      30,
    );
    assert.equal(
      admitted(100, n => admission.admit(`b${n}`, 0, true)),
      10,
    );
    await clock.advance(2000);
    assert.isFalse(admission.admit("c", 75, false));
    assert.isTrue(admission.admit("c", 99, true));
    assert.isFalse(admission.admit("c", 100, true));
  });

  it("one address has its own rate, and a refusal for another reason costs it nothing", async () => {
    const clock = createManualClock();
    const admission = createHandshakeAdmission(clock, {
      ...options,
      handshakeRatePerAddress: { perSecond: 1, burst: 2 },
    });
    assert.equal(
      admitted(10, () => admission.admit("a", 0, true)),
      2,
    );
    assert.equal(
      admitted(100, n => admission.admit(`b${n}`, 0, true)),
      38,
    );
    assert.isFalse(admission.admit("fresh", 0, true));
    await clock.advance(1000);
    assert.equal(
      admitted(3, () => admission.admit("fresh", 0, true)),
      2,
    );
  });
});

describe("transport/dtls/mute", () => {
  it("after too many, for a while, each source on its own", async () => {
    const clock = createManualClock();
    const mute = createMute(clock, { perSecond: 1, burst: 3 }, 10_000);
    for (let i = 0; i < 3; i++) mute.charge("a");
    assert.isFalse(mute.isMuted("a"));
    mute.charge("a");
    assert.isTrue(mute.isMuted("a"));
    assert.isFalse(mute.isMuted("b"));
    await clock.advance(9999);
    assert.isTrue(mute.isMuted("a"));
    await clock.advance(1);
    assert.isFalse(mute.isMuted("a"));
    mute.charge("a");
    assert.isFalse(mute.isMuted("a"), "its tokens came back");
  });
});
