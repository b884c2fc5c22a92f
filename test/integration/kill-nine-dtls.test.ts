/**
 * The host is killed with SIGKILL under the traffic of many devices over DTLS, once and twice in a row. What was said is in the
 * books of the devices, what went over the wire in those of a proxy between.
 */
import { setTimeout as pause } from "node:timers/promises";
import { assert } from "chai";
import { runCommand } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { duplicates, missing, storedValues } from "../harness/documents.ts";
import { eventually, within } from "../harness/eventually.ts";
import { createFleetTraffic, type DeviceBooks, type FleetTraffic } from "../harness/fleet-traffic.ts";
import { type Host, startHost } from "../harness/host.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { dtlsFigures, figuresSince, metricOf } from "../harness/metrics.ts";
import { type NatProxy, openNatProxy, type PassedDatagram } from "../harness/nat-proxy.ts";
import { createNonceBook, type NonceBook } from "../harness/nonce-book.ts";
import { replayAll } from "../harness/replay.ts";
import { atScale } from "../harness/scale.ts";
import { pskOf, uploadSecureDevices } from "../harness/secure-accounts.ts";
import { type SecureFleet, startSecureFleet } from "../simulator/secure-fleet.ts";

const DEVICES = atScale(100, 5000);
const PAUSE_MS = atScale(200, 3000);
/** Sooner and more often than usual where time is short: devices that spoke into the void are heard of soon, and none gives up. */
const ACK_TIMEOUT_MS = atScale(400, 2000);
const MAX_RETRANSMIT = atScale(7, 4);
/** Traffic after the last kill. */
const FOLLOWING_MS = atScale(0, 60_000);
const WITHIN_MS = atScale(30_000, 180_000);
const SERIES = "c8y_Temperature.T";
/** Datagrams of each device that are sent again: its handshake and Register, and what it said last. */
const FIRST = 8;
const LAST = 4;

/** Messages of a device so far, by kind. */
const said = ({ acknowledged, told, updates }: DeviceBooks): readonly number[] =>
  [acknowledged, told, updates].map(({ length }) => length);

describe(`kill -9 of the host under the traffic of ${DEVICES} DTLS sessions`, () => {
  let host: Host;
  let client: Api;
  let proxy: NatProxy;
  let nonces: NonceBook;
  let fleet: SecureFleet;
  let traffic: FleetTraffic;
  let ids: readonly string[];
  /** Non-confirmable notifications of each device at the time of the last start. */
  let toldBefore: readonly number[];

  before(async function () {
    this.timeout(atScale(90_000, 900_000));
    host = await startHost();
    client = api(host);
    await mapTemperature(client);
    nonces = createNonceBook();
    proxy = await openNatProxy({ serverPort: host.coapsPort, onDatagram: datagram => nonces.take(datagram) });
    const endpoints = Array.from({ length: DEVICES }, (_, at) => `killed-${at}`);
    ids = await uploadSecureDevices(client, endpoints);
    fleet = await startSecureFleet({
      ...{ count: DEVICES, serverPort: proxy.port, ackTimeoutMs: ACK_TIMEOUT_MS, maxRetransmit: MAX_RETRANSMIT },
      endpoint: at => endpoints[at]!,
      psk: at => pskOf(endpoints[at]!),
    });
    assert.isEmpty(await fleet.register());
    await fleet.observed();
    traffic = createFleetTraffic(fleet.devices, { pauseMs: PAUSE_MS });
    await killUnderTraffic();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    await fleet?.close();
    await proxy?.close();
    await host?.[Symbol.asyncDispose]();
  });

  async function killAndStart(): Promise<void> {
    await host.kill();
    await host.start();
    toldBefore = traffic.books.map(({ told }) => told.length);
  }
  /** Resolves when every device has sent each kind of message, and was answered, since now. */
  function allSpeak(): Promise<unknown> {
    const before = traffic.books.map(said);
    const isSilent = (books: DeviceBooks, at: number): boolean =>
      said(books).some((count, kind) => count === before[at]![kind]);
    return eventually(
      () => {
        const silent = traffic.books.filter(isSilent).length;
        if (silent > 0) throw new Error(`${silent} have not`);
        return true;
      },
      { withinMs: WITHIN_MS, everyMs: 100, what: "word of every device" },
    );
  }
  async function killUnderTraffic(): Promise<void> {
    const stopping = new AbortController();
    const running = traffic.run(stopping.signal);
    await allSpeak();
    await killAndStart();
    await allSpeak();
    await killAndStart();
    await killAndStart();
    await pause(FOLLOWING_MS);
    await allSpeak();
    stopping.abort();
    await within(running, WITHIN_MS, "the last answers");
    await traffic.notifyAll();
  }

  it("nobody shakes hands or registers again", async () => {
    const {
      handshakes_begun_total: begun,
      sessions_live: live,
      sessions_sleeping: sleeping,
    } = await dtlsFigures(client);
    assert.deepEqual({ begun, sessions: live! + sleeping! }, { begun: 0, sessions: DEVICES });
    assert.equal(await metricOf(client, "mooring_lwm2m_registers_total"), 0);
    assert.equal(await metricOf(client, "mooring_lwm2m_registrations"), DEVICES);
    assert.equal(nonces.sessions, DEVICES);
    assert.deepInclude(fleet.counters, { handshakes: DEVICES, registered: DEVICES, observations: DEVICES });
  });

  it("every Update is answered 2.04, every confirmable notification acknowledged, no matter when it was sent", () => {
    for (const [at, { updates, failed }] of traffic.books.entries()) {
      assert.deepEqual(new Set(updates), new Set(["2.04"]), `device ${at}`);
      assert.isEmpty(failed, `device ${at}`);
    }
    assert.isAbove(fleet.counters.retransmissions, 0, "nothing was under way at a kill");
  });

  const checkStored = (): Promise<unknown> =>
    inParallel(traffic.books, async ({ acknowledged, told }, at) => {
      const stored = await storedValues(client, ids[at]!, SERIES);
      assert.isEmpty(missing([...acknowledged, ...told.slice(toldBefore[at])], stored), `device ${at}: lost`);
      assert.isEmpty(duplicates(stored), `device ${at}: stored twice`);
      assert.isEmpty(missing(stored, [0, ...acknowledged, ...told]), `device ${at}: never said`);
    });

  it("nothing that was acknowledged is missing, nothing is stored twice", checkStored).timeout(WITHIN_MS);

  it("old datagrams are not accepted by a host that knows of them what was written before it was killed", async () => {
    const own = Map.groupBy(
      proxy.passed.filter(({ direction }) => direction === "toServer"),
      d => d.devicePort,
    );
    const recorded: PassedDatagram[] = [];
    for (const all of own.values()) recorded.push(...all.slice(0, FIRST), ...all.slice(-LAST));
    await killAndStart();
    const before = await dtlsFigures(client);
    const sealed = await replayAll(proxy, recorded, client);
    assert.isAtLeast(sealed, DEVICES * 2 * LAST);
    const none = { handshakes_begun_total: 0, address_changes_total: 0, woken_total: 0, not_authentic_total: 0 };
    assert.deepInclude(figuresSince(before, await dtlsFigures(client)), { ...none, replayed_total: sealed });
    await checkStored();
  }).timeout(WITHIN_MS);

  it("the devices go on: they notify, and are read", async () => {
    await traffic.notifyAll();
    await checkStored();
    for (const at of [0, DEVICES - 1]) {
      const { status, failureReason, c8y_Command } = await runCommand(client, ids[at]!, "read /3303/0/5700");
      assert.equal(status, "SUCCESSFUL", failureReason);
      assert.include(c8y_Command!.result!, String(traffic.books[at]!.acknowledged.at(-1)));
    }
    assert.equal((await dtlsFigures(client))["handshakes_begun_total"], 0);
  }).timeout(WITHIN_MS);

  it("no nonce was used twice under one key, by whatever life of the host", () => {
    assert.isAbove(nonces.records, 10 * DEVICES);
    assert.isEmpty(nonces.repeated);
  });
});
