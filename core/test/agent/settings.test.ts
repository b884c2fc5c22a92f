import { assert } from "chai";
import type { SettingsServices } from "../../src/agent/settings.ts";
import { toHex } from "../../src/base/bytes.ts";
import { certificate, keyPem, pem } from "../x509/support/certificates.ts";
import { type AgentWorld, TENANT } from "./support/agent-world.ts";
import {
  base64,
  bootstrapPsk,
  COAP,
  COAPS,
  KEY,
  OTHER_KEY,
  openSettingsWorld,
  psk,
  type SettingsWorld,
} from "./support/settings-world.ts";

describe("agent/settings (agent specification 4.2)", () => {
  let open: SettingsWorld;
  let world: AgentWorld;
  let settings: SettingsServices;
  let id: string;

  beforeEach(async () => {
    open = await openSettingsWorld();
    ({ world, settings, id } = open);
  });
  afterEach(() => open[Symbol.asyncDispose]());

  const make: SettingsWorld["make"] = (...of) => open.make(...of);
  const read: SettingsWorld["read"] = (...of) => open.read(...of);
  const write: SettingsWorld["write"] = (...of) => open.write(...of);
  const accounts: SettingsWorld["accounts"] = of => open.accounts(of);
  const fragments: SettingsWorld["fragments"] = of => open.fragments(of);
  const failure: SettingsWorld["failure"] = promise => open.failure(promise);

  describe("basic", () => {
    const DEFAULTS = {
      endpointId: "dev",
      awakeTime: null,
      requestTimeout: null,
      keepOldValuesOnOperationFail: true,
      useTimestampResources: false,
      binaryEncoding: "OPAQUE",
      serializationFormat: null,
      disableObjectInstanceActions: false,
      autoManageAvailabilityRequiredInterval: null,
      logLevel: "LIFECYCLE",
    };
    const CHANGED = {
      awakeTime: 180_000,
      requestTimeout: 30_000,
      keepOldValuesOnOperationFail: false,
      useTimestampResources: true,
      binaryEncoding: "TLV",
      serializationFormat: "SENML_CBOR",
      disableObjectInstanceActions: true,
      autoManageAvailabilityRequiredInterval: false,
      logLevel: "NONE",
    };

    it("3.3: shows defaults, and who it is about", async () => {
      const { deviceInfo, ...rest } = await read("basic");
      assert.deepEqual(rest, DEFAULTS);
      assert.deepEqual(deviceInfo, { id, name: "dev", type: "c8y_lwm2m", endpoint: "dev" });
    });

    it("4.1: each member is a fragment of the managed object", async () => {
      const shown = await write("basic", CHANGED);
      assert.deepInclude(shown, CHANGED);
      assert.deepInclude(await read("basic"), CHANGED);
      assert.deepInclude(await fragments(), {
        awakeTimeRegistrationParameter: 180_000,
        lwm2mRequestTimeout: 30_000,
        c8y_GenericUI_retainOldValuesIfError: false,
        enableResourceLevelTimestamp: true,
        binaryDeliveryEncoding: "TLV",
        serializationFormat: "SENML_CBOR",
        disableInternalObjectInstanceActions: true,
        autoManageAvailabilityRequiredInterval: false,
        logLevel: "NONE",
      });
      assert.deepEqual(open.told, [`${TENANT} ${id}`]);
    });

    it("what was read can be written back", async () => {
      await write("basic", CHANGED);
      const shown = await read("basic");
      assert.deepEqual(await write("basic", shown), shown);
    });

    it("absent stays; null and an empty text unset", async () => {
      await write("basic", CHANGED);
      await write("basic", { logLevel: "VERBOSE" });
      assert.deepInclude(await read("basic"), { ...CHANGED, logLevel: "VERBOSE" });
      await write("basic", { awakeTime: null, serializationFormat: "", binaryEncoding: null, logLevel: null });
      const { serializationFormat, ...rest } = CHANGED;
      assert.deepInclude(await read("basic"), {
        ...rest,
        serializationFormat: null,
        awakeTime: null,
        logLevel: "LIFECYCLE",
        binaryEncoding: "OPAQUE",
      });
      assert.notProperty(await fragments(), "serializationFormat");
    });

    it("autoManageAvailabilityRequiredInterval: true, false, and the host's", async () => {
      for (const value of [true, false, null]) {
        assert.equal(
          (await write("basic", { autoManageAvailabilityRequiredInterval: value }))[
            "autoManageAvailabilityRequiredInterval"
          ],
          value,
        );
      }
    });

    it("15.2, 3.3: former log levels count as VERBOSE, unknown encodings as OPAQUE", async () => {
      assert.deepInclude(await write("basic", { logLevel: "TRAFFIC", binaryEncoding: "CBOR" }), {
        logLevel: "VERBOSE",
        binaryEncoding: "OPAQUE",
      });
    });

    it("fragments that an operator broke are shown as what counts", async () => {
      const broken = { awakeTimeRegistrationParameter: "soon", logLevel: 7, enableResourceLevelTimestamp: "yes" };
      await world.wait(world.platform.inventory.update(TENANT, id, broken));
      assert.deepInclude(await read("basic"), { awakeTime: null, logLevel: "LIFECYCLE", useTimestampResources: false });
    });
  });

  it("firmware: shown, changed, unset", async () => {
    const { deviceInfo: _info, ...unset } = await read("firmware");
    assert.deepEqual(unset, {
      url: null,
      resetStateMachineOnStart: true,
      resetMethod: null,
      supportedDeviceProtocol: null,
      firmwareDeliveryMethod: null,
      disableFirmwareStateMachine: false,
      failOnUnexpectedResult: false,
    });
    const changed = {
      url: "http://example.com/fw.bin",
      resetStateMachineOnStart: false,
      resetMethod: "PACKAGE_URI",
      supportedDeviceProtocol: "COAPS",
      firmwareDeliveryMethod: "PULL",
      disableFirmwareStateMachine: true,
      failOnUnexpectedResult: true,
    };
    assert.deepInclude(await write("firmware", changed), changed);
    assert.deepInclude(await fragments(), { fwUpdateURL: changed.url, fwUpdateResetMechanism: "PACKAGE_URI" });
    await write("firmware", Object.fromEntries(Object.keys(changed).map(name => [name, null])));
    assert.deepInclude(await read("firmware"), unset);
  });

  it("bootstrap: numbers of the accounts", async () => {
    const { deviceInfo: _info, ...unset } = await read("bootstrap");
    assert.deepEqual(unset, { bootstrapServerId: 0, securityInstanceOffset: 0, generateBootstrapServer: false });
    const changed = { bootstrapServerId: 111, securityInstanceOffset: 2, generateBootstrapServer: true };
    assert.deepInclude(await write("bootstrap", changed), changed);
    assert.deepInclude(await accounts(), {
      bootstrapShortServerId: 111,
      securityInstanceOffset: 2,
      generateBootstrapServer: true,
    });
    await write("bootstrap", { securityInstanceOffset: null });
    assert.deepInclude(await read("bootstrap"), { ...changed, securityInstanceOffset: 0 });
  });

  describe("connectivity", () => {
    it("modes and identities, no keys", async () => {
      const secured = await make("psk", { ...psk("id"), ...bootstrapPsk("bs"), lwm2mServerUri: COAPS });
      const { deviceInfo: _info, ...shown } = await read("connectivity", secured);
      assert.deepEqual(shown, {
        bootstrapConnectivity: { mode: "PSK", pskId: "bs" },
        serverConnectivity: { mode: "PSK", pskId: "id" },
      });
    });

    it("20-26: a key is changed in place; without one the stored one stays", async () => {
      const secured = await make("psk", { ...psk("id"), ...bootstrapPsk("bs"), lwm2mServerUri: COAPS });
      await write("connectivity", { serverConnectivity: { mode: "PSK", pskId: "id", pskKey: OTHER_KEY } }, secured);
      assert.equal(toHex((await accounts(secured)).servers[0]!.security.pskKey!), OTHER_KEY);
      await write("connectivity", await read("connectivity", secured), secured);
      await write("connectivity", { serverConnectivity: { pskId: "new", pskKey: null } }, secured);
      const { servers, bootstrap } = await accounts(secured);
      assert.deepInclude(servers[0]!.security, { mode: "PSK", pskIdentity: "new" });
      assert.equal(toHex(servers[0]!.security.pskKey!), OTHER_KEY);
      assert.equal(toHex(bootstrap.pskKey!), OTHER_KEY);
    });

    it("2: a connection is switched off and on again, its key is kept", async () => {
      const secured = await make("psk", { ...psk("id"), ...bootstrapPsk("bs"), lwm2mServerUri: COAPS });
      await write("connectivity", { bootstrapConnectivity: { mode: "DISABLED" } }, secured);
      assert.equal((await accounts(secured)).bootstrap.mode, "DISABLED");
      await write("connectivity", { bootstrapConnectivity: { mode: "PSK" } }, secured);
      assert.equal(toHex((await accounts(secured)).bootstrap.pskKey!), OTHER_KEY);
    });

    it("an empty key clears it where the mode does without", async () => {
      const secured = await make("psk", { ...psk("id"), ...bootstrapPsk("bs"), lwm2mServerUri: COAPS });
      const off = { mode: "DISABLED", pskId: "", pskKey: "" };
      await write("connectivity", { bootstrapConnectivity: off }, secured);
      assert.deepEqual((await accounts(secured)).bootstrap, { mode: "DISABLED" });
      const error = await failure(
        settings.write(TENANT, secured, "connectivity", { serverConnectivity: { pskKey: "" } }),
      );
      assert.deepInclude(error.details, { field: "serverConnectivity.pskKey" });
    });

    it("21: X.509 is X509", async () => {
      await write("connectivity", { bootstrapConnectivity: { mode: "X.509" } });
      assert.equal((await accounts()).bootstrap.mode, "X509");
    });
  });

  describe("servers", () => {
    const second = {
      uri: COAPS,
      serverId: 7,
      registrationLifetime: 600,
      defaultMinPeriod: 1,
      defaultMaxPeriod: 60,
      disableTimeout: 86_400,
      storeNotifications: true,
      bindingMode: "UQ",
      security: { mode: "PSK", pskId: "second", pskKey: KEY },
    };
    const add = (body: unknown = second) => world.wait(settings.addServer(TENANT, id, body));
    const change = (serverId: string, body: unknown) => world.wait(settings.changeServer(TENANT, id, serverId, body));

    it("the first is what the device was registered with", async () => {
      const [first, ...others] = await world.wait(settings.servers(TENANT, id));
      assert.deepEqual(others, []);
      assert.deepEqual(first, {
        id: "0",
        uri: COAP,
        serverId: 1,
        registrationLifetime: null,
        defaultMinPeriod: null,
        defaultMaxPeriod: null,
        disableTimeout: null,
        storeNotifications: null,
        bindingMode: null,
        bootstrap: false,
        security: {
          mode: "NO_SEC",
          pskId: null,
          x509Certificate: null,
          x509CertificateCommonName: null,
          x509PrivateKeyFingerPrint: null,
          x509ServerCertificateName: null,
          certificateUsage: null,
        },
      });
    });

    it("added, read, changed, removed", async () => {
      const added = await add();
      assert.deepInclude(added, { id: "1", uri: COAPS, serverId: 7, disableTimeout: 86_400, bindingMode: "UQ" });
      const one = await world.wait(settings.server(TENANT, id, "1"));
      assert.deepEqual({ ...one, deviceInfo: undefined }, { ...added, deviceInfo: undefined });
      assert.deepInclude(await change("1", { ...one, registrationLifetime: 1200 }), {
        registrationLifetime: 1200,
        serverId: 7,
      });
      assert.equal(toHex((await accounts()).servers[1]!.security.pskKey!), KEY);
      await world.wait(settings.removeServer(TENANT, id, "1"));
      assert.lengthOf(await world.wait(settings.servers(TENANT, id)), 1);
      assert.equal((await failure(settings.server(TENANT, id, "1"))).code, "NOT_FOUND");
      assert.equal((await failure(settings.changeServer(TENANT, id, "1", {}))).code, "NOT_FOUND");
      assert.equal((await failure(settings.removeServer(TENANT, id, "1"))).code, "NOT_FOUND");
    });

    it("4.1: the first one stands as fragments", async () => {
      await change("0", { uri: "coap://other:1", serverId: 9, registrationLifetime: 60, storeNotifications: false });
      assert.deepInclude(await fragments(), {
        lwm2mServerUri: "coap://other:1",
        lwm2mShortServerId: 9,
        registrationLifetime: 60,
        notificationIfDisabled: false,
      });
    });

    it("the first one cannot be removed; there are at most 16", async () => {
      assert.equal((await failure(settings.removeServer(TENANT, id, "0"))).code, "CONFLICT");
      for (let serverId = 2; serverId < 17; serverId++) {
        await add({ uri: COAP, serverId, security: { mode: "NO_SEC" } });
      }
      const error = await failure(
        settings.addServer(TENANT, id, { uri: COAP, serverId: 99, security: { mode: "NO_SEC" } }),
      );
      assert.equal(error.code, "CONFLICT");
    });

    it("X509: certificate and key of the device, shown without the key", async () => {
      const security = {
        mode: "X509",
        x509Certificate: base64(pem("device-1")),
        x509PrivateKey: base64(keyPem("device-1")),
        x509ServerCertificateName: "extra",
        certificateUsage: "DOMAIN_ISSUER_CERTIFICATE",
      };
      const shown = await add({ ...second, security });
      const { x509PrivateKeyFingerPrint, ...rest } = shown["security"] as Record<string, unknown>;
      assert.deepEqual(rest, {
        mode: "X509",
        pskId: null,
        x509Certificate: security.x509Certificate,
        x509CertificateCommonName: "x509-device-1",
        x509ServerCertificateName: "extra",
        certificateUsage: "DOMAIN_ISSUER_CERTIFICATE",
      });
      assert.match(String(x509PrivateKeyFingerPrint), /^[0-9a-f]{64}$/);
      assert.deepEqual((await change("1", shown))["security"], shown["security"]);
      const cleared = await change("1", { security: { x509PrivateKey: "" } });
      assert.deepInclude(cleared["security"] as object, {
        x509PrivateKeyFingerPrint: null,
        x509CertificateCommonName: "x509-device-1",
      });
      await change("1", { security: { x509PrivateKey: security.x509PrivateKey } });
      const none = await change("1", { security: { x509Certificate: "" } });
      assert.deepInclude(none["security"] as object, { x509PrivateKeyFingerPrint: null, x509Certificate: null });
    });

    it("mode and URI change together", async () => {
      const body = { uri: COAPS, security: { mode: "PSK", pskId: "id", pskKey: KEY } };
      assert.deepInclude((await change("0", body))["security"] as object, { mode: "PSK", pskId: "id" });
    });
  });

  describe("the older form", () => {
    const readFlat = (of = id) => world.wait(settings.readFlat(TENANT, of));
    const writeFlat = (body: unknown, of = id) => world.wait(settings.writeFlat(TENANT, of, body));

    it("shows the first server and bootstrap in one, no keys", async () => {
      const secured = await make("psk", {
        ...psk("id"),
        ...bootstrapPsk("bs"),
        lwm2mServerUri: COAPS,
        registrationLifetime: 600,
      });
      assert.deepEqual(await readFlat(secured), {
        id: secured,
        endpoint: "psk",
        serverUri: COAPS,
        securityMode: "PSK",
        bootstrapId: "bs",
        publicKeyOrId: "id",
        serverPublicKey: null,
        bootstrapShortServerId: 0,
        lwm2mShortServerId: 1,
        securityInstanceOffset: 0,
        generateBootstrapServerConfig: false,
        registrationLifeTime: 600,
        defaultMinimumPeriod: null,
        defaultMaximumPeriod: null,
        bindingMode: null,
      });
      const shown = await readFlat(secured);
      assert.deepEqual(await writeFlat(shown, secured), shown);
      assert.equal(toHex((await accounts(secured)).bootstrap.pskKey!), OTHER_KEY);
    });

    it("secures both connections, and takes it back", async () => {
      const body = {
        serverUri: COAPS,
        securityMode: "PSK",
        publicKeyOrId: "id",
        secretKey: KEY,
        bootstrapId: "bs",
        bootstrapKey: OTHER_KEY,
        bootstrapShortServerId: 5,
        generateBootstrapServerConfig: true,
        bindingMode: "U",
      };
      const { secretKey: _key, bootstrapKey: _other, ...shown } = body;
      assert.deepInclude(await writeFlat(body), shown);
      const { bootstrap, servers } = await accounts();
      assert.deepEqual([toHex(bootstrap.pskKey!), toHex(servers[0]!.security.pskKey!)], [OTHER_KEY, KEY]);
      await writeFlat({ bootstrapId: "", securityMode: "NO_SEC", serverUri: COAP });
      const after = await accounts();
      assert.deepEqual([after.bootstrap, after.servers[0]!.security], [{ mode: "NO_SEC" }, { mode: "NO_SEC" }]);
    });
  });

  it("isolation: a device of another tenant is not there", async () => {
    const asks: Promise<unknown>[] = [
      settings.read("t2", id, "basic"),
      settings.write("t2", id, "basic", { awakeTime: 1 }),
      settings.write("t2", id, "bootstrap", { bootstrapServerId: 1 }),
      settings.write("t2", id, "connectivity", {}),
      settings.servers("t2", id),
      settings.server("t2", id, "0"),
      settings.addServer("t2", id, { uri: COAP, serverId: 2, security: { mode: "NO_SEC" } }),
      settings.changeServer("t2", id, "0", { serverId: 2 }),
      settings.removeServer("t2", id, "0"),
      settings.readFlat("t2", id),
      settings.writeFlat("t2", id, { lwm2mShortServerId: 2 }),
    ];
    const before = [await accounts(), await fragments()];
    for (const ask of asks) assert.equal((await failure(ask)).code, "NOT_FOUND");
    assert.deepEqual([await accounts(), await fragments()], before);
  });

  it("no answer and no log line ever holds a key", async () => {
    const server = {
      uri: COAPS,
      serverId: 2,
      security: { mode: "X509", x509Certificate: pem("device-1"), x509PrivateKey: keyPem("device-1") },
    };
    await world.wait(
      settings.changeServer(TENANT, id, "0", { uri: COAPS, security: { mode: "PSK", pskId: "id", pskKey: KEY } }),
    );
    await write("connectivity", { bootstrapConnectivity: { mode: "PSK", pskId: "bs", pskKey: OTHER_KEY } });
    const answers = [
      await world.wait(settings.addServer(TENANT, id, server)),
      await world.wait(settings.servers(TENANT, id)),
      await world.wait(settings.readFlat(TENANT, id)),
      ...(await Promise.all((["basic", "bootstrap", "connectivity", "firmware"] as const).map(name => read(name)))),
      await fragments(),
      world.log.lines,
    ];
    const text = JSON.stringify(answers).toLowerCase();
    const privateKey = keyPem("device-1").split("\n")[1]!.toLowerCase();
    for (const secret of [KEY, OTHER_KEY, privateKey, base64(keyPem("device-1")).slice(40, 100).toLowerCase()]) {
      assert.notInclude(text, secret);
    }
  });

  it("6.4, 6.5: a live registration takes them over at once", async () => {
    const device = world.device(4000);
    await device.register("ep=dev&lt=600&lwm2m=1.1&b=U");
    await world.settle();
    const own = world.agent.settings;
    await world.wait(own.write(TENANT, id, "basic", { awakeTime: 5000, requestTimeout: 20_000, logLevel: "NONE" }));
    assert.deepInclude(world.agent.server.registrations.byEndpoint("dev")!.settings, {
      awakeTimeMs: 5000,
      requestTimeoutMs: 20_000,
      logLevel: "NONE",
    });
    const interval = async () =>
      ((await fragments())["c8y_RequiredAvailability"] as { responseInterval: number }).responseInterval;
    await world.wait(own.write(TENANT, id, "basic", { autoManageAvailabilityRequiredInterval: false }));
    await world.wait(
      world.platform.inventory.update(TENANT, id, { c8y_RequiredAvailability: { responseInterval: 99 } }),
    );
    await world.wait(own.write(TENANT, id, "basic", { awakeTime: 6000 }));
    assert.equal(await interval(), 99);
    await world.wait(own.write(TENANT, id, "basic", { autoManageAvailabilityRequiredInterval: true }));
    assert.equal(await interval(), 12);
  });

  describe("helpers", () => {
    it("x509certificate/validate", () => {
      for (const file of [pem("device-1"), certificate("device-1").der]) {
        const encodedCertificate = Buffer.from(file).toString("base64");
        assert.deepEqual(settings.validateCertificate({ encodedCertificate }), { commonName: "x509-device-1" });
      }
      const encodedCertificate = base64(pem("device-no-cn"));
      assert.deepEqual(settings.validateCertificate({ encodedCertificate }), { commonName: null });
    });

    it("certificatePrivateKey/validate", () => {
      const { fingerprint } = settings.validatePrivateKey({ encodedPrivateKey: base64(keyPem("device-1")) });
      assert.match(fingerprint, /^[0-9a-f]{64}$/);
    });

    const bad: [what: string, ask: () => unknown, field: string][] = [
      ["nothing", () => settings.validateCertificate({}), "encodedCertificate"],
      [
        "no certificate",
        () => settings.validateCertificate({ encodedCertificate: base64("hello") }),
        "encodedCertificate",
      ],
      ["a number", () => settings.validatePrivateKey({ encodedPrivateKey: 1 }), "encodedPrivateKey"],
      [
        "no key",
        () => settings.validatePrivateKey({ encodedPrivateKey: base64(pem("device-1")) }),
        "encodedPrivateKey",
      ],
    ];
    for (const [what, ask, field] of bad) {
      it(`refused: ${what}`, async () => {
        const error = await failure((async () => ask())());
        assert.deepEqual([error.code, error.details["field"]], ["VALIDATION", field]);
      });
    }

    it("dictionary/server-certificates", () => {
      assert.deepEqual(settings.serverCertificateNames(), ["default", "extra"]);
    });
  });
});
