import { assert } from "chai";
import { keepMessageOp } from "../../src/mapping/value-history.ts";
import { createValueRetention } from "../../src/mapping/value-retention.ts";
import { VALUE_HISTORY } from "../../src/store/collections/values.ts";
import { createDevice, openPlatform, type PlatformFixture, TENANT } from "../platform/fixture.ts";
import { value } from "./support.ts";

const DAY_MS = 86_400_000;

describe("mapping/value-retention", () => {
  let fixture: PlatformFixture;
  beforeEach(async () => {
    fixture = await openPlatform();
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const rows = (deviceId: string, daysAgo: number, count: number) =>
    Array.from({ length: count }, (_, at) => {
      const receivedAtMs = fixture.clock.now() - daysAgo * DAY_MS;
      const settings = { sourceTimes: false, defaultHandlers: true };
      const said = {
        ...({ source: "NOTIFICATION", requestPath: [9], settings, inMaintenance: false, earlier: [] } as const),
        values: [value("/9/0/1", at)],
      };
      const places = { measurement: 0, event: 0, alarm: 0, decode: 0 };
      return keepMessageOp({ deviceId, messageKey: `m/${at}`, receivedAtMs }, said, receivedAtMs, places);
    });
  const kept = async () =>
    (await fixture.store.collection(VALUE_HISTORY).find({}, { limit: 5000 })).map(({ _id }) => _id);

  it("whole days go once they are too old, also more than one slice", async () => {
    const { store, clock, log } = fixture;
    await store.write([...rows("7", 9, 501), ...rows("7", 8, 2), ...rows("7", 7, 3), ...rows("8", 0, 1)]);
    const retention = createValueRetention({
      history: store.collection(VALUE_HISTORY),
      clock,
      log,
      keepMs: 7 * DAY_MS,
    });
    await retention.sweep();
    assert.equal((await kept()).length, 4);
    await retention[Symbol.asyncDispose]();
  });

  it("nothing stays where nothing is to be kept", async () => {
    const { store, clock, log } = fixture;
    await store.write([...rows("7", 9, 3), ...rows("7", 0, 2)]);
    await createValueRetention({ history: store.collection(VALUE_HISTORY), clock, log, keepMs: 0 }).sweep();
    assert.deepEqual(await kept(), []);
  });

  it("goes with its device, and with no other", async () => {
    const { store, platform } = fixture;
    const deviceId = await createDevice(platform);
    const other = `${deviceId}0`;
    await store.write(
      [2, 1, 0].flatMap(day => [...rows(deviceId, day, 2), ...rows(other, day, 1), ...rows("1", day, 1)]),
    );
    await platform.inventory.delete(TENANT, deviceId);
    const left = await kept();
    assert.equal(left.length, 6);
    assert.isFalse(left.some(id => id.split("/")[1] === deviceId));
  });
});
