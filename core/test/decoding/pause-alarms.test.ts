import { assert } from "chai";
import { createPauseAlarms } from "../../src/decoding/pause-alarms.ts";
import { createDevice, openPlatform, PAGE, type PlatformFixture, TENANT } from "../platform/fixture.ts";

describe("decoding/pause-alarms", () => {
  const line = { tenant: TENANT, decoder: "gauge" };
  let fixture: PlatformFixture;
  let connector: string | undefined;
  let tell: ReturnType<typeof createPauseAlarms>;

  beforeEach(async () => {
    fixture = await openPlatform();
    connector = undefined;
    const { platform, clock, log } = fixture;
    const source = {
      ensure: async () => (connector ??= await createDevice(platform, "connector")),
      find: async () => connector,
    };
    tell = createPauseAlarms({ alarms: platform.alarms, source, clock, log });
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const alarms = async () => {
    await fixture.clock.advance(0);
    return (await fixture.platform.alarms.list(TENANT, {}, PAGE)).items;
  };
  const pause = (reason: string) => tell(line, { reason, untilMs: Date.UTC(2026, 0, 2) });

  it("15.3: one alarm for a pause and those after it, which goes when the decoder works", async () => {
    pause("it answered 500");
    pause("it answered 503");
    const [alarm, ...others] = await alarms();
    assert.lengthOf(others, 0);
    const { type, severity, status, count, text, sourceId } = alarm!;
    assert.deepEqual(
      { type, severity, status, count, sourceId },
      { type: "c8y_LWM2MDecoderFailure_gauge", severity: "MAJOR", status: "ACTIVE", count: 2, sourceId: connector },
    );
    assert.equal(text, "The decoder gauge is left alone for a while, its payloads wait: it answered 500");
    tell(line, undefined);
    assert.deepEqual(
      (await alarms()).map(({ status }) => status),
      ["CLEARED"],
    );
  });

  it("the last word stays, however close they come", async () => {
    pause("a");
    tell(line, undefined);
    pause("b");
    assert.deepEqual((await alarms()).map(({ status }) => status).sort(), ["ACTIVE", "CLEARED"]);
  });

  it("a decoder that works makes no device where there is none", async () => {
    tell(line, undefined);
    assert.lengthOf(await alarms(), 0);
    assert.isUndefined(connector);
  });
});
