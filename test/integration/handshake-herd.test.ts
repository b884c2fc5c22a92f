/** Many devices that shake hands and register within a second, beside a fleet that is registered already. Counts, not times. */
import { assert } from "chai";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { dtlsFigures, figuresSince, metricOf } from "../harness/metrics.ts";
import { rush } from "../harness/rush.ts";
import { atScale } from "../harness/scale.ts";
import { uploadSecureDevices } from "../harness/secure-accounts.ts";
import { openUpdateFleet } from "../harness/update-fleet.ts";
import { withHost } from "../harness/with-host.ts";

const HERD = atScale(300, 5000);
const FLEET = atScale(30, 200);
const WITHIN_MS = atScale(60_000, 180_000);
/** Where the fleet's addresses begin. */
const FLEET_AT = 100_000;
const REGISTERS = "mooring_lwm2m_registers_total";

const names = (prefix: string, from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${from + i}`);

describe(`a herd of ${HERD} devices over DTLS`, () => {
  // Low enough that most of the herd have to say hello again, and are asked to register later.
  const suite = withHost({
    env: {
      MOORING_DTLS_HANDSHAKES_PER_SECOND: String(atScale(100, 1000)),
      MOORING_ADMISSION_REGISTERS_PER_SECOND: String(atScale(50, 500)),
    },
  });

  it("all end registered and observed, none twice; the fleet's Updates are all answered meanwhile", async function () {
    this.timeout(WITHIN_MS * 3);
    await mapTemperature(suite.api);
    await uploadSecureDevices(suite.api, [...names("herd-", 0, HERD), ...names("fleet-", FLEET_AT, FLEET)]);
    const common = { port: suite.host.coapsPort, isSecure: true };
    const fleet = await openUpdateFleet({ ...common, prefix: "fleet-", from: FLEET_AT, count: FLEET, periodMs: 1000 });
    const [before, registers] = [await dtlsFigures(suite.api), await metricOf(suite.api, REGISTERS)];
    fleet.start();
    const result = await rush({
      ...common,
      ...{ prefix: "herd-", from: 0, count: HERD, spreadMs: 1000 },
      ...{ links: "</1/0>,</3303/0>", observations: 1, withinMs: WITHIN_MS },
    });
    const updates = await fleet.stop();

    assert.deepInclude(result, { registered: HERD, observed: HERD, handshakesFailed: 0, refused: 0 });
    assert.equal(new Set(result.locations).size, HERD, "a location for each");
    assert.isAbove(result.postponed, 0, "some were asked to register later");
    const since = figuresSince(before, await dtlsFigures(suite.api));
    assert.isAbove(since["handshakes_refused_total"]!, 0, "some had to say hello again");
    assert.deepInclude(since, { handshakes_done_total: HERD, handshakes_failed_total: 0, sessions_live: HERD });
    assert.equal((await metricOf(suite.api, REGISTERS)) - registers, HERD, "none was registered twice");
    assert.equal(await metricOf(suite.api, "mooring_lwm2m_registrations"), HERD + FLEET);
    assert.isAbove(updates.length, FLEET);
    assert.deepEqual(new Set(updates.map(({ code }) => code)), new Set(["2.04"]));
  });
});
