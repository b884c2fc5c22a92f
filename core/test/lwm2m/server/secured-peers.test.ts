import { assert } from "chai";
import { formatCode } from "../../../src/coap/codes.ts";
import { REGISTRATIONS } from "../../../src/store/collections/devices.ts";
import type { Store } from "../../../src/store/store.ts";
import { completed, createLwm2mWorld, type Lwm2mWorld } from "../support/lwm2m-world.ts";
import { type ScriptedDevice, settle } from "../support/scripted-device.ts";
import { type SessionTransport, withSessions } from "../support/session-transport.ts";

const VALUE = { code: 69, contentFormat: 0, payload: "5", observe: 2 };

describe("lwm2m/server: registrations of secured peers", () => {
  let world: Lwm2mWorld;
  let sessions: SessionTransport;
  let writes: number;
  /** Registrations are replaced only when this has resolved. */
  let stored: Promise<void>;
  afterEach(() => world[Symbol.asyncDispose]());

  const counting = (store: Store): Store => ({
    ...store,
    collection(spec) {
      const collection = store.collection(spec);
      if (spec.name !== REGISTRATIONS.name) return collection;
      return { ...collection, replaceOne: (...args) => stored.then(() => collection.replaceOne(...args)) };
    },
    write: ops => {
      writes++;
      return store.write(ops);
    },
  });
  async function open(): Promise<void> {
    writes = 0;
    stored = Promise.resolve();
    const wrapTransport = (bare: Parameters<typeof withSessions>[0]) => (sessions = withSessions(bare));
    world = await createLwm2mWorld({ wrapStore: counting, wrapTransport });
  }
  const secured = (port: number, identity = "dev"): ScriptedDevice =>
    world.device(port, { identity: { kind: "psk", identity } });
  const live = (endpoint = "dev") => world.server.registrations.byEndpoint(endpoint)!;
  const storedPeer = async () => {
    const document = await world.store.collection(REGISTRATIONS).findOne({ _id: "dev" });
    return document?.details["peer"] as unknown as { key: string; port: number };
  };
  /** Observes /3303/0/5700. @returns the token */
  async function observe(device: ScriptedDevice): Promise<Uint8Array> {
    device.script = () => VALUE;
    const job = world.server.queues.run("dev", registration =>
      world.server.requests.observe(registration, [3303, 0, 5700]),
    );
    await completed(world.clock, job);
    return device.asked.at(-1)!.token;
  }
  const codeOf = async (device: ScriptedDevice, method: "POST" | "DELETE", path: string): Promise<string> =>
    formatCode((await device.send(method, path)).code);

  it("LwM2M Core 1.1.1 §6.2.1: ep may be left out where the peer has proved who it is", async () => {
    await open();
    await secured(5000).register("lt=60");
    assert.equal(live().endpoint, "dev");
  });

  it("R8: in one session a new address is followed by Update, notification and Send; it is shown at once", async () => {
    await open();
    const device = secured(5000);
    const id = await device.register("ep=dev&lwm2m=1.1");
    const token = await observe(device);
    device.moveTo(5001, "198.51.100.1");
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
    assert.include(live().peer, { address: "198.51.100.1", port: 5001, key: "dtls:dev-1" });
    device.moveTo(5002, "198.51.100.2");
    assert.isDefined(await device.notify({ token, sequence: 3, payload: "6" }));
    assert.include(live().peer, { address: "198.51.100.2", port: 5002 });
    device.moveTo(5003, "198.51.100.3");
    const sent = await device.send("POST", "/dp", { contentFormat: 110, payload: '[{"n":"/3303/0/5700","v":7}]' });
    assert.equal(formatCode(sent.code), "2.04");
    assert.include(live().peer, { address: "198.51.100.3", port: 5003 });
    assert.equal(live().id, id);
    assert.deepEqual(world.life, ["registered dev", "updated dev"], "an address within the session is no change of it");
    assert.equal(world.batches.length, 3);
  });

  it("RFC 9146 section 6: addresses within a session are stored in bulk, once per period", async () => {
    await open();
    const device = secured(5000);
    const id = await device.register("ep=dev");
    writes = 0;
    for (let port = 5001; port <= 5010; port++) {
      device.moveTo(port);
      await device.send("POST", `/rd/${id}`);
    }
    assert.equal(writes, 0);
    await world.clock.advance(61_000);
    assert.equal(writes, 1);
    assert.include(await storedPeer(), { port: 5010 });
    await world.restart();
    assert.equal(live().peer.port, 5010);
  });

  it("R10: what is registered and observed goes on in a newer session of the same device", async () => {
    await open();
    const device = secured(5000);
    const id = await device.register("ep=dev");
    const token = await observe(device);
    sessions.renew("dev");
    assert.isDefined(await device.notify({ token, sequence: 3, payload: "6" }), "acknowledged, not reset");
    assert.equal(world.batches.at(-1)?.values[0]?.value, 6);
    const read = world.server.queues.run("dev", registration =>
      world.server.requests.read(registration, [3303, 0, 5700]),
    );
    assert.isTrue((await completed(world.clock, read)).ok, "requests go to the new session");
    assert.equal(await codeOf(device, "POST", `/rd/${id}`), "2.04");
    assert.equal((await storedPeer()).key, "dtls:dev-2");
  });

  it("R10: a request that is open when the device comes back in a newer session ends and can be sent anew", async () => {
    await open();
    const device = secured(5000);
    await device.register("ep=dev");
    device.script = () => undefined;
    const read = world.server.queues.run("dev", registration =>
      world.server.requests.read(registration, [3303, 0, 5700]),
    );
    const failure = read.then(
      () => "answered",
      error => error.code,
    );
    await settle(world.clock);
    sessions.renew("dev");
    assert.equal(await completed(world.clock, failure), "EXCHANGE_CANCELLED");
  });

  it("R10: after a restart requests go to the newer session and its notifications are taken", async () => {
    await open();
    const device = secured(5000);
    await device.register("ep=dev");
    const token = await observe(device);
    sessions.renew("dev");
    await settle(world.clock);
    await world.restart();
    assert.equal(live().peer.key, "dtls:dev-2");
    // The session is the transport's to keep through the restart.
    sessions.renew("dev", false);
    assert.isDefined(await device.notify({ token, sequence: 4, payload: "8" }));
    assert.equal(world.batches.at(-1)?.values[0]?.value, 8);
  });

  it("R10: the same endpoint registers again in a newer session: one registration, nothing of the old one", async () => {
    await open();
    const device = secured(5000);
    const first = await device.register("ep=dev");
    sessions.renew("dev");
    const second = await device.register("ep=dev");
    assert.equal(world.server.registrations.size, 1);
    assert.equal(live().id, second);
    assert.equal(await codeOf(device, "POST", `/rd/${first}`), "4.04");
  });

  it("R8: Update, De-register and Send of another identity are refused with 4.04", async () => {
    await open();
    const id = await secured(5000).register("ep=dev");
    const other = secured(5001, "other");
    const plain = world.device(5002);
    for (const stranger of [other, plain]) {
      assert.equal(await codeOf(stranger, "POST", `/rd/${id}`), "4.04");
      assert.equal(await codeOf(stranger, "DELETE", `/rd/${id}`), "4.04");
      const sent = await stranger.send("POST", "/dp", { contentFormat: 110, payload: '[{"n":"/3/0/9","v":7}]' });
      assert.equal(formatCode(sent.code), "4.04");
    }
    assert.equal(live().id, id);
    assert.isEmpty(world.batches);
  });

  it("R8: a device without identity is not taken for one that had one, even from its address", async () => {
    await open();
    const id = await secured(5000).register("ep=dev");
    const plain = world.device(5005);
    assert.equal(await codeOf(plain, "POST", `/rd/${id}`), "4.04");
  });

  it("20-10: a Send in a session that nobody knew the former one of is matched by identity", async () => {
    await open();
    const device = secured(5000);
    const id = await device.register("ep=dev&lwm2m=1.1");
    const token = await observe(device);
    sessions.renew("dev", false);
    const sent = await device.send("POST", "/dp", { contentFormat: 110, payload: '[{"n":"/3303/0/5700","v":7}]' });
    assert.equal(formatCode(sent.code), "2.04");
    assert.equal(live().peer.key, "dtls:dev-2");
    assert.isDefined(await device.notify({ token, sequence: 9, payload: "6" }));
    assert.equal(live().id, id);
  });

  it("a peer that moves while its Update is being stored stays where it moved to", async () => {
    await open();
    const device = secured(5000);
    const id = await device.register("ep=dev&lt=60");
    let proceed = (): void => {};
    stored = new Promise(resolve => {
      proceed = resolve;
    });
    const answered = device.send("POST", `/rd/${id}`, { query: ["lt=90"] });
    await settle(world.clock, 3);
    sessions.renew("dev");
    proceed();
    // The answer went to the session that is gone.
    await answered.catch(() => {});
    assert.include(live(), { lifetimeSeconds: 90 });
    assert.equal(live().peer.key, "dtls:dev-2");
    await world.clock.advance(61_000);
    assert.equal((await storedPeer()).key, "dtls:dev-2");
  });

  it("a gateway's registrations all move with its session", async () => {
    await open();
    const gateway = secured(5000, "gateway");
    await gateway.register("ep=a");
    await gateway.register("ep=b");
    sessions.renew("gateway");
    assert.deepEqual(
      ["a", "b"].map(endpoint => live(endpoint).peer.key),
      ["dtls:gateway-2", "dtls:gateway-2"],
    );
  });
});
