/** A router that gives devices another port again and again: with a Connection ID nothing is lost, without one each comes back by itself. */
import { assert } from "chai";
import { registerPskDevice } from "../harness/agent.ts";
import { measuredValue } from "../harness/documents.ts";
import { HANDSHAKE_TYPES, plainHandshakes, reusedNumbers } from "../harness/dtls-wire.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { type NatProxy, openNatProxy } from "../harness/nat-proxy.ts";
import { withHost } from "../harness/with-host.ts";
import { type SecureFleet, startSecureFleet } from "../simulator/secure-fleet.ts";

const KEY = "a-key-of-a-fleet-1";
const DEVICES = 20;
const REBIND_EVERY_MS = 400;
const TRAFFIC_MS = 4000;
/** Option dtls.cidLength as it is without being set. */
const HOST_CID_BYTES = 3;

describe("devices behind a router whose ports change", () => {
  const suite = withHost();
  let proxy: NatProxy;
  let fleet: SecureFleet;
  let count = 0;

  before(() => mapTemperature(suite.api));
  afterEach(async () => {
    await fleet.close();
    await proxy.close();
  });

  /** A fleet that is registered and observed, each with a managed object. */
  const open = async (size: number, cid: Uint8Array | undefined): Promise<readonly string[]> => {
    const name = `nat-${++count}`;
    const endpoint = (at: number): string => `${name}-${at}`;
    const ids: string[] = [];
    for (let at = 0; at < size; at++) {
      ids.push((await registerPskDevice(suite.api, { endpoint: endpoint(at), key: KEY })).id);
    }
    proxy = await openNatProxy({ serverPort: suite.host.coapsPort });
    const psk = (at: number) => ({ identity: endpoint(at), key: Buffer.from(KEY) });
    fleet = await startSecureFleet({ count: size, serverPort: proxy.port, endpoint, psk, cid: () => cid });
    assert.isEmpty(await fleet.register());
    await fleet.observed();
    return ids;
  };
  const keyExchanges = (): number =>
    plainHandshakes(proxy.passed, "toServer").filter(type => type === HANDSHAKE_TYPES.clientKeyExchange).length;

  it("with a Connection ID every notification and Update is answered, without a handshake (RFC 9146 section 6)", async function () {
    this.timeout(40_000);
    const ids = await open(DEVICES, new Uint8Array(0));
    const moving = setInterval(() => void proxy.rebind(), REBIND_EVERY_MS);
    await fleet
      .run({ notifyEveryMs: 250, updateEveryMs: 700 }, AbortSignal.timeout(TRAFFIC_MS))
      .finally(() => clearInterval(moving));
    const { counters } = fleet;
    assert.isAtLeast(proxy.counters.rebinds, 5);
    assert.isAbove(counters.notified, 10 * DEVICES);
    // What was lost on the way went again by CoAP's own retransmission (RFC 7252 section 4.2).
    assert.equal(counters.acknowledged, counters.notified);
    assert.deepInclude(counters, {
      unanswered: 0,
      resets: 0,
      updatesFailed: 0,
      handshakes: DEVICES,
      registered: DEVICES,
    });
    assert.equal(keyExchanges(), DEVICES);
    assert.isEmpty(reusedNumbers(proxy.passed, { toServer: HOST_CID_BYTES, toDevice: 0 }));
    await proxy.rebind();
    await fleet.devices[3]!.notify(4321);
    await measuredValue(suite.api, ids[3]!, "c8y_Temperature.T", 4321);
  });

  it("without one a device is not heard, comes back by a handshake, and disturbs no other", async function () {
    this.timeout(40_000);
    const ids = await open(2, undefined);
    const [moved, other] = fleet.devices;
    await moved!.rebind();
    const lost = moved!.notify(1001);
    assert.equal(await other!.notify(1002), "acknowledged");
    // The device's own patience is CoAP's, half a minute; it does what it would do then.
    await moved!.connect();
    assert.equal(await moved!.register(), "2.01");
    await moved!.observed();
    assert.equal(await moved!.notify(1003), "acknowledged");
    assert.equal(await other!.notify(1004), "acknowledged");
    await measuredValue(suite.api, ids[0]!, "c8y_Temperature.T", 1003);
    await measuredValue(suite.api, ids[1]!, "c8y_Temperature.T", 1004);
    assert.equal(keyExchanges(), 3);
    await fleet.close();
    assert.notEqual(await lost, "acknowledged");
  });
});
