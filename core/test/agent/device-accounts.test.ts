import { readFileSync } from "node:fs";
import { assert } from "chai";
import { createDeviceAccountStore } from "../../src/agent/create-device-accounts.ts";
import type { DeviceAccountStore, DeviceAccounts, ServerSettings } from "../../src/agent/device-accounts.ts";
import { createDeviceRecords } from "../../src/agent/device-records.ts";
import { createAccountSealer } from "../../src/agent/sealed-accounts.ts";
import { fromHex } from "../../src/base/bytes.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox } from "../../src/base/secret-box.ts";
import { formatCode } from "../../src/coap/codes.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { DEVICES, noIdentityKey } from "../../src/store/collections/devices.ts";
import { type AgentWorld, createAgentWorld, TENANT, TEST_BOX, USER } from "./support/agent-world.ts";

const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/certificates/${name}`, import.meta.url), "utf8").trim();

const KEY = "000102030405060708090a0b0c0d0e0f";
const BOOTSTRAP_KEY = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
const OTHER_KEY = "abcdef0123456789abcdef0123456789";
const URI = "coaps://lwm2m.example.com:5784";

const pskBody = (identity: string, key = KEY) => ({
  serverSecurity: { securityMode: "PSK", publicKeyOrId: identity, secretKey: key },
});
const bothPsk = {
  ...pskBody("dev"),
  bootstrapSecurity: { bootstrapSecurityMode: "PSK", bootstrapId: "dev-bs", bootstrapKey: BOOTSTRAP_KEY },
  lwm2mServerUri: URI,
};

describe("agent/create-device-accounts", () => {
  let world: AgentWorld;
  let accounts: DeviceAccountStore;
  beforeEach(async () => {
    world = await createAgentWorld();
    accounts = world.agent.accounts;
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const found = async (endpoint = "dev"): Promise<DeviceAccounts> => {
    const result = await accounts.find(endpoint);
    assert.isDefined(result);
    return result!;
  };
  const change = (deviceId: string, how: (before: DeviceAccounts) => DeviceAccounts) =>
    world.wait(accounts.change(TENANT, deviceId, how));
  const withServer =
    (changes: Partial<ServerSettings>, at = 0) =>
    (before: DeviceAccounts): DeviceAccounts => ({
      ...before,
      servers: before.servers.map((server, i) => (i === at ? { ...server, ...changes } : server)),
    });
  const withKey = (key: string, identity = "dev") =>
    withServer({ security: { mode: "PSK", pskIdentity: identity, pskKey: fromHex(key) } });
  const externalIds = async (deviceId: string) =>
    (await world.platform.identity.of(TENANT, deviceId)).map(({ type, externalId }) => `${type}=${externalId}`).sort();
  const rows = () => world.store.collection(DEVICES).find({}, { limit: 100 });
  const everythingStored = async (): Promise<string> => {
    const all: unknown[] = [];
    for (const spec of COLLECTIONS) all.push(await world.store.collection(spec).find({}, { limit: 5000 }));
    return JSON.stringify(all);
  };

  it("agent specification 3.3: what a device is registered with is found under endpoint, device and identities", async () => {
    const { id } = await world.make("dev", {
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
    assert.deepEqual(await accounts.find("dev"), expected);
    assert.deepEqual(await accounts.findByDevice(TENANT, id), expected);
    assert.deepEqual(await accounts.findByPsk("server", "dev"), expected);
    assert.deepEqual(await accounts.findByPsk("bootstrap", "dev-bs"), expected);
    assert.isUndefined(await accounts.findByPsk("bootstrap", "dev"));
    assert.isUndefined(await accounts.findByPsk("server", "dev-bs"));
    assert.isUndefined(await accounts.findByDevice("t2", id));
    assert.isUndefined(await accounts.find("other"));
  });

  it("agent specification 4.1: PSK identities are external ids", async () => {
    const { id } = await world.make("dev", bothPsk);
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
      await world.make(endpoint, generated);
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
    const { id } = await world.make("dev", bothPsk);
    const edited = { registrationLifetime: 61, lwm2mServerUri: "coaps://other", bindingMode: 5, lwm2mShortServerId: 0 };
    await world.platform.inventory.update(TENANT, id, edited);
    const [server] = (await found()).servers;
    assert.deepInclude(server, { lifetimeSeconds: 61, uri: "coaps://other", binding: undefined, shortServerId: 1 });
  });

  it("20-26: an update changes the record in place, with fragments and external ids", async () => {
    const { id } = await world.make("dev", bothPsk);
    const [before] = await rows();
    const changed = await change(id, accountsBefore =>
      withServer({ lifetimeSeconds: 99, uri: "coaps://other:1", binding: "U" })(
        withKey(OTHER_KEY, "renamed")(accountsBefore),
      ),
    );
    assert.deepEqual(await accounts.find("dev"), changed);
    assert.deepEqual(changed.servers[0]!.security.pskKey, fromHex(OTHER_KEY));
    const [after, ...others] = await rows();
    assert.isEmpty(others);
    assert.equal(after!._id, before!._id);
    assert.isUndefined(after!.settling);
    assert.deepEqual(await externalIds(id), ["c8y_BootstrapPskId=dev-bs", "c8y_Id=dev", "c8y_Lwm2mPskId=renamed"]);
    const { fragments } = await world.platform.inventory.get(TENANT, id);
    assert.include(fragments, { registrationLifetime: 99, lwm2mServerUri: "coaps://other:1", bindingMode: "U" });
    assert.isUndefined(await accounts.findByPsk("server", "dev"));
    assert.equal((await accounts.findByPsk("server", "renamed"))?.endpoint, "dev");
  });

  it("what is unset goes from the managed object", async () => {
    const { id } = await world.make("dev", { ...bothPsk, registrationLifetime: 600 });
    await change(id, withServer({ lifetimeSeconds: undefined }));
    assert.notProperty((await world.platform.inventory.get(TENANT, id)).fragments, "registrationLifetime");
  });

  it("several servers: the later ones stand in the record alone, and one may become the first", async () => {
    const { id } = await world.make("dev", bothPsk);
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
    const { fragments } = await world.platform.inventory.get(TENANT, id);
    assert.include(fragments, { lwm2mServerUri: second.uri, registrationLifetime: 10, lwm2mShortServerId: 2 });
    assert.deepEqual(await externalIds(id), ["c8y_BootstrapPskId=dev-bs", "c8y_Id=dev"]);
    assert.isUndefined(await accounts.findByPsk("server", "dev"));
  });

  it("keys that a mode has no use for are not kept; what is switched off keeps its own", async () => {
    const { id } = await world.make("dev", bothPsk);
    const withMode = (mode: "NO_SEC" | "DISABLED" | "PSK") => (before: DeviceAccounts) => ({
      ...before,
      bootstrap: { ...before.bootstrap, mode },
    });
    await change(id, withMode("DISABLED"));
    assert.deepEqual((await found()).bootstrap.pskKey, fromHex(BOOTSTRAP_KEY));
    await change(id, withMode("NO_SEC"));
    assert.deepEqual((await found()).bootstrap, { mode: "NO_SEC" });
    assert.deepEqual(await externalIds(id), ["c8y_Id=dev", "c8y_Lwm2mPskId=dev"]);
    const error = await world.failure(accounts.change(TENANT, id, withMode("PSK")));
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
      const { id } = await world.make("dev", bothPsk);
      const before = await everythingStored();
      const error = await world.failure(accounts.change(TENANT, id, how));
      assert.deepEqual([error.code, error.details["field"]], ["VALIDATION", field]);
      assert.equal(await everythingStored(), before);
    });
  }

  it("a device that is not there, or another tenant's, is not changed", async () => {
    const { id } = await world.make("dev", bothPsk);
    assert.equal((await world.failure(accounts.change("t2", id, before => before))).code, "NOT_FOUND");
    assert.equal((await world.failure(accounts.change(TENANT, "1", before => before))).code, "NOT_FOUND");
  });

  describe("PSK identities are unique over all tenants, for each connection", () => {
    const refused = async (promise: Promise<unknown>, field: string) => {
      const error = await world.failure(promise);
      assert.deepEqual([error.code, error.details["field"]], ["DUPLICATE", field]);
      assert.notInclude(JSON.stringify([error.message, error.details]), "holder");
    };
    const holder = { ...bothPsk, ...pskBody("taken") };

    it("agent specification 3.4: at registration, in whatever tenant", async () => {
      await world.make("holder", holder);
      const before = await everythingStored();
      for (const tenant of [TENANT, "t2"]) {
        const register = (body: object) => world.agent.registerDevice(tenant, { endpointId: "b", ...body }, USER);
        await refused(register(pskBody("taken")), "serverSecurity.publicKeyOrId");
        await refused(register({ ...bothPsk, ...pskBody("free") }), "bootstrapSecurity.bootstrapId");
        assert.equal(await everythingStored(), before);
      }
    });

    it("the two connections do not hinder each other", async () => {
      await world.make("holder", holder);
      await world.make("b", pskBody("dev-bs"));
      assert.equal((await accounts.findByPsk("server", "dev-bs"))?.endpoint, "b");
      assert.equal((await accounts.findByPsk("bootstrap", "dev-bs"))?.endpoint, "holder");
    });

    it("of many who register with one identity at once, one wins and nothing is left of the others", async () => {
      const outcomes = await world.wait(
        Promise.allSettled(
          Array.from({ length: 8 }, (_, i) =>
            world.agent.registerDevice(i % 2 ? TENANT : "t2", { endpointId: `dev-${i}`, ...pskBody("one") }, USER),
          ),
        ),
      );
      const won = outcomes.filter(({ status }) => status === "fulfilled");
      assert.equal(won.length, 1);
      assert.equal((await rows()).length, 1);
      const page = { currentPage: 1, pageSize: 100, withTotal: false };
      const made = await Promise.all(
        [TENANT, "t2"].map(each => world.platform.inventory.list(each, { fragmentType: "c8y_IsLwm2mDevice" }, page)),
      );
      assert.equal(made.flatMap(({ items }) => items).length, 1);
    });

    it("at a change, and the device stays as it was", async () => {
      await world.make("holder", holder);
      const { id } = await world.make("dev", pskBody("dev"));
      const before = await everythingStored();
      await refused(accounts.change(TENANT, id, withKey(KEY, "taken")), "serverSecurity.publicKeyOrId");
      assert.equal(await everythingStored(), before);
    });

    it("of two who change to one identity at once, one wins", async () => {
      const [a, b] = [await world.make("a", pskBody("a")), await world.make("b", pskBody("b"))];
      const outcomes = await world.wait(
        Promise.allSettled([a, b].map(({ id }) => accounts.change(TENANT, id, withKey(KEY, "both")))),
      );
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      const winner = await accounts.findByPsk("server", "both");
      assert.deepEqual(await externalIds(winner!.deviceId), [`c8y_Id=${winner!.endpoint}`, "c8y_Lwm2mPskId=both"]);
    });

    it("two changes of one device at once both count", async () => {
      const { id } = await world.make("dev", bothPsk);
      await world.wait(
        Promise.all([
          accounts.change(TENANT, id, withKey(OTHER_KEY)),
          accounts.change(TENANT, id, before => ({ ...before, bootstrap: { mode: "NO_SEC" } })),
        ]),
      );
      const after = await found();
      assert.deepEqual(after.servers[0]!.security.pskKey, fromHex(OTHER_KEY));
      assert.deepEqual(after.bootstrap, { mode: "NO_SEC" });
    });

    it("an identity is free once its device is removed, or came without its managed object", async () => {
      const { id } = await world.make("a", pskBody("one"));
      await world.wait(world.agent.removeDevice(TENANT, id));
      await world.make("b", pskBody("one"));
      await world.store.collection(DEVICES).updateOne({ _id: "b" }, { $set: { managedObject: "4242" } });
      await world.wait(world.platform.inventory.delete(TENANT, (await objectOf("b"))!));
      await world.make("c", pskBody("one"));
      assert.equal((await accounts.findByPsk("server", "one"))?.endpoint, "c");
    });

    const objectOf = async (endpoint: string) =>
      (await world.platform.identity.find(TENANT, "c8y_Id", endpoint))?.managedObjectId;

    it("an external id that an operator bound elsewhere refuses the change", async () => {
      const { id } = await world.make("dev", pskBody("dev"));
      const externalId = { type: "c8y_Lwm2mPskId", externalId: "bound" };
      await world.platform.inventory.create(TENANT, { name: "x" }, { owner: USER, externalIds: [externalId] });
      await refused(accounts.change(TENANT, id, withKey(KEY, "bound")), "serverSecurity.publicKeyOrId");
      await refused(
        world.agent.registerDevice(TENANT, { endpointId: "b", ...pskBody("bound") }, USER),
        "serverSecurity.publicKeyOrId",
      );
      assert.equal((await found()).servers[0]!.security.pskIdentity, "dev");
    });
  });

  it("keys stand nowhere: not in the store, not on the managed object, not in what REST shows, not in the log", async () => {
    const privateKey = pem("device-1.key.pem");
    const object = await world.make("dev", bothPsk);
    const { id } = await world.make("x509", {
      serverSecurity: {
        securityMode: "X509",
        x509ClientCertificate: pem("device-1.pem"),
        x509ClientPrivateKey: privateKey,
      },
    });
    const changed = await change(object.id, withKey(OTHER_KEY));
    await world.failure(world.agent.registerDevice(TENANT, { endpointId: "dev", ...pskBody("x", OTHER_KEY) }, USER));
    const csv = `endpoint id;securityMode;lwm2m psk_id;lwm2m psk_key\nc;PSK;c;${KEY}\nbad;PSK;dev;${KEY}\nworse;PSK;w;${KEY}0`;
    await world.wait(world.agent.registerDevicesCsv(TENANT, new TextEncoder().encode(csv), USER));
    await world.settle();
    assert.isDefined(await accounts.find("c"));
    assert.deepEqual(changed.servers[0]!.security.pskKey, fromHex(OTHER_KEY));
    assert.equal((await found("x509")).servers[0]!.security.clientPrivateKey, privateKey);
    const shown = [
      await everythingStored(),
      JSON.stringify([object, await world.platform.inventory.get(TENANT, id)]),
      JSON.stringify(world.log.lines),
    ].join("\n");
    assert.include(shown, "dev-bs");
    for (const key of [KEY, BOOTSTRAP_KEY, OTHER_KEY]) {
      for (const form of ["hex", "base64"] as const) {
        const text = Buffer.from(key, "hex").toString(form);
        assert.notInclude(shown.toLowerCase(), text.toLowerCase(), form);
      }
    }
    for (const line of privateKey.split("\n").filter(each => !each.startsWith("-----"))) assert.notInclude(shown, line);
  });

  it("a sealed key opens for its own device and field alone", async () => {
    await world.make("a", pskBody("a"));
    await world.make("b", pskBody("b", OTHER_KEY));
    const [a, b] = await rows();
    await world.store.collection(DEVICES).updateOne({ _id: "b" }, { $set: { details: a!.details } });
    assert.equal((await world.failure(accounts.find("b"))).code, "SECRET_UNREADABLE");
    await world.store.collection(DEVICES).updateOne({ _id: "b" }, { $set: { details: b!.details } });
    assert.deepEqual((await found("b")).servers[0]!.security.pskKey, fromHex(OTHER_KEY));
  });

  it("what does not change is not sealed anew", async () => {
    const { id } = await world.make("dev", bothPsk);
    const sealedOf = async () => JSON.stringify((await rows())[0]!.details["accounts"]).match(/"pskKey":"[^"]+"/g);
    const before = await sealedOf();
    await change(id, withServer({ lifetimeSeconds: 5 }));
    assert.deepEqual(await sealedOf(), before);
  });

  it("another secret key: said so, and nothing is changed", async () => {
    await world.make("dev", bothPsk);
    const other = createDeviceAccountStore({
      records: createDeviceRecords(world.store),
      sealer: createAccountSealer(createSecretBox(new Uint8Array(32), createSeededRandom(1))),
      platform: world.platform,
      log: world.log,
      onSecured: async () => {},
    });
    const error = await world.failure(other.find("dev"));
    assert.equal(error.code, "SECRET_UNREADABLE");
    assert.notInclude(error.message, KEY);
  });

  it("rows of the first version are NO_SEC devices with all they had", async () => {
    const { id } = await world.make("dev", { lwm2mServerUri: "coap://host" });
    await world.store.collection(DEVICES).updateOne(
      { _id: "dev" },
      {
        $set: {
          details: { bootstrapSecurityMode: "NO_SEC", settings: {} },
          serverIdentity: noIdentityKey("dev"),
          bootstrapIdentity: noIdentityKey("dev"),
        },
      },
    );
    const { servers, bootstrap } = await found();
    assert.deepEqual(bootstrap, { mode: "NO_SEC" });
    assert.deepInclude(servers[0], { id: "0", uri: "coap://host", security: { mode: "NO_SEC" } });
    await world.device(5000).register("ep=dev");
    await change(
      id,
      withServer({ security: { mode: "PSK", pskIdentity: "p", pskKey: fromHex(KEY) }, uri: "coaps://host" }),
    );
    assert.equal((await accounts.findByPsk("server", "p"))?.endpoint, "dev");
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
    const left = () => world.sessions.map(each => sessions.indexOf(each as (typeof sessions)[number]));
    const registered = async () => {
      const device = world.device(5000, { identity: identity("dev") });
      const location = await device.register("ep=dev");
      return async () => formatCode((await device.send("POST", `/rd/${location}`)).code);
    };

    it("another key ends sessions and registration, and the device comes anew", async () => {
      const { id } = await world.make("dev", bothPsk);
      const update = await registered();
      assert.equal(await update(), "2.04");
      world.sessions = sessions;
      await change(id, withKey(OTHER_KEY));
      assert.deepEqual(left(), [1, 2, 3]);
      assert.equal(await update(), "4.04");
      await world.device(5001, { identity: identity("dev") }).register("ep=dev");
    });

    it("another identity or mode: who comes as before is not admitted any more", async () => {
      const { id } = await world.make("dev", bothPsk);
      await registered();
      await change(id, withKey(KEY, "renamed"));
      const device = world.device(5001, { identity: identity("dev") });
      const answer = await device.send("POST", "/rd", { query: ["ep=dev"], payload: "</3/0>" });
      assert.equal(formatCode(answer.code), "4.03");
    });

    it("a bootstrap account's key ends sessions of bootstrap alone", async () => {
      const { id } = await world.make("dev", bothPsk);
      const update = await registered();
      world.sessions = sessions;
      await change(id, before => ({ ...before, bootstrap: { mode: "DISABLED" } }));
      assert.deepEqual(left(), [0, 2, 3, 4]);
      assert.equal(await update(), "2.04");
    });

    it("what is not secured otherwise ends nothing", async () => {
      const { id } = await world.make("dev", bothPsk);
      const update = await registered();
      world.sessions = sessions;
      await change(id, withServer({ lifetimeSeconds: 5 }));
      assert.deepEqual(left(), [0, 1, 2, 3, 4]);
      assert.equal(await update(), "2.04");
    });

    it("20-28: the removal of a device ends its sessions on both connections", async () => {
      const { id } = await world.make("dev", bothPsk);
      world.sessions = sessions;
      await world.wait(world.agent.removeDevice(TENANT, id));
      assert.deepEqual(left(), [2, 3]);
      const again = await world.make("dev", { serverSecurity: { securityMode: "X509" } });
      world.sessions = sessions.slice(2);
      await world.wait(world.platform.inventory.delete(TENANT, again.id));
      assert.deepEqual(left(), [2, 3]);
    });
  });

  describe("a host that dies during a change", () => {
    it("before the record is stored: nothing has changed", async () => {
      const { id } = await world.make("dev", bothPsk);
      void accounts.change(TENANT, id, withKey(OTHER_KEY, "renamed")).catch(() => {});
      await world.restart("crash");
      accounts = world.agent.accounts;
      const after = await found();
      assert.deepEqual(after.servers[0]!.security.pskKey, fromHex(KEY));
      assert.include(await externalIds(id), "c8y_Lwm2mPskId=dev");
    });

    it("after the record is stored: it counts at once, and the rest follows at the next start", async () => {
      const { id } = await world.make("dev", bothPsk);
      const records = createDeviceRecords(world.store);
      const dying = createDeviceAccountStore({
        records,
        sealer: createAccountSealer(TEST_BOX),
        platform: world.platform,
        log: world.log,
        onSecured: () => Promise.reject(new Error("killed")),
      });
      const changes = (before: DeviceAccounts) =>
        withServer({ lifetimeSeconds: 42, uri: "coaps://new" })(withKey(OTHER_KEY, "renamed")(before));
      await world.wait(dying.change(TENANT, id, changes).catch(() => {}));
      assert.deepInclude((await found()).servers[0], { lifetimeSeconds: 42, uri: "coaps://new" });
      assert.include(await externalIds(id), "c8y_Lwm2mPskId=dev");
      const entered = { connection: "bootstrap", identity: { kind: "psk", identity: "dev-bs" } } as const;
      world.sessions = [entered, { ...entered, connection: "server" }];
      await world.restart("crash");
      assert.deepEqual(world.sessions, [{ ...entered, connection: "server" }]);
      accounts = world.agent.accounts;
      assert.include(await externalIds(id), "c8y_Lwm2mPskId=renamed");
      const { fragments } = await world.platform.inventory.get(TENANT, id);
      assert.include(fragments, { registrationLifetime: 42, lwm2mServerUri: "coaps://new" });
      assert.isUndefined((await rows())[0]!.settling);
      assert.deepInclude((await found()).servers[0], { lifetimeSeconds: 42, uri: "coaps://new" });
    });
  });
});
