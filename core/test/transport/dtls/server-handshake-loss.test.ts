import { assert } from "chai";
import { certificateCredentials } from "../../../../test/simulator/dtls/certificates.ts";
import type { DtlsClientOptions } from "../../../../test/simulator/dtls/client-options.ts";
import { readFragments } from "../../../src/transport/dtls/handshake-message.ts";
import { RECORD_HEADER_BYTES } from "../../../src/transport/dtls/records.ts";
import { createHandshakeWorld, PSK } from "./support/handshake-world.ts";

const SMALL_BYTES = 100;
/** A Finished with CBC is not cut further. */
const LARGEST_BYTES = 112;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const CID = Uint8Array.of(5, 6);
const HARD = { loss: 0.25, duplication: 0.25, delayMs: [0, 400] } as const;

const CLIENTS: readonly [string, DtlsClientOptions][] = [
  ["PSK", { psk: PSK, suites: [0xc0a8] }],
  ["PSK with CBC", { psk: PSK, suites: [0x00ae], cid: CID }],
  ["ECDHE_PSK", { psk: PSK, suites: [0xd005], cid: CID }],
  ["certificates", { certificate: certificateCredentials("device-1") }],
  ["a chain of certificates", { certificate: certificateCredentials("device-intermediate", "intermediate"), cid: CID }],
];

const trustAll = {
  clientCertificate: async () => ({ kind: "x509", commonName: "any", subjectAltNames: [] }) as const,
};

describe("dtls/server-handshake over a bad network", () => {
  for (const [name, options] of CLIENTS) {
    it(`RFC 6347 4.2.4: ${name}, a quarter lost, a quarter doubled, all out of order`, async () => {
      for (const seed of SEEDS) {
        const world = createHandshakeWorld({
          seed,
          conditions: HARD,
          credentials: trustAll,
          options: { maxRetransmissions: 10 },
        });
        await world.connect({ ...options, maxRetransmissions: 10 });
        await world.clock.advance(1000);
        assert.include(
          world.outcomes.map(({ kind }) => kind),
          "done",
          `seed ${seed}`,
        );
      }
    });

    it(`RFC 6347 4.2.3: ${name}, in datagrams of ${SMALL_BYTES} bytes, with the same losses`, async () => {
      for (const seed of SEEDS) {
        const world = createHandshakeWorld({
          seed,
          conditions: HARD,
          credentials: trustAll,
          options: { maxHandshakeDatagramBytes: SMALL_BYTES, maxRetransmissions: 12 },
        });
        const faults = { helloFragmentBytes: 60, separateDatagrams: true };
        await world.connect({ ...options, maxDatagramBytes: SMALL_BYTES, maxRetransmissions: 10, faults });
        for (const { length } of [...world.fromServer, ...world.fromClient]) assert.isAtMost(length, LARGEST_BYTES);
      }
    });
  }

  it("RFC 6347 4.2.4: resumption with the same losses", async () => {
    for (const seed of SEEDS) {
      const first = createHandshakeWorld();
      const { session } = await first.connect({ psk: PSK });
      const world = createHandshakeWorld({ seed: 100 + seed, conditions: HARD, options: { maxRetransmissions: 10 } });
      world.kept = first.kept;
      assert.isTrue((await world.connect({ psk: PSK, session, maxRetransmissions: 10 })).resumed);
      await world.clock.advance(300_000);
      assert.deepEqual(
        world.outcomes.map(({ kind }) => kind),
        ["done"],
      );
    }
  });

  it("RFC 6347 4.2.4: a repeated flight of the client is answered at once, with fresh sequence numbers", async () => {
    const world = createHandshakeWorld({ options: { retransmissionTimeoutMs: 50_000 } });
    // The first flight of the server is lost: hello, hello with cookie, hello again.
    world.tamperToClient = (datagram, index) => (index === 1 ? [] : [datagram]);
    await world.connect({ psk: PSK });
    const [, lost, repeated] = world.fromServer;
    assert.notDeepEqual(lost, repeated);
    assert.deepEqual(lost!.subarray(13, 80), repeated!.subarray(13, 80));
    assert.isAbove(repeated![10]!, lost![10]!);
    assert.isBelow(world.outcomes[0]!.atMs, 2000);
  });

  it("RFC 6347 4.2.4: many copies of one hello are answered once", async () => {
    const world = createHandshakeWorld({ options: { retransmissionTimeoutMs: 50_000 } });
    world.tamperToServer = (datagram, index) => (index === 1 ? Array.from({ length: 30 }, () => datagram) : [datagram]);
    await world.connect({ psk: PSK });
    assert.equal(world.fromServer.length, 3);
  });

  it("RFC 6347 4.2.4: the last flight can be sent again to a client that repeats its own", async () => {
    const world = createHandshakeWorld();
    world.tamperToClient = (datagram, index) => (index === 2 ? [] : [datagram]);
    const { client } = await world.connect({ psk: PSK });
    client.send(Buffer.from("up"));
    await world.clock.advance(0);
    assert.deepEqual(world.readByServer, ["up"]);
  });

  it("RFC 6347 4.2.4.1: a client that falls silent is repeated to with longer pauses and smaller datagrams, then given up", async () => {
    const certificates = { certificate: certificateCredentials("device-1") };
    const world = createHandshakeWorld({ options: { maxRetransmissions: 3 } });
    const sentAtMs: number[] = [];
    world.tamperToClient = (datagram, index) => {
      sentAtMs.push(world.clock.monotonic());
      return index === 0 ? [datagram] : [];
    };
    world.start({ ...certificates, retransmissionTimeoutMs: 1_000_000 });
    await world.clock.advance(100_000);
    assert.deepEqual(
      world.outcomes.map(outcome => outcome.kind === "failed" && outcome.reason),
      ["timeout"],
    );
    const flights = [...new Set(sentAtMs.slice(1))];
    const largest = flights.map(atMs =>
      Math.max(...world.fromServer.filter((_, i) => sentAtMs[i] === atMs).map(d => d.length)),
    );
    assert.equal(flights.length, 4);
    for (const [i, least] of [2000, 4000, 8000].entries()) assert.isAtLeast(flights[i + 1]! - flights[i]!, least);
    for (const [i, most] of [2500, 5000, 10_000].entries()) assert.isAtMost(flights[i + 1]! - flights[i]!, most);
    assert.isAbove(largest[1]!, 600);
    assert.isAtMost(largest[2]!, 600);
    assert.isAtMost(largest[3]!, 300);
    // That of the client.
    assert.equal(world.clock.pending, 1);
  });

  it("a hello whose other fragments never come is given up", async () => {
    const world = createHandshakeWorld();
    const offsetOf = (datagram: Uint8Array): number => readFragments(datagram.subarray(RECORD_HEADER_BYTES))[0]!.offset;
    world.tamperToServer = datagram => (offsetOf(datagram) === 0 ? [datagram] : []);
    const faults = { helloFragmentBytes: 56 };
    world.start({ psk: PSK, faults, retransmissionTimeoutMs: 1_000_000 });
    await world.clock.advance(300_000);
    assert.deepEqual(
      world.outcomes.map(outcome => outcome.kind === "failed" && outcome.reason),
      ["timeout"],
    );
  });
});
