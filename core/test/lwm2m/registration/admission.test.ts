import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { type AdmissionOptions, createAdmission } from "../../../src/lwm2m/registration/admission.ts";
import { createRegisterPace } from "../../../src/lwm2m/registration/register-pace.ts";
import { createReturnTimes } from "../../../src/lwm2m/registration/return-times.ts";
import type { Peer } from "../../../src/transport/transport.ts";

const peer = (address: string): Peer => ({ key: `udp:${address}:1`, address, port: 1 });
const RATES: AdmissionOptions = {
  registersPerSecond: 100,
  registersPerSecondPerTenant: 100,
  registersPerSecondPerAddress: 100,
};

function open(options: Partial<AdmissionOptions> = {}) {
  const clock = createManualClock();
  const random = createSeededRandom(1);
  const admission = createAdmission({ clock, random, options: { ...RATES, ...options }, received: () => 0 });
  return { clock, admission };
}

describe("lwm2m/registration/admission", () => {
  it("takes what is within the rate; the others are asked back one after the other", () => {
    const { admission } = open();
    const outcomes = Array.from({ length: 400 }, (_, i) => admission.take(peer(`a${i}`), false));
    assert.equal(outcomes.filter(seconds => seconds === 0).length, 100);
    const perSecond = Map.groupBy(outcomes.slice(100), seconds => seconds);
    const most = Math.max(...outcomes);
    // Half of the rate is taken for the pace as long as none has been seen: 300 in 6 s.
    assert.isAtLeast(most, 6);
    assert.isAtMost(most, 8);
    for (const seconds of perSecond.values()) assert.isAtMost(seconds.length, 80);
  });

  it("all of a herd get in when they come back at the time they were told", async () => {
    const { admission, clock } = open();
    let [taken, asked] = [0, 0];
    const device = async (address: string): Promise<void> => {
      for (;;) {
        asked++;
        const seconds = admission.take(peer(address), false);
        if (seconds === 0) break;
        await new Promise<void>(resolve => void clock.after(seconds * 1000, resolve));
      }
      await admission.run(false, async () => void taken++);
    };
    for (let i = 0; i < 1000; i++) void device(`a${i}`);
    await clock.advance(40_000);
    assert.equal(taken, 1000);
    assert.isBelow(asked, 3000);
  });

  it("a registered device is not behind strangers, however many they are", () => {
    const { admission } = open();
    for (let i = 0; i < 1000; i++) admission.take(peer("flood"), false);
    for (let i = 0; i < 100; i++) assert.equal(admission.take(peer("flood"), true), 0);
    assert.isAbove(admission.take(peer("flood"), true), 0);
  });

  it("one address takes no more than its rate, and puts off nobody else", () => {
    const { admission } = open({ registersPerSecondPerAddress: 10 });
    const outcomes = Array.from({ length: 1000 }, () => admission.take(peer("flood"), false));
    assert.equal(outcomes.filter(seconds => seconds === 0).length, 10);
    assert.isAbove(outcomes.at(-1)!, 50);
    for (let i = 0; i < 90; i++) assert.equal(admission.take(peer(`a${i}`), false), 0);
    assert.isAtMost(admission.take(peer("late"), false), 2);
  });

  it("devices that have proved who they are may share an address", () => {
    const { admission } = open({ registersPerSecondPerAddress: 10 });
    for (let i = 0; i < 100; i++) {
      const identity = { kind: "psk", identity: `d${i}` } as const;
      assert.equal(admission.take({ ...peer("nat"), identity }, false), 0);
    }
  });

  it("one tenant takes no more than its rate", () => {
    const { admission } = open({ registersPerSecondPerTenant: 10 });
    for (let i = 0; i < 10; i++) admission.takeOfTenant("t1");
    try {
      admission.takeOfTenant("t1");
      assert.fail("taken");
    } catch (error) {
      assert.isTrue(isFailure(error, "OVERLOADED") && Number(error.details["retryAfterSeconds"]) >= 1);
    }
    admission.takeOfTenant("t2");
  });

  it("what cannot be served soon does not wait in line", async () => {
    const { admission } = open({ registersPerSecond: 1000, registersPerSecondPerAddress: 1000 });
    let end = (): void => {};
    const ended = new Promise<void>(resolve => {
      end = resolve;
    });
    const running: Promise<void>[] = [];
    for (let i = 0; i < 1000; i++) {
      if (admission.take(peer("a"), false) === 0) running.push(admission.run(false, () => ended));
    }
    // 4 are begun at once; 0.8 s of half of the rate may wait.
    assert.equal(running.length, 404);
    assert.equal(admission.waiting, 400);
    end();
    await Promise.all(running);
    assert.equal(admission.waiting, 0);
  });
});

describe("lwm2m/registration/register-pace", () => {
  it("follows what is served while some are sent away, rises otherwise, and begins anew after a pause", async () => {
    const clock = createManualClock();
    const pace = createRegisterPace(clock, 1000);
    const second = async (served: number, postponed: number): Promise<number> => {
      for (let i = 0; i < served; i++) pace.served();
      for (let i = 0; i < postponed; i++) pace.postponed();
      await clock.advance(1000);
      return pace.perSecond();
    };
    assert.equal(pace.perSecond(), 500);
    assert.equal(await second(300, 1), 375);
    assert.equal(await second(300, 0), 562.5);
    assert.equal(await second(0, 10), 250);
    assert.equal(await second(5000, 1), 1000);
    assert.equal(await second(5000, 0), 1000);
    await second(10, 10);
    await clock.advance(60_000);
    assert.equal(pace.perSecond(), 500);
  });
});

describe("lwm2m/registration/return-times", () => {
  it("never goes past 300 s nor below 1 s, and begins anew for a key that was forgotten", async () => {
    const clock = createManualClock();
    const times = createReturnTimes(clock, createSeededRandom(3), 2);
    assert.isAtLeast(times.next("a", 0, 1000), 1);
    for (let i = 0; i < 1000; i++) times.next("a", 0, 1);
    assert.isAtMost(times.next("a", 0, 1), 300);
    assert.isAtLeast(times.next("a", 0, 1), 299);
    await clock.advance(100_000);
    assert.isAtMost(times.next("a", 0, 1), 201);
    times.next("b", 0, 1);
    times.next("c", 0, 1);
    assert.isAtMost(times.next("a", 0, 1), 2);
  });
});
