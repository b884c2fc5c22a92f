import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "chai";
import { bootstrapConfigOf } from "../../src/agent/bootstrap-accounts.ts";
import { bootstrapSettingsOf } from "../../src/agent/bootstrap-settings.ts";
import { type DeviceAccounts, type ServerSettings, UNSET_SERVER } from "../../src/agent/device-accounts.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, "../fixtures/certificates", name), "utf8");
const derOf = (pem: string): Uint8Array =>
  new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64"));

const DEFAULTS = {
  lifetimeSeconds: 432_000,
  contentFormat: 11542,
  coapPort: 5683,
  coapsPort: 5684,
  minRequestTimeoutMs: 10_000,
  maxRequestTimeoutMs: 600_000,
};
const SERVER_DER = Uint8Array.of(0x30, 1, 2);
const PARTS = {
  defaults: DEFAULTS,
  certificates: { serverCertificateDer: (name: string) => (name === "default" ? SERVER_DER : undefined) },
};

const server = (change: Partial<ServerSettings> = {}): ServerSettings => ({
  ...UNSET_SERVER,
  id: "0",
  uri: "coap://lwm2m.example.com:5783",
  ...change,
});

const accounts = (change: Partial<DeviceAccounts> = {}): DeviceAccounts => ({
  endpoint: "dev-1",
  tenant: "t1",
  deviceId: "7",
  bootstrap: { mode: "NO_SEC" },
  bootstrapShortServerId: 0,
  securityInstanceOffset: 0,
  generateBootstrapServer: false,
  servers: [server()],
  ...change,
});

const configOf = (change: Partial<DeviceAccounts> = {}, fragments = {}) =>
  bootstrapConfigOf(accounts(change), bootstrapSettingsOf(fragments), PARTS);

function refusal(change: Partial<DeviceAccounts>): string {
  try {
    configOf(change);
  } catch (error) {
    assert.isTrue(isFailure(error, "VALIDATION", "CERTIFICATE_INVALID"), String(error));
    return (error as Error).message;
  }
  return assert.fail("taken");
}

describe("agent/bootstrap-accounts (agent specification 5)", () => {
  it("NO_SEC: address and short id alone; lifetime, storing and binding by default", () => {
    const { security, servers, contentFormat, requestTimeoutMs } = configOf();
    assert.deepEqual(security, [
      { instance: 0, uri: "coap://lwm2m.example.com:5783", isBootstrap: false, mode: "NO_SEC", shortServerId: 1 },
    ]);
    assert.deepEqual(servers, [
      { instance: 0, shortServerId: 1, lifetimeSeconds: 432_000, storing: true, binding: "U" },
    ]);
    assert.equal(contentFormat, 11542);
    assert.isUndefined(requestTimeoutMs);
  });

  it("all that is set is written", () => {
    const full = server({
      shortServerId: 123,
      lifetimeSeconds: 60,
      minimumPeriodSeconds: 1,
      maximumPeriodSeconds: 0,
      disableTimeoutSeconds: 5,
      storeNotifications: false,
      binding: "UQ",
    });
    assert.deepEqual(configOf({ servers: [full] }, { lwm2mServerInstance: 4 }).servers, [
      {
        instance: 4,
        shortServerId: 123,
        lifetimeSeconds: 60,
        minimumPeriodSeconds: 1,
        maximumPeriodSeconds: 0,
        disableTimeoutSeconds: 5,
        storing: false,
        binding: "UQ",
      },
    ]);
  });

  it("PSK: identity in UTF-8 and the key", () => {
    const security = { mode: "PSK", pskIdentity: "gerät", pskKey: Uint8Array.of(1, 2) } as const;
    const [account] = configOf({ servers: [server({ uri: "coaps://a:5784", security })] }).security;
    assert.deepEqual(account, {
      instance: 0,
      uri: "coaps://a:5784",
      isBootstrap: false,
      mode: "PSK",
      publicKeyOrIdentity: encodeUtf8("gerät"),
      secretKey: Uint8Array.of(1, 2),
      shortServerId: 1,
    });
  });

  it("X509: certificate and PKCS#8 key of the device in DER, the server's certificate by its name, its usage", () => {
    const security = {
      mode: "X509",
      clientCertificate: fixture("device-1.pem"),
      clientPrivateKey: fixture("device-1.key.pem"),
      serverCertificate: "default",
      certificateUsage: "DOMAIN_ISSUER_CERTIFICATE",
    } as const;
    const [account] = configOf({ servers: [server({ uri: "coaps://a:5784", security })] }).security;
    assert.equal(account?.mode, "X509");
    assert.deepEqual(account?.publicKeyOrIdentity, derOf(fixture("device-1.pem")));
    assert.equal(new X509Certificate(account!.publicKeyOrIdentity!).subject, "CN=x509-device-1");
    assert.deepEqual(account?.secretKey, derOf(fixture("device-1.key.pem")));
    assert.deepEqual(account?.serverPublicKey, SERVER_DER);
    assert.equal(account?.certificateUsage, 3);
  });

  it("X509: what is not set is not written; the early form holds the certificate itself", () => {
    const bare = configOf({ servers: [server({ security: { mode: "X509" } })] }).security[0];
    assert.hasAllKeys(bare, ["instance", "uri", "isBootstrap", "mode", "shortServerId"]);
    const early = { mode: "X509", serverCertificate: fixture("server.pem") } as const;
    const account = configOf({ servers: [server({ security: early })] }).security[0];
    assert.deepEqual(account?.serverPublicKey, derOf(fixture("server.pem")));
  });

  it("accounts begin at the configured instance, one after the other", () => {
    const servers = [server(), server({ id: "1", shortServerId: 2 }), server({ id: "2", shortServerId: 3 })];
    const config = configOf({ servers, securityInstanceOffset: 3 }, { lwm2mServerInstance: 1 });
    assert.deepEqual(
      config.security.map(({ instance, shortServerId }) => [instance, shortServerId]),
      [
        [3, 1],
        [4, 2],
        [5, 3],
      ],
    );
    assert.deepEqual(
      config.servers.map(({ instance, shortServerId }) => [instance, shortServerId]),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
  });

  it("the bootstrap account is written only where that is asked for, first, with its own keys", () => {
    const bootstrap = { mode: "PSK", pskIdentity: "bs", pskKey: Uint8Array.of(9) } as const;
    assert.isFalse(configOf({ bootstrap }).security.some(({ isBootstrap }) => isBootstrap));
    const { security, servers } = configOf({ bootstrap, generateBootstrapServer: true, securityInstanceOffset: 2 });
    assert.deepEqual(security[0], {
      instance: 2,
      uri: "coaps://lwm2m.example.com:5684",
      isBootstrap: true,
      mode: "PSK",
      publicKeyOrIdentity: encodeUtf8("bs"),
      secretKey: Uint8Array.of(9),
    });
    assert.equal(security[1]?.instance, 3);
    assert.equal(servers[0]?.instance, 0);
    const plain = configOf({ generateBootstrapServer: true, servers: [server({ uri: "coap://[2001:db8::1]" })] });
    assert.equal(plain.security[0]?.uri, "coap://[2001:db8::1]:5683");
  });

  it("a server that is switched off is left out", () => {
    const servers = [server({ security: { mode: "DISABLED" } }), server({ id: "1", shortServerId: 2 })];
    const config = configOf({ servers });
    assert.deepEqual(
      [config.security, config.servers].map(list =>
        list.map(({ instance, shortServerId }) => [instance, shortServerId]),
      ),
      [[[0, 2]], [[0, 2]]],
    );
  });

  it("the device's own time limit counts within the host's bounds", () => {
    const limitOf = (lwm2mRequestTimeout: number) => configOf({}, { lwm2mRequestTimeout }).requestTimeoutMs;
    assert.deepEqual([1, 20_000, 10_000_000].map(limitOf), [10_000, 20_000, 600_000]);
  });

  for (const [what, change, named] of [
    ["no address", { servers: [server({ uri: undefined })] }, /^lwm2mServerUri is missing/],
    [
      "no address of a further server",
      { servers: [server(), server({ id: "b", uri: undefined })] },
      /^lwm2mServerUri of server b is missing/,
    ],
    [
      "nothing switched on",
      { servers: [server({ security: { mode: "DISABLED" } })] },
      /^serverSecurity.securityMode leaves no server/,
    ],
    ["no key", { servers: [server({ security: { mode: "PSK", pskIdentity: "a" } })] }, /^secretKey is missing/],
    [
      "a server certificate that is not there",
      { servers: [server({ security: { mode: "X509", serverCertificate: "other" } })] },
      /^serverPublicKey names no server certificate/,
    ],
  ] as const) {
    it(`${what} is refused by name`, () => assert.match(refusal(change), named));
  }
});
