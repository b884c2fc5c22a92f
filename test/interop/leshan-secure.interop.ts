/** Leshan's client over DTLS: OMA's security cases, an address that changes in mid-session, datagrams that are lost. */
import { equalBytes } from "@mooring/core/internal/base/bytes.ts";
import { assert } from "chai";
import { registerPskDevice, registerX509Device, runCommand } from "../harness/agent.ts";
import { eventsOf, measuredValue } from "../harness/documents.ts";
import { openDtlsResponder } from "../harness/dtls-responder.ts";
import {
  chosenSuite,
  HANDSHAKE_TYPES,
  handshakesWith,
  plainAlerts,
  refusedAfterMs,
  serverHellos,
} from "../harness/dtls-wire.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { type NatProxy, type NatProxyOptions, openNatProxy } from "../harness/nat-proxy.ts";
import { trustAuthority, useServerCertificate } from "../harness/x509.ts";
import { certificateFile, privateKeyFile, rawKeyCredentials } from "../simulator/dtls/certificates.ts";
import { publicKeyOf } from "../simulator/dtls/server-proof.ts";
import { CBC_ON } from "./dtls/cbc-suite.ts";
import { secureHost, WITH_LOSS_WITHIN_MS } from "./dtls/peer-suite.ts";
import { type LeshanAccount, type LeshanDevice, type LeshanOptions, startLeshanDevice } from "./leshan/leshan.ts";

const KEY = "a-key-for-leshan-1";
const JAVA_STARTS_WITHIN_MS = 30_000;
/** From the key exchange to the refusal. */
const REFUSED_WITHIN_MS = 3000;

describe("interop/Leshan's client over DTLS", () => {
  const suite = secureHost();
  let count = 0;
  let endpoint: string;
  let proxy: NatProxy | undefined;
  let device: LeshanDevice | undefined;

  before(() => mapTemperature(suite.api));
  beforeEach(() => {
    endpoint = `leshan-secure-${++count}`;
  });
  afterEach(async () => {
    await device?.stop();
    await proxy?.close();
    device = proxy = undefined;
  });

  /** Behind a router of its own. */
  const start = async (options: Partial<LeshanOptions>, way: Partial<NatProxyOptions> = {}): Promise<LeshanDevice> => {
    proxy = await openNatProxy({ serverPort: suite.host.coapsPort, ...way });
    device = startLeshanDevice({ endpoint, port: proxy.port, ...options });
    suite.onFailure(() => device!.process.tail());
    return device;
  };
  const psk = (key = KEY, identity = endpoint): LeshanAccount => ({ mode: "psk", identity, key });
  const registered = async (options: Partial<LeshanOptions>, way?: Partial<NatProxyOptions>): Promise<LeshanDevice> => {
    const started = await start(options, way);
    await started.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
    return started;
  };
  const readsDevice = async (deviceId: string): Promise<void> => {
    const { status, failureReason, c8y_Command } = await runCommand(suite.api, deviceId, "read /3/0");
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.include(c8y_Command!.result!, "client-cf");
  };
  const keyExchanges = (): number => handshakesWith(HANDSHAKE_TYPES.clientKeyExchange, proxy!.passed);

  for (const [suiteName, number] of [
    ["TLS_PSK_WITH_AES_128_CCM_8", 0xc0a8],
    ["TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", 0xd005],
  ] as const) {
    it(`OMA 401: registers and is read over ${suiteName}`, async () => {
      const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
      await registered({ account: psk(), suite: suiteName });
      assert.equal(chosenSuite(proxy!.passed), number);
      await eventsOf(suite.api, id, "c8y_LWM2MDeviceRegistration");
      await readsDevice(id);
    });
  }

  for (const [what, account] of [
    ["a wrong key", () => psk("another-key-than-1")],
    ["an unknown identity", () => psk(KEY, "nobody")],
  ] as const) {
    it(`${what} is refused quickly, with decrypt_error`, async () => {
      await registerPskDevice(suite.api, { endpoint, key: KEY });
      const { process } = await start({ account: account() });
      await process.line(/^refused .*/, JAVA_STARTS_WITHIN_MS);
      assert.equal(plainAlerts(proxy!.passed, "toDevice")[0], 51);
      assert.isBelow(refusedAfterMs(proxy!.passed), REFUSED_WITHIN_MS);
    });
  }

  it("an Update on a new connection goes on with its session (RFC 5246 section 7.3)", async () => {
    await registerPskDevice(suite.api, { endpoint, key: KEY });
    const { process, update } = await registered({ account: psk(), reconnects: true });
    update();
    await process.line(/^updated/);
    assert.equal(keyExchanges(), 1);
    assert.equal(serverHellos(proxy!.passed), 2);
  });

  it("with a Connection ID its address changes in mid-session: notifications, reads and Updates go on (RFC 9146)", async () => {
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    const leshan = await registered({ account: psk(), cidBytes: 6 });
    // The value that the observation began with.
    await measuredValue(suite.api, id, "c8y_Temperature.T", 20);
    for (const celsius of [21.25, 22.25, 23.25]) {
      await proxy!.rebind();
      leshan.setTemperature(celsius);
      await measuredValue(suite.api, id, "c8y_Temperature.T", celsius, 5000);
      await readsDevice(id);
    }
    await proxy!.rebind();
    leshan.update();
    await leshan.process.line(/^updated/);
    assert.equal(keyExchanges(), 1);
    assert.lengthOf(
      leshan.process.lines.filter(line => line.startsWith("registered ")),
      1,
    );
  });

  it("with a Connection ID and every fourth datagram of each direction lost its address changes: no handshake, no registration more", async function () {
    this.timeout(WITH_LOSS_WITHIN_MS);
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    const leshan = await registered({ account: psk(), cidBytes: 6 });
    await measuredValue(suite.api, id, "c8y_Temperature.T", 20);
    proxy!.setFaults({ losesOneOf: 4 });
    for (const celsius of [21.25, 22.25, 23.25]) {
      await proxy!.rebind();
      leshan.setTemperature(celsius);
      await measuredValue(suite.api, id, "c8y_Temperature.T", celsius, 15_000);
    }
    assert.equal(keyExchanges(), 1);
    await eventsOf(suite.api, id, "c8y_LWM2MDeviceRegistration");
  });

  it("registers and is read though every fourth datagram of each direction is lost", async () => {
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    await registered({ account: psk() }, { faults: { losesOneOf: 4 }, seed: 5 });
    await readsDevice(id);
    await eventsOf(suite.api, id, "c8y_LWM2MDeviceRegistration");
  });

  it("raw public keys (RFC 7250): each side knows the other by its key alone, at the transport, since accounts have no such mode", async () => {
    const ownKey = publicKeyOf(rawKeyCredentials("device-1").privateKey);
    await using server = await openDtlsResponder({
      rawPublicKey: async publicKey => (equalBytes(publicKey, ownKey) ? { kind: "rpk", publicKey } : undefined),
    });
    const files = (name: string) => ({ certificate: certificateFile(name), privateKey: privateKeyFile(name) });
    const serverCertificate = certificateFile("server");
    const way = { serverPort: server.port };
    await registered({ account: { mode: "rpk", ...files("device-1"), serverCertificate } }, way);
    assert.deepEqual(server.peers, [{ kind: "rpk", publicKey: Uint8Array.from(ownKey) }]);
    await device!.stop();
    await proxy!.close();
    const { process } = await start({ account: { mode: "rpk", ...files("device-2"), serverCertificate } }, way);
    await process.line(/^refused/, JAVA_STARTS_WITHIN_MS);
    assert.equal(server.dtls.handshakesDone, 1);
  });

  it("raw public keys: registers though every fourth datagram of each direction is lost", async function () {
    this.timeout(WITH_LOSS_WITHIN_MS);
    await using server = await openDtlsResponder({ rawPublicKey: async publicKey => ({ kind: "rpk", publicKey }) });
    const own = { certificate: certificateFile("device-1"), privateKey: privateKeyFile("device-1") };
    const account = { mode: "rpk", ...own, serverCertificate: certificateFile("server") } as const;
    await registered({ account }, { serverPort: server.port, faults: { losesOneOf: 4 }, seed: 5 });
  });

  describe("with certificates", () => {
    const files = (name: string) => ({
      certificate: certificateFile(name),
      privateKey: privateKeyFile(name),
    });
    const serverCertificate = certificateFile("server");

    before(async () => {
      await useServerCertificate(suite.api, "server");
      await trustAuthority(suite.api, "ca");
      for (const name of ["device-1", "device-2"]) await registerX509Device(suite.api, `x509-${name}`);
    });

    for (const [what, trust] of [
      ["its own certificate (usage 3)", { serverCertificate }],
      ["the authority above it (usage 2)", { serverCertificate: certificateFile("ca"), usage: 2 }],
      [
        "its own certificate below an authority (usage 1)",
        { serverCertificate, usage: 1, trust: certificateFile("ca") },
      ],
    ] as const) {
      it(`OMA 402: registers and is read, and knows the server by ${what}`, async () => {
        endpoint = "x509-device-1";
        await registered({ account: { mode: "x509", ...files("device-1"), ...trust } });
        const { body } = await suite.api.get<{ managedObject: { id: string } }>(
          `/identity/externalIds/c8y_Id/${endpoint}`,
        );
        await readsDevice(body.managedObject.id);
      });
    }

    it("registers and is read though every fourth datagram of each direction is lost", async function () {
      this.timeout(WITH_LOSS_WITHIN_MS);
      endpoint = "x509-device-1";
      const account = { mode: "x509", ...files("device-1"), serverCertificate } as const;
      await registered({ account }, { faults: { losesOneOf: 4 }, seed: 5 });
    });

    it("an Update on a new connection goes on with its session (RFC 5246 section 7.3)", async () => {
      endpoint = "x509-device-1";
      const account = { mode: "x509", ...files("device-1"), serverCertificate } as const;
      const { process, update } = await registered({ account, reconnects: true });
      update();
      await process.line(/^updated/);
      assert.equal(keyExchanges(), 1);
    });

    it("OMA 403: the device refuses a server whose certificate is for another name", async () => {
      endpoint = "x509-device-2";
      const authority = { serverCertificate: certificateFile("ca"), usage: 2 } as const;
      const account = { mode: "x509", ...files("device-2"), ...authority } as const;
      // The certificate is for localhost and 127.0.0.1.
      const { process } = await start({ account, host: "127.0.0.2" }, { host: "127.0.0.2" });
      await process.line(/^(refused|unanswered)/, JAVA_STARTS_WITHIN_MS);
      assert.isNotEmpty(plainAlerts(proxy!.passed, "toServer"));
      assert.equal(keyExchanges(), 0);
    });

    for (const [what, name] of [
      ["of an authority that nobody trusts", "device-stranger"],
      ["that has expired", "device-expired"],
    ] as const) {
      it(`a certificate ${what} is refused quickly`, async () => {
        endpoint = `x509-${name}`;
        const { process } = await start({ account: { mode: "x509", ...files(name), serverCertificate } });
        await process.line(/^refused/, JAVA_STARTS_WITHIN_MS);
        assert.isBelow(refusedAfterMs(proxy!.passed), REFUSED_WITHIN_MS);
      });
    }
  });
});

describe("interop/Leshan's client, suites with CBC for old devices", () => {
  const suite = secureHost(CBC_ON);

  it("registers over TLS_PSK_WITH_AES_128_CBC_SHA256", async () => {
    const endpoint = "leshan-cbc";
    await registerPskDevice(suite.api, { endpoint, key: KEY });
    await using proxy = await openNatProxy({ serverPort: suite.host.coapsPort });
    const account = { mode: "psk", identity: endpoint, key: KEY } as const;
    const name = "TLS_PSK_WITH_AES_128_CBC_SHA256";
    await using device = startLeshanDevice({ endpoint, port: proxy.port, account, suite: name });
    suite.onFailure(() => device.process.tail());
    await device.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
    assert.equal(chosenSuite(proxy.passed), 0x00ae);
  });
});
