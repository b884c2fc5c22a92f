/** What every foreign DTLS client must see of the host with a pre-shared key, through a proxy that reads along. */
import { assert } from "chai";
import { registerPskDevice } from "../../harness/agent.ts";
import { eventsOf } from "../../harness/documents.ts";
import { chosenSuite, HANDSHAKE_TYPES, handshakesWith, plainAlerts, refusedAfterMs } from "../../harness/dtls-wire.ts";
import { type Faults, type NatProxy, openNatProxy } from "../../harness/nat-proxy.ts";
import { type HostInTest, withHost } from "../../harness/with-host.ts";
import type { DtlsExchange, DtlsOutcome, DtlsPeer } from "./dtls-peer.ts";

const KEY = "a-key-for-peers-1";
/** From a client's key exchange to its refusal, and from the start to the end of one that lost every fourth datagram. */
export const REFUSED_WITHIN_MS = 3000;
export const WITH_LOSS_WITHIN_MS = 45_000;

/** Flights of the host are repeated quickly here, so that a lost datagram costs little. */
export const secureHost = (env: Readonly<Record<string, string>> = {}): HostInTest =>
  withHost({ env: { MOORING_DTLS_RETRANSMISSION_TIMEOUT_MS: "400", ...env } });

/** @param suite of the host, shared by the peers */
export function dtlsPeerSuite(suite: HostInTest, peer: DtlsPeer): void {
  describe(`interop/${peer.name}, pre-shared key`, () => {
    let count = 0;
    let exchange: DtlsExchange;
    let deviceId: string;
    let proxy: NatProxy;

    const through = async (faults: Faults = {}): Promise<void> => {
      proxy = await openNatProxy({ serverPort: suite.host.coapsPort, faults, seed: 7 });
      exchange = { ...exchange, port: proxy.port };
    };
    const register = async (more: Partial<DtlsExchange> = {}): Promise<DtlsOutcome> => {
      const outcome = await peer.register({ ...exchange, ...more });
      suite.onFailure(() => outcome.output);
      return outcome;
    };

    beforeEach(async () => {
      const endpoint = `${peer.name.replaceAll(/\W/g, "-")}-${++count}`;
      const identity = `id-of-${endpoint}`;
      deviceId = (await registerPskDevice(suite.api, { endpoint, identity, key: KEY })).id;
      exchange = { port: 0, endpoint, identity, key: KEY };
      await through();
    });
    afterEach(() => proxy.close());

    const suites = Object.entries(peer.suites);
    for (const [name, number] of suites.length > 0 ? suites : [[undefined, undefined] as const]) {
      it(`the right key registers${name === undefined ? "" : ` with ${name}`}`, async () => {
        const { code } = await register(name === undefined ? {} : { suite: name });
        assert.equal(code, "2.01");
        if (number !== undefined) assert.equal(chosenSuite(proxy.passed), number);
        await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistration");
      });
    }

    it("a wrong key and an unknown identity fail alike, and quickly", async () => {
      const wrongKey = await register({ key: "a-key-for-peers-2" });
      const wrongKeyAlerts = plainAlerts(proxy.passed, "toDevice");
      const wrongKeyMs = refusedAfterMs(proxy.passed);
      await proxy.close();
      await through();
      const unknown = await register({ identity: "nobody" });
      assert.deepEqual([wrongKey.code, unknown.code], [undefined, undefined]);
      assert.isBelow(Math.max(wrongKeyMs, refusedAfterMs(proxy.passed)), REFUSED_WITHIN_MS);
      assert.isNotEmpty(wrongKeyAlerts);
      assert.deepEqual(plainAlerts(proxy.passed, "toDevice"), wrongKeyAlerts);
    });

    if (peer.resume) {
      it("goes on with its session without its key (RFC 5246 section 7.3)", async () => {
        const outcome = await peer.resume!(exchange);
        suite.onFailure(() => outcome.output);
        assert.deepInclude(outcome, { code: "2.01", resumed: true });
        assert.equal(handshakesWith(HANDSHAKE_TYPES.clientKeyExchange, proxy.passed), 1);
      });
    }

    if (!peer.retransmits) return;
    it("registers once though every fourth datagram of each direction is lost", async function () {
      this.timeout(WITH_LOSS_WITHIN_MS);
      proxy.setFaults({ losesOneOf: 4 });
      const { code } = await register();
      assert.equal(code, "2.01");
      await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistration");
    });
  });
}
