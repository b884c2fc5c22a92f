import { createSocket } from "node:dgram";
import { once } from "node:events";
import { assert } from "chai";
import { isFailure } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Peer, Transport } from "../../src/transport/transport.ts";
import { createPeerCache } from "../../src/transport/udp/peer-cache.ts";
import { openUdpTransport, type UdpOptions } from "../../src/transport/udp/udp-transport.ts";

const open = (options: Partial<UdpOptions> = {}): Promise<Transport> =>
  openUdpTransport({ host: "127.0.0.1", port: 0, log: silentLog, ...options });

/** Delivered datagrams, one after the other. */
const inbox = (transport: Transport) => {
  const waiting: ((got: { bytes: Uint8Array; peer: Peer }) => void)[] = [];
  transport.start((bytes, peer) => waiting.shift()?.({ bytes: Uint8Array.from(bytes), peer }));
  return () => new Promise<{ bytes: Uint8Array; peer: Peer }>(resolve => void waiting.push(resolve));
};

const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("transport/udp", () => {
  it("datagrams there and back, the same value for the same peer", async () => {
    await using a = await open();
    await using b = await open();
    const nextA = inbox(a);
    const nextB = inbox(b);
    const toB = a.peerAt("127.0.0.1", b.local.port)!;
    const first = nextB();
    a.send(Uint8Array.of(1, 2, 3), toB);
    const { bytes, peer } = await first;
    assert.deepEqual(bytes, Uint8Array.of(1, 2, 3));
    assert.deepEqual(peer, { key: `udp:127.0.0.1:${a.local.port}`, address: "127.0.0.1", port: a.local.port });
    const second = nextB();
    a.send(Uint8Array.of(4), toB);
    assert.strictEqual((await second).peer, peer);
    assert.strictEqual(b.peerAt("127.0.0.1", a.local.port), peer);
    const back = nextA();
    b.send(Uint8Array.of(5), peer);
    assert.deepEqual((await back).bytes, Uint8Array.of(5));
    assert.deepEqual(a.counters, { received: 1, sent: 2, sendFailed: 0, dropped: 0 });
    assert.equal(a.scheme, "coap");
  });

  it("datagrams from ignored source ports go no further", async () => {
    await using reflector = await open();
    await using honest = await open();
    await using guarded = await open({ ignoredPorts: [reflector.local.port] });
    const next = inbox(guarded)();
    reflector.send(Uint8Array.of(1), reflector.peerAt("127.0.0.1", guarded.local.port)!);
    honest.send(Uint8Array.of(2), honest.peerAt("127.0.0.1", guarded.local.port)!);
    assert.equal((await next).peer.port, honest.local.port);
    assert.deepEqual(guarded.counters, { received: 1, sent: 0, sendFailed: 0, dropped: 1 });
  });

  it("IPv6, and IPv4 peers of a socket that takes both by their own address", async function () {
    let both: Transport;
    try {
      both = await open({ host: "::" });
    } catch {
      this.test!.title += " (this machine has no IPv6)";
      return;
    }
    await using dual = both;
    await using four = await open();
    await using six = await open({ host: "::1" });
    const next = inbox(dual);
    const nextFour = inbox(four);
    for (const [from, address] of [
      [four, "127.0.0.1"],
      [six, "::1"],
    ] as const) {
      const got = next();
      from.send(Uint8Array.of(1), from.peerAt(address, dual.local.port)!);
      assert.equal((await got).peer.key, `udp:${address}:${from.local.port}`);
    }
    const back = nextFour();
    dual.send(Uint8Array.of(2), dual.peerAt("127.0.0.1", four.local.port)!);
    assert.deepEqual((await back).bytes, Uint8Array.of(2));
  });

  it("peerAt: one spelling of an address, undefined for what is none", async () => {
    await using transport = await open();
    assert.equal(transport.peerAt("2001:DB8:0:0::1", 5683)?.key, "udp:2001:db8::1:5683");
    for (const [address, port] of [
      ["example.org", 5683],
      ["", 5683],
      ["192.0.2.1", 0],
      ["192.0.2.1", 65_536],
      ["192.0.2.1", 1.5],
    ] as const) {
      assert.isUndefined(transport.peerAt(address, port));
    }
  });

  it("a send that fails is counted, never thrown", async () => {
    const transport = await open();
    const nowhere: Peer = { key: "x", address: "not an address", port: 5683 };
    transport.send(Uint8Array.of(1), nowhere);
    transport.send(Uint8Array.of(1), { key: "x", address: "127.0.0.1", port: 0 });
    transport.send(new Uint8Array(70_000), { key: "x", address: "127.0.0.1", port: 9 });
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(transport.counters.sendFailed, 3);
    await transport[Symbol.asyncDispose]();
    transport.send(Uint8Array.of(1), nowhere);
    assert.equal(transport.counters.sendFailed, 4);
    await transport[Symbol.asyncDispose]();
  });

  it("a port that is taken, or a host that is no address, is a clear failure", async () => {
    await using first = await open();
    for (const options of [{ port: first.local.port }, { host: "localhost" }]) {
      const error = await rejectionOf(open(options));
      assert.isTrue(isFailure(error, "CONFIG_INVALID"), String(error));
    }
  });

  it("several transports share a port with reusePort", async function () {
    if (process.platform !== "linux") {
      this.test!.title += " (Linux only)";
      return;
    }
    await using first = await open({ reusePort: true });
    await using second = await open({ reusePort: true, port: first.local.port });
    assert.equal(second.local.port, first.local.port);
  });

  it("nothing is delivered after closing, and the port is free", async () => {
    const transport = await open();
    const { port } = transport.local;
    await transport[Symbol.asyncDispose]();
    const socket = createSocket("udp4");
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    socket.close();
  });
});

describe("transport/udp/peer-cache", () => {
  it("keeps who is in use and never more than its bound", () => {
    const cache = createPeerCache(10);
    const often = cache.at("192.0.2.1", 1);
    for (let i = 0; i < 1000; i++) {
      cache.at("192.0.2.2", 1 + i);
      assert.strictEqual(cache.at("192.0.2.1", 1), often);
      assert.isAtMost(cache.size, 10);
    }
    assert.equal(often.key, "udp:192.0.2.1:1");
  });
});
