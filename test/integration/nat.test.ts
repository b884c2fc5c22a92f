/**
 * A router that gives devices another port again and again, by default more often than any real one: with a Connection ID nothing
 * is lost, without one a device comes back by itself and nobody else notices.
 */
import { assert } from "chai";
import { runCommand } from "../harness/agent.ts";
import { duplicates, measuredValue, missing, storedValues } from "../harness/documents.ts";
import { HANDSHAKE_TYPES, plainHandshakes } from "../harness/dtls-wire.ts";
import { eventually } from "../harness/eventually.ts";
import { createFleetTraffic } from "../harness/fleet-traffic.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { dtlsFigures, figuresSince } from "../harness/metrics.ts";
import { type NatProxy, openNatProxy } from "../harness/nat-proxy.ts";
import { createNonceBook, type NonceBook } from "../harness/nonce-book.ts";
import { atScale } from "../harness/scale.ts";
import { pskOf, uploadSecureDevices } from "../harness/secure-accounts.ts";
import { withHost } from "../harness/with-host.ts";
import type { LightDevice } from "../simulator/light-device.ts";
import { type SecureFleet, startSecureFleet } from "../simulator/secure-fleet.ts";

const DEVICES = atScale(20, 200);
const REBIND_EVERY_MS = atScale(400, 10_000);
const TRAFFIC_MS = atScale(4000, 60_000);
const PAUSE_MS = atScale(60, 500);
/** A device repeats what was not acknowledged after this, so that a lost answer costs little. */
const ACK_TIMEOUT_MS = 300;
const SERIES = "c8y_Temperature.T";
/** Only the host has a Connection ID. */
const CID = new Uint8Array(0);

describe("devices behind a router whose ports change", () => {
  const suite = withHost();
  let proxy: NatProxy;
  let nonces: NonceBook;
  let fleet: SecureFleet;
  let ids: readonly string[];
  let count = 0;

  before(() => mapTemperature(suite.api));
  beforeEach(async () => {
    nonces = createNonceBook();
    proxy = await openNatProxy({ serverPort: suite.host.coapsPort, onDatagram: datagram => nonces.take(datagram) });
  });
  afterEach(async () => {
    await fleet.close();
    await proxy.close();
  });

  /** Registered and observed. @param cid of each; undefined: none is spoken of */
  const open = async (size: number, cid: (at: number) => Uint8Array | undefined): Promise<void> => {
    const name = `nat-${++count}`;
    const endpoints = Array.from({ length: size }, (_, at) => `${name}-${at}`);
    ids = await uploadSecureDevices(suite.api, endpoints);
    fleet = await startSecureFleet({
      ...{ count: size, serverPort: proxy.port, cid, ackTimeoutMs: ACK_TIMEOUT_MS },
      endpoint: at => endpoints[at]!,
      psk: at => pskOf(endpoints[at]!),
    });
    assert.isEmpty(await fleet.register());
    await fleet.observed();
  };
  const isStored = (device: number, values: readonly number[]): Promise<true> =>
    eventually(
      async () => {
        const stored = await storedValues(suite.api, ids[device]!, SERIES);
        assert.isEmpty(missing(values, stored), "lost");
        assert.isEmpty(duplicates(stored), "stored twice");
        return true as const;
      },
      { withinMs: 5000, what: `all values of device ${device}` },
    );
  /** Full handshakes that a device has begun behind the router. */
  const keyExchangesOf = (device: LightDevice): number => {
    const own = proxy.passed.filter(({ devicePort }) => devicePort === device.port);
    return plainHandshakes(own, "toServer").filter(type => type === HANDSHAKE_TYPES.clientKeyExchange).length;
  };

  it("with a Connection ID no notification and no Update is lost, and nobody shakes hands again (RFC 9146 section 6)", async function () {
    this.timeout(TRAFFIC_MS + 60_000);
    await open(DEVICES, () => CID);
    const before = await dtlsFigures(suite.api);
    const traffic = createFleetTraffic(fleet.devices, { pauseMs: PAUSE_MS });
    const moving = setInterval(() => void proxy.rebind(), REBIND_EVERY_MS);
    await traffic.run(AbortSignal.timeout(TRAFFIC_MS)).finally(() => clearInterval(moving));

    assert.isAtLeast(proxy.counters.rebinds, 5);
    await inParallel(traffic.books, async ({ acknowledged, told, updates, failed }, at) => {
      assert.isEmpty(failed);
      assert.deepEqual(new Set(updates), new Set(["2.04"]));
      await isStored(at, [...acknowledged, ...told]);
    });
    const since = figuresSince(before, await dtlsFigures(suite.api));
    assert.equal(since["handshakes_begun_total"], 0);
    assert.isAtLeast(since["address_changes_total"]!, DEVICES);
    assert.deepInclude(fleet.counters, { handshakes: DEVICES, registered: DEVICES, observations: DEVICES });
    assert.isAbove(nonces.records, 10 * DEVICES);
    assert.isEmpty(nonces.repeated);
  });

  it("with a Connection ID a Read reaches the device at its new port once it has sent something (R8)", async () => {
    await open(1, () => CID);
    const [device] = fleet.devices;
    for (const value of [31, 32, 33]) {
      await proxy.rebind();
      assert.equal(await device!.notify(value), "acknowledged");
      const { status, failureReason, c8y_Command } = await runCommand(suite.api, ids[0]!, "read /3303/0/5700");
      assert.equal(status, "SUCCESSFUL", failureReason);
      assert.include(c8y_Command!.result!, String(value));
    }
  });

  for (const resumes of [true, false]) {
    const how = resumes ? "goes on with its session" : "makes a new one";
    it(`without one a device that has moved ${how} by a handshake, and no neighbour is disturbed`, async () => {
      const [moved, beside, withCid] = [0, 1, 2];
      await open(3, at => (at === withCid ? CID : undefined));
      const device = fleet.devices[moved]!;
      const neighbours = [beside, withCid].map(at => fleet.devices[at]!);
      await device.rebind();
      // Not heard, since nothing says whose it is.
      device.tell(1001);
      for (const neighbour of neighbours) assert.equal(await neighbour.notify(1002), "acknowledged");
      await device.connect(resumes);
      assert.deepInclude(fleet.counters, { resumptions: resumes ? 1 : 0, handshakes: resumes ? 3 : 4 });
      assert.equal(await device.update(), "2.04");
      assert.equal(await device.notify(1003), "acknowledged");
      for (const neighbour of neighbours) assert.equal(await neighbour.notify(1004), "acknowledged");

      await measuredValue(suite.api, ids[moved]!, SERIES, 1003);
      for (const at of [beside, withCid]) await isStored(at, [1002, 1004]);
      assert.deepEqual(await storedValues(suite.api, ids[moved]!, SERIES), [0, 1003]);
      assert.deepEqual(neighbours.map(keyExchangesOf), [1, 1]);
      assert.deepInclude(fleet.counters, { registered: 3, observations: 3, resets: 0 });
      assert.isEmpty(nonces.repeated);
    });
  }
});
