import { assert } from "chai";
import type { RequestNames } from "../../src/coap/endpoint.ts";
import { NAMES_RESERVED, supplyNames } from "../../src/coap/request-names.ts";
import { content, createWorld, DEVICE, HOST, pattern, peerOf, request } from "./support/endpoints.ts";
import { createHostAndDevice } from "./support/host-and-device.ts";

describe("coap/request-names", () => {
  it("names follow each other and are used up", () => {
    const supply = supplyNames({ messageId: 0xfffe, token: Uint8Array.of(1, 2, 4) });
    const given = Array.from({ length: NAMES_RESERVED }, () => supply.next()!);
    assert.deepEqual(given.slice(0, 3), [
      { messageId: 0xfffe, token: Uint8Array.of(1, 2, 4) },
      { messageId: 0xffff, token: Uint8Array.of(1, 2, 5) },
      { messageId: 0, token: Uint8Array.of(1, 2, 6) },
    ]);
    assert.isUndefined(supply.next());
  });

  it("what is reserved is used by nobody else", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const names = host.reserveNames(deviceAt)!;
    const other = host.request(deviceAt, request("GET", "/a"));
    const first = await asked();
    assert.equal(first.messageId, (names.messageId + NAMES_RESERVED) & 0xffff);
    await answer(first, 69);
    await other;
    const named = host.request(deviceAt, request("GET", "/b"), { names: supplyNames(names) });
    const second = await asked();
    assert.deepEqual({ messageId: second.messageId, token: Uint8Array.from(second.token) }, { ...names });
    await answer(second, 69);
    await named;
  });

  it("RFC 7252 section 4.2: a request sent again under its names is answered and not done again, also by another life of the host", async () => {
    const world = createWorld();
    let done = 0;
    world.open(DEVICE, { onRequest: () => content(`done ${++done}`) });
    let names: RequestNames | undefined;
    const send = async (path: string) => {
      const host = world.open(HOST);
      const peer = peerOf(host, DEVICE);
      names ??= host.reserveNames(peer)!;
      const sent = host.request(peer, request("POST", path), { names: supplyNames(names) });
      await world.clock.advance(10);
      const { payload } = await sent;
      const after = host.request(peer, request("GET", "/next"));
      await world.clock.advance(10);
      await after;
      await host[Symbol.asyncDispose]();
      await host.transport[Symbol.asyncDispose]();
      return Buffer.from(payload).toString();
    };
    assert.equal(await send("/a"), "done 1");
    // The fresh host's next request is no repetition of what the first one sent after it, so it is done.
    assert.equal(await send("/a"), "done 1");
    assert.equal(done, 3);
  });

  it("a body in blocks has the token and message ids of its own", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const names = host.reserveNames(deviceAt)!;
    const put = request("PUT", "/a", { payload: pattern(1500) });
    void host.request(deviceAt, put, { names: supplyNames(names) }).catch(() => {});
    const first = await asked();
    assert.notEqual(first.messageId, names.messageId);
    assert.deepEqual(Uint8Array.from(first.token), names.token);
    await answer(first, 132);
  });

  it("what is not acknowledged for ACK_TIMEOUT is sent again when the peer is heard, and retransmission goes on as planned", async () => {
    const { world, host, device, deviceAt } = createHostAndDevice({ transmission: { ackTimeoutMs: 2000 } });
    void host.request(deviceAt, request("GET", "/a")).catch(() => {});
    await world.clock.advance(1999);
    const [first] = device.inbox.splice(0);
    host.repeatUnacknowledged(deviceAt);
    await world.clock.advance(0);
    device.silent();
    await world.clock.advance(2001);
    assert.lengthOf(device.inbox.splice(0), 1, "the first retransmission");
    await world.clock.advance(1999);
    host.repeatUnacknowledged(deviceAt);
    host.repeatUnacknowledged(deviceAt);
    await world.clock.advance(0);
    const [again, ...more] = device.inbox.splice(0);
    assert.deepEqual(again, first);
    assert.isEmpty(more);
    await world.clock.advance(2001);
    assert.lengthOf(device.inbox.splice(0), 1, "the second retransmission, at its own time");
  });
});
