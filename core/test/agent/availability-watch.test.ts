import { assert } from "chai";
import type { ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

const MINUTE_MS = 60_000;
const PAGE = { currentPage: 1, pageSize: 100, withTotal: false };

describe("agent: devices that fall silent (agent specification 6.2, platform API 5.5)", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  afterEach(() => world[Symbol.asyncDispose]());

  beforeEach(async () => {
    // As the host has it: a registration outlives the interval by hours.
    world = await createAgentWorld({ server: { gracePeriodMs: 240 * MINUTE_MS } });
    deviceId = (await world.make("dev")).id;
    device = world.device(5000);
  });
  const object = () => world.wait(world.platform.inventory.get(TENANT, deviceId));
  const statuses = async () => {
    const { c8y_Availability, c8y_Connection } = (await object()).fragments as Record<string, { status?: string }>;
    return [c8y_Availability?.status, c8y_Connection?.status];
  };
  const alarms = async () => {
    const { items } = await world.wait(world.platform.alarms.list(TENANT, { sourceId: deviceId }, PAGE));
    return items.map(({ type, severity, status, text, count }) => ({ type, severity, status, text, count }));
  };
  const alarm = (status: string) => ({
    type: "c8y_UnavailabilityAlarm",
    severity: "MAJOR",
    status,
    text: "No data received from the device within the required interval.",
    count: 1,
  });
  /** Lifetime 600 s: heard within 12 minutes. */
  const register = async (query = "lt=600"): Promise<string> => {
    const id = await device.register(`ep=dev&${query}`);
    await world.settle();
    return id;
  };
  const pass = async (minutes: number): Promise<void> => {
    await world.clock.advance(minutes * MINUTE_MS);
    await world.settle();
  };
  const change = async (fragments: object): Promise<void> => {
    await world.wait(world.platform.inventory.update(TENANT, deviceId, fragments as Record<string, unknown>));
    await world.settle();
  };

  it("a device that registers is available and connected", async () => {
    assert.deepEqual(await statuses(), [undefined, undefined]);
    await register();
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    assert.isEmpty(await alarms());
  });

  it("20-31: nothing is raised while its lifetime runs and two minutes more; then one MAJOR alarm, until its next message", async () => {
    const id = await register();
    await pass(11);
    assert.deepEqual([await statuses(), await alarms()], [["AVAILABLE", "CONNECTED"], []]);
    await pass(2);
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "CONNECTED"]);
    assert.deepEqual(await alarms(), [alarm("ACTIVE")]);
    await pass(60);
    assert.deepEqual(await alarms(), [alarm("ACTIVE")]);
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    assert.deepEqual(await alarms(), [alarm("CLEARED")]);
  });

  it("any message counts, and none is written for as long as nothing changes", async () => {
    const id = await register();
    const { lastUpdatedMs } = await object();
    for (let n = 0; n < 5; n++) {
      await pass(9);
      await device.send("POST", `/rd/${id}`);
    }
    await pass(9);
    await device.send("POST", "/dp", { payload: '[{"bn":"/3303/0/5700","v":1}]', contentFormat: 110 });
    await pass(9);
    assert.deepEqual([await statuses(), await alarms()], [["AVAILABLE", "CONNECTED"], []]);
    assert.equal((await object()).lastUpdatedMs, lastUpdatedMs);
  });

  it("de-registered it is not connected, and silent when its interval is over; it registers again and is there", async () => {
    const id = await register();
    await pass(5);
    await device.send("DELETE", `/rd/${id}`);
    await world.settle();
    assert.deepEqual(await statuses(), ["AVAILABLE", "DISCONNECTED"]);
    await pass(11);
    assert.deepEqual(await statuses(), ["AVAILABLE", "DISCONNECTED"]);
    await pass(2);
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "DISCONNECTED"]);
    assert.deepEqual(await alarms(), [alarm("ACTIVE")]);
    await register();
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    assert.deepEqual(await alarms(), [alarm("CLEARED")]);
  });

  it("an interval that an operator sets counts at once", async () => {
    await register();
    await change({
      autoManageAvailabilityRequiredInterval: false,
      c8y_RequiredAvailability: { responseInterval: 120 },
    });
    await pass(115);
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    await change({ c8y_RequiredAvailability: { responseInterval: 30 } });
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "CONNECTED"]);
    await change({ c8y_RequiredAvailability: null });
    await pass(100);
    assert.lengthOf(await alarms(), 1);
  });

  it("platform API 5.4: in maintenance there is no alarm; one that is open is cleared, and afterwards it counts again", async () => {
    await register();
    await pass(13);
    await change({ c8y_RequiredAvailability: { responseInterval: 0 } });
    assert.deepEqual(await statuses(), ["MAINTENANCE", "MAINTENANCE"]);
    assert.deepEqual(await alarms(), [alarm("CLEARED")]);
    await pass(100);
    assert.deepEqual(await alarms(), [alarm("CLEARED")]);
    await register();
    assert.deepEqual(await statuses(), ["MAINTENANCE", "MAINTENANCE"]);
    await change({ c8y_RequiredAvailability: { responseInterval: 12 } });
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    await pass(13);
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "CONNECTED"]);
  });

  it("a device that was never heard is not accused", async () => {
    await pass(200);
    assert.deepEqual([await statuses(), await alarms()], [[undefined, undefined], []]);
    await change({ c8y_RequiredAvailability: { responseInterval: 0 } });
    await change({ c8y_RequiredAvailability: { responseInterval: 5 } });
    await pass(100);
    assert.deepEqual([await statuses(), await alarms()], [["UNAVAILABLE", "DISCONNECTED"], []]);
  });

  it("20-31: what was before a restart counts against nobody; who was silent before stays so until he is heard", async () => {
    const id = await register();
    await pass(10);
    await world.restart("crash");
    await pass(11);
    assert.deepEqual([await statuses(), await alarms()], [["AVAILABLE", "CONNECTED"], []]);
    await pass(2);
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "CONNECTED"]);
    await world.restart("crash");
    await change({ note: "looked at" });
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "CONNECTED"]);
    await device.send("POST", `/rd/${id}`);
    await world.settle();
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    assert.deepEqual(await alarms(), [alarm("CLEARED")]);
  });

  it("what the store refuses is written later", async () => {
    await register();
    const { inventory } = world.platform;
    const { update } = inventory;
    Object.assign(inventory, { update: () => Promise.reject(new Error("busy")) });
    await pass(13);
    Object.assign(inventory, { update });
    assert.deepEqual(await statuses(), ["AVAILABLE", "CONNECTED"]);
    await pass(1);
    assert.deepEqual(await statuses(), ["UNAVAILABLE", "CONNECTED"]);
  });

  it("a device that is removed leaves nothing behind", async () => {
    await register();
    await world.wait(world.platform.inventory.delete(TENANT, deviceId));
    await pass(100);
    assert.isUndefined(await world.wait(world.platform.inventory.find(TENANT, deviceId)));
  });

  it("platform API 5.5: told with the time of the last message", async () => {
    const told = () => world.wait(world.agent.availability(TENANT, deviceId));
    assert.deepEqual(await told(), {
      endpoint: "dev",
      interval: 7202,
      lastMessageMs: undefined,
      dataStatus: "UNAVAILABLE",
      connectionStatus: "DISCONNECTED",
    });
    const id = await register();
    await pass(3);
    await device.send("POST", `/rd/${id}`);
    const lastMessageMs = world.clock.now();
    await pass(2);
    const available = { dataStatus: "AVAILABLE", connectionStatus: "CONNECTED" } as const;
    assert.deepEqual(await told(), { endpoint: "dev", interval: 12, lastMessageMs, ...available });
    await change({ c8y_RequiredAvailability: null });
    assert.isUndefined(await told());
    assert.isUndefined(await world.wait(world.agent.availability("t2", deviceId)));
  });
});
