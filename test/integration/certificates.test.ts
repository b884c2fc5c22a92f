/** Certificates from REST to handshakes: options of the tenant, trusted CAs, settings of devices; all without a restart. */
import { readFileSync } from "node:fs";
import { assert } from "chai";
import { AGENT, expectStatus } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { withHost } from "../harness/with-host.ts";
import { createSimulatedDevice } from "../simulator/device.ts";
import {
  certificate,
  certificateCredentials,
  certificateFile,
  privateKeyFile,
} from "../simulator/dtls/certificates.ts";
import type { DtlsClientOptions } from "../simulator/dtls/client-options.ts";
import { connectDtls } from "../simulator/dtls/connect.ts";
import { openSecuredSocket, type SecuredSocket } from "../simulator/secured-socket.ts";

const OPTIONS = "/tenant/options/lwm2m-agent";
const TRUSTED = "/tenant/tenants/t1/trusted-certificates";
const base64 = (file: string): string => readFileSync(file).toString("base64");
const trust = (name: string) => ({ authorities: [certificate("ca")], name });

interface Trusted {
  readonly fingerprint: string;
}

describe("certificates", () => {
  const suite = withHost();
  const opened: AsyncDisposable[] = [];
  let ca: string;
  afterEach(async () => {
    for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
  });

  const serve = async (file: string, name = "default") =>
    suite.api.put<{ readonly details?: { readonly field: string } }>(OPTIONS, {
      [`dtls.x509.certificate.${name}`]: base64(certificateFile(file)),
      [`credentials.dtls.x509.certificateKey.${name}`]: base64(privateKeyFile(file)),
    });
  const make = async (endpointId: string): Promise<string> => {
    const body = { endpointId, serverSecurity: { securityMode: "X509" } };
    const answer = await suite.api.post<{ readonly id: string }>(`${AGENT}/deviceRegistration`, body);
    return expectStatus(answer, 201, "making the device").id;
  };
  const comes = (name: string, more: DtlsClientOptions = {}, port = suite.host.coapsPort) =>
    connectDtls({ serverPort: port, certificate: certificateCredentials(name), ...more });
  const outcome = async (...given: Parameters<typeof comes>): Promise<"done" | "refused"> => {
    try {
      await using _client = await comes(...given);
      return "done";
    } catch {
      return "refused";
    }
  };
  async function register(endpoint: string, name: string): Promise<SecuredSocket> {
    const { coapsPort: serverPort } = suite.host;
    const secured = await openSecuredSocket({ serverPort, certificate: certificateCredentials(name) });
    const device = await createSimulatedDevice({ endpoint, serverPort, objects: new Map(), socket: secured.socket });
    opened.push(device);
    await device.register();
    return secured;
  }
  const setStatus = (status: string) => suite.api.put(`${TRUSTED}/${ca}`, { status });

  before(async () => {
    await make("x509-device-1");
    const body = { name: "CA", status: "ENABLED", certInPemFormat: readFileSync(certificateFile("ca"), "utf8") };
    ca = expectStatus(await suite.api.post<Trusted>(TRUSTED, body), 201, "trusting the CA").fingerprint;
  });

  it("agent specification 2: nobody comes with a certificate until the server has one", async () => {
    assert.equal(await outcome("device-1"), "refused");
    assert.equal((await serve("server")).status, 200);
    assert.equal(await outcome("device-1", { trust: trust("localhost") }), "done");
    assert.equal(await outcome("device-1", {}, suite.host.bootstrapCoapsPort), "done");
  });

  it("RFC 6066 3: the certificate for the name that is asked for", async () => {
    await serve("server-example", "example");
    const names = expectStatus(await suite.api.get(`${AGENT}/v1/dictionary/server-certificates`), 200, "dictionary");
    assert.deepEqual(names as unknown, ["default", "example"]);
    const serverName = "lwm2m.example.com";
    assert.equal(await outcome("device-1", { serverName, trust: trust(serverName) }), "done");
    assert.equal(await outcome("device-1", { serverName: "else.example.com", trust: trust("localhost") }), "done");
  });

  it("a wrong option is refused by name and takes nothing down", async () => {
    const { status, body } = await serve("server-rsa");
    assert.deepEqual([status, body.details?.field], [422, "dtls.x509.certificate.default"]);
    assert.equal(await outcome("device-1", { trust: trust("localhost") }), "done");
  });

  it("a device registers as the endpoint that its certificate names, and as no other", async () => {
    await make("x509-device-2");
    await register("x509-device-1", "device-1");
    const failure = await register("x509-device-2", "device-1").then(
      () => "registered",
      (error: Error) => error.message,
    );
    assert.match(failure, /4\.03/);
    await register("x509-device-2", "device-2");
  });

  it("devices of one product share a common name and are told apart by their alternative names", async () => {
    await make("urn:x509:device-san");
    await register("urn:x509:device-san", "device-san");
    assert.equal(await outcome("device-stranger"), "refused");
    assert.equal(await outcome("device-expired"), "refused");
  });

  it("a CA that is disabled: sessions end, nobody comes in, until it is enabled again", async () => {
    const secured = await register("x509-device-1", "device-1");
    expectStatus(await setStatus("DISABLED"), 200, "disabling the CA");
    await eventually(() => (secured.dtls.isConnected ? undefined : true), { what: "the end of the session" });
    assert.equal(await outcome("device-1"), "refused");
    expectStatus(await setStatus("ENABLED"), 200, "enabling the CA");
    assert.equal(await outcome("device-1"), "done");
  });

  it("agent specification 4.2: a device that is switched to another mode comes in that mode alone", async () => {
    const id = await make("x509-device-p384");
    assert.equal(await outcome("device-p384"), "done");
    const path = `${AGENT}/v1/device/${id}/configuration/connectivity`;
    const psk = { mode: "PSK", pskId: "switched", pskKey: "00112233445566778899" };
    expectStatus(
      await suite.api.put(path, { serverConnectivity: psk, bootstrapConnectivity: { mode: "DISABLED" } }),
      200,
      "",
    );
    assert.equal(await outcome("device-p384"), "refused");
    const key = Buffer.from(psk.pskKey, "hex");
    await using _client = await connectDtls({ serverPort: suite.host.coapsPort, psk: { identity: "switched", key } });
  });

  it("all of it is there after a restart; no key is in any answer or line of the log", async () => {
    await suite.host.stop();
    await suite.host.start();
    assert.equal(await outcome("device-1", { trust: trust("localhost") }), "done");
    const options = await suite.api.get(OPTIONS);
    const text = JSON.stringify(options.body) + suite.host.lines.join("\n");
    assert.include(text, "<<Encrypted>>");
    for (const name of ["server", "server-example"]) {
      const pem = readFileSync(privateKeyFile(name), "utf8");
      assert.notInclude(text, pem.split("\n")[1]!);
      assert.notInclude(text, Buffer.from(pem).toString("base64").slice(60, 120));
    }
  });
});
