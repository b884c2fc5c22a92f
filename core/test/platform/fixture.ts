/** A platform over the embedded store in memory, with a clock that the test moves. */
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { PageRequest, Platform } from "../../src/platform/platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";

export const TENANT = "t1";
export const PAGE: PageRequest = { currentPage: 1, pageSize: 100, withTotal: false };

export interface PlatformFixture extends AsyncDisposable {
  readonly platform: Platform;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly log: ReturnType<typeof createRecordingLog>;
}

/** @param openStore another store than the embedded one */
export async function openPlatform(openStore?: () => Promise<Store>): Promise<PlatformFixture> {
  const clock = createManualClock();
  const log = createRecordingLog();
  const store = openStore
    ? await openStore()
    : await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
  const platform = createPlatform({ store, clock, random: createSeededRandom(1), log });
  return { platform, store, clock, log, [Symbol.asyncDispose]: () => store.close() };
}

/** A device of the tenant; gives its id. */
export async function createDevice(platform: Platform, name = "meter 7", tenant = TENANT): Promise<string> {
  const { id } = await platform.inventory.create(
    tenant,
    { name, type: "c8y_lwm2m", c8y_IsDevice: {} },
    { owner: "admin" },
  );
  return id;
}

/** Opens a platform with one device before each test of a suite, hands both over, and closes it after the test. */
export function perTest(take: (fixture: PlatformFixture, deviceId: string) => void): void {
  let fixture: PlatformFixture;
  beforeEach(async () => {
    fixture = await openPlatform();
    take(fixture, await createDevice(fixture.platform));
  });
  afterEach(() => fixture[Symbol.asyncDispose]());
}
