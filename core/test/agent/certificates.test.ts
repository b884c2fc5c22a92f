import { X509Certificate } from "node:crypto";
import { assert } from "chai";
import { type Certificates, createCertificates } from "../../src/agent/certificates.ts";
import type { ConnectionMode, DeviceAccounts } from "../../src/agent/device-accounts.ts";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox } from "../../src/base/secret-box.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { TENANT_OPTIONS } from "../../src/store/collections/tenants.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { createTenantOptions, type TenantOptions } from "../../src/tenants/tenant-options.ts";
import { createTrustedCertificates, type TrustedCertificates } from "../../src/tenants/trusted-certificates.ts";
import { certificate, chainPem, keyPem, NOW_MS, pem } from "../x509/support/certificates.ts";

const CATEGORY = "lwm2m-agent";
const CERTIFICATE = "dtls.x509.certificate.";
const KEY = "credentials.dtls.x509.certificateKey.";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const secretBox = (fill: number) => createSecretBox(new Uint8Array(32).fill(fill), createSeededRandom(3));
const at = (nowMs: number): ManualClock => createManualClock(nowMs);

describe("agent/certificates", () => {
  let store: Store;
  let options: TenantOptions;
  let trusted: TrustedCertificates;
  let certificates: Certificates;
  let log: ReturnType<typeof createRecordingLog>;
  const devices = new Map<string, { tenant: string; mode: ConnectionMode }>();

  const accounts = {
    async find(endpoint: string): Promise<DeviceAccounts | undefined> {
      const known = devices.get(endpoint);
      if (!known) return undefined;
      const server = { id: "0", security: { mode: known.mode } };
      return {
        endpoint,
        tenant: known.tenant,
        deviceId: "1",
        bootstrap: { mode: "NO_SEC" },
        servers: [server],
      } as unknown as DeviceAccounts;
    },
  };

  async function open(fill = 1, nowMs = NOW_MS): Promise<void> {
    const clock = at(nowMs);
    options = createTenantOptions({ store, secrets: secretBox(fill) });
    trusted = createTrustedCertificates({ store, clock });
    certificates = await createCertificates({ options, trusted, accounts, firstTenant: "t1", clock, log });
  }

  beforeEach(async () => {
    log = createRecordingLog();
    devices.clear();
    store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock: at(NOW_MS), host: "inline" });
    await open();
  });
  afterEach(() => store.close());

  const pair = (file: string, name = "default", chain = pem(file)): Record<string, string> => ({
    [CERTIFICATE + name]: base64(chain),
    [KEY + name]: base64(keyPem(file)),
  });
  const set = (values: Record<string, string>, tenant = "t1") => options.set(tenant, CATEGORY, values);
  const served = (serverName?: string): string | undefined => {
    const found = certificates.serverCertificate(serverName);
    return found && new X509Certificate(found.chain[0]!).subject;
  };
  const refusal = async (values: Record<string, string>): Promise<{ field: unknown; rule: string }> => {
    const error = await set(values).then(
      () => assert.fail("was stored"),
      (thrown: unknown) => thrown,
    );
    assert.instanceOf(error, MooringError);
    const { code, details } = error as MooringError;
    assert.equal(code, "VALIDATION");
    return { field: details["field"], rule: String(details["rule"]) };
  };

  describe("of the server (agent specification 2)", () => {
    it("none: nothing is offered", () => {
      assert.isUndefined(certificates.serverCertificate(undefined));
      assert.deepEqual(certificates.serverCertificateNames(), []);
    });

    it("one after the other, in force with the second", async () => {
      const { [`${CERTIFICATE}default`]: first, [`${KEY}default`]: second } = pair("server");
      await set({ [`${CERTIFICATE}default`]: first! });
      assert.isUndefined(served());
      await set({ [`${KEY}default`]: second! });
      assert.equal(served(), "CN=localhost");
      const { chain, privateKey, subjectPublicKeyInfo } = certificates.serverCertificate(undefined)!;
      assert.lengthOf(chain, 1);
      assert.equal(privateKey.asymmetricKeyType, "ec");
      const spki = certificate("server").publicKey.export({ type: "spki", format: "der" });
      assert.deepEqual(Buffer.from(subjectPublicKeyInfo), spki);
    });

    it("PEM as it is counts too; a chain is served whole, leaf first", async () => {
      const chain = chainPem("server-intermediate", "intermediate");
      await set({ [`${CERTIFICATE}default`]: chain, [`${KEY}default`]: keyPem("server-intermediate") });
      assert.deepEqual(
        certificates.serverCertificate(undefined)!.chain.map(der => new X509Certificate(der).subject),
        ["CN=chain.example.com", "CN=Mooring Test Intermediate CA"],
      );
    });

    it("RFC 6066 3: by the name that the client asks for, else the default", async () => {
      await set({ ...pair("server"), ...pair("server-example", "example") });
      assert.equal(served(), "CN=localhost");
      assert.equal(served("BOOTSTRAP.example.com"), "CN=lwm2m.example.com");
      assert.equal(served("lwm2m.example.com"), "CN=lwm2m.example.com");
      assert.equal(served("example.com"), "CN=localhost");
      assert.deepEqual(certificates.serverCertificateNames(), ["default", "example"]);
      assert.deepEqual(certificates.serverCertificateDer("example"), certificate("server-example").der);
      assert.isUndefined(certificates.serverCertificateDer("other"));
    });

    it("those of the management tenant count first; those of further tenants never", async () => {
      await set(pair("server-example"), "t2");
      assert.isUndefined(served());
      await set(pair("server"), "t1");
      assert.equal(served(), "CN=localhost");
      await set(pair("server-example"), "management");
      assert.equal(served(), "CN=lwm2m.example.com");
      await options.delete("management", CATEGORY, `${KEY}default`);
      assert.equal(served(), "CN=localhost");
    });

    it("both halves are replaced in one request; a half alone is refused and what is in force stays", async () => {
      await set(pair("server"));
      const half = await refusal({ [`${CERTIFICATE}default`]: base64(pem("server-example")) });
      assert.equal(half.field, `${CERTIFICATE}default`);
      assert.match(half.rule, /does not belong to .* put both in one request/);
      assert.equal(served(), "CN=localhost");
      await set(pair("server-example"));
      assert.equal(served(), "CN=lwm2m.example.com");
    });

    it("is read at the start, the key is sealed at rest", async () => {
      await set(pair("server"));
      await open();
      assert.equal(served(), "CN=localhost");
      const stored = await store.collection(TENANT_OPTIONS).find({ tenant: "t1" }, { limit: 10 });
      const text = JSON.stringify(stored);
      assert.notInclude(text, base64(keyPem("server")).slice(0, 40));
    });

    it("another secret key: told, the others are served", async () => {
      await set(pair("server"));
      await open(2);
      assert.isUndefined(served());
      assert.deepInclude(
        log.lines.map(({ event }) => event),
        "certificate.option-unreadable",
      );
      await set(pair("server-example", "example"));
      assert.equal(served("lwm2m.example.com"), "CN=lwm2m.example.com");
    });

    it("one that expires meanwhile is served all the same, and told", async () => {
      await set(pair("server"));
      await open(1, Date.UTC(2200, 0, 1));
      assert.equal(served(), "CN=localhost");
      assert.deepInclude(
        log.lines.map(({ event }) => event),
        "certificate.server-expired",
      );
    });

    const with_ = (file: string, chain?: string) => () => pair(file, "default", chain);
    const refused: [what: string, values: () => Record<string, string>, field: string, rule: RegExp][] = [
      ["no PEM", () => ({ [`${CERTIFICATE}default`]: "%%%" }), `${CERTIFICATE}default`, /Base64/],
      ["empty", () => ({ [`${CERTIFICATE}default`]: "" }), `${CERTIFICATE}default`, /Base64/],
      ["no key", () => ({ [`${KEY}default`]: base64(pem("server")) }), `${KEY}default`, /no private key/],
      [
        "the key of another one",
        () => ({ ...pair("server"), [`${KEY}default`]: base64(keyPem("ca")) }),
        `${KEY}default`,
        /belong/,
      ],
      ["RSA", with_("server-rsa"), `${CERTIFICATE}default`, /P-256 or P-384/],
      ["an RSA key", () => ({ [`${KEY}x`]: base64(keyPem("server-rsa")) }), `${KEY}x`, /P-256 or P-384/],
      ["P-521", with_("server-p521"), `${CERTIFICATE}default`, /P-256 or P-384/],
      ["signed with RSA", with_("server-rsa-issued"), `${CERTIFICATE}default`, /ECDSA/],
      ["a client's", with_("device-1"), `${CERTIFICATE}default`, /not for servers/],
      ["expired", with_("device-expired"), `${CERTIFICATE}default`, /expired at 2021/],
      ["may not sign", with_("device-no-signature"), `${CERTIFICATE}default`, /keyUsage/],
      [
        "a chain in the wrong order",
        with_("server-intermediate", chainPem("server-intermediate", "ca", "intermediate")),
        `${CERTIFICATE}default`,
        /number 1 was not issued by number 2/,
      ],
      ["a name that is none", () => pair("server", "a b"), `${CERTIFICATE}a b`, /name of 1 to 100/],
      [
        "a key that would stand in the clear",
        () => ({ "dtls.x509.certificateKey.default": base64(keyPem("server")) }),
        "dtls.x509.certificateKey.default",
        /stored sealed/,
      ],
    ];
    for (const [what, values, field, rule] of refused) {
      it(`refused: ${what}`, async () => {
        const found = await refusal(values());
        assert.equal(found.field, field);
        assert.match(found.rule, rule);
        assert.deepEqual(await options.list("t1"), []);
      });
    }

    describe("for firmware over HTTPS", () => {
      const FIRMWARE = "firmware.x509.certificate.default";
      const FIRMWARE_KEY = "credentials.firmware.x509.certificateKey.default";
      const firmwarePair = (file: string) => ({ [FIRMWARE]: base64(pem(file)), [FIRMWARE_KEY]: base64(keyPem(file)) });

      for (const file of ["server", "server-rsa"]) {
        it(`${file} is taken, and serves no handshake of DTLS`, async () => {
          await set(firmwarePair(file));
          assert.equal((await options.ofCategory("t1", CATEGORY))[FIRMWARE_KEY], "<<Encrypted>>");
          assert.isUndefined(served());
          assert.deepEqual(certificates.serverCertificateNames(), []);
        });
      }

      it("who follows it is told at once and of each change, and when it is taken away", async () => {
        const told: (string | undefined)[] = [];
        await set(firmwarePair("server"));
        certificates.followFirmware(given => told.push(given && new X509Certificate(given.chain[0]!).subject));
        await set(firmwarePair("server-rsa"));
        await options.delete("t1", CATEGORY, FIRMWARE);
        assert.deepEqual(told, ["CN=localhost", "CN=localhost", undefined]);
        await open();
        certificates.followFirmware(given => told.push(given && "again"));
        assert.isUndefined(told.at(-1));
      });

      const refusedForFirmware: [what: string, values: () => Record<string, string>, field: string, rule: RegExp][] = [
        ["no PEM", () => ({ [FIRMWARE]: "%%%" }), FIRMWARE, /Base64/],
        [
          "the key of another one",
          () => ({ ...firmwarePair("server"), [FIRMWARE_KEY]: base64(keyPem("ca")) }),
          FIRMWARE_KEY,
          /belong/,
        ],
        ["P-521", () => firmwarePair("server-p521"), FIRMWARE, /or an RSA key of 2048 bits/],
        ["expired", () => firmwarePair("device-expired"), FIRMWARE, /expired at 2021/],
        ["a client's", () => firmwarePair("device-1"), FIRMWARE, /not for servers/],
        [
          "another name",
          () => ({ "firmware.x509.certificate.other": base64(pem("server")) }),
          "firmware.x509.certificate.other",
          /must end in default/,
        ],
        [
          "a key that would stand in the clear",
          () => ({ "firmware.x509.certificateKey.default": base64(keyPem("server")) }),
          "firmware.x509.certificateKey.default",
          /stored sealed/,
        ],
      ];
      for (const [what, values, field, rule] of refusedForFirmware) {
        it(`refused: ${what}`, async () => {
          const found = await refusal(values());
          assert.equal(found.field, field);
          assert.match(found.rule, rule);
          assert.deepEqual(await options.list("t1"), []);
        });
      }
    });

    it("other options of the category are none of its business", async () => {
      await set({ anything: "goes" });
      assert.deepEqual(await options.ofCategory("t1", CATEGORY), { anything: "goes" });
    });
  });

  describe("of devices (agent specification 2)", () => {
    const trust = (tenant: string, ...names: readonly string[]) =>
      trusted.create(
        tenant,
        names.map(name => ({ certInPemFormat: pem(name), status: "ENABLED" })),
      );
    const proves = (...chain: readonly string[]) =>
      certificates.clientCertificate(chain.map(name => new X509Certificate(pem(name))));
    const device = (endpoint: string, tenant = "t1", mode: ConnectionMode = "X509") =>
      void devices.set(endpoint, { tenant, mode });
    const identity = (commonName: string, ...subjectAltNames: readonly string[]) => ({
      kind: "x509",
      commonName,
      subjectAltNames,
    });

    it("by its common name", async () => {
      await trust("t1", "ca");
      device("x509-device-1");
      assert.deepEqual(await proves("device-1"), identity("x509-device-1"));
    });

    it("by its alternative name: a common name that is no endpoint names nobody", async () => {
      await trust("t1", "ca");
      device("urn:x509:device-san");
      assert.deepEqual(await proves("device-san"), identity("urn:x509:device-san"));
      device("device-san.example");
      assert.deepEqual(await proves("device-san"), identity("urn:x509:device-san", "device-san.example"));
    });

    it("through an intermediate CA, without a common name", async () => {
      await trust("t1", "ca");
      device("x509-device-intermediate");
      device("urn:x509:device-no-cn");
      assert.deepEqual(await proves("device-intermediate", "intermediate"), identity("x509-device-intermediate"));
      assert.deepEqual(await proves("device-no-cn"), identity("urn:x509:device-no-cn"));
    });

    it("a CA that one tenant trusts names no device of another one", async () => {
      await trust("t1", "ca");
      await trust("t2", "other-ca");
      device("x509-device-1", "t1");
      device("urn:x509:of-another-tenant", "t2");
      device("device-2.example", "t1");
      assert.deepEqual(await proves("device-two-tenants"), identity("x509-device-1", "device-2.example"));
      assert.isUndefined(await proves("device-stranger"));
      devices.delete("x509-device-1");
      devices.delete("device-2.example");
      assert.isUndefined(await proves("device-two-tenants"));
    });

    it("a device of no account, or one that uses no certificates, is not let in", async () => {
      await trust("t1", "ca");
      assert.isUndefined(await proves("device-1"));
      for (const mode of ["PSK", "NO_SEC", "DISABLED"] as const) {
        device("x509-device-1", "t1", mode);
        assert.isUndefined(await proves("device-1"), mode);
      }
    });

    const refused: readonly (readonly [what: string, ...chain: string[]])[] = [
      ["another CA", "device-stranger"],
      ["expired", "device-expired"],
      ["a missing intermediate CA", "device-intermediate"],
      ["self-signed", "device-self-signed"],
      ["an issuer that is no CA", "device-not-ca", "intermediate-not-ca"],
      ["a server's", "device-server-use"],
    ];
    for (const [what, ...chain] of refused) {
      it(`refused: ${what}`, async () => {
        await trust("t1", "ca");
        device(certificate(chain[0]!).commonName!);
        assert.isUndefined(await proves(...chain));
        assert.deepInclude(
          log.lines.map(({ event }) => event),
          "certificate.refused",
        );
      });
    }

    it("a CA that is disabled or deleted is trusted no more, without a restart", async () => {
      const { fingerprint } = (await trust("t1", "ca"))[0]!;
      const withdrawn: string[] = [];
      trusted.onWithdrawn(async tenant => void withdrawn.push(tenant));
      device("x509-device-1");
      assert.isDefined(await proves("device-1"));
      await trusted.update("t1", fingerprint, { status: "DISABLED" });
      assert.isUndefined(await proves("device-1"));
      await trusted.update("t1", fingerprint, { status: "ENABLED" });
      assert.isDefined(await proves("device-1"));
      await trusted.delete("t1", fingerprint);
      assert.isUndefined(await proves("device-1"));
      assert.deepEqual(withdrawn, ["t1", "t1"]);
    });

    it("no chain, and a chain that cannot be read, prove nothing", async () => {
      await trust("t1", "ca");
      assert.isUndefined(await certificates.clientCertificate([]));
    });
  });
});
