import { assert } from "chai";
import { createDeviceAccountStore } from "../../src/agent/create-device-accounts.ts";
import { createDeviceRecords } from "../../src/agent/device-records.ts";
import { createAccountSealer } from "../../src/agent/sealed-accounts.ts";
import { fromHex } from "../../src/base/bytes.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox } from "../../src/base/secret-box.ts";
import { DEVICES, noIdentityKey } from "../../src/store/collections/devices.ts";
import { TENANT, USER } from "./support/agent-world.ts";
import {
  BOOTSTRAP_KEY,
  bothPsk,
  KEY,
  OTHER_KEY,
  pem,
  pskBody,
  withDeviceAccounts,
} from "./support/device-accounts-suite.ts";

describe("agent/create-device-accounts", () => {
  const { on, found, change, withServer, withKey, externalIds, rows, everythingStored } = withDeviceAccounts();

  describe("PSK identities are unique over all tenants, for each connection", () => {
    const refused = async (promise: Promise<unknown>, field: string) => {
      const error = await on.world.failure(promise);
      assert.deepEqual([error.code, error.details["field"]], ["DUPLICATE", field]);
      assert.notInclude(JSON.stringify([error.message, error.details]), "holder");
    };
    const holder = { ...bothPsk, ...pskBody("taken") };

    it("agent specification 3.4: at registration, in whatever tenant", async () => {
      await on.world.make("holder", holder);
      const before = await everythingStored();
      for (const tenant of [TENANT, "t2"]) {
        const register = (body: object) => on.world.agent.registerDevice(tenant, { endpointId: "b", ...body }, USER);
        await refused(register(pskBody("taken")), "serverSecurity.publicKeyOrId");
        await refused(register({ ...bothPsk, ...pskBody("free") }), "bootstrapSecurity.bootstrapId");
        assert.equal(await everythingStored(), before);
      }
    });

    it("the two connections do not hinder each other", async () => {
      await on.world.make("holder", holder);
      await on.world.make("b", pskBody("dev-bs"));
      assert.equal((await on.accounts.findByPsk("server", "dev-bs"))?.endpoint, "b");
      assert.equal((await on.accounts.findByPsk("bootstrap", "dev-bs"))?.endpoint, "holder");
    });

    it("of many who register with one identity at once, one wins and nothing is left of the others", async () => {
      const outcomes = await on.world.wait(
        Promise.allSettled(
          Array.from({ length: 8 }, (_, i) =>
            on.world.agent.registerDevice(i % 2 ? TENANT : "t2", { endpointId: `dev-${i}`, ...pskBody("one") }, USER),
          ),
        ),
      );
      const won = outcomes.filter(({ status }) => status === "fulfilled");
      assert.equal(won.length, 1);
      assert.equal((await rows()).length, 1);
      const page = { currentPage: 1, pageSize: 100, withTotal: false };
      const made = await Promise.all(
        [TENANT, "t2"].map(each => on.world.platform.inventory.list(each, { fragmentType: "c8y_IsLwm2mDevice" }, page)),
      );
      assert.equal(made.flatMap(({ items }) => items).length, 1);
    });

    it("at a change, and the device stays as it was", async () => {
      await on.world.make("holder", holder);
      const { id } = await on.world.make("dev", pskBody("dev"));
      const before = await everythingStored();
      await refused(on.accounts.change(TENANT, id, withKey(KEY, "taken")), "serverSecurity.publicKeyOrId");
      assert.equal(await everythingStored(), before);
    });

    it("of two who change to one identity at once, one wins", async () => {
      const [a, b] = [await on.world.make("a", pskBody("a")), await on.world.make("b", pskBody("b"))];
      const outcomes = await on.world.wait(
        Promise.allSettled([a, b].map(({ id }) => on.accounts.change(TENANT, id, withKey(KEY, "both")))),
      );
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      const winner = await on.accounts.findByPsk("server", "both");
      assert.deepEqual(await externalIds(winner!.deviceId), [`c8y_Id=${winner!.endpoint}`, "c8y_Lwm2mPskId=both"]);
    });

    it("two changes of one device at once both count", async () => {
      const { id } = await on.world.make("dev", bothPsk);
      await on.world.wait(
        Promise.all([
          on.accounts.change(TENANT, id, withKey(OTHER_KEY)),
          on.accounts.change(TENANT, id, before => ({ ...before, bootstrap: { mode: "NO_SEC" } })),
        ]),
      );
      const after = await found();
      assert.deepEqual(after.servers[0]!.security.pskKey, fromHex(OTHER_KEY));
      assert.deepEqual(after.bootstrap, { mode: "NO_SEC" });
    });

    it("an identity is free once its device is removed, or came without its managed object", async () => {
      const { id } = await on.world.make("a", pskBody("one"));
      await on.world.wait(on.world.agent.removeDevice(TENANT, id));
      await on.world.make("b", pskBody("one"));
      await on.world.store.collection(DEVICES).updateOne({ _id: "b" }, { $set: { managedObject: "4242" } });
      await on.world.wait(on.world.platform.inventory.delete(TENANT, (await objectOf("b"))!));
      await on.world.make("c", pskBody("one"));
      assert.equal((await on.accounts.findByPsk("server", "one"))?.endpoint, "c");
    });

    const objectOf = async (endpoint: string) =>
      (await on.world.platform.identity.find(TENANT, "c8y_Id", endpoint))?.managedObjectId;

    it("an external id that an operator bound elsewhere refuses the change", async () => {
      const { id } = await on.world.make("dev", pskBody("dev"));
      const externalId = { type: "c8y_Lwm2mPskId", externalId: "bound" };
      await on.world.platform.inventory.create(TENANT, { name: "x" }, { owner: USER, externalIds: [externalId] });
      await refused(on.accounts.change(TENANT, id, withKey(KEY, "bound")), "serverSecurity.publicKeyOrId");
      await refused(
        on.world.agent.registerDevice(TENANT, { endpointId: "b", ...pskBody("bound") }, USER),
        "serverSecurity.publicKeyOrId",
      );
      assert.equal((await found()).servers[0]!.security.pskIdentity, "dev");
    });
  });

  it("keys stand nowhere: not in the store, not on the managed object, not in what REST shows, not in the log", async () => {
    const privateKey = pem("device-1.key.pem");
    const object = await on.world.make("dev", bothPsk);
    const { id } = await on.world.make("x509", {
      serverSecurity: {
        securityMode: "X509",
        x509ClientCertificate: pem("device-1.pem"),
        x509ClientPrivateKey: privateKey,
      },
    });
    const changed = await change(object.id, withKey(OTHER_KEY));
    await on.world.failure(
      on.world.agent.registerDevice(TENANT, { endpointId: "dev", ...pskBody("x", OTHER_KEY) }, USER),
    );
    const csv = `endpoint id;securityMode;lwm2m psk_id;lwm2m psk_key\nc;PSK;c;${KEY}\nbad;PSK;dev;${KEY}\nworse;PSK;w;${KEY}0`;
    await on.world.wait(on.world.agent.registerDevicesCsv(TENANT, new TextEncoder().encode(csv), USER));
    await on.world.settle();
    assert.isDefined(await on.accounts.find("c"));
    assert.deepEqual(changed.servers[0]!.security.pskKey, fromHex(OTHER_KEY));
    assert.equal((await found("x509")).servers[0]!.security.clientPrivateKey, privateKey);
    const shown = [
      await everythingStored(),
      JSON.stringify([object, await on.world.platform.inventory.get(TENANT, id)]),
      JSON.stringify(on.world.log.lines),
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
    await on.world.make("a", pskBody("a"));
    await on.world.make("b", pskBody("b", OTHER_KEY));
    const [a, b] = await rows();
    await on.world.store.collection(DEVICES).updateOne({ _id: "b" }, { $set: { details: a!.details } });
    assert.equal((await on.world.failure(on.accounts.find("b"))).code, "SECRET_UNREADABLE");
    await on.world.store.collection(DEVICES).updateOne({ _id: "b" }, { $set: { details: b!.details } });
    assert.deepEqual((await found("b")).servers[0]!.security.pskKey, fromHex(OTHER_KEY));
  });

  it("what does not change is not sealed anew", async () => {
    const { id } = await on.world.make("dev", bothPsk);
    const sealedOf = async () => JSON.stringify((await rows())[0]!.details["accounts"]).match(/"pskKey":"[^"]+"/g);
    const before = await sealedOf();
    await change(id, withServer({ lifetimeSeconds: 5 }));
    assert.deepEqual(await sealedOf(), before);
  });

  it("another secret key: said so, and nothing is changed", async () => {
    await on.world.make("dev", bothPsk);
    const other = createDeviceAccountStore({
      records: createDeviceRecords(on.world.store),
      sealer: createAccountSealer(createSecretBox(new Uint8Array(32), createSeededRandom(1))),
      platform: on.world.platform,
      log: on.world.log,
      onSecured: async () => {},
    });
    const error = await on.world.failure(other.find("dev"));
    assert.equal(error.code, "SECRET_UNREADABLE");
    assert.notInclude(error.message, KEY);
  });

  it("rows of the first version are NO_SEC devices with all they had", async () => {
    const { id } = await on.world.make("dev", { lwm2mServerUri: "coap://host" });
    await on.world.store.collection(DEVICES).updateOne(
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
    await on.world.device(5000).register("ep=dev");
    await change(
      id,
      withServer({ security: { mode: "PSK", pskIdentity: "p", pskKey: fromHex(KEY) }, uri: "coaps://host" }),
    );
    assert.equal((await on.accounts.findByPsk("server", "p"))?.endpoint, "dev");
  });
});
