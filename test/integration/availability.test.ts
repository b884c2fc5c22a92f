/** Whether a device is heard as often as it must be, as an operator sees it. */
import { assert } from "chai";
import { expectStatus, type ManagedObject, registerDevice } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { openRawDevice } from "../harness/raw-device.ts";
import { withHost } from "../harness/with-host.ts";

interface Alarm {
  readonly type: string;
  readonly status: string;
  readonly severity: string;
}

describe("availability", () => {
  const suite = withHost();

  it("20-31: a device that is silent past its interval is unavailable and has an alarm, until its next message", async () => {
    const { id } = await registerDevice(suite.api, {
      endpointId: "silent-1",
      autoManageAvailabilityRequiredInterval: false,
    });
    const path = `/inventory/managedObjects/${id}`;
    const change = async (responseInterval: number): Promise<void> =>
      void expectStatus(await suite.api.put(path, { c8y_RequiredAvailability: { responseInterval } }), 200, "changing");
    const dataStatus = (wanted: string): Promise<unknown> =>
      eventually(
        async () => {
          const { body } = await suite.api.get<{ readonly dataStatus: string }>(`${path}/availability`);
          return body.dataStatus === wanted ? body : undefined;
        },
        { what: `availability ${wanted}` },
      );
    const alarms = async (): Promise<readonly Alarm[]> =>
      (await suite.api.get<{ readonly alarms: readonly Alarm[] }>(`/alarm/alarms?source=${id}`)).body.alarms;

    assert.equal((await suite.api.get(`${path}/availability`)).status, 404);
    await change(60);
    await using device = await openRawDevice(suite.host.coapPort);
    const location = await device.register({ endpoint: "silent-1", query: "lt=60&lwm2m=1.0", links: "</1/0>" });
    assert.deepInclude(await dataStatus("AVAILABLE"), { connectionStatus: "CONNECTED", externalId: "silent-1" });
    // A second and a half.
    await change(0.025);
    await dataStatus("UNAVAILABLE");
    assert.deepInclude((await alarms())[0], { type: "c8y_UnavailabilityAlarm", status: "ACTIVE", severity: "MAJOR" });
    await change(60);
    assert.equal((await device.request({ code: "0.02", uri: location })).code, "2.04");
    await dataStatus("AVAILABLE");
    assert.deepInclude((await alarms())[0], { type: "c8y_UnavailabilityAlarm", status: "CLEARED" });
    const { body } = await suite.api.get<ManagedObject>(path);
    assert.deepInclude(body["c8y_Availability"], { status: "AVAILABLE" });
  });
});
