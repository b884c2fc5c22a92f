import { assert } from "chai";
import { createCredentials } from "../../src/agent/credentials.ts";
import { endsWith, mayConnect } from "../../src/agent/may-connect.ts";
import { fromHex } from "../../src/base/bytes.ts";
import type { PeerIdentity } from "../../src/transport/transport.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

const KEY = "00112233";
const BOOTSTRAP_KEY = "44556677";
const both = {
  serverSecurity: { securityMode: "PSK", publicKeyOrId: "id", secretKey: KEY },
  bootstrapSecurity: { bootstrapSecurityMode: "PSK", bootstrapId: "id", bootstrapKey: BOOTSTRAP_KEY },
  lwm2mServerUri: "coaps://lwm2m.example.com",
};

describe("agent/credentials", () => {
  let world: AgentWorld;
  beforeEach(async () => {
    world = await createAgentWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const certificates = { serverCertificate: () => undefined, clientCertificate: async () => undefined };
  const keyOf = (connection: "server" | "bootstrap", identity: string) =>
    createCredentials(connection, { accounts: world.agent.accounts, certificates }).pskKey(identity);

  it("agent specification 2: each connection has identities of its own", async () => {
    await world.make("dev", both);
    assert.deepEqual(await keyOf("server", "id"), fromHex(KEY));
    assert.deepEqual(await keyOf("bootstrap", "id"), fromHex(BOOTSTRAP_KEY));
    assert.isUndefined(await keyOf("server", "other"));
  });

  for (const [name, identity] of [
    ["empty", ""],
    ["very long", "i".repeat(65_535)],
    ["with NUL", "id\0"],
    ["no text", "\ud800"],
  ] as const) {
    it(`an identity that is ${name} is not known`, async () => {
      await world.make("dev", both);
      assert.isUndefined(await keyOf("server", identity));
    });
  }

  it("what is switched off, or on its way out, lets nobody in", async () => {
    const { id } = await world.make("dev", both);
    await world.wait(
      world.agent.accounts.change(TENANT, id, before => ({
        ...before,
        bootstrap: { ...before.bootstrap, mode: "DISABLED" },
      })),
    );
    assert.isUndefined(await keyOf("bootstrap", "id"));
    await world.wait(world.agent.removeDevice(TENANT, id));
    assert.isUndefined(await keyOf("server", "id"));
  });

  it("certificates are those of the tenants", () => {
    const credentials = createCredentials("server", { accounts: world.agent.accounts, certificates });
    assert.equal(credentials.serverCertificate, certificates.serverCertificate);
    assert.equal(credentials.clientCertificate, certificates.clientCertificate);
  });
});

describe("agent/may-connect", () => {
  const nobody = undefined;
  const psk = (identity: string): PeerIdentity => ({ kind: "psk", identity });
  const x509 = (commonName: string, ...subjectAltNames: string[]): PeerIdentity => ({
    kind: "x509",
    commonName,
    subjectAltNames,
  });
  const rpk: PeerIdentity = { kind: "rpk", publicKey: Uint8Array.of(1) };
  const everybody = [nobody, psk("id"), psk("dev"), psk(""), x509("dev"), x509("Other", "dev"), x509("id"), rpk];

  const table: readonly [name: string, rule: Parameters<typeof mayConnect>[1], admitted: typeof everybody][] = [
    ["NO_SEC: without any identity alone", { mode: "NO_SEC" }, [nobody]],
    ["PSK: with exactly its identity", { mode: "PSK", pskIdentity: "id" }, [everybody[1]]],
    ["PSK without an identity: nobody", { mode: "PSK" }, []],
    ["X509: whose names hold the endpoint", { mode: "X509" }, [everybody[4], everybody[5]]],
    ["DISABLED: nobody", { mode: "DISABLED", pskIdentity: "id" }, []],
  ];
  for (const [name, rule, admitted] of table) {
    it(`agent specification 2, 6.2: ${name}`, () => {
      assert.deepEqual(
        everybody.filter(identity => mayConnect("dev", rule, identity)),
        admitted,
      );
    });
  }

  it("sessions end with a device whatever way it was to come: a certificate that names it opens the port as well", () => {
    const ended = (rule: Parameters<typeof mayConnect>[1]) =>
      everybody.filter(identity => identity && endsWith("dev", rule, identity));
    const named = [everybody[4], everybody[5]];
    assert.deepEqual(ended({ mode: "NO_SEC" }), named);
    assert.deepEqual(ended({ mode: "DISABLED" }), named);
    assert.deepEqual(ended({ mode: "X509" }), named);
    assert.deepEqual(ended({ mode: "PSK", pskIdentity: "id" }), [everybody[1], ...named]);
  });
});
