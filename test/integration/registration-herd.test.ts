/** Many devices that register within a second, beside a fleet that is registered already. Counts, not times. */
import { assert } from "chai";
import { AGENT, awaitOperation, expectStatus, mapResources, uploadDevices } from "../harness/agent.ts";
import { rush } from "../harness/rush.ts";
import { openUpdateFleet } from "../harness/update-fleet.ts";
import { withHost } from "../harness/with-host.ts";

const HERD = 2_000;
const FLEET = 200;
const WITHIN_MS = 90_000;
/** Where the fleet's addresses begin. */
const FLEET_AT = 100_000;

const names = (prefix: string, from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${from + i}`);

describe("a herd of devices", () => {
  // Low enough that most of the herd is asked to come back.
  const suite = withHost({ env: { MOORING_ADMISSION_REGISTERS_PER_SECOND: "400" } });

  before(async function () {
    this.timeout(120_000);
    const rows = [...names("herd-", 0, HERD), ...names("fleet-", FLEET_AT, FLEET)].map(
      name => `${name};c8y_lwm2m;NO_SEC;coap://127.0.0.1:5783`,
    );
    const csv = ["endpoint id;type;securityMode;lwm2m server uri", ...rows].join("\n");
    const { id } = expectStatus(await uploadDevices(suite.api, csv), 201, "bulk");
    const { status, failureReason } = await awaitOperation(suite.api, id, 100_000);
    assert.equal(status, "SUCCESSFUL", failureReason);
    const observed = {
      measurementCreation: { type: "battery", series: "v" },
      observeParameters: { autoObserve: true },
    };
    await mapResources(suite.api, 3, { 9: observed });
  });

  const metric = async (name: string): Promise<number> => {
    const { body } = await suite.api.get<string>("/metrics");
    return Number(new RegExp(`^${name} (\\d+)`, "m").exec(String(body))?.[1]);
  };

  it("all end registered and observed, none twice; the fleet's Updates are all answered meanwhile", async function () {
    this.timeout(WITHIN_MS * 2);
    const { coapPort: port } = suite.host;
    const fleet = await openUpdateFleet({ port, prefix: "fleet-", from: FLEET_AT, count: FLEET, periodMs: 1000 });
    const before = await metric("mooring_lwm2m_registers_total");
    fleet.start();
    const result = await rush({
      port,
      prefix: "herd-",
      from: 0,
      count: HERD,
      spreadMs: 1000,
      links: "</1/0>,</3/0>",
      observations: 1,
      withinMs: WITHIN_MS,
    });
    const updates = await fleet.stop();

    assert.deepInclude(result, { registered: HERD, observed: HERD, refused: 0 });
    assert.isAbove(result.postponed, 0, "some were asked to come back");
    assert.equal(new Set(result.locations).size, HERD, "a location for each");
    assert.equal((await metric("mooring_lwm2m_registers_total")) - before, HERD, "none was registered twice");
    assert.isAbove(updates.length, FLEET);
    assert.deepEqual(new Set(updates.map(({ code }) => code)), new Set(["2.04"]));
    const { body } = await suite.api.get<{ statistics: { totalElements: number } }>(
      `${AGENT}/v1/registration?pageSize=1&withTotalElements=true`,
    );
    assert.equal(body.statistics.totalElements, HERD + FLEET);
  });
});
