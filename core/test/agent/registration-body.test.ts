import { readFileSync } from "node:fs";
import { assert } from "chai";
import { managedObjectBody, readRegistration } from "../../src/agent/registration-body.ts";
import { fromHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";

const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/certificates/${name}`, import.meta.url), "utf8");
const URI = "coaps://lwm2m.example.com:5784";

const DEFAULTS = { manageAvailability: true, lifetimeSeconds: 432_000 };

describe("agent/registration-body", () => {
  const valid = { endpointId: "urn:my:device", serverSecurity: { securityMode: "NO_SEC" } };

  it("agent specification 3.1: the whole body, 4.1: the managed object", () => {
    const draft = readRegistration({
      ...valid,
      type: "c8y_lwm2m",
      bootstrapSecurity: { bootstrapSecurityMode: "NO_SEC" },
      lwm2mServerUri: "coap://lwm2m.example.com:5783",
      bootstrapShortServerId: 0,
      lwm2mShortServerId: 1,
      securityInstanceOffset: 0,
      registrationLifetime: 12_000,
      bindingMode: "UQ",
      enableResourceLevelTimestamp: false,
      genericUIRetainOldValuesIfError: true,
      binaryDeliveryEncoding: "OPAQUE",
      disableObjectInstanceActions: false,
      disableFirmwareStateMachine: false,
      stateMachineResetBeforeFirmwareUpdate: true,
    });
    assert.deepEqual(managedObjectBody(draft, DEFAULTS), {
      name: "urn:my:device",
      type: "c8y_lwm2m",
      c8y_IsDevice: {},
      c8y_IsLwm2mDevice: {},
      com_cumulocity_model_Agent: {},
      c8y_GenericUi: {},
      c8y_SupportedOperations: ["c8y_Command", "c8y_Firmware"],
      c8y_RequiredAvailability: { responseInterval: 202 },
      lwm2mServerUri: "coap://lwm2m.example.com:5783",
      bootstrapShortServerId: 0,
      lwm2mShortServerId: 1,
      securityInstanceOffset: 0,
      registrationLifetime: 12_000,
      bindingMode: "UQ",
      enableResourceLevelTimestamp: false,
      c8y_GenericUI_retainOldValuesIfError: true,
      binaryDeliveryEncoding: "OPAQUE",
      disableInternalObjectInstanceActions: false,
      disableFirmwareStateMachine: false,
      fwResetStateMachineOnStart: true,
    });
  });

  it("agent specification 4.1, 14.7: a device whose firmware updates are switched off does not offer them", () => {
    const draft = readRegistration({ ...valid, disableFirmwareStateMachine: true });
    assert.deepEqual(managedObjectBody(draft, DEFAULTS)["c8y_SupportedOperations"], ["c8y_Command"]);
  });

  it("agent specification 6.5: required interval at creation", () => {
    const interval = (body: object, manageAvailability = true, lifetimeSeconds = DEFAULTS.lifetimeSeconds) =>
      managedObjectBody(readRegistration({ ...valid, ...body }), { manageAvailability, lifetimeSeconds })[
        "c8y_RequiredAvailability"
      ];
    assert.deepEqual(interval({}), { responseInterval: 7202 });
    assert.deepEqual(interval({ registrationLifetime: 61 }), { responseInterval: 4 });
    assert.deepEqual(interval({}, true, 86_400), { responseInterval: 1442 });
    assert.isUndefined(interval({ autoManageAvailabilityRequiredInterval: false }));
    assert.deepEqual(interval({ autoManageAvailabilityRequiredInterval: false, availabilityRequiredInterval: 30 }), {
      responseInterval: 30,
    });
    assert.deepEqual(interval({ autoManageAvailabilityRequiredInterval: null }, false), undefined);
    assert.deepEqual(interval({ autoManageAvailabilityRequiredInterval: true }, false), { responseInterval: 7202 });
  });

  const bad: readonly [name: string, body: unknown, field: string][] = [
    ["no object", [], "body"],
    ["null", null, "body"],
    ["no endpoint", { serverSecurity: { securityMode: "NO_SEC" } }, "endpointId"],
    ["endpoint that is no external id", { ...valid, endpointId: "e".repeat(251) }, "endpointId"],
    ["endpoint of blanks", { ...valid, endpointId: "  " }, "endpointId"],
    ["endpoint with a blank behind it", { ...valid, endpointId: "dev " }, "endpointId"],
    ["paths that are none", { ...valid, bootstrapDeletes: "/0,x" }, "bootstrapDeletes"],
    ["empty endpoint", { ...valid, endpointId: "" }, "endpointId"],
    ["endpoint that is no text", { ...valid, endpointId: 5 }, "endpointId"],
    ["endpoint with a control character", { ...valid, endpointId: "a\u0000" }, "endpointId"],
    ["no security", { endpointId: "a" }, "serverSecurity"],
    ["no mode", { endpointId: "a", serverSecurity: {} }, "serverSecurity.securityMode"],
    ["unknown mode", { endpointId: "a", serverSecurity: { securityMode: "X" } }, "serverSecurity.securityMode"],
    ["lifetime 0", { ...valid, registrationLifetime: 0 }, "registrationLifetime"],
    ["lifetime as text", { ...valid, registrationLifetime: "60" }, "registrationLifetime"],
    ["short server id 0", { ...valid, lwm2mShortServerId: 0 }, "lwm2mShortServerId"],
    ["binding", { ...valid, bindingMode: "S" }, "bindingMode"],
    ["log level", { ...valid, logLevel: "LOUD" }, "logLevel"],
    ["server URI", { ...valid, lwm2mServerUri: "http://x" }, "lwm2mServerUri"],
    ["unknown member", { ...valid, colour: "red" }, "colour"],
  ];
  for (const [name, body, field] of bad) {
    it(`bad input: ${name} names the field`, () => {
      try {
        readRegistration(body);
      } catch (error) {
        assert(isFailure(error));
        assert.equal(error.code, "VALIDATION");
        assert.equal(error.details["field"], field);
        return;
      }
      assert.fail("was taken");
    });
  }

  const server = (security: object, more: object = {}) => ({ endpointId: "dev", serverSecurity: security, ...more });
  const psk = { securityMode: "PSK", publicKeyOrId: "id", secretKey: "00112233" };
  const bootstrap = (mode: string | null, more: object = {}) => ({
    bootstrapSecurity: { bootstrapSecurityMode: mode, ...more },
  });
  const bootstrapPsk = { bootstrapId: "98ABCD32", bootstrapKey: "AABB3104D212" };
  const certified = {
    securityMode: "X509",
    x509ClientCertificate: pem("device-1.pem"),
    x509ClientPrivateKey: pem("device-1.key.pem"),
  };
  const generated = { securityMode: "PSK_GENERATED" };

  const modes: readonly [name: string, body: unknown, server: object, bootstrap: object][] = [
    ["NO_SEC for both by default", server({ securityMode: "NO_SEC" }), { mode: "NO_SEC" }, { mode: "NO_SEC" }],
    [
      "the body of agent specification 3.1",
      server(psk, { ...bootstrap("PSK", bootstrapPsk), lwm2mServerUri: URI }),
      { mode: "PSK", pskIdentity: "id", pskKey: fromHex("00112233") },
      { mode: "PSK", pskIdentity: "98ABCD32", pskKey: fromHex("aabb3104d212") },
    ],
    [
      "PSK without anything for bootstrap: it is off",
      server(psk),
      { mode: "PSK", pskIdentity: "id", pskKey: fromHex("00112233") },
      { mode: "DISABLED" },
    ],
    [
      "PSK with keys for bootstrap",
      server(psk, bootstrap(null, bootstrapPsk)),
      { mode: "PSK", pskIdentity: "id", pskKey: fromHex("00112233") },
      { mode: "PSK", pskIdentity: "98ABCD32", pskKey: fromHex("aabb3104d212") },
    ],
    [
      "PSK for the server, NO_SEC for bootstrap",
      server(psk, { ...bootstrap("NO_SEC"), lwm2mServerUri: URI }),
      { mode: "PSK", pskIdentity: "id", pskKey: fromHex("00112233") },
      { mode: "NO_SEC" },
    ],
    ["X.509 is X509", server({ securityMode: "X.509" }, bootstrap("DISABLED")), { mode: "X509" }, { mode: "DISABLED" }],
    ["X509 for both by default", server({ securityMode: "X509" }), { mode: "X509" }, { mode: "X509" }],
    [
      "a certificate with its key",
      server({ ...certified, x509CertificateUsage: "TRUST_ANCHOR_ASSERTION", serverPublicKey: "default" }),
      {
        mode: "X509",
        clientCertificate: pem("device-1.pem").trim(),
        clientPrivateKey: pem("device-1.key.pem").trim(),
        certificateUsage: "TRUST_ANCHOR_ASSERTION",
        serverCertificate: "default",
      },
      { mode: "X509" },
    ],
    ["DISABLED for both", server({ securityMode: "DISABLED" }), { mode: "DISABLED" }, { mode: "DISABLED" }],
    [
      "DISABLED that keeps its key",
      server({ ...psk, securityMode: "DISABLED" }),
      { mode: "DISABLED", pskIdentity: "id", pskKey: fromHex("00112233") },
      { mode: "DISABLED" },
    ],
    [
      "PSK_GENERATED",
      server(generated, { ...bootstrap("PSK", bootstrapPsk), lwm2mServerUri: URI }),
      { mode: "PSK" },
      { mode: "PSK", pskIdentity: "98ABCD32", pskKey: fromHex("aabb3104d212") },
    ],
    [
      "empty texts count as absent",
      server(
        {
          securityMode: "NO_SEC",
          publicKeyOrId: "",
          secretKey: "",
          x509ClientCertificate: "",
          x509CertificateUsage: "",
        },
        bootstrap("", { bootstrapId: "", bootstrapKey: "" }),
      ),
      { mode: "NO_SEC" },
      { mode: "NO_SEC" },
    ],
  ];
  for (const [name, body, expectedServer, expectedBootstrap] of modes) {
    it(`agent specification 2, 3.3: ${name}`, () => {
      const { security } = readRegistration(body);
      assert.deepEqual(security.server, expectedServer);
      assert.deepEqual(security.bootstrap, expectedBootstrap);
    });
  }

  const identity = "serverSecurity.publicKeyOrId";
  const key = "serverSecurity.secretKey";
  const bootstrapMode = "bootstrapSecurity.bootstrapSecurityMode";
  const insecure: readonly [name: string, body: unknown, field: string, rule?: string][] = [
    ["PSK without identity", server({ ...psk, publicKeyOrId: null }), identity],
    ["PSK without key", server({ ...psk, secretKey: "" }), key],
    ["key of an odd number of digits", server({ ...psk, secretKey: "001" }), key],
    ["key that is not hexadecimal", server({ ...psk, secretKey: "00zz" }), key],
    ["key of 65 bytes", server({ ...psk, secretKey: "00".repeat(65) }), key],
    ["identity of 129 bytes", server({ ...psk, publicKeyOrId: "i".repeat(129) }), identity],
    ["identity of 65 characters, 130 bytes", server({ ...psk, publicKeyOrId: "\u00e9".repeat(65) }), identity],
    ["identity with a control character", server({ ...psk, publicKeyOrId: "a\nb" }), identity],
    ["identity of half a character", server({ ...psk, publicKeyOrId: "\ud800" }), identity],
    ["NO_SEC with an identity", server({ ...psk, securityMode: "NO_SEC", secretKey: "" }), identity],
    ["X509 with a key", server({ ...psk, securityMode: "X509", publicKeyOrId: "" }), key],
    ["DISABLED with half a key", server({ ...psk, securityMode: "DISABLED", publicKeyOrId: "" }), identity],
    ["bootstrap PSK without identity", server(psk, bootstrap("PSK")), "bootstrapSecurity.bootstrapId"],
    [
      "bootstrap PSK without key",
      server(psk, bootstrap("PSK", { bootstrapId: "x" })),
      "bootstrapSecurity.bootstrapKey",
    ],
    ["bootstrap NO_SEC with identity", server(psk, bootstrap("NO_SEC", bootstrapPsk)), "bootstrapSecurity.bootstrapId"],
    ["agent specification 21: PSK_GENERATED for bootstrap", server(psk, bootstrap("PSK_GENERATED")), bootstrapMode],
    ["PSK_GENERATED without bootstrap", server(generated), bootstrapMode],
    ["PSK_GENERATED with bootstrap off", server(generated, bootstrap("DISABLED")), bootstrapMode],
    ["PSK_GENERATED with a key", server({ ...generated, secretKey: "00" }, bootstrap("NO_SEC")), key],
    ["PSK_GENERATED with an identity", server({ ...generated, publicKeyOrId: "a" }, bootstrap("NO_SEC")), identity],
    ["PSK_GENERATED without server URI", server(generated, bootstrap(null, bootstrapPsk)), "lwm2mServerUri"],
    [
      "PSK_GENERATED for a long endpoint",
      { ...server(generated, { ...bootstrap("NO_SEC"), lwm2mServerUri: URI }), endpointId: "e".repeat(129) },
      "serverSecurity.securityMode",
    ],
    ["bootstrap without server URI", server(psk, bootstrap("NO_SEC")), "lwm2mServerUri", "is missing"],
    [
      "coap for PSK",
      server(psk, { lwm2mServerUri: "coap://lwm2m.example.com:5783" }),
      "lwm2mServerUri",
      "must begin with coaps: for PSK",
    ],
    ["coaps for NO_SEC", { ...valid, lwm2mServerUri: URI }, "lwm2mServerUri", "must begin with coap: for NO_SEC"],
    ["coap for X509", server({ securityMode: "X509" }, { lwm2mServerUri: "coap://h" }), "lwm2mServerUri"],
    ["no host", { ...valid, lwm2mServerUri: "coap://" }, "lwm2mServerUri"],
    ["a login in the URI", { ...valid, lwm2mServerUri: "coap://u:p@host" }, "lwm2mServerUri"],
    ["a very long URI", { ...valid, lwm2mServerUri: `coap://${"h".repeat(300)}` }, "lwm2mServerUri"],
    [
      "a certificate that is none",
      server({ ...certified, x509ClientCertificate: "x" }),
      "serverSecurity.x509ClientCertificate",
    ],
    [
      "a key instead of a certificate",
      server({ securityMode: "X509", x509ClientCertificate: certified.x509ClientPrivateKey }),
      "serverSecurity.x509ClientCertificate",
    ],
    [
      "a private key that is none",
      server({ ...certified, x509ClientPrivateKey: "x" }),
      "serverSecurity.x509ClientPrivateKey",
    ],
    [
      "a private key of another certificate",
      server({ ...certified, x509ClientPrivateKey: pem("device-2.key.pem") }),
      "serverSecurity.x509ClientPrivateKey",
    ],
    [
      "a private key without certificate",
      server({ securityMode: "X509", x509ClientPrivateKey: certified.x509ClientPrivateKey }),
      "serverSecurity.x509ClientPrivateKey",
    ],
    [
      "a certificate for PSK",
      server({ ...psk, x509ClientCertificate: certified.x509ClientCertificate }),
      "serverSecurity.x509ClientCertificate",
    ],
    [
      "a usage that is none",
      server({ ...certified, x509CertificateUsage: "ANY" }),
      "serverSecurity.x509CertificateUsage",
    ],
  ];
  for (const [name, body, field, rule] of insecure) {
    it(`bad input: ${name} names the field`, () => {
      try {
        readRegistration(body);
      } catch (error) {
        assert(isFailure(error));
        assert.equal(error.code, "VALIDATION");
        assert.equal(error.details["field"], field, error.message);
        if (rule) assert.include(error.message.replaceAll("//", ""), rule);
        assert.notInclude(JSON.stringify(error.details), psk.secretKey);
        return;
      }
      assert.fail("was taken");
    });
  }
});
