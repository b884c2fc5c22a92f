/** pion/dtls: a pre-shared key as every peer, and Connection IDs with a port that changes in mid-session (RFC 9146). */
import { assert } from "chai";
import { registerPskDevice } from "../harness/agent.ts";
import { HANDSHAKE_TYPES, handshakesWith } from "../harness/dtls-wire.ts";
import { type NatProxy, openNatProxy, type PassedDatagram } from "../harness/nat-proxy.ts";
import { CBC_ON, cbcSuite } from "./dtls/cbc-suite.ts";
import { certificatePeerSuite, withCertificates } from "./dtls/certificate-suite.ts";
import { registerBytes } from "./dtls/dtls-peer.ts";
import { dtlsPeerSuite, secureHost, WITH_LOSS_WITHIN_MS } from "./dtls/peer-suite.ts";
import { pion, pionCertificates, registerThrough, startPion } from "./pion/pion.ts";

const KEY = "a-key-for-pion-01";

describe("interop/pion", () => {
  const suite = secureHost();
  withCertificates(suite);
  dtlsPeerSuite(suite, pion);
  certificatePeerSuite(suite, pionCertificates);

  describe("interop/pion/dtls, another port in mid-session", () => {
    let count = 0;
    let endpoint: string;
    let proxy: NatProxy;

    const fullHandshakes = (datagrams: readonly PassedDatagram[]): number =>
      handshakesWith(HANDSHAKE_TYPES.clientKeyExchange, datagrams);
    const withCid = (direction: PassedDatagram["direction"]): number =>
      proxy.passed.filter(each => each.direction === direction && each.bytes[0] === 25).length;

    beforeEach(async () => {
      endpoint = `pion-cid-${++count}`;
      await registerPskDevice(suite.api, { endpoint, key: KEY });
      proxy = await openNatProxy({ serverPort: suite.host.coapsPort });
    });
    afterEach(() => proxy.close());

    const connect = async (cidBytes?: number) => {
      const options = { port: proxy.port, endpoint, identity: endpoint, key: KEY };
      const client = startPion(cidBytes === undefined ? options : { ...options, cidBytes });
      suite.onFailure(() => client.process.tail());
      await client.connected();
      return client;
    };

    for (const [cidBytes, what] of [
      [0, "only the host has a Connection ID"],
      [8, "each side has one"],
    ] as const) {
      it(`goes on without a handshake where ${what} (RFC 9146 section 6)`, async () => {
        await using client = await connect(cidBytes);
        assert.equal((await registerThrough(client, endpoint)).code, "2.01");
        for (let turn = 0; turn < 3; turn++) {
          // The device's own socket, and then the router in front of it.
          await (turn % 2 === 0 ? client.rebind() : proxy.rebind());
          assert.equal((await registerThrough(client, endpoint)).code, "2.01");
        }
        assert.equal(fullHandshakes(proxy.passed), 1);
        assert.isAbove(withCid("toServer"), 3);
        assert.equal(withCid("toDevice") > 0, cidBytes > 0);
      });
    }

    it("goes on without a handshake though every fourth datagram of each direction is lost (RFC 9146 section 6)", async function () {
      this.timeout(WITH_LOSS_WITHIN_MS);
      proxy.setFaults({ losesOneOf: 4 });
      await using client = await connect(8);
      for (let turn = 0; turn < 4; turn++) {
        assert.equal((await registerThrough(client, endpoint)).code, "2.01");
        await proxy.rebind();
      }
      assert.equal(fullHandshakes(proxy.passed), 1);
    });

    it("without a Connection ID it is not heard from another port, and comes back by a new handshake", async () => {
      await using client = await connect();
      assert.equal((await registerThrough(client, endpoint)).code, "2.01");
      await client.rebind();
      const { request, answerIn } = registerBytes(endpoint);
      const heardBefore = proxy.counters.toDevice;
      client.send(request);
      await client.reconnect();
      assert.isAbove(proxy.counters.toDevice, heardBefore);
      const answers = client.process.lines
        .filter(line => line.startsWith("received "))
        .filter(line => answerIn(Buffer.from(line.slice("received ".length), "hex")));
      assert.isEmpty(answers);
      assert.equal((await registerThrough(client, endpoint)).code, "2.01");
      assert.equal(fullHandshakes(proxy.passed), 2);
    });
  });
});

describe("interop/pion, suites with CBC for old devices", () => cbcSuite(secureHost(CBC_ON), { keys: [pion] }));
