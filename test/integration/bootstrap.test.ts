/** From the bootstrap account of the factory to the account with the LwM2M server, datagram by datagram against the host. */
import { assert } from "chai";
import { awaitOperation, createCommand, registerDevice, runCommand } from "../harness/agent.ts";
import { type BootstrapDevice, openBootstrapDevice } from "../harness/bootstrap-device.ts";
import { eventsOf, managedObject } from "../harness/documents.ts";
import { within } from "../harness/eventually.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { optionNumber } from "../harness/raw-socket.ts";
import { withHost } from "../harness/with-host.ts";
import { bootstrapDevice } from "../simulator/bootstrap.ts";
import { createSimulatedDevice } from "../simulator/device.ts";
import { openSecuredSocket } from "../simulator/secured-socket.ts";

const START = "c8y_LWM2MDeviceBootstrapStart";
const END = "c8y_LWM2MDeviceBootstrapEnd";
const FAILURE = "c8y_LWM2MDeviceBootstrapFailure";
const ALL_STEPS = ["0.01 /0", "0.04 /0", "0.04 /1", "0.03 /0/1", "0.03 /1/0", "0.02 /bs"];

describe("bootstrap", () => {
  const suite = withHost();
  const opened: AsyncDisposable[] = [];
  let endpoint: string;
  let deviceId: string;
  let count = 0;

  const make = async (registration: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    endpoint = `bootstrap-${++count}`;
    const lwm2mServerUri = `coap://127.0.0.1:${suite.host.coapPort}`;
    deviceId = (await registerDevice(suite.api, { endpointId: endpoint, lwm2mServerUri, ...registration })).id;
  };
  const open = async (links?: string): Promise<BootstrapDevice> => {
    const device = await openBootstrapDevice(suite.host.bootstrapCoapPort, links);
    opened.push(device);
    return device;
  };
  /** Registers where the account that it was given says. */
  const registerAt = async (device: BootstrapDevice): Promise<RawDevice> => {
    const uri = new URL(device.held.get("/0/1/0")!.toString());
    assert.equal(uri.protocol, "coap:");
    const lifetime = device.held.get("/1/0/1")!;
    const registering = await openRawDevice(Number(uri.port));
    opened.push(registering);
    const query = `lt=${lifetime.readUIntBE(0, lifetime.length)}&lwm2m=1.1&b=${device.held.get("/1/0/7")}`;
    await registering.register({ endpoint, query, links: "</1/0>,</3/0>" });
    return registering;
  };

  afterEach(async () => {
    for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
  });

  it("OMA 0, OMA 101: a device gets its account and registers with it; start and end are events", async () => {
    await make({ registrationLifetime: 300 });
    const device = await open();
    assert.equal(await device.ask(`ep=${endpoint}`), "2.04");
    await device.finished();
    assert.deepEqual(device.steps, ALL_STEPS);
    await registerAt(device);
    const [registered] = await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistration");
    assert.include(registered!["c8y_LWM2MLifecycle"], { lifetime: 300, bindingMode: "U", lwm2mVersion: "1.1" });
    await eventsOf(suite.api, deviceId, START);
    const [end] = await eventsOf(suite.api, deviceId, END);
    assert.include(end!["c8y_LWM2MLifecycle"], { endpoint, lwm2mVersion: "1.1", contentFormat: "TLV (11542)" });
  });

  for (const securityMode of ["PSK", "PSK_GENERATED"] as const) {
    it(`OMA 1, OMA 401: a device with keys bootstraps over DTLS and registers with those that it is given (${securityMode})`, async () => {
      const identity = `factory-${count + 1}`;
      const bootstrapKey = "00112233445566778899aabbccddeeff";
      const given = { publicKeyOrId: `given-${count + 1}`, secretKey: "0badcafe0badcafe" };
      await make({
        serverSecurity: { securityMode, ...(securityMode === "PSK" && given) },
        bootstrapSecurity: { bootstrapSecurityMode: "PSK", bootstrapId: identity, bootstrapKey },
        lwm2mServerUri: `coaps://127.0.0.1:${suite.host.coapsPort}`,
      });
      const serverPort = suite.host.bootstrapCoapsPort;
      const psk = { identity, key: Buffer.from(bootstrapKey, "hex") };
      const { accounts } = await bootstrapDevice({ endpoint, serverPort, psk });
      const [account] = accounts;
      assert.equal(account?.mode, "PSK");
      assert.equal(account?.publicKeyOrIdentity.toString(), securityMode === "PSK" ? given.publicKeyOrId : endpoint);
      if (securityMode === "PSK") assert.equal(account?.secretKey.toString("hex"), given.secretKey);
      const keys = { identity: account!.publicKeyOrIdentity.toString(), key: account!.secretKey };
      const { socket } = await openSecuredSocket({ serverPort: Number(account!.uri.port), psk: keys });
      const device = await createSimulatedDevice({
        endpoint,
        serverPort: Number(account!.uri.port),
        objects: new Map(),
        socket,
      });
      opened.push(device);
      await device.register();
      await eventsOf(suite.api, deviceId, "c8y_LWM2MDeviceRegistration");
    });
  }

  it("OMA 5: Execute of /1/0/9; the registration serves until the device comes back from bootstrap", async () => {
    await make();
    const device = await open();
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    const registered = await registerAt(device);
    const { id } = await createCommand(suite.api, deviceId, "execute /1/0/9");
    await registered.answer(await registered.expectRequest("0.02", "/1/0/9"), { code: "2.04" });
    assert.equal((await awaitOperation(suite.api, id)).status, "SUCCESSFUL");
    assert.equal(await device.ask(`ep=${endpoint}`), "2.04");
    await device.finished();
    assert.deepEqual(device.steps, [...ALL_STEPS, ...ALL_STEPS]);
    const reading = runCommand(suite.api, deviceId, "read /3/0/0");
    const request = await registered.expectRequest("0.01", "/3/0/0");
    await registered.answer(request, { code: "2.05", payload: "ACME", contentFormat: 0 });
    assert.equal((await reading).status, "SUCCESSFUL");
  });

  it("OMA 7: a device whose server is not there falls back to bootstrap and gets the one that is", async () => {
    await make({ lwm2mServerUri: "coap://127.0.0.1:9" });
    const device = await open();
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    assert.equal(device.held.get("/0/1/0")?.toString(), "coap://127.0.0.1:9");
    const lwm2mServerUri = `coap://127.0.0.1:${suite.host.coapPort}`;
    await suite.api.put(`/inventory/managedObjects/${deviceId}`, { lwm2mServerUri });
    assert.equal((await managedObject(suite.api, deviceId))["lwm2mServerUri"], lwm2mServerUri);
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    await registerAt(device);
  });

  it("OMA 9, B5: a Finish answered 4.06 is a failure with its reason, and no end", async () => {
    await make();
    const device = await open();
    device.bend = step => (step === "0.02 /bs" ? { code: "4.06" } : undefined);
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    const [failure] = await eventsOf(suite.api, deviceId, FAILURE);
    assert.include(failure!["c8y_LWM2MLifecycle"], { path: "/bs", coapCode: "4.06" });
    assert.match(failure!.text, /incomplete or inconsistent/);
    await eventsOf(suite.api, deviceId, END, 0);
  });

  it("B1: an account of the device's own at /0/1 is left alone", async () => {
    await make();
    const device = await open('lwm2m="1.0",</0/1>,</0/0>;ssid=77');
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    assert.deepEqual(device.steps.slice(3), ["0.03 /0/0", "0.03 /1/0", "0.02 /bs"]);
  });

  it("B6: a request in mid-session begins it anew; one more after the Finish does not loop", async () => {
    await make();
    const device = await open();
    const unanswered = Promise.withResolvers<void>();
    device.bend = step => {
      if (step !== "0.03 /1/0") return undefined;
      unanswered.resolve();
      return "silence";
    };
    await device.ask(`ep=${endpoint}`);
    await within(unanswered.promise, 5000, "the request in mid-session");
    device.bend = () => undefined;
    assert.equal(await device.ask(`ep=${endpoint}`), "2.04");
    await device.finished();
    assert.deepEqual(device.steps, [...ALL_STEPS.slice(0, 5), ...ALL_STEPS]);
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    const steps = device.steps.length;
    for (let i = 0; i < 3; i++) assert.equal(await device.ask(`ep=${endpoint}`), "2.04");
    await device.raw.socket.silence(200);
    assert.equal(device.steps.length, steps);
    await eventsOf(suite.api, deviceId, END, 2);
  });

  it("B7: GET /bspack is answered 4.04, the device goes on with /bs", async () => {
    await make();
    const device = await open();
    assert.equal((await device.raw.request({ code: "0.01", uri: `/bspack?ep=${endpoint}` })).code, "4.04");
    assert.equal(await device.ask(`ep=${endpoint}`), "2.04");
    await device.finished();
  });

  it("B8, 20-2: pct decides the format", async () => {
    await make();
    const device = await open();
    const formats: (number | undefined)[] = [];
    device.bend = (step, request) => {
      if (!step.startsWith("0.03")) return undefined;
      formats.push(optionNumber(request, "Content-Format"));
      return { code: "2.04" };
    };
    await device.ask(`ep=${endpoint}&pct=112`);
    await device.finished();
    assert.deepEqual(formats, [112, 112]);
  });

  it("20-1: devices that never answer do not delay another one", async () => {
    const silent: BootstrapDevice[] = [];
    for (let i = 0; i < 20; i++) {
      await make();
      const device = await open();
      device.bend = () => "silence";
      await device.ask(`ep=${endpoint}`);
      silent.push(device);
    }
    await make();
    const device = await open();
    await device.ask(`ep=${endpoint}`);
    await device.finished();
    assert.isTrue(silent.every(({ steps }) => steps.every(step => step === "0.01 /0")));
  });

  it("what cannot be served is refused: strangers, other formats, other paths, a device with keys that comes without", async () => {
    const device = await open();
    assert.equal(await device.ask("ep=nobody"), "4.00");
    assert.equal(await device.ask("pct=112"), "4.00");
    await make();
    assert.equal(await device.ask(`ep=${endpoint}&pct=abc`), "4.00");
    assert.equal((await device.raw.request({ code: "0.02", uri: `/rd?ep=${endpoint}` })).code, "4.04");
    const serverSecurity = { securityMode: "PSK", publicKeyOrId: "bs-keyed", secretKey: "0011" };
    const bootstrapSecurity = { bootstrapSecurityMode: "PSK", bootstrapId: "bs-keyed-bs", bootstrapKey: "2233" };
    await make({ serverSecurity, bootstrapSecurity, lwm2mServerUri: "coaps://127.0.0.1:5784" });
    assert.equal(await device.ask(`ep=${endpoint}`), "4.00");
    assert.deepEqual(device.steps, []);
    const [failure] = await eventsOf(suite.api, deviceId, FAILURE);
    assert.match(failure!.text, /to come with PSK, not with no security/);
  });
});
