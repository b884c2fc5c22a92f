import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createSeededRandom, type Random } from "../../src/base/random.ts";
import type { Registration } from "../../src/lwm2m/registration/registration.ts";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import { createEffectApplier } from "../../src/mapping/apply-effects.ts";
import { createSuperseder } from "../../src/mapping/superseder.ts";
import { createUplink } from "../../src/mapping/uplink.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { maker, NOW_MS, parts, position, protocol, value } from "./support.ts";

const PAGE = { currentPage: 1, pageSize: 2000, withTotal: false };
const MESSAGES = 40;
const ROUNDS = 6;

const protocols = [
  protocol(3, { 0: { customAction: { actionName: "test:maker" } } }),
  protocol(3303, { 5700: { measurementCreation: { type: "c8y_Temperature", series: "T" } } }),
];

/** Answers after some turns of the event loop; writes in their order. */
function slow(store: Store, random: Random): Store {
  const pass = async (): Promise<void> => {
    for (let turns = random.int(4); turns > 0; turns--) await new Promise(setImmediate);
  };
  let written: Promise<unknown> = Promise.resolve();
  return {
    ...store,
    write(ops) {
      const done = written.then(pass).then(() => store.write(ops));
      written = done.catch(() => {});
      return done;
    },
    collection(spec) {
      const collection = store.collection(spec);
      return {
        ...collection,
        find: (...given) =>
          pass()
            .then(() => collection.find(...given))
            .finally(pass),
        findOne: (...given) =>
          pass()
            .then(() => collection.findOne(...given))
            .finally(pass),
      };
    },
  };
}

type Message = readonly ResourceValue[];

function randomMessage(random: Random): Message {
  const number = random.int(3);
  const choices: readonly Message[] = [
    [value("/6/0/0", number)],
    [value("/6/0/1", number)],
    [value("/6/0/0", number), value("/6/0/1", number)],
    [value("/3/0/0", `made ${number}`)],
    [value("/3303/0/5700", number)],
    [value("/3303/0/5700", "warm")],
    [value("/3303/0/5700", number), value("/3303/0/5601", number)],
  ];
  return choices[random.int(choices.length)]!;
}

/** What is left of the messages. @param together all are given before any is stored, else one after the other */
async function outcome(messages: readonly Message[], together: Random | undefined) {
  const clock = createManualClock(NOW_MS);
  await using real = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
  const store = together ? slow(real, together) : real;
  const platform = createPlatform({ store, clock, random: createSeededRandom(1), log: silentLog });
  const { id: deviceId } = await platform.inventory.create("t1", { name: "meter" }, { owner: "admin" });
  const uplink = createUplink({
    platform,
    store,
    log: silentLog,
    mapping: {
      ...parts({ actions: [maker], handlers: [position] }),
      protocol: (_, objectId) => protocols.find(({ objectModel }) => objectModel.id === objectId),
    },
    applier: createEffectApplier({
      platform,
      nowMs: clock.now,
      decodes: { displayName: (_, decoder) => decoder, enqueue: () => assert.fail("no decoder here"), sweep: () => {} },
    }),
    superseder: createSuperseder({ store, nowMs: clock.now }),
  });
  const ended: number[] = [];
  const send = async (values: Message, at: number): Promise<void> => {
    await uplink.values({
      registration: { id: "r1", endpoint: "urn:dev:1", tenant: "t1", deviceId } as Registration,
      values,
      source: "SEND",
      messageKey: `m${at}`,
      requestPath: [],
      receivedAtMs: NOW_MS + at,
    });
    ended.push(at);
  };
  const sent: Promise<void>[] = [];
  for (const [at, message] of messages.entries()) {
    const done = send(message, at);
    sent.push(done);
    if (!together) await done;
    else for (let turns = together.int(3); turns > 0; turns--) await new Promise(setImmediate);
  }
  await Promise.all(sent);
  assert.deepEqual(ended, [...messages.keys()]);
  const { fragments } = await platform.inventory.get("t1", deviceId);
  const events = await platform.events.list("t1", { sourceId: deviceId }, PAGE);
  const alarms = await platform.alarms.list("t1", { sourceId: deviceId }, PAGE);
  const measurements = await platform.measurements.list("t1", { sourceId: deviceId }, PAGE);
  return {
    fragments,
    events: events.items.map(({ timeMs, text }) => `${timeMs} ${text}`).sort(),
    alarms: alarms.items.map(({ type, status }) => `${type} ${status}`).sort(),
    measurements: measurements.items.length,
  };
}

describe("mapping/uplink: order", () => {
  it("messages of a device leave the same on a slow store, however many are under way, as one after the other", async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = createSeededRandom(seed);
      const messages = Array.from({ length: MESSAGES }, () => randomMessage(random));
      assert.deepEqual(await outcome(messages, random), await outcome(messages, undefined), `seed ${seed}`);
    }
  });
});
