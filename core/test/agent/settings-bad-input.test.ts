import { assert } from "chai";
import type { SettingsSection } from "../../src/agent/settings.ts";
import { keyPem, pem } from "../x509/support/certificates.ts";
import { TENANT } from "./support/agent-world.ts";
import {
  bootstrapPsk,
  COAP,
  COAPS,
  KEY,
  openSettingsWorld,
  psk,
  type SettingsWorld,
} from "./support/settings-world.ts";

describe("agent/settings: bad input names the field and changes nothing", () => {
  let open: SettingsWorld;
  before(async () => {
    open = await openSettingsWorld();
    await open.make("other", { ...psk("taken"), ...bootstrapPsk("taken"), lwm2mServerUri: COAPS });
  });
  after(() => open[Symbol.asyncDispose]());

  const section = (name: SettingsSection) => (body: unknown) => open.settings.write(TENANT, open.id, name, body);
  const [basic, firmware, bootstrap, connectivity] = (["basic", "firmware", "bootstrap", "connectivity"] as const).map(
    section,
  ) as [ReturnType<typeof section>, ReturnType<typeof section>, ReturnType<typeof section>, ReturnType<typeof section>];
  const server = (body: unknown) => open.settings.changeServer(TENANT, open.id, "0", body);
  const post = (body: unknown) => open.settings.addServer(TENANT, open.id, body);
  const flat = (body: unknown) => open.settings.writeFlat(TENANT, open.id, body);
  const x509 = { mode: "X509", x509Certificate: pem("device-1"), x509PrivateKey: keyPem("device-1") };
  const good = { uri: COAP, serverId: 9, security: { mode: "NO_SEC" } };
  const pskServer = (more: object) => ({ uri: COAPS, security: { mode: "PSK", pskId: "i", pskKey: KEY, ...more } });
  const x509Server = (more: object) => ({ uri: COAPS, security: { ...x509, ...more } });

  const bad: [what: string, ask: (body: unknown) => Promise<unknown>, body: unknown, field: string, rule: RegExp][] = [
    ["no object", basic, [], "body", /object/],
    ["an unknown member", basic, { awakeTyme: 1 }, "awakeTyme", /not known/],
    ["a negative time", basic, { awakeTime: -1 }, "awakeTime", />= 0/],
    ["a broken number", basic, { requestTimeout: 1.5 }, "requestTimeout", /integer/],
    ["a text for a flag", basic, { useTimestampResources: "true" }, "useTimestampResources", /boolean/],
    ["an unknown word", basic, { serializationFormat: "XML" }, "serializationFormat", /SENML_CBOR/],
    ["an unknown level", basic, { logLevel: "ALL" }, "logLevel", /VERBOSE/],
    ["another endpoint", basic, { endpointId: "other" }, "endpointId", /cannot be changed/],
    [
      "no flag of three",
      basic,
      { autoManageAvailabilityRequiredInterval: "auto" },
      "autoManageAvailabilityRequiredInterval",
      /boolean/,
    ],
    [
      "firmware: unknown method",
      firmware,
      { firmwareDeliveryMethod: "PUSHED" },
      "firmwareDeliveryMethod",
      /PUSH, PULL/,
    ],
    ["firmware: a flag", firmware, { failOnUnexpectedResult: 1 }, "failOnUnexpectedResult", /boolean/],
    ["firmware: a long URL", firmware, { url: "x".repeat(1025) }, "url", /1024/],
    ["bootstrap: short ID too large", bootstrap, { bootstrapServerId: 65_535 }, "bootstrapServerId", /65534/],
    ["bootstrap: offset", bootstrap, { securityInstanceOffset: "0" }, "securityInstanceOffset", /integer/],
    ["bootstrap: flag", bootstrap, { generateBootstrapServer: 0 }, "generateBootstrapServer", /boolean/],
    [
      "connectivity: mode",
      connectivity,
      { serverConnectivity: { mode: "RPK" } },
      "serverConnectivity.mode",
      /NO_SEC, PSK/,
    ],
    [
      "connectivity: a member of servers",
      connectivity,
      { serverConnectivity: { x509Certificate: "" } },
      "serverConnectivity.x509Certificate",
      /not known/,
    ],
    [
      "connectivity: PSK without a key",
      connectivity,
      { bootstrapConnectivity: { mode: "PSK", pskId: "i" } },
      "bootstrapConnectivity.pskKey",
      /missing/,
    ],
    [
      "connectivity: PSK without an identity",
      connectivity,
      { bootstrapConnectivity: { mode: "PSK", pskKey: KEY } },
      "bootstrapConnectivity.pskId",
      /missing/,
    ],
    [
      "connectivity: no hexadecimal",
      connectivity,
      { bootstrapConnectivity: { mode: "PSK", pskId: "i", pskKey: "xyz" } },
      "bootstrapConnectivity.pskKey",
      /hexadecimal/,
    ],
    [
      "connectivity: a key that is too long",
      connectivity,
      { bootstrapConnectivity: { mode: "PSK", pskId: "i", pskKey: "00".repeat(65) } },
      "bootstrapConnectivity.pskKey",
      /64/,
    ],
    [
      "connectivity: an identity that is too long",
      connectivity,
      { bootstrapConnectivity: { mode: "PSK", pskId: "i".repeat(129), pskKey: KEY } },
      "bootstrapConnectivity.pskId",
      /128/,
    ],
    [
      "connectivity: a key for NO_SEC",
      connectivity,
      { serverConnectivity: { mode: "NO_SEC", pskKey: KEY } },
      "serverConnectivity.pskKey",
      /empty for NO_SEC/,
    ],
    [
      "connectivity: a mode that the URI is not for",
      connectivity,
      { serverConnectivity: { mode: "PSK", pskId: "i", pskKey: KEY } },
      "serverConnectivity.mode",
      /under servers/,
    ],
    ["server: no URI", server, { uri: "lwm2m.example.com" }, "uri", /such as coap/],
    ["server: a URI of another mode", server, { uri: COAPS }, "uri", /coap:\/\/ for NO_SEC/],
    ["server: short ID 0", server, { serverId: 0 }, "serverId", />= 1/],
    ["server: a lifetime of 0", server, { registrationLifetime: 0 }, "registrationLifetime", />= 1/],
    ["server: a period that is no number", server, { defaultMinPeriod: "1" }, "defaultMinPeriod", /integer/],
    ["server: binding", server, { bindingMode: "S" }, "bindingMode", /U, UQ/],
    ["server: storing", server, { storeNotifications: "no" }, "storeNotifications", /boolean/],
    ["server: another id", server, { id: "1" }, "id", /cannot be changed/],
    ["server: a bootstrap account", server, { bootstrap: true }, "bootstrap", /connectivity/],
    ["server: usage", server, x509Server({ certificateUsage: "NONE" }), "security.certificateUsage", /CA_CONSTRAINT/],
    ["server: an unknown member", server, { security: { pskSecret: "x" } }, "security.pskSecret", /not known/],
    ["server: hexadecimal of odd length", server, pskServer({ pskKey: "abc" }), "security.pskKey", /hexadecimal/],
    ["server: no identity", server, pskServer({ pskId: "" }), "security.pskId", /missing/],
    ["server: a control character", server, pskServer({ pskId: "a\nb" }), "security.pskId", /control/],
    ["server: no certificate", server, x509Server({ x509Certificate: "AAAA" }), "security.x509Certificate", /DER/],
    [
      "server: an RSA certificate",
      server,
      x509Server({ x509Certificate: pem("server-rsa") }),
      "security.x509Certificate",
      /EC/,
    ],
    [
      "server: no key",
      server,
      x509Server({ x509PrivateKey: pem("device-1") }),
      "security.x509PrivateKey",
      /private key/,
    ],
    [
      "server: the key of another one",
      server,
      x509Server({ x509PrivateKey: keyPem("device-2") }),
      "security.x509PrivateKey",
      /belong/,
    ],
    [
      "server: a key without a certificate",
      server,
      x509Server({ x509Certificate: "" }),
      "security.x509PrivateKey",
      /certificate/,
    ],
    [
      "server: a private key for PSK",
      server,
      pskServer({ x509PrivateKey: keyPem("device-1") }),
      "security.x509PrivateKey",
      /empty for PSK/,
    ],
    [
      "server: an unknown certificate",
      server,
      x509Server({ x509ServerCertificateName: "none" }),
      "security.x509ServerCertificateName",
      /default, extra/,
    ],
    ["new server: no URI", post, { ...good, uri: undefined }, "uri", /missing/],
    ["new server: no short ID", post, { ...good, serverId: null }, "serverId", /missing/],
    ["new server: no mode", post, { ...good, security: {} }, "security.mode", /missing/],
    ["new server: the short ID of another", post, { ...good, serverId: 1 }, "serverId", /another account/],
    ["flat: unknown", flat, { registrationLifetime: 1 }, "registrationLifetime", /not known/],
    ["flat: another endpoint", flat, { endpoint: "other" }, "endpoint", /cannot be changed/],
    ["flat: another id", flat, { id: "1" }, "id", /cannot be changed/],
    ["flat: mode", flat, { securityMode: "SEC" }, "securityMode", /NO_SEC/],
    ["flat: URI", flat, { serverUri: "http://x" }, "serverUri", /such as coap/],
    [
      "flat: a mode without its key",
      flat,
      { securityMode: "PSK", publicKeyOrId: "i", serverUri: COAPS },
      "secretKey",
      /missing/,
    ],
    ["flat: no identity", flat, { securityMode: "PSK", secretKey: KEY, serverUri: COAPS }, "publicKeyOrId", /missing/],
    [
      "flat: a key that is none",
      flat,
      { securityMode: "PSK", publicKeyOrId: "i", secretKey: "secret", serverUri: COAPS },
      "secretKey",
      /hexadecimal/,
    ],
    ["flat: bootstrap without its key", flat, { bootstrapId: "b" }, "bootstrapKey", /missing/],
    ["flat: a bootstrap key without identity", flat, { bootstrapKey: KEY }, "bootstrapKey", /empty for NO_SEC/],
    ["flat: lifetime", flat, { registrationLifeTime: 0 }, "registrationLifeTime", />= 1/],
    ["flat: short ID", flat, { lwm2mShortServerId: 65_535 }, "lwm2mShortServerId", /65534/],
    [
      "flat: an unknown certificate",
      flat,
      { securityMode: "X509", serverUri: COAPS, serverPublicKey: "none" },
      "serverPublicKey",
      /default, extra/,
    ],
  ];
  for (const [what, ask, body, field, rule] of bad) {
    it(what, async () => {
      const before = [await open.accounts(), await open.fragments()];
      const error = await open.failure(ask(body));
      assert.equal(error.code, "VALIDATION", error.message);
      assert.equal(error.details["field"], field);
      assert.match(String(error.details["rule"]), rule);
      assert.isTrue(error.message.startsWith(field), error.message);
      assert.notInclude(JSON.stringify([error.message, error.details]), KEY);
      assert.deepEqual([await open.accounts(), await open.fragments()], before);
      assert.deepEqual(open.told, []);
    });
  }

  it("a PSK identity of another device: DUPLICATE under the caller's name", async () => {
    const mode = { mode: "PSK", pskId: "taken", pskKey: KEY };
    const cases: [promise: Promise<unknown>, field: string][] = [
      [connectivity({ bootstrapConnectivity: mode }), "bootstrapConnectivity.pskId"],
      [server({ uri: COAPS, security: mode }), "security.pskId"],
      [flat({ bootstrapId: "taken", bootstrapKey: KEY }), "bootstrapId"],
      [flat({ securityMode: "PSK", serverUri: COAPS, publicKeyOrId: "taken", secretKey: KEY }), "publicKeyOrId"],
    ];
    for (const [promise, field] of cases) {
      const error = await open.failure(promise);
      assert.equal(error.code, "DUPLICATE");
      assert.equal(error.details["field"], field);
      assert.include(error.message, field);
    }
  });
});
