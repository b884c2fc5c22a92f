import { assert } from "chai";
import { awakeTimeOf, isReachable } from "../../../src/lwm2m/operations/presence.ts";
import { newRegistration } from "../../../src/lwm2m/registration/register.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";

const registered = (over: Partial<Registration>): Registration => ({
  ...newRegistration({
    id: "abc",
    endpoint: "dev",
    query: {},
    links: { rootPath: "/", contentFormats: [], objectLinks: [] },
    device: { tenant: "t1", deviceId: "7", settings: {} },
    peer: { key: "udp:192.0.2.1:1", address: "192.0.2.1", port: 1 },
    nowMs: 0,
  }),
  ...over,
});

describe("lwm2m/operations/presence", () => {
  const cases: readonly [name: string, over: Partial<Registration>, defaultMs: number, awakeMs: number][] = [
    ["the setting comes first", { settings: { awakeTimeMs: 5 }, awakeTimeMs: 7 }, 9, 5],
    ["then what the device says", { awakeTimeMs: 7 }, 9, 7],
    ["then the host's default", {}, 9, 9],
    ["0 in the settings: always online, also in Queue Mode", { settings: { awakeTimeMs: 0 }, queueMode: true }, 9, 0],
    ["Queue Mode that nobody speaks of: MAX_TRANSMIT_WAIT", { queueMode: true }, 0, 93_000],
    ["Queue Mode and a default", { queueMode: true }, 9, 9],
    ["no Queue Mode and no default: always online", {}, 0, 0],
  ];
  for (const [name, over, defaultMs, awakeMs] of cases) {
    it(`agent specification 6.4: ${name}`, () => assert.equal(awakeTimeOf(registered(over), defaultMs), awakeMs));
  }

  it("reachable until the awake time has passed", () => {
    assert.isTrue(isReachable(registered({ awakeTimeMs: 100 }), 100, 0));
    assert.isFalse(isReachable(registered({ awakeTimeMs: 100 }), 101, 0));
    assert.isTrue(isReachable(registered({}), 1e9, 0));
  });
});
