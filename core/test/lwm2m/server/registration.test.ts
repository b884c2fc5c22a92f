import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import { REGISTRATIONS } from "../../../src/store/collections/devices.ts";
import { createLwm2mWorld, type Lwm2mWorld, type WorldOptions } from "../support/lwm2m-world.ts";
import { codeOf, paths } from "../support/registering.ts";

describe("lwm2m/server: registration", () => {
  let world: Lwm2mWorld;
  const open = async (options?: WorldOptions): Promise<Lwm2mWorld> => (world = await createLwm2mWorld(options));
  afterEach(() => world[Symbol.asyncDispose]());

  it("OMA 101: Register is answered 2.01 with a location, all parameters are kept", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev&lt=300&lwm2m=1.1&b=U&Q&at=5000", "</>;rt=oma.lwm2m;ct=110,</1/0>,</3/0>");
    assert.match(id, /^[\w-]{10}$/);
    const registration = world.server.registrations.byEndpoint("dev")!;
    const { peer, registeredAtMs, updatedAtMs, objectLinks, ...rest } = registration;
    assert.deepEqual(rest, {
      id,
      endpoint: "dev",
      tenant: "t1",
      deviceId: "1",
      version: "1.1",
      lifetimeSeconds: 300,
      binding: "U",
      queueMode: true,
      awakeTimeMs: 5000,
      contentFormats: [110],
      rootPath: "/",
      settings: {},
    });
    assert.equal(peer.port, 5000);
    assert.equal(registeredAtMs, updatedAtMs);
    assert.deepEqual(paths(world, "dev"), ["/1/0", "/3/0"]);
    assert.strictEqual(world.server.registrations.byDevice("t1", "1"), registration);
    assert.strictEqual(world.server.registrations.byId(id), registration);
    assert.deepEqual(world.life, ["registered dev"]);
  });

  it("OMA 102: an Update with a new lifetime counts, and the registration lapses by it", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev&lt=300");
    assert.equal(await codeOf(device, "POST", `/rd/${id}`, { query: ["lt=20"] }), "2.04");
    assert.deepEqual(world.life, ["registered dev", "updated dev parameters"]);
    await world.clock.advance(19_000);
    assert.isDefined(world.server.registrations.byId(id));
    await world.clock.advance(3_000);
    assert.isUndefined(world.server.registrations.byId(id));
    assert.equal(world.life.at(-1), "deregistered dev expired");
    assert.isUndefined(await world.store.collection(REGISTRATIONS).findOne({ _id: "dev" }));
  });

  it("OMA 103: De-register is answered 2.02 and the endpoint is gone", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    assert.equal(await codeOf(device, "DELETE", `/rd/${id}`), "2.02");
    assert.equal(world.server.registrations.size, 0);
    assert.isUndefined(await world.store.collection(REGISTRATIONS).findOne({ _id: "dev" }));
    assert.deepEqual(world.life, ["registered dev", "deregistered dev deregister"]);
    assert.equal(await codeOf(device, "DELETE", `/rd/${id}`), "4.04");
  });

  it("OMA 104: an Update without parameters keeps the registration past its first lifetime", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev&lt=60");
    await world.clock.advance(50_000);
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
    await world.clock.advance(50_000);
    assert.isDefined(world.server.registrations.byId(id));
    assert.deepEqual(world.life, ["registered dev", "updated dev"]);
  });

  it("OMA 105: an Update of a dropped registration is answered 4.04, a new Register 2.01", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    await world.server.registrations.remove("dev");
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "4.04");
    assert.notEqual(await device.register("ep=dev"), id);
    assert.deepEqual(world.life, ["registered dev", "deregistered dev removed", "registered dev"]);
  });

  it("OMA 108: queue mode by Q (1.1) and by b=UQ (1.0)", async () => {
    await open();
    await world.device(5000).register("ep=a&lwm2m=1.1&b=U&Q");
    await world.device(5001).register("ep=b&b=UQ");
    await world.device(5002).register("ep=c&b=U");
    assert.deepEqual(
      ["a", "b", "c"].map(endpoint => world.server.registrations.byEndpoint(endpoint)?.queueMode),
      [true, true, false],
    );
  });

  it("R1: versions absent, with a patch digit, 1.2", async () => {
    await open();
    await world.device(5000).register("ep=a");
    await world.device(5001).register("ep=b&lwm2m=1.0.0");
    await world.device(5002).register("ep=c&lwm2m=1.2");
    assert.deepEqual(
      ["a", "b", "c"].map(endpoint => world.server.registrations.byEndpoint(endpoint)?.version),
      ["1.0", "1.0", "1.2"],
    );
  });

  it("R2: binding absent, and an Update that names another one", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev&lwm2m=1.1&Q");
    assert.include(world.server.registrations.byId(id), { binding: "U", queueMode: true });
    await device.send("POST", `/rd/${id}`, { query: ["b=U"] });
    assert.include(world.server.registrations.byId(id), { binding: "U", queueMode: false });
  });

  it("R3: no Content-Format, unknown query keys, Uri-Host and Uri-Port", async () => {
    await open();
    const answer = await world.device(5000).send("POST", "/rd", {
      query: ["ep=dev", "mac=00:11"],
      payload: "</3/0>",
      options: [
        { number: 3, value: encodeUtf8("lwm2m.example.com") },
        { number: 7, value: Uint8Array.of(0x16, 0x97) },
      ],
    });
    assert.equal(formatCode(answer.code), "2.01");
    assert.deepEqual(paths(world, "dev"), ["/3/0"]);
  });

  const formats: readonly [links: string, expected: readonly number[]][] = [
    ['</>;rt="oma.lwm2m";ct=110,</1/0>', [110]],
    ["</>;rt=oma.lwm2m;ct=11543,110,112,</1/0>", [11543, 110, 112]],
    ["</>;ct=11543;hb,</1/0>", [11543]],
    ["</1/0>,</3/0>", []],
  ];
  for (const [links, expected] of formats) {
    it(`R4: formats are read from any of the links: ${links}`, async () => {
      await open();
      const id = await world.device(5000).register("ep=dev", links);
      assert.deepEqual(world.server.registrations.byId(id)?.contentFormats, expected);
    });
  }

  const links: readonly [links: string, expected: readonly string[]][] = [
    ["<1/0>, <3/0>", ["/1/0", "/3/0"]],
    ["</1/0>,</3/0>,", ["/1/0", "/3/0"]],
    ["</1>;ver=1.1,</1/0>", ["/1", "/1/0"]],
    ["</10/0>;ver=1.1", ["/10/0"]],
    ["</3303>,</5>", ["/3303", "/5"]],
    ["</0/0>,</21/0>,</3/0>", ["/3/0"]],
    ["", []],
  ];
  for (const [sent, expected] of links) {
    it(`R5: links ${sent || "(none)"}`, async () => {
      await open();
      await world.device(5000).register("ep=dev", sent);
      assert.deepEqual(paths(world, "dev"), expected);
    });
  }

  it("R6: Register in 64-byte Block1 pieces with one empty token", async () => {
    await open();
    const device = world.device(5000);
    const whole = Array.from({ length: 20 }, (_, i) => `</3303/${i}>`).join(",");
    const count = Math.ceil(whole.length / 64);
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        device.send("POST", "/rd", {
          query: ["ep=dev"],
          contentFormat: 40,
          token: new Uint8Array(0),
          payload: whole.slice(i * 64, i * 64 + 64),
          options: [{ number: 27, value: Uint8Array.of(i * 16 + (i < count - 1 ? 8 : 0) + 2) }],
        }),
      ),
    );
    assert.equal(formatCode(answers.at(-1)!.code), "2.01");
    assert.equal(paths(world, "dev")?.length, 20);
  });

  it("R7: an empty token is answered with an empty token", async () => {
    await open();
    const device = world.device(5000);
    const answer = await device.send("POST", "/rd", { query: ["ep=dev"], token: new Uint8Array(0), payload: "</3/0>" });
    assert.equal(answer.token.length, 0);
    assert.equal(formatCode(answer.code), "2.01");
  });

  it("R8: Update from another port of the same address is followed and kept", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    device.moveTo(5001);
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
    assert.equal(world.server.registrations.byId(id)?.peer.port, 5001);
    await world.restart();
    assert.equal(world.server.registrations.byId(id)?.peer.port, 5001);
    device.moveTo(5002);
    assert.equal(await codeOf(device, "DELETE", `/rd/${id}`), "2.02");
  });

  it("R8: another address is answered 4.04, so that the device registers anew", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    device.moveTo(5000, "198.51.100.7");
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "4.04");
    assert.equal(await codeOf(device, "DELETE", `/rd/${id}`), "4.04");
    assert.isDefined(world.server.registrations.byId(id));
    await device.register("ep=dev");
    assert.equal(world.server.registrations.byEndpoint("dev")?.peer.address, "198.51.100.7");
  });

  it("R8: with followAddress off another port is refused", async () => {
    await open({ followAddress: "never" });
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    device.moveTo(5001);
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "4.04");
  });

  it("R9: Updates with nothing, with all links again, with what changed", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev&lt=60", "</>;ct=110,</1/0>,</3/0>");
    const before = world.server.registrations.byId(id);
    await device.send("POST", `/rd/${id}`);
    await device.send("POST", `/rd/${id}`, {
      query: ["lt=60"],
      payload: "</>;ct=110,</1/0>,</3/0>",
      contentFormat: 40,
    });
    assert.strictEqual(world.server.registrations.byId(id), before);
    await device.send("POST", `/rd/${id}`, { payload: "</1/0>,</3/0>,</3303/0>", contentFormat: 40 });
    assert.deepEqual(paths(world, "dev"), ["/1/0", "/3/0", "/3303/0"]);
    assert.deepEqual(world.server.registrations.byId(id)?.contentFormats, [110]);
    assert.deepEqual(world.life.slice(1), ["updated dev", "updated dev", "updated dev objectLinks"]);
  });

  it("R9: links count as the same also after a restart", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev", "</1/0>;ver=1.1,</3/0>");
    await world.restart();
    await device.send("POST", `/rd/${id}`, { payload: "</1/0>;ver=1.1,</3/0>", contentFormat: 40 });
    assert.equal(world.life.at(-1), "updated dev");
  });

  it("R10: the same endpoint from a new port replaces the registration", async () => {
    await open();
    const device = world.device(5000);
    const first = await device.register("ep=dev");
    device.moveTo(5001);
    const second = await device.register("ep=dev");
    assert.equal(world.server.registrations.size, 1);
    assert.isUndefined(world.server.registrations.byId(first));
    assert.equal(world.server.registrations.byId(second)?.peer.port, 5001);
    assert.equal(await codeOf(device, "POST", `/rd/${first}`), "4.04");
    assert.deepEqual(world.life, ["registered dev", "deregistered dev replaced", "registered dev again"]);
  });

  it("R11: a device that vanishes is ended by lifetime and grace alone", async () => {
    await open({ gracePeriodMs: 100_000 });
    const id = await world.device(5000).register("ep=dev&lt=30");
    await world.clock.advance(129_000);
    assert.isDefined(world.server.registrations.byId(id));
    await world.clock.advance(3_000);
    assert.isUndefined(world.server.registrations.byId(id));
  });

  for (const lifetime of [12, 30, 86_400]) {
    it(`R12: lifetime ${lifetime} s, Updates at 93 % of it`, async () => {
      await open();
      const device = world.device(5000);
      const id = await device.register(`ep=dev&lt=${lifetime}`);
      for (let round = 0; round < 3; round++) {
        await world.clock.advance(lifetime * 930);
        assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
      }
      await world.clock.advance(lifetime * 1000 + 2000);
      assert.isUndefined(world.server.registrations.byId(id));
    });
  }

  it("LwM2M Server object, resource 1: lifetime 0 never ends", async () => {
    await open();
    const id = await world.device(5000).register("ep=dev&lt=0");
    await world.clock.advance(2 * 86_400_000);
    assert.isDefined(world.server.registrations.byId(id));
    await world.restart();
    assert.isDefined(world.server.registrations.byId(id));
  });

  it("a gateway registers several endpoints from one port, and each ends by itself", async () => {
    await open();
    const device = world.device(5000);
    const [a, b] = [await device.register("ep=a"), await device.register("ep=b")];
    assert.equal(await codeOf(device, "DELETE", `/rd/${b}`), "2.02");
    assert.equal(await codeOf(device, "POST", `/rd/${a}`), "2.04");
  });

  it("a restart loses no registration, not even one whose time ran out while the host was down", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev&lt=60&b=UQ&at=9", "</>;ct=11542,</1/0>;ver=1.1,</3/0>");
    const before = world.server.registrations.byId(id);
    await world.server[Symbol.asyncDispose]();
    await world.clock.advance(3_600_000);
    await world.restart();
    assert.deepEqual(world.server.registrations.byId(id), JSON.parse(JSON.stringify(before)));
    await world.clock.advance(59_000);
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
    assert.isEmpty(device.asked, "nothing was sent to the device");
  });

  it("a clock that was set back while the host was down makes no device look awake", async () => {
    await open();
    const id = await world.device(5000).register("ep=dev&b=UQ");
    const inAnHour = world.clock.now() + 3_600_000;
    await world.store.collection(REGISTRATIONS).updateOne({ _id: "dev" }, { $set: { updatedAt: inAnHour } });
    await world.restart();
    const registration = world.server.registrations.byId(id)!;
    assert.isAtMost(world.server.registrations.lastSeenMs(id)!, world.clock.now());
    assert.isTrue(world.server.isReachable(registration));
    await world.clock.advance(100_000);
    assert.isFalse(world.server.isReachable(registration));
  });

  it("times of unchanged Updates are stored in bulk, once per period", async () => {
    let writes = 0;
    await open({
      wrapStore: store => ({
        ...store,
        collection: spec => store.collection(spec),
        write: ops => {
          writes++;
          return store.write(ops);
        },
      }),
    });
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    const registrations = world.store.collection(REGISTRATIONS);
    const storedAt = async (): Promise<number> => (await registrations.findOne({ _id: "dev" }))!.updatedAt;
    const first = await storedAt();
    await world.clock.advance(10_000);
    for (let i = 0; i < 20; i++) await device.send("POST", `/rd/${id}`);
    assert.equal(await storedAt(), first);
    assert.equal(writes, 0);
    await world.clock.advance(60_000);
    assert.equal(await storedAt(), first + 10_000);
    assert.equal(writes, 1);
  });

  it("20-9: simultaneous De-register and Register end in the order in which they came", async () => {
    await open();
    const device = world.device(5000);
    const id = await device.register("ep=dev");
    const [gone, again] = await Promise.all([
      device.send("DELETE", `/rd/${id}`),
      device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" }),
    ]);
    assert.deepEqual([gone.code, again.code].map(formatCode), ["2.02", "2.01"]);
    assert.equal(world.server.registrations.size, 1);
    const [again2, gone2] = await Promise.all([
      device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" }),
      device.send("DELETE", `/rd/${world.server.registrations.byEndpoint("dev")!.id}`),
    ]);
    assert.deepEqual([again2.code, gone2.code].map(formatCode), ["2.01", "4.04"]);
    assert.equal(world.server.registrations.size, 1);
  });

  it("many Registers of one endpoint at once leave one registration, in memory and in the store", async () => {
    await open();
    const devices = Array.from({ length: 10 }, (_, i) => world.device(6000 + i));
    const ids = await Promise.all(devices.map(device => device.register("ep=dev")));
    assert.equal(world.server.registrations.size, 1);
    const live = world.server.registrations.byEndpoint("dev")!;
    assert.include(ids, live.id);
    assert.equal((await world.store.collection(REGISTRATIONS).findOne({ _id: "dev" }))?.registrationId, live.id);
    assert.equal(world.life.filter(line => line === "deregistered dev replaced").length, 9);
  });
});
