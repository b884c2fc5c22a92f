/** Simulated devices over DTLS against the host: from a bootstrap account to readings, with a port that moves and a session that resumes. */
import { assert } from "chai";
import { registerDevice, registerPskDevice, runCommand } from "../harness/agent.ts";
import { eventsOf, measuredValue } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { dtlsFigures } from "../harness/metrics.ts";
import { withHost } from "../harness/with-host.ts";
import { type Bootstrapped, bootstrapDevice } from "../simulator/bootstrap.ts";
import { createSimulatedDevice, meterObjects, type SimulatedDevice } from "../simulator/index.ts";
import { openSecuredSocket, type SecuredSocket } from "../simulator/secured-socket.ts";

const KEY = "a-key-of-a-device-1";
const BOOTSTRAP_KEY = "a-bootstrap-key-01";

describe("simulator over DTLS", () => {
  const suite = withHost();
  let count = 0;
  let endpoint: string;
  let device: SimulatedDevice | undefined;

  before(() => mapTemperature(suite.api));
  beforeEach(() => {
    endpoint = `sim-secure-${++count}`;
  });
  afterEach(async () => {
    await device?.close();
    device = undefined;
  });

  const openDevice = async (secured: SecuredSocket): Promise<SimulatedDevice> => {
    device = await createSimulatedDevice({
      endpoint,
      serverPort: suite.host.coapsPort,
      socket: secured.socket,
      lwm2mVersion: "1.1",
      objects: meterObjects({ serialNumber: "S-1" }),
    });
    await device.register();
    await eventually(() => (device!.observed.includes("/3303/0/5700") ? true : undefined), { what: "an observation" });
    return device;
  };
  const connect = (identity = endpoint, key = KEY, cid?: Uint8Array): Promise<SecuredSocket> =>
    openSecuredSocket({ serverPort: suite.host.coapsPort, psk: { identity, key: Buffer.from(key) }, cid });

  it("OMA 401: registers, is read and notifies", async () => {
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    const secured = await openDevice(await connect());
    secured.set("/3303/0/5700", 24.75);
    await measuredValue(suite.api, id, "c8y_Temperature.T", 24.75);
    const { status, failureReason } = await runCommand(suite.api, id, "read /3/0");
    assert.equal(status, "SUCCESSFUL", failureReason);
  });

  it("R8: an Update from another port is that of its session (RFC 9146 section 6)", async () => {
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    const secured = await connect(endpoint, KEY, Uint8Array.of(1, 2, 3));
    await openDevice(secured);
    for (const celsius of [20.25, 21.25]) {
      await secured.pipe.rebind();
      await device!.update();
      device!.set("/3303/0/5700", celsius);
      await measuredValue(suite.api, id, "c8y_Temperature.T", celsius);
    }
  });

  it("R10: a session that resumes takes over the registration of the former one (RFC 5246 section 7.3)", async () => {
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    const secured = await connect();
    await openDevice(secured);
    assert.isTrue((await secured.renew()).resumed);
    await device!.update();
    device!.set("/3303/0/5700", 22.25);
    await measuredValue(suite.api, id, "c8y_Temperature.T", 22.25);
    await eventsOf(suite.api, id, "c8y_LWM2MDeviceRegistration");
  });

  for (const [what, end] of [
    ["a restart", () => suite.host.stop()],
    ["kill -9", () => suite.host.kill()],
  ] as const) {
    it(`20-32: its session outlives ${what} of the host: no handshake, no registration, notifications and reads go on`, async () => {
      const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
      await openDevice(await connect(endpoint, KEY, Uint8Array.of(1, 2, 3)));
      // Events are written behind.
      await eventsOf(suite.api, id, "c8y_LWM2MDeviceRegistration");
      await end();
      await suite.host.start();
      device!.set("/3303/0/5700", 23.75);
      await measuredValue(suite.api, id, "c8y_Temperature.T", 23.75);
      const { status, failureReason } = await runCommand(suite.api, id, "read /3/0");
      assert.equal(status, "SUCCESSFUL", failureReason);
      await device!.update();
      await eventsOf(suite.api, id, "c8y_LWM2MDeviceRegistration");
      assert.deepInclude(await dtlsFigures(suite.api), { handshakes_begun_total: 0, woken_total: 1 });
    });
  }

  const given = async (bootstrapped: Bootstrapped): Promise<SecuredSocket> => {
    const [account] = bootstrapped.accounts;
    assert.equal(account!.mode, "PSK");
    assert.equal(Number(account!.uri.port), suite.host.coapsPort);
    return openSecuredSocket({
      serverPort: Number(account!.uri.port),
      psk: { identity: account!.publicKeyOrIdentity.toString(), key: account!.secretKey },
    });
  };
  const lwm2mServerUri = (): string => `coaps://127.0.0.1:${suite.host.coapsPort}`;

  it("OMA 0: asks without security for its server account, and comes in with the key it was given", async () => {
    await registerDevice(suite.api, {
      endpointId: endpoint,
      serverSecurity: { securityMode: "PSK_GENERATED" },
      lwm2mServerUri: lwm2mServerUri(),
    });
    const bootstrapped = await bootstrapDevice({ endpoint, serverPort: suite.host.bootstrapCoapPort });
    assert.match(bootstrapped.seen.at(-1)!, /^POST \/bs 2\.04$/);
    await openDevice(await given(bootstrapped));
  });

  it("OMA 1: asks with its bootstrap key, is given another one, and comes in with that", async () => {
    const bootstrap = { identity: `${endpoint}-bs`, key: BOOTSTRAP_KEY };
    const more = { lwm2mServerUri: lwm2mServerUri() };
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY, bootstrap, more });
    const serverPort = suite.host.bootstrapCoapsPort;
    const psk = { identity: bootstrap.identity, key: Buffer.from(bootstrap.key) };
    const bootstrapped = await bootstrapDevice({ endpoint, serverPort, psk });
    await eventsOf(suite.api, id, "c8y_LWM2MDeviceBootstrapEnd");
    const secured = await openDevice(await given(bootstrapped));
    secured.set("/3303/0/5700", 19.5);
    await measuredValue(suite.api, id, "c8y_Temperature.T", 19.5);
  });
});
