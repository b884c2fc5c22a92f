import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { doneOps, errorOps, keepOps, newRawPayload, type RawPayload } from "../../src/decoding/raw-payload.ts";
import { createRawRetention } from "../../src/decoding/raw-retention.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Retention } from "../../src/platform/retention.ts";
import { RAW_PAYLOADS } from "../../src/store/collections/decoding.ts";
import { createDevice, openPlatform, PAGE, type PlatformFixture, TENANT } from "../platform/fixture.ts";

const DAY_MS = 86_400_000;
const KEEP_MS = 30 * DAY_MS;

describe("decoding/raw-retention", () => {
  let fixture: PlatformFixture;
  let retention: Retention;
  let deviceId: string;
  let write: Platform["write"];
  let last: number;

  beforeEach(async () => {
    fixture = await openPlatform();
    const { platform, store, clock, log } = fixture;
    last = 0;
    write = platform.write;
    deviceId = await createDevice(platform);
    const payloads = store.collection(RAW_PAYLOADS);
    retention = createRawRetention({ payloads, write: ops => write(ops), clock, log, keepMs: KEEP_MS });
  });
  afterEach(async () => {
    await retention[Symbol.asyncDispose]();
    await fixture[Symbol.asyncDispose]();
  });

  /** Received so many ms ago. */
  function received(agoMs: number): RawPayload {
    const receivedAtMs = fixture.clock.now() - agoMs;
    const value = { path: parsePath("/33456/0/123"), type: "OPAQUE", value: Uint8Array.of(1) } as const;
    const source = { tenant: TENANT, deviceId, endpoint: "urn:dev:7", receivedAtMs };
    const effect = { kind: "decode", decoder: "acme", value, atMs: receivedAtMs } as const;
    return newRawPayload(source, effect, `1${String(++last).padStart(29, "0")}`);
  }
  async function keep(
    count: number,
    agoMs: number,
    then: (raw: RawPayload) => ReturnType<typeof keepOps>,
  ): Promise<void> {
    const raws = Array.from({ length: count }, () => received(agoMs));
    const nowMs = fixture.clock.now();
    await fixture.platform.write(raws.flatMap(raw => [...keepOps(raw, "ACME", nowMs), ...then(raw)]));
  }
  const decoded = (raw: RawPayload) => doneOps(raw, "1.0.0", { measurements: 1, events: 0, alarms: [] });
  const failed = (raw: RawPayload) => errorOps(raw, { reason: "threw", message: "no" }, fixture.clock.now());
  const waiting = () => [];

  const kept = () => fixture.store.collection(RAW_PAYLOADS).count({});
  const shown = async () =>
    (await fixture.platform.events.list(TENANT, { type: "c8y_decoder_event" }, PAGE)).items.length;

  for (const [name, then, events] of [
    ["decoded", decoded, 0],
    ["failed", failed, 1],
    ["waiting for a decoder that never came", waiting, 1],
  ] as const) {
    it(`${name}: stays as long as it shall, then goes with its event`, async () => {
      await keep(1, KEEP_MS, then);
      await retention.sweep();
      assert.deepEqual([await kept(), await shown()], [1, events]);
      await fixture.clock.advance(1);
      await retention.sweep();
      assert.deepEqual([await kept(), await shown()], [0, 0]);
    });
  }

  it("deletes more than one slice, and nothing younger", async () => {
    await keep(501, KEEP_MS + 1, decoded);
    await keep(51, KEEP_MS + 1, failed);
    await keep(2, DAY_MS, decoded);
    await keep(1, DAY_MS, failed);
    await retention.sweep();
    assert.deepEqual([await kept(), await shown()], [3, 1]);
  });

  it("sweeps at the start and every hour until it is closed", async () => {
    const { clock, log } = fixture;
    const sweptAt: number[] = [];
    const payloads = {
      find: async () => [],
      deleteMany: async () => {
        sweptAt.push(clock.monotonic());
        return 0;
      },
    };
    const openedAt = clock.monotonic();
    await using hourly = createRawRetention({ payloads, write, clock, log, keepMs: KEEP_MS });
    hourly.start();
    await clock.advance(2 * 3_600_000);
    await hourly[Symbol.asyncDispose]();
    await clock.advance(3_600_000);
    assert.deepEqual(
      sweptAt.map(atMs => atMs - openedAt),
      [0, 3_600_000, 7_200_000],
    );
  });

  it("a store that refuses is said, and asked again by the next sweep", async () => {
    await keep(1, KEEP_MS + 1, failed);
    write = () => Promise.reject(new MooringError("STORE_FULL", "too many writes wait"));
    await retention.sweep();
    assert.equal(await kept(), 1);
    assert.isTrue(fixture.log.lines.some(({ event }) => event === "rawPayloads.sweepFailed"));
    write = fixture.platform.write;
    await retention.sweep();
    assert.equal(await kept(), 0);
  });
});
