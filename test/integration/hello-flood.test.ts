/** Strangers say hello over DTLS from addresses that are not theirs: nothing is kept of them, and devices are heard meanwhile. */
import { assert } from "chai";
import { runCommand } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { startHelloFlood } from "../harness/hello-flood.ts";
import { inspectorAddress, type MemoryUsage, memoryAfterCollection } from "../harness/inspector.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { dtlsFigures, figuresSince, metricOf } from "../harness/metrics.ts";
import { atScale } from "../harness/scale.ts";
import { pskOf, uploadSecureDevices } from "../harness/secure-accounts.ts";
import { withHost } from "../harness/with-host.ts";
import { startSecureFleet } from "../simulator/secure-fleet.ts";

const HELLOS = atScale(10_000, 100_000);
/** What memory is compared to comes after so many, since code is compiled and the heap has room for answers then. */
const WARM_UP = 10_000;
const ENDPOINT = "beside-the-flood";
/** Within what a host can look at beside other work: more would find its receive buffer full, like what devices send. */
const PER_SECOND = atScale(5000, 10_000);
const READ_WITHIN_MS = 1000;
/** An address and a port alone take more as a key of a map. */
const MAX_BYTES_KEPT = 100;
/** Handshakes under way, of so many, would double it. */
const MAX_RESIDENT_GROWTH = 1.25;

const inUse = ({ heapUsed, external }: MemoryUsage): number => heapUsed + external;

describe(`a flood of ${HELLOS} ClientHellos from forged addresses`, () => {
  const suite = withHost({
    env: {
      // A Read that is not answered in time is sent again, and that is counted.
      MOORING_TRANSMISSION_ACK_TIMEOUT_MS: String(READ_WITHIN_MS),
      MOORING_TRANSMISSION_ACK_RANDOM_FACTOR: "1",
      MOORING_TRANSMISSION_EMPTY_ACK_AFTER_MS: String(READ_WITHIN_MS / 2),
    },
    nodeArguments: ["--inspect=127.0.0.1:0"],
  });

  /** Resolves when the host has looked at what came of it. @param meanwhile run again and again until the last has left */
  async function flood(from: number, count: number, meanwhile?: () => Promise<void>): Promise<void> {
    const before = await dtlsFigures(suite.api);
    await using flooding = startHelloFlood({ serverPort: suite.host.coapsPort, from, count, perSecond: PER_SECOND });
    let hasLeft = false;
    flooding.ended.finally(() => {
      hasLeft = true;
    });
    await flooding.line(/^flooding/);
    while (meanwhile && !hasLeft) await meanwhile();
    assert.deepEqual(await flooding.ended, { code: 0, signal: null }, flooding.tail());
    await eventually(
      async () => {
        const { hello_verify_requests_total: asked } = figuresSince(before, await dtlsFigures(suite.api));
        // Some may have found the receive buffer full all the same.
        if (asked! < 0.9 * count) throw new Error(`${asked}`);
        return true;
      },
      { what: `answers to ${count} hellos` },
    );
  }

  it("leaves memory as it was, and every Read of a registered device is answered within a second", async function () {
    this.timeout(atScale(60_000, 300_000));
    await mapTemperature(suite.api);
    const [id] = await uploadSecureDevices(suite.api, [ENDPOINT]);
    await using fleet = await startSecureFleet({
      ...{ count: 1, serverPort: suite.host.coapsPort },
      endpoint: () => ENDPOINT,
      psk: () => pskOf(ENDPOINT),
    });
    assert.isEmpty(await fleet.register());
    await fleet.observed();
    // The first request that it serves is Observe.
    let served = 1;
    let resident: number[] = [];
    const read = async (): Promise<void> => {
      const { status, failureReason } = await runCommand(suite.api, id!, "read /3303/0/5700");
      assert.equal(status, "SUCCESSFUL", failureReason);
      served++;
      resident.push(await metricOf(suite.api, "process_resident_memory_bytes"));
    };
    await flood(0, WARM_UP, read);
    const most = Math.max(...resident);
    resident = [];

    const inspector = inspectorAddress(suite.host.lines);
    const before = await memoryAfterCollection(inspector);
    await flood(WARM_UP, HELLOS, read);
    assert.equal(fleet.counters.served, served);
    assert.equal(await metricOf(suite.api, "mooring_coap_retransmissions_total"), 0);
    const after = await memoryAfterCollection(inspector);
    assert.isBelow((inUse(after) - inUse(before)) / HELLOS, MAX_BYTES_KEPT, "bytes kept of each");
    assert.isBelow(Math.max(...resident) / most, MAX_RESIDENT_GROWTH, "resident memory");
    assert.equal((await dtlsFigures(suite.api))["handshakes_begun_total"], 1);
    assert.equal(await fleet.devices[0]!.update(), "2.04");
  });
});
