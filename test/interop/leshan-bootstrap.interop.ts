/** OMA's bootstrap cases with Leshan's client, which starts with a bootstrap account and nothing else; all accounts come from a CSV file. */
import { readFile } from "node:fs/promises";
import { assert } from "chai";
import { awaitOperation, expectStatus, type ManagedObject, runCommand, uploadDevices } from "../harness/agent.ts";
import { events, eventsOf } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { withHost } from "../harness/with-host.ts";
import { trustAuthority, useServerCertificate } from "../harness/x509.ts";
import { certificateFile, privateKeyFile } from "../simulator/dtls/certificates.ts";
import { type LeshanAccount, type LeshanDevice, type LeshanOptions, startLeshanDevice } from "./leshan/leshan.ts";

const JAVA_STARTS_WITHIN_MS = 30_000;
const BOOTSTRAP_KEY = "a-bootstrap-key-1";
const SERVER_KEY = "a-key-of-the-server";
const START = "c8y_LWM2MDeviceBootstrapStart";
const END = "c8y_LWM2MDeviceBootstrapEnd";
const FAILURE = "c8y_LWM2MDeviceBootstrapFailure";

const hex = (text: string): string => Buffer.from(text).toString("hex");
/** RFC 4180 section 2. */
const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;

/** A file with one device. @param columns names and values beside endpoint and type */
function csvOf(endpoint: string, columns: Readonly<Record<string, string>>): string {
  const all = { "endpoint id": endpoint, type: "c8y_lwm2m", ...columns };
  return [Object.keys(all), Object.values(all)].map(cells => cells.map(quoted).join(";")).join("\n");
}

describe("interop/Leshan's client bootstraps", () => {
  const suite = withHost();
  let count = 0;
  let endpoint: string;
  let deviceId: string;
  let device: LeshanDevice | undefined;

  beforeEach(() => {
    endpoint = `leshan-bs-${++count}`;
  });
  afterEach(async () => {
    await device?.stop();
    device = undefined;
  });

  const plainServer = () => ({
    securityMode: "NO_SEC",
    "lwm2m server uri": `coap://127.0.0.1:${suite.host.coapPort}`,
  });
  const pskServer = () => ({
    securityMode: "PSK",
    "lwm2m server uri": `coaps://127.0.0.1:${suite.host.coapsPort}`,
    "lwm2m psk_id": `${endpoint}-id`,
    "lwm2m psk_key": hex(SERVER_KEY),
  });
  const noBootstrapSecurity = { bootstrapSecurityMode: "NO_SEC" };
  const bootstrapPsk = () => ({
    bootstrapSecurityMode: "PSK",
    "bootstrap psk_id": `${endpoint}-bs`,
    "bootstrap psk_key": hex(BOOTSTRAP_KEY),
  });

  /** The device as an operator makes it: from a file. */
  const upload = async (columns: Readonly<Record<string, string>>): Promise<void> => {
    const { id } = expectStatus(await uploadDevices(suite.api, csvOf(endpoint, columns)), 201, "uploading the file");
    const { status, c8y_Command } = await awaitOperation(suite.api, id);
    assert.equal(status, "SUCCESSFUL", c8y_Command?.result);
    const { body } = await suite.api.get<{ managedObject: ManagedObject }>(`/identity/externalIds/c8y_Id/${endpoint}`);
    deviceId = body.managedObject.id;
  };
  const change = async (fragments: object): Promise<void> =>
    void expectStatus(
      await suite.api.put(`/inventory/managedObjects/${deviceId}`, fragments),
      200,
      "changing the device",
    );

  const start = (account: LeshanAccount, more: Partial<LeshanOptions> = {}): LeshanDevice => {
    const { bootstrapCoapPort, bootstrapCoapsPort } = suite.host;
    const port = account.mode === "nosec" ? bootstrapCoapPort : bootstrapCoapsPort;
    device = startLeshanDevice({ endpoint, port, account, bootstraps: true, ...more });
    suite.onFailure(() => device!.process.tail());
    return device;
  };
  const psk = (): LeshanAccount => ({ mode: "psk", identity: `${endpoint}-bs`, key: BOOTSTRAP_KEY });
  const linesOf = (word: string): readonly string[] =>
    device!.process.lines.filter(line => line.startsWith(`${word} `));
  /** Waits for that many lines that begin with the word. */
  const told = async (word: string, times = 1): Promise<void> =>
    void (await device!.process.line(() => linesOf(word).length >= times, JAVA_STARTS_WITHIN_MS));
  const isRead = async (): Promise<void> => {
    const { status, failureReason, c8y_Command } = await runCommand(suite.api, deviceId, "read /3/0");
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.include(c8y_Command!.result!, "client-cf");
  };

  it("OMA 0: without security it is given its server and registers there", async () => {
    await upload({ ...plainServer(), ...noBootstrapSecurity });
    start({ mode: "nosec" });
    await told("registered");
    assert.deepEqual(linesOf("bootstrapped"), [`bootstrapped coap://127.0.0.1:${suite.host.bootstrapCoapPort}`]);
    for (const type of [START, END, "c8y_LWM2MDeviceRegistration"]) await eventsOf(suite.api, deviceId, type);
    assert.isEmpty(await events(suite.api, deviceId, FAILURE));
    await isRead();
  });

  it("OMA 1: with a pre-shared key for each server it registers over DTLS and is read (401)", async () => {
    await upload({ ...pskServer(), ...bootstrapPsk() });
    start(psk());
    await told("registered");
    for (const type of [START, END]) await eventsOf(suite.api, deviceId, type);
    await isRead();
  });

  it("without security it is given a key that the host has generated", async () => {
    await upload({
      ...pskServer(),
      ...noBootstrapSecurity,
      "lwm2m psk_id": "",
      "lwm2m psk_key": "",
      securityMode: "PSK_GENERATED",
    });
    start({ mode: "nosec" });
    await told("registered");
    await isRead();
  });

  it("a wrong bootstrap key is refused, and nothing begins", async () => {
    await upload({ ...pskServer(), ...bootstrapPsk() });
    start({ mode: "psk", identity: `${endpoint}-bs`, key: "another-key-than-1" });
    await device!.process.line(/DECRYPT_ERROR/, JAVA_STARTS_WITHIN_MS);
    assert.isEmpty(await events(suite.api, deviceId, START));
  });

  it("OMA 2: with certificates it is given those of its server account, registers with them and is read (402)", async () => {
    await useServerCertificate(suite.api, "server");
    await trustAuthority(suite.api, "ca");
    endpoint = "x509-device-1";
    await upload({
      securityMode: "X509",
      bootstrapSecurityMode: "X509",
      "lwm2m server uri": `coaps://localhost:${suite.host.coapsPort}`,
      serverPublicKey: "default",
      x509ClientCertificate: await readFile(certificateFile("device-1"), "utf8"),
      x509ClientPrivateKey: await readFile(privateKeyFile("device-1"), "utf8"),
    });
    const files = { certificate: certificateFile("device-1"), privateKey: privateKeyFile("device-1") };
    start({ mode: "x509", ...files, serverCertificate: certificateFile("server") });
    await told("registered");
    await isRead();
  });

  it("OMA 4: its accounts are deleted and written anew, its bootstrap account survives, the Server Object is read back", async () => {
    await upload({ ...pskServer(), ...bootstrapPsk(), registrationLifetime: "7200" });
    await change({ bootstrapReadBack: "/1" });
    start(psk());
    await told("registered");
    device!.bootstrap();
    await told("bootstrapped", 2);
    await told("registered", 2);
    const [, second] = await eventsOf(suite.api, deviceId, END, 2);
    assert.equal(findValue(second, "/1/0/1"), 7200);
    await isRead();
  });

  it("OMA 5: the server has it bootstrap again (Execute /1/0/9)", async () => {
    await upload({ ...pskServer(), ...bootstrapPsk() });
    start(psk());
    await told("registered");
    const { status, failureReason } = await runCommand(suite.api, deviceId, "execute /1/0/9");
    assert.equal(status, "SUCCESSFUL", failureReason);
    await told("bootstrapped", 2);
    await told("registered", 2);
    await eventsOf(suite.api, deviceId, END, 2);
    await isRead();
  });

  it("OMA 6: with an account of the factory it registers at once, and without one it asks the bootstrap server", async () => {
    await upload({ ...plainServer(), ...noBootstrapSecurity });
    const { coapPort, bootstrapCoapPort } = suite.host;
    start({ mode: "nosec" }, { port: coapPort, bootstraps: false, bootstrapPort: bootstrapCoapPort });
    await told("registered");
    assert.isEmpty(linesOf("bootstrapping"));
    await isRead();
    await device!.stop();
    assert.isEmpty(await events(suite.api, deviceId, START));
    start({ mode: "nosec" });
    await told("registered");
    assert.lengthOf(linesOf("bootstrapped"), 1);
    await eventsOf(suite.api, deviceId, END);
    await isRead();
  });

  it("OMA 7: a device whose server is not there asks for another one, and registers there", async () => {
    // Port 9 discards what comes.
    await upload({ ...plainServer(), ...noBootstrapSecurity, "lwm2m server uri": "coap://127.0.0.1:9" });
    start({ mode: "nosec" }, { requestTimeoutMs: 1500 });
    await told("bootstrapped");
    const servers = `/service/lwm2m-agent/v1/device/${deviceId}/configuration/servers`;
    const { body } = await suite.api.get<readonly Record<string, unknown>[]>(servers);
    const { deviceInfo: _, ...server } = body[0]!;
    const uri = `coap://127.0.0.1:${suite.host.coapPort}`;
    expectStatus(await suite.api.put(`${servers}/${server["id"]}`, { ...server, uri }), 200, "changing the server");
    await told("unanswered");
    await told("registered");
    await isRead();
  });

  it("OMA 8: rights are written too, and read back with the Server Object", async () => {
    await upload({ ...pskServer(), ...bootstrapPsk() });
    await change({
      lwm2mAccessControl: [{ objectId: 3, objectInstance: 0, owner: 1, rights: { 1: 15 } }],
      bootstrapReadBack: "/1,/2",
    });
    start(psk());
    await told("registered");
    const [end] = await eventsOf(suite.api, deviceId, END);
    assert.equal(findValue(end, "/1/0/0"), 1);
    assert.equal(findValue(end, "/2/0/0"), 3);
  });

  it("OMA 9: an account without its keys is refused at the Finish (4.06), which is a failed session and no success", async () => {
    await upload({
      securityMode: "X509",
      "lwm2m server uri": `coaps://localhost:${suite.host.coapsPort}`,
      ...noBootstrapSecurity,
    });
    start({ mode: "nosec" });
    // The device asks again and again.
    const failure = await eventually(async () => (await events(suite.api, deviceId, FAILURE))[0], {
      withinMs: JAVA_STARTS_WITHIN_MS,
      what: "the failed session",
    });
    assert.equal(findValue(failure, "coapCode"), "4.06");
    assert.equal(findValue(failure, "path"), "/bs");
    assert.isEmpty(await events(suite.api, deviceId, END));
    assert.isEmpty(linesOf("registered"));
  });
});

/** Value of a path that was read back, wherever the event holds it. */
function findValue(event: unknown, path: string): unknown {
  if (typeof event !== "object" || event === null) return undefined;
  const entries = Object.entries(event);
  const own = entries.find(([name]) => name === path);
  return own ? own[1] : entries.map(([, value]) => findValue(value, path)).find(value => value !== undefined);
}
