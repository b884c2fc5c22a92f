import { assert } from "chai";
import { MooringError } from "../../../src/base/errors.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import { REGISTRATIONS } from "../../../src/store/collections/devices.ts";
import type { Store } from "../../../src/store/store.ts";
import { createLwm2mWorld, type Lwm2mWorld, type WorldOptions } from "../support/lwm2m-world.ts";
import { codeOf, text } from "../support/registering.ts";
import type { SendOptions } from "../support/scripted-device.ts";

describe("lwm2m/server: registration", () => {
  let world: Lwm2mWorld;
  const open = async (options?: WorldOptions): Promise<Lwm2mWorld> => (world = await createLwm2mWorld(options));
  afterEach(() => world[Symbol.asyncDispose]());

  it("agent specification 6.2: an unknown endpoint is refused with 4.03 and nothing is kept", async () => {
    await open();
    world.known = new Map();
    const device = world.device(5000);
    for (const payload of ["</3/0>", "links that nobody reads"]) {
      const answer = await device.send("POST", "/rd", { query: ["ep=stranger"], payload });
      assert.equal(formatCode(answer.code), "4.03");
      assert.include(text(answer.payload), "stranger");
    }
    assert.equal(world.server.registrations.size, 0);
  });

  const refused: readonly [name: string, options: SendOptions, code: string, part: string][] = [
    ["no endpoint", { query: ["lt=60"] }, "4.00", "ep"],
    ["bad lifetime", { query: ["ep=dev", "lt=x"] }, "4.00", "lt"],
    ["version 2.0", { query: ["ep=dev", "lwm2m=2.0"] }, "4.12", "2.0"],
    ["links that are none", { query: ["ep=dev"], payload: "no links", contentFormat: 40 }, "4.00", "link 1"],
    [
      "links not in UTF-8",
      { query: ["ep=dev"], payload: Uint8Array.of(0xff, 0xfe), contentFormat: 40 },
      "4.00",
      "UTF-8",
    ],
    ["another Content-Format", { query: ["ep=dev"], payload: "{}", contentFormat: 110 }, "4.15", "110"],
  ];
  for (const [name, options, code, part] of refused) {
    it(`bad input: ${name} is answered ${code} with the reason, nothing is kept`, async () => {
      await open();
      const answer = await world.device(5000).send("POST", "/rd", options);
      assert.equal(formatCode(answer.code), code);
      assert.include(text(answer.payload), part);
      assert.equal(world.server.registrations.size, 0);
      assert.isUndefined(await world.store.collection(REGISTRATIONS).findOne({ _id: "dev" }));
    });
  }

  it("bad input: an Update with broken links or lifetime leaves the registration as it is", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    const before = world.server.registrations.byId(id);
    assert.equal(await codeOf(device, "POST", `/rd/${id}`, { query: ["lt=-5"] }), "4.00");
    assert.equal(await codeOf(device, "POST", `/rd/${id}`, { payload: "broken", contentFormat: 40 }), "4.00");
    assert.equal(await codeOf(device, "PUT", "/rd"), "4.05");
    assert.equal(await codeOf(device, "POST", "/unknown"), "4.04");
    assert.strictEqual(world.server.registrations.byId(id), before);
  });

  it("a Register past the rates is answered 5.03 with the time to come back; who is registered goes on", async () => {
    const admission = { registersPerSecond: 2, registersPerSecondPerTenant: 2, registersPerSecondPerAddress: 2 };
    await open({ admission });
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    await world.device(5001).register("ep=other");
    const options = { query: ["ep=stranger"], payload: "</3/0>" };
    const answer = await world.device(5002).send("POST", "/rd", options);
    assert.equal(formatCode(answer.code), "5.03");
    const maxAge = answer.options.find(({ number }) => number === 14)?.value[0];
    assert.isAtLeast(maxAge ?? 0, 1);
    assert.isUndefined(world.server.registrations.byEndpoint("stranger"));
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
    await device.register("ep=dev");
    assert.deepInclude(world.server.counters, { postponed: 1, refused: 1 });
    await world.clock.advance(maxAge! * 1000);
    await world.device(5003).register("ep=stranger");
  });

  describe("when the store refuses", () => {
    let refuse: MooringError | undefined;
    const wrapStore = (store: Store): Store => ({
      ...store,
      collection: spec => {
        const collection = store.collection(spec);
        if (spec.name !== "registrations") return collection;
        return {
          ...collection,
          replaceOne: (...args: Parameters<typeof collection.replaceOne>) =>
            refuse ? Promise.reject(refuse) : collection.replaceOne(...args),
          deleteMany: (...args: Parameters<typeof collection.deleteMany>) =>
            refuse ? Promise.reject(refuse) : collection.deleteMany(...args),
        };
      },
    });
    const full = (): MooringError => new MooringError("STORE_FULL", "too much waits");
    beforeEach(() => {
      refuse = undefined;
    });

    it("Register, changed Update and De-register are answered 5.03 and nothing changes", async () => {
      await open({ wrapStore });
      const device = world.device(5000);
      const id = await device.register("ep=dev&lt=60");
      const before = world.server.registrations.byId(id);
      refuse = full();
      assert.equal(await codeOf(device, "POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" }), "5.03");
      assert.equal(await codeOf(device, "POST", `/rd/${id}`, { query: ["lt=5"] }), "5.03");
      assert.equal(await codeOf(device, "DELETE", `/rd/${id}`), "5.03");
      assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04", "an Update without changes needs no store");
      assert.strictEqual(world.server.registrations.byId(id), before);
      refuse = undefined;
      assert.equal(await codeOf(device, "POST", `/rd/${id}`, { query: ["lt=5"] }), "2.04");
    });

    it("expiry is tried again", async () => {
      await open({ wrapStore });
      const id = await world.device(5000).register("ep=dev&lt=10");
      refuse = full();
      await world.clock.advance(15_000);
      assert.isDefined(world.server.registrations.byId(id));
      refuse = undefined;
      await world.clock.advance(10_000);
      assert.isUndefined(world.server.registrations.byId(id));
      assert.deepEqual(world.life, ["registered dev", "deregistered dev expired"]);
    });
  });
});
