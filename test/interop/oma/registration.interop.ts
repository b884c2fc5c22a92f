/** OMA's cases of the registration interface with Leshan's client; those that take their time are in slow-registration.interop.ts. */
import { assert } from "chai";
import { awaitOperation, createCommand, type ManagedObject } from "../../harness/agent.ts";
import { eventsOf } from "../../harness/documents.ts";
import { openRawDevice } from "../../harness/raw-device.ts";
import { operatorFor, withLeshan } from "./with-leshan.ts";

describe("interop/OMA: Registration", () => {
  const leshan = withLeshan({ endpoint: "oma-registration", device: { lifetimeSeconds: 86_400 } });
  const registered = async () => {
    const registration = await leshan.operator.registration();
    assert.isDefined(registration, "the device is registered");
    return registration!;
  };

  it("OMA 101: Register gets 2.01 and a location, all its parameters are shown", async () => {
    const [line] = leshan.told("registered");
    const { objectLinks, ...shown } = await registered();
    assert.include(shown, {
      registrationId: line!.split("/").at(-1)!,
      endpoint: "oma-registration",
      deviceId: leshan.operator.deviceId,
      lifetime: 86_400,
      lwm2mVersion: "1.1",
      bindingMode: "U",
      queueMode: false,
      securityMode: "NO_SEC",
    });
    assert.includeMembers([...objectLinks], ["/1/0", "/3/0", "/5/0", "/16/0", "/3303/0"]);
    assert.isEmpty(objectLinks.filter(path => /^\/(0|21)(\/|$)/.test(path)));
  });

  it("OMA 103: Disable is executed, De-register gets 2.02, the client is gone from the registry", async () => {
    await leshan.restarted({ disableTimeoutSeconds: 5 });
    const before = { gone: leshan.told("deregistered").length, back: leshan.told("registered").length };
    assert.equal((await leshan.operator.run("execute /1/0/4")).status, "2.04 Changed");
    await leshan.tells("deregistered", before.gone);
    assert.isUndefined(await leshan.operator.registration());
    await eventsOf(leshan.suite.api, leshan.operator.deviceId, "c8y_LWM2MDeviceDeRegistration", before.gone + 1);
    await leshan.tells("registered", before.back);
    await registered();
  });

  it("OMA 105: an Update of a registration that the server dropped gets 4.04, the client registers anew", async () => {
    const { registrationId } = await registered();
    const { body } = await leshan.suite.api.get<{ readonly managedObjects: readonly ManagedObject[] }>(
      "/inventory/managedObjects?type=c8y_lwm2m_connector_device",
    );
    const dropping = "invalidateRegistrationsForEndpoint oma-registration";
    const { id } = await createCommand(leshan.suite.api, body.managedObjects[0]!.id, dropping);
    const { status, failureReason } = await awaitOperation(leshan.suite.api, id);
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.isUndefined(await leshan.operator.registration());
    const before = { not: leshan.told("not").length, registered: leshan.told("registered").length };
    leshan.device.update();
    assert.match(await leshan.tells("not", before.not), /^not updated NOT_FOUND/);
    await leshan.tells("registered", before.registered);
    assert.notEqual((await registered()).registrationId, registrationId);
  });

  it("OMA 107: a lifetime of 60 s is written to be 120 s: the Update with it is kept, and so is the next one", async () => {
    await leshan.restarted({ lifetimeSeconds: 60 });
    const { registrationId, lifetime } = await registered();
    assert.equal(lifetime, 60);
    const before = leshan.told("updated").length;
    await leshan.operator.run("write /1/0/1 120");
    assert.equal(await leshan.tells("updated", before), "updated lt=120");
    assert.include(await registered(), { registrationId, lifetime: 120 });
    leshan.device.update();
    assert.equal(await leshan.tells("updated", before + 1), "updated");
    assert.include(await registered(), { registrationId, lifetime: 120 });
  });

  it("OMA 108: a client that registers with Q is in queue mode", async () => {
    await leshan.restarted({ queueMode: true });
    assert.include(await registered(), { queueMode: true, bindingMode: "U", awake: true });
  });

  it("OMA 108: so is one of LwM2M 1.0 that registers with b=UQ", async () => {
    const operator = await operatorFor(leshan.suite, { endpointId: "oma-registration-1.0" });
    await using device = await openRawDevice(leshan.suite.host.coapPort);
    await device.register({ endpoint: operator.endpoint, query: "lt=300&lwm2m=1.0&b=UQ" });
    assert.include(await operator.registration(), { queueMode: true, bindingMode: "UQ", lwm2mVersion: "1.0" });
  });
});
