/** A network that loses, repeats and reorders: everything arrives whole, handlers run once, nothing is left. */
import { assert } from "chai";
import type { CoapEndpoint } from "../../src/coap/endpoint.ts";
import type { CoapRequest } from "../../src/coap/request.ts";
import { createWorld, DEVICE, HOST, pattern, peerOf, request, type World } from "./support/endpoints.ts";
import { createNotifier } from "./support/notifier.ts";

const BAD = { loss: 0.25, duplication: 0.25, delayMs: [5, 600] } as const;

const badWorld = (seed: number): World => {
  const world = createWorld(seed);
  world.network.setConditions(BAD);
  return world;
};

/** Lets time pass until a promise has settled. */
async function passUntil<T>(world: World, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) await world.clock.advance(5_000);
  return promise;
}

/** After the lifetimes of all messages nothing is kept. */
async function assertEmpty(world: World, ...endpoints: CoapEndpoint[]): Promise<void> {
  await world.clock.advance(600_000);
  for (const { counters } of endpoints) {
    const { peers, transfers, transferBytes, requestsInFlight, timers, faults } = counters;
    assert.deepEqual(
      { peers, transfers, transferBytes, requestsInFlight, timers, faults },
      { peers: 0, transfers: 0, transferBytes: 0, requestsInFlight: 0, timers: 1, faults: 0 },
    );
  }
}

const receiving = (calls: CoapRequest[], code: number) => ({
  async onRequest(incoming: CoapRequest) {
    calls.push(incoming);
    return { code, payload: new Uint8Array(0) };
  },
});

describe("coap: 25 % loss, 25 % duplication and reordering in each direction", () => {
  for (const seed of [1, 2, 3]) {
    it(`a registration with a 4 kB payload (seed ${seed})`, async () => {
      const world = badWorld(seed);
      const calls: CoapRequest[] = [];
      const host = world.open(HOST, receiving(calls, 65));
      const device = world.open(DEVICE);
      const body = pattern(4000);
      const query = ["ep=urn:dev:1", "lt=300"];
      const register = device.request(peerOf(device, HOST), request("POST", "rd", { query, payload: body }));
      assert.equal((await passUntil(world, register)).code, 65);
      assert.lengthOf(calls, 1);
      assert.deepEqual(calls[0]!.payload, body);
      assert.isAbove(world.network.counters.lost, 0);
      await assertEmpty(world, host, device);
    });
  }

  it("an upload of 1 MiB", async () => {
    const world = badWorld(4);
    const calls: CoapRequest[] = [];
    const host = world.open(HOST);
    const device = world.open(DEVICE, receiving(calls, 68));
    const body = pattern(1024 * 1024);
    const source = { length: body.length, read: async (at: number, length: number) => body.subarray(at, at + length) };
    const upload = host.upload(peerOf(host, DEVICE), request("PUT", "5/0/0"), source);
    assert.equal((await passUntil(world, upload)).code, 68);
    assert.lengthOf(calls, 1);
    assert.isTrue(Buffer.from(calls[0]!.payload).equals(body));
    assert.isAbove(host.counters["retransmissions"]!, 100);
    await assertEmpty(world, host, device);
  });

  it("a read of 100 kB", async () => {
    const world = badWorld(5);
    const body = pattern(100_000);
    const host = world.open(HOST);
    const device = world.open(DEVICE, { onRequest: async () => ({ code: 69, payload: body }) });
    const response = await passUntil(world, host.request(peerOf(host, DEVICE), request("GET", "3")));
    assert.isTrue(Buffer.from(response.payload).equals(body));
    await assertEmpty(world, host, device);
  });

  it("1,000 Confirmable notifications, a handler that takes its time", async () => {
    const world = badWorld(6);
    const host = world.open(HOST);
    const heard: string[] = [];
    const notifier = createNotifier(world, 1000);
    const observing = host.observe(peerOf(host, DEVICE), request("GET", "3303/0/5700"), async ({ response }) => {
      heard.push(Buffer.from(response.payload).toString());
      await new Promise<void>(resolve => void world.clock.after(50, resolve));
    });
    const { observation } = await passUntil(world, observing);
    await passUntil(world, notifier.done);
    assert.deepEqual(
      heard,
      Array.from({ length: 1000 }, (_, i) => String(i + 1)),
    );
    observation?.forget();
    await assertEmpty(world, host);
  });
});
