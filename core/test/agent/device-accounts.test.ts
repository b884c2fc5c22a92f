import { assert } from "chai";
import { createDeviceAccountStore } from "../../src/agent/create-device-accounts.ts";
import type { DeviceAccounts, ServerSettings } from "../../src/agent/device-accounts.ts";
import { createDeviceRecords } from "../../src/agent/device-records.ts";
import { createAccountSealer } from "../../src/agent/sealed-accounts.ts";
import { fromHex } from "../../src/base/bytes.ts";
import { formatCode } from "../../src/coap/codes.ts";
import { TENANT, TEST_BOX } from "./support/agent-world.ts";
import {
  BOOTSTRAP_KEY,
  bothPsk,
  KEY,
  OTHER_KEY,
  pem,
  URI,
  withDeviceAccounts,
} from "./support/device-accounts-suite.ts";

describe("agent/create-device-accounts", () => {
  const { on, found, change, withServer, withKey, externalIds, rows, everythingStored } = withDeviceAccounts();

  it("agent specification 3.3: what a device is registered with is found under endpoint, device and identities", async () => {
    const { id } = await on.world.make("dev", {
      ...bothPsk,
      registrationLifetime: 600,
      defaultMinimumPeriod: 5,
      defaultMaximumPeriod: 50,
      disableTimeout: 9,
      notificationIfDisabled: true,
      bindingMode: "UQ",
      lwm2mShortServerId: 7,
      bootstrapShortServerId: 3,
      securityInstanceOffset: 2,
      generateBootstrapServerConfig: true,
    });
    const expected: DeviceAccounts = {
      endpoint: "dev",
      tenant: TENANT,
      deviceId: id,
      bootstrap: { mode: "PSK", pskIdentity: "dev-bs", pskKey: fromHex(BOOTSTRAP_KEY) },
      bootstrapShortServerId: 3,
      securityInstanceOffset: 2,
      generateBootstrapServer: true,
      servers: [
        {
          id: "0",
          uri: URI,
          shortServerId: 7,
          lifetimeSeconds: 600,
          minimumPeriodSeconds: 5,
          maximumPeriodSeconds: 50,
          disableTimeoutSeconds: 9,
          storeNotifications: true,
          binding: "UQ",
          security: { mode: "PSK", pskIdentity: "dev", pskKey: fromHex(KEY) },
        },
      ],
    };
    assert.deepEqual(await on.accounts.find("dev"), expected);
    assert.deepEqual(await on.accounts.findByDevice(TENANT, id), expected);
    assert.deepEqual(await on.accounts.findByPsk("server", "dev"), expected);
    assert.deepEqual(await on.accounts.findByPsk("bootstrap", "dev-bs"), expected);
    assert.isUndefined(await on.accounts.findByPsk("bootstrap", "dev"));
    assert.isUndefined(await on.accounts.findByPsk("server", "dev-bs"));
    assert.isUndefined(await on.accounts.findByDevice("t2", id));
    assert.isUndefined(await on.accounts.find("other"));
  });

  it("agent specification 4.1: PSK identities are external ids", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    assert.deepEqual(await externalIds(id), ["c8y_BootstrapPskId=dev-bs", "c8y_Id=dev", "c8y_Lwm2mPskId=dev"]);
  });

  it("agent specification 2: a generated key is of the endpoint, 32 bytes, another one for each device, kept as PSK", async () => {
    const generated = {
      serverSecurity: { securityMode: "PSK_GENERATED" },
      bootstrapSecurity: { bootstrapSecurityMode: "NO_SEC" },
      lwm2mServerUri: URI,
    };
    const keys = [];
    for (const endpoint of ["a", "b"]) {
      await on.world.make(endpoint, generated);
      const { security } = (await found(endpoint)).servers[0]!;
      assert.deepEqual([security.mode, security.pskIdentity], ["PSK", endpoint]);
      assert.equal(security.pskKey?.length, 32);
      keys.push(Buffer.from(security.pskKey!).toString("hex"));
    }
    assert.notEqual(keys[0], keys[1]);
    const again = (await found("a")).servers[0]!.security.pskKey!;
    assert.equal(Buffer.from(again).toString("hex"), keys[0]);
  });

  it("what operators edit on the managed object counts", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    const edited = { registrationLifetime: 61, lwm2mServerUri: "coaps://other", bindingMode: 5, lwm2mShortServerId: 0 };
    await on.world.platform.inventory.update(TENANT, id, edited);
    const [server] = (await found()).servers;
    assert.deepInclude(server, { lifetimeSeconds: 61, uri: "coaps://other", binding: undefined, shortServerId: 1 });
  });

  it("20-26: an update changes the record in place, with fragments and external ids", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    const [before] = await rows();
    const changed = await change(id, accountsBefore =>
      withServer({ lifetimeSeconds: 99, uri: "coaps://other:1", binding: "U" })(
        withKey(OTHER_KEY, "renamed")(accountsBefore),
      ),
    );
    assert.deepEqual(await on.accounts.find("dev"), changed);
    assert.deepEqual(changed.servers[0]!.security.pskKey, fromHex(OTHER_KEY));
    const [after, ...others] = await rows();
    assert.isEmpty(others);
    assert.equal(after!._id, before!._id);
    assert.isUndefined(after!.settling);
    assert.deepEqual(await externalIds(id), ["c8y_BootstrapPskId=dev-bs", "c8y_Id=dev", "c8y_Lwm2mPskId=renamed"]);
    const { fragments } = await on.world.platform.inventory.get(TENANT, id);
    assert.include(fragments, { registrationLifetime: 99, lwm2mServerUri: "coaps://other:1", bindingMode: "U" });
    assert.isUndefined(await on.accounts.findByPsk("server", "dev"));
    assert.equal((await on.accounts.findByPsk("server", "renamed"))?.endpoint, "dev");
  });

  it("what is unset goes from the managed object", async () => {
    const { id } = await on.world.make("dev", { ...bothPsk, registrationLifetime: 600 });
    await change(id, withServer({ lifetimeSeconds: undefined }));
    assert.notProperty((await on.world.platform.inventory.get(TENANT, id)).fragments, "registrationLifetime");
  });

  it("several servers: the later ones stand in the record alone, and one may become the first", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    const second: ServerSettings = {
      id: "1",
      uri: "coap://second.example.com",
      shortServerId: 2,
      lifetimeSeconds: 10,
      minimumPeriodSeconds: undefined,
      maximumPeriodSeconds: 20,
      disableTimeoutSeconds: undefined,
      storeNotifications: false,
      binding: "U",
      security: { mode: "NO_SEC" },
    };
    await change(id, before => ({ ...before, servers: [...before.servers, second] }));
    assert.deepEqual((await found()).servers[1], second);
    await change(id, before => ({ ...before, servers: before.servers.slice(1) }));
    assert.deepEqual((await found()).servers, [second]);
    const { fragments } = await on.world.platform.inventory.get(TENANT, id);
    assert.include(fragments, { lwm2mServerUri: second.uri, registrationLifetime: 10, lwm2mShortServerId: 2 });
    assert.deepEqual(await externalIds(id), ["c8y_BootstrapPskId=dev-bs", "c8y_Id=dev"]);
    assert.isUndefined(await on.accounts.findByPsk("server", "dev"));
  });

  it("keys that a mode has no use for are not kept; what is switched off keeps its own", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    const withMode = (mode: "NO_SEC" | "DISABLED" | "PSK") => (before: DeviceAccounts) => ({
      ...before,
      bootstrap: { ...before.bootstrap, mode },
    });
    await change(id, withMode("DISABLED"));
    assert.deepEqual((await found()).bootstrap.pskKey, fromHex(BOOTSTRAP_KEY));
    await change(id, withMode("NO_SEC"));
    assert.deepEqual((await found()).bootstrap, { mode: "NO_SEC" });
    assert.deepEqual(await externalIds(id), ["c8y_Id=dev", "c8y_Lwm2mPskId=dev"]);
    const error = await on.world.failure(on.accounts.change(TENANT, id, withMode("PSK")));
    assert.deepEqual([error.code, error.details["field"]], ["VALIDATION", "bootstrap.pskIdentity"]);
  });

  const bad: readonly [field: string, how: (before: DeviceAccounts) => DeviceAccounts][] = [
    ["servers", before => ({ ...before, servers: [] })],
    ["servers[1].id", before => ({ ...before, servers: [before.servers[0]!, before.servers[0]!] })],
    [
      "servers[1].shortServerId",
      before => ({ ...before, servers: [before.servers[0]!, { ...before.servers[0]!, id: "1" }] }),
    ],
    ["servers[0].shortServerId", withServer({ shortServerId: 65_535 })],
    ["servers[0].lifetimeSeconds", withServer({ lifetimeSeconds: 0 })],
    ["servers[0].minimumPeriodSeconds", withServer({ minimumPeriodSeconds: -1 })],
    ["servers[0].maximumPeriodSeconds", withServer({ maximumPeriodSeconds: 0.5 })],
    ["servers[0].disableTimeoutSeconds", withServer({ disableTimeoutSeconds: 2 ** 32 })],
    ["servers[0].uri", withServer({ uri: "coap://host" })],
    ["servers[0].security.pskIdentity", withServer({ security: { mode: "PSK", pskKey: fromHex(KEY) } })],
    ["servers[0].security.pskKey", withServer({ security: { mode: "PSK", pskIdentity: "dev" } })],
    ["servers[0].security.pskKey", withKey("")],
    ["servers[0].security.pskKey", withKey("00".repeat(65))],
    ["servers[0].security.pskIdentity", withKey(KEY, "i".repeat(129))],
    ["servers[0].security.clientCertificate", withServer({ security: { mode: "X509", clientCertificate: "x" } })],
    [
      "servers[0].security.clientPrivateKey",
      withServer({ security: { mode: "X509", clientPrivateKey: pem("device-1.key.pem") } }),
    ],
    ["bootstrap.pskKey", before => ({ ...before, bootstrap: { mode: "PSK", pskIdentity: "x" } })],
    ["bootstrapShortServerId", before => ({ ...before, bootstrapShortServerId: -1 })],
    ["securityInstanceOffset", before => ({ ...before, securityInstanceOffset: 65_535 })],
  ];
  for (const [field, how] of bad) {
    it(`bad input: ${field} is named, nothing is stored`, async () => {
      const { id } = await on.world.make("dev", bothPsk);
      const before = await everythingStored();
      const error = await on.world.failure(on.accounts.change(TENANT, id, how));
      assert.deepEqual([error.code, error.details["field"]], ["VALIDATION", field]);
      assert.equal(await everythingStored(), before);
    });
  }

  it("a device that is not there, or another tenant's, is not changed", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    assert.equal((await on.world.failure(on.accounts.change("t2", id, before => before))).code, "NOT_FOUND");
    assert.equal((await on.world.failure(on.accounts.change(TENANT, "1", before => before))).code, "NOT_FOUND");
  });

  describe("what was entered in the former way ends", () => {
    const identity = (name: string) => ({ kind: "psk", identity: name }) as const;
    const named = (commonName: string) => ({ kind: "x509", commonName, subjectAltNames: [] }) as const;
    const sessions = [
      { connection: "server", identity: identity("dev") },
      { connection: "bootstrap", identity: identity("dev-bs") },
      { connection: "bootstrap", identity: identity("dev") },
      { connection: "server", identity: identity("other") },
      { connection: "server", identity: named("dev") },
    ] as const;
    const left = () => on.world.sessions.map(each => sessions.indexOf(each as (typeof sessions)[number]));
    const registered = async () => {
      const device = on.world.device(5000, { identity: identity("dev") });
      const location = await device.register("ep=dev");
      return async () => formatCode((await device.send("POST", `/rd/${location}`)).code);
    };

    it("another key ends sessions and registration, and the device comes anew", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      const update = await registered();
      assert.equal(await update(), "2.04");
      on.world.sessions = sessions;
      await change(id, withKey(OTHER_KEY));
      assert.deepEqual(left(), [1, 2, 3]);
      assert.equal(await update(), "4.04");
      await on.world.device(5001, { identity: identity("dev") }).register("ep=dev");
    });

    it("another identity or mode: who comes as before is not admitted any more", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      await registered();
      await change(id, withKey(KEY, "renamed"));
      const device = on.world.device(5001, { identity: identity("dev") });
      const answer = await device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" });
      assert.equal(formatCode(answer.code), "4.03");
    });

    it("a bootstrap account's key ends sessions of bootstrap alone", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      const update = await registered();
      on.world.sessions = sessions;
      await change(id, before => ({ ...before, bootstrap: { mode: "DISABLED" } }));
      assert.deepEqual(left(), [0, 2, 3, 4]);
      assert.equal(await update(), "2.04");
    });

    it("what is not secured otherwise ends nothing", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      const update = await registered();
      on.world.sessions = sessions;
      await change(id, withServer({ lifetimeSeconds: 5 }));
      assert.deepEqual(left(), [0, 1, 2, 3, 4]);
      assert.equal(await update(), "2.04");
    });

    it("20-28: the removal of a device ends its sessions on both connections", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      on.world.sessions = sessions;
      await on.world.wait(on.world.agent.removeDevice(TENANT, id));
      assert.deepEqual(left(), [2, 3]);
      const again = await on.world.make("dev", { serverSecurity: { securityMode: "X509" } });
      on.world.sessions = sessions.slice(2);
      await on.world.wait(on.world.platform.inventory.delete(TENANT, again.id));
      assert.deepEqual(left(), [2, 3]);
    });
  });

  describe("a host that dies during a change", () => {
    it("before the record is stored: nothing has changed", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      void on.accounts.change(TENANT, id, withKey(OTHER_KEY, "renamed")).catch(() => {});
      await on.world.restart("crash");
      on.accounts = on.world.agent.accounts;
      const after = await found();
      assert.deepEqual(after.servers[0]!.security.pskKey, fromHex(KEY));
      assert.include(await externalIds(id), "c8y_Lwm2mPskId=dev");
    });

    it("after the record is stored: it counts at once, and the rest follows at the next start", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      const records = createDeviceRecords(on.world.store);
      const dying = createDeviceAccountStore({
        records,
        sealer: createAccountSealer(TEST_BOX),
        platform: on.world.platform,
        log: on.world.log,
        onSecured: () => Promise.reject(new Error("killed")),
      });
      const changes = (before: DeviceAccounts) =>
        withServer({ lifetimeSeconds: 42, uri: "coaps://new" })(withKey(OTHER_KEY, "renamed")(before));
      await on.world.wait(dying.change(TENANT, id, changes).catch(() => {}));
      assert.deepInclude((await found()).servers[0], { lifetimeSeconds: 42, uri: "coaps://new" });
      assert.include(await externalIds(id), "c8y_Lwm2mPskId=dev");
      const entered = { connection: "bootstrap", identity: { kind: "psk", identity: "dev-bs" } } as const;
      on.world.sessions = [entered, { ...entered, connection: "server" }];
      await on.world.restart("crash");
      assert.deepEqual(on.world.sessions, [{ ...entered, connection: "server" }]);
      on.accounts = on.world.agent.accounts;
      assert.include(await externalIds(id), "c8y_Lwm2mPskId=renamed");
      const { fragments } = await on.world.platform.inventory.get(TENANT, id);
      assert.include(fragments, { registrationLifetime: 42, lwm2mServerUri: "coaps://new" });
      assert.isUndefined((await rows())[0]!.settling);
      assert.deepInclude((await found()).servers[0], { lifetimeSeconds: 42, uri: "coaps://new" });
    });
  });
});
