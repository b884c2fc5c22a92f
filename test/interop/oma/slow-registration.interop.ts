/** OMA's cases of registration in which time passes: lifetimes and awake times. They wait side by side. */
import { assert } from "chai";
import { awaitOperation, createCommand, describeObject, type Operation } from "../../harness/agent.ts";
import { events } from "../../harness/documents.ts";
import { eventually } from "../../harness/eventually.ts";
import { withHost } from "../../harness/with-host.ts";
import { type LeshanDevice, type LeshanOptions, startLeshanDevice } from "../leshan/leshan.ts";
import { sideBySide } from "./side-by-side.ts";
import { DDFS, JAVA_STARTS_WITHIN_MS, operatorFor, tellingOf } from "./with-leshan.ts";

const MAX_TRANSMIT_WAIT_MS = 93_000;

describe("interop/OMA: lifetimes and awake times", function () {
  this.timeout(3 * MAX_TRANSMIT_WAIT_MS);
  const suite = withHost({ env: { MOORING_REGISTRATION_GRACE_PERIOD_SECONDS: "0" } });
  const devices: LeshanDevice[] = [];
  before(async () => {
    for (const ddf of DDFS) await describeObject(suite.api, ddf);
  });
  beforeEach(() => {
    for (const { process } of devices) suite.onFailure(() => process.tail(15));
  });
  after(() => Promise.all(devices.map(device => device.stop())));
  const aside = sideBySide();

  /** A device of its own for one case. */
  const begin = async (endpoint: string, options: Partial<LeshanOptions>) => {
    const operator = await operatorFor(suite, { endpointId: endpoint });
    const device = startLeshanDevice({ endpoint, port: suite.host.coapPort, ddfs: DDFS, ...options });
    devices.push(device);
    await device.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
    const registered = async () => {
      const registration = await operator.registration();
      assert.isDefined(registration, `${endpoint} is registered`);
      return registration!;
    };
    return { device, operator, registered, ...tellingOf(device) };
  };

  aside(
    "OMA 102: a lifetime of 20 s is written, Updates keep the registration, and without them it lapses",
    async () => {
      const { device, operator, registered, told, tells } = await begin("oma-102", { lifetimeSeconds: 86_400 });
      await operator.run("write /1/0/1 20");
      assert.equal(await tells("updated", 0), "updated lt=20");
      const { registrationId, lifetime } = await registered();
      assert.equal(lifetime, 20);
      const writtenAtMs = Date.parse((await registered()).lastSeen);
      await eventually(
        async () => {
          assert.isAbove(Date.parse((await registered()).lastSeen), writtenAtMs + 20_000);
          return true;
        },
        { withinMs: 60_000, everyMs: 500, what: "an Update after the first lifetime" },
      );
      assert.equal((await registered()).registrationId, registrationId);
      assert.isAtLeast(told("updated").length, 2);
      device.process.signal("SIGKILL");
      await eventually(async () => ((await operator.registration()) === undefined ? true : undefined), {
        withinMs: 40_000,
        everyMs: 250,
        what: "the end of the registration",
      });
    },
  );

  aside(
    "OMA 104: the Update that the server triggers gets 2.04, the client is registered past its first lifetime",
    async () => {
      const { operator, registered, told, tells } = await begin("oma-104", { lifetimeSeconds: 20 });
      const { registrationId, registered: since } = await registered();
      const before = told("updated").length;
      assert.equal((await operator.run("execute /1/0/8")).status, "2.04 Changed");
      assert.equal(await tells("updated", before), "updated");
      await eventually(
        async () => {
          const { lastSeen } = await registered();
          assert.isAbove(Date.parse(lastSeen), Date.parse(since) + 20_000);
          return true;
        },
        { withinMs: 60_000, everyMs: 500, what: "the client past its first lifetime" },
      );
      assert.include(await registered(), { registrationId, lifetime: 20 });
    },
  );

  aside("OMA 109: a Read ordered after 93 s of silence is held, and goes out right after the next Update", async () => {
    const { device, operator, registered, told, tells } = await begin("oma-109", {
      queueMode: true,
      lifetimeSeconds: 120,
      marginSeconds: 60,
    });
    await operator.run("write /1/0/1 240");
    assert.equal(await tells("updated", 0), "updated lt=240");
    assert.include(await registered(), { queueMode: true, lifetime: 240, awake: true });
    await eventually(async () => ((await registered()).awake ? undefined : true), {
      withinMs: MAX_TRANSMIT_WAIT_MS + 20_000,
      everyMs: 500,
      what: "the client out of reach",
    });
    assert.isAtLeast(Date.now() - Date.parse((await registered()).lastSeen), MAX_TRANSMIT_WAIT_MS);
    const updates = told("updated").length;
    const { id } = await createCommand(suite.api, operator.deviceId, "read /1/0/1");
    const read = async () => (await suite.api.get<Operation>(`/devicecontrol/operations/${id}`)).body;
    // Written down when the host has decided that it waits.
    await eventually(async () => {
      const waiting = await events(suite.api, operator.deviceId, "c8y_LWM2MOperationNotExecuted");
      return waiting.length > 0 ? true : undefined;
    });
    assert.equal((await read()).status, "PENDING");
    device.update();
    await tells("updated", updates);
    const { status, c8y_Command } = await awaitOperation(suite.api, id);
    assert.equal(status, "SUCCESSFUL");
    assert.include(c8y_Command!.result!, '{"/1/0/1":240}');
  });
});
