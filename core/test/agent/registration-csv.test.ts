import { readFileSync } from "node:fs";
import { assert } from "chai";
import { managedObjectBody } from "../../src/agent/registration-body.ts";
import { type CsvRow, readRegistrationCsv, readRemovalCsv } from "../../src/agent/registration-csv.ts";
import { encodeUtf8, fromHex } from "../../src/base/bytes.ts";
import { isFailure, MooringError } from "../../src/base/errors.ts";

const read = (...lines: string[]): Promise<CsvRow[]> => readRegistrationCsv(encodeUtf8(lines.join("\n")));
const shown = (rows: readonly CsvRow[]) =>
  rows.map(({ line, endpoint, outcome }) => [
    line,
    endpoint,
    outcome instanceof MooringError ? outcome.message : "good",
  ]);
const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/certificates/${name}`, import.meta.url), "utf8");
const draftOf = (row: CsvRow | undefined) => {
  assert(row && !(row.outcome instanceof MooringError), JSON.stringify(row));
  return row.outcome;
};

describe("agent/registration-csv", () => {
  for (const [name, delimiter] of [
    ["semicolon", ";"],
    ["comma", ","],
    ["tab", "\t"],
  ] as const) {
    it(`agent specification 3.2: separated by ${name}`, async () => {
      const line = (...cells: string[]) => cells.join(delimiter);
      const rows = await read(
        line("endpoint id", "type", "securityMode", "lwm2m server uri"),
        line("dev-1", "c8y_lwm2m", "NO_SEC", "coap://lwm2m.example.com:5783"),
      );
      const { endpoint, type, settings } = draftOf(rows[0]);
      assert.deepEqual(
        [endpoint, type, settings],
        ["dev-1", "c8y_lwm2m", { lwm2mServerUri: "coap://lwm2m.example.com:5783" }],
      );
    });
  }

  it("byte order mark, CRLF, blanks, quotes and empty lines", async () => {
    const rows = await readRegistrationCsv(
      encodeUtf8('\uFEFF endpoint id ; securityMode;"note"\r\n\r\n"dev;1" ; NO_SEC ;"a ""b"""\r\n'),
    );
    const draft = draftOf(rows[0]);
    assert.equal(draft.endpoint, "dev;1");
    assert.deepEqual(draft.fragments, { note: 'a "b"' });
  });

  it("typed columns, unset ones, and former log levels", async () => {
    const [row] = await read(
      "endpoint id;securityMode;registrationLifetime;awakeTimeRegistrationParameter;enableResourceLevelTimestamp;logLevel;bindingMode;binaryDeliveryEncoding;disableTimeout",
      "dev;NO_SEC;300;5000;TRUE;TRAFFIC;;whatever;true",
    );
    assert.deepEqual(draftOf(row).settings, {
      registrationLifetime: 300,
      awakeTimeRegistrationParameter: 5000,
      enableResourceLevelTimestamp: true,
      logLevel: "VERBOSE",
      binaryDeliveryEncoding: "OPAQUE",
    });
  });

  it("legacy columns and further external ids", async () => {
    const [row] = await read(
      "ID;IDTYPE;CREDENTIALS;NAME;TYPE;SHELL;com_cumulocity_model_Agent;endpoint id;lwm2m server uri;securityMode;external-c8y_Imei",
      "dev;c8y_Id;Passw0rd!Abcd;My device;c8y_lwm2m;1;1;dev;coap://lwm2m.example.com:5783;NO_SEC;350000",
    );
    const draft = draftOf(row);
    assert.equal(draft.name, "My device");
    assert.deepEqual(draft.externalIds, [{ type: "c8y_Imei", externalId: "350000" }]);
    assert.deepEqual(draft.fragments, {});
    assert.isTrue(draft.shell);
  });

  it("agent specification 3.2: the example of the known-good file", async () => {
    const [row] = await read(
      "endpoint id;type;securityMode;lwm2m server uri",
      "lwm2m_device01;c8y_lwm2m;NO_SEC;coap://lwm2m.example.com:5783",
    );
    const { endpoint, type, security } = draftOf(row);
    assert.deepEqual([endpoint, type], ["lwm2m_device01", "c8y_lwm2m"]);
    assert.deepEqual([security.server, security.bootstrap], [{ mode: "NO_SEC" }, { mode: "NO_SEC" }]);
  });

  it("agent specification 3.2: the example with pre-shared keys", async () => {
    const [row] = await read(
      "endpoint id;type;securityMode;bootstrapSecurityMode;lwm2m server uri;lwm2m psk_id;lwm2m psk_key;bootstrap psk_id;bootstrap psk_key",
      "psk_device;c8y_lwm2m;PSK;PSK;coaps://lwm2m.example.com:5784;psk_device;0011AABB;psk_device_bs;2233CCDD",
    );
    const { security } = draftOf(row);
    assert.deepEqual(security.server, { mode: "PSK", pskIdentity: "psk_device", pskKey: fromHex("0011aabb") });
    assert.deepEqual(security.bootstrap, { mode: "PSK", pskIdentity: "psk_device_bs", pskKey: fromHex("2233ccdd") });
  });

  it("agent specification 3.2: the example of the legacy form", async () => {
    const [row] = await read(
      "ID;IDTYPE;CREDENTIALS;NAME;TYPE;SHELL;com_cumulocity_model_Agent;endpoint id;lwm2m server uri;securityMode",
      "nosec_device;c8y_Id;Passw0rd!Abcd;nosec_device;c8y_lwm2m;1;1;nosec_device;coap://lwm2m.example.com:5783;NO_SEC",
    );
    const draft = draftOf(row);
    assert.deepEqual([draft.endpoint, draft.name, draft.type], ["nosec_device", "nosec_device", "c8y_lwm2m"]);
    assert.notInclude(JSON.stringify(draft), "Passw0rd");
  });

  it("platform API 12.3: the address of the server under its former name", async () => {
    const [row] = await read("endpoint id;lwm2m server url;securityMode", "dev;coap://lwm2m.example.com:5783;NO_SEC");
    assert.equal(draftOf(row).settings["lwm2mServerUri"], "coap://lwm2m.example.com:5783");
  });

  it("a certificate and its key may have lines of their own, in quotes, or be Base64 on one line", async () => {
    const [certificate, key] = [pem("device-1.pem"), pem("device-1.key.pem")];
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const rows = await read(
      "endpoint id;securityMode;x509ClientCertificate;x509ClientPrivateKey;x509CertificateUsage;serverPublicKey",
      `a;X509;"${certificate}";"${key}";DOMAIN_ISSUER_CERTIFICATE;default`,
      `b;X.509;${base64(certificate)};${base64(key)};;`,
    );
    assert.deepEqual(draftOf(rows[0]).security.server, {
      mode: "X509",
      clientCertificate: certificate.trim(),
      clientPrivateKey: key.trim(),
      certificateUsage: "DOMAIN_ISSUER_CERTIFICATE",
      serverCertificate: "default",
    });
    const { server } = draftOf(rows[1]).security;
    assert.deepEqual(server, { mode: "X509", clientCertificate: base64(certificate), clientPrivateKey: base64(key) });
  });

  it("what the platform's general file says besides", async () => {
    const [row] = await read(
      "endpoint id;securityMode;PATH;SHELL;ICCID;TENANT;AUTH_TYPE;ENROLLMENT_OTP;com_cumulocity_model_Agent.active;site.floor.name;colour",
      "dev;NO_SEC;Plant / Hall 1/Line 2;0;8949;t9;BASIC;0neTime;true;Top;red",
    );
    const draft = draftOf(row);
    assert.deepEqual(draft.groups, ["Plant", "Hall 1", "Line 2"]);
    assert.isFalse(draft.shell);
    assert.deepEqual(draft.fragments, {
      c8y_Mobile: { iccid: "8949" },
      com_cumulocity_model_Agent: { active: "true" },
      site: { floor: { name: "Top" } },
      colour: "red",
    });
    assert.deepEqual(
      managedObjectBody(draft, { manageAvailability: true, lifetimeSeconds: 86_400 })["c8y_SupportedOperations"],
      ["c8y_Firmware"],
    );
  });

  it("agent specification 21: external ids of PSK identities come by themselves, and may be named", async () => {
    const rows = await read(
      "endpoint id;securityMode;lwm2m psk_id;lwm2m psk_key;external-c8y_Lwm2mPskId;external-c8y_BootstrapPskId;external-c8y_Id",
      "a;PSK;id-a;00;id-a;bs-a;a",
      "b;PSK;id-b;00;other;;",
      "c;NO_SEC;;;;bs-c;",
      "d;NO_SEC;;;;;e",
    );
    assert.isEmpty(draftOf(rows[0]).externalIds);
    assert.isEmpty(draftOf(rows[2]).externalIds);
    assert.deepEqual(
      [rows[1], rows[3]].map(row => (row!.outcome as MooringError).message),
      ['external-c8y_Lwm2mPskId must equal "lwm2m psk_id"', 'external-c8y_Id must equal "endpoint id"'],
    );
  });

  const cells: readonly [column: string, cell: string, rule: string][] = [
    ["ID", "other", 'must equal "endpoint id"'],
    ["IDTYPE", "c8y_Serial", "must be c8y_Id"],
    ["CREDENTIALS", "", "is missing"],
    ["CREDENTIALS", "Passw0rd!Ab", "at least 12 characters"],
    ["CREDENTIALS", "passw0rd!abcd", "capital"],
    ["CREDENTIALS", "PASSW0RD!ABCD", "small letters"],
    ["CREDENTIALS", "Password!Abcd", "digits"],
    ["CREDENTIALS", "Passw0rdXAbcd", "others"],
    ["SHELL", "maybe", "must be 1 or 0"],
    ["com_cumulocity_model_Agent", "x", "must be 1 or 0"],
    ["PATH", "a//b", "must be names of groups"],
    ["PATH", "a/", "must be names of groups"],
    ["PATH", Array.from({ length: 21 }, () => "g").join("/"), "more than 20 groups"],
    ["__proto__", "x", "is no name of a property"],
    ["a.__proto__.b", "x", "is no name of a property"],
    ["a..b", "x", "is no name of a property"],
    ["lwm2m psk_id", "x", "must be empty for NO_SEC"],
    ["bootstrap psk_key", "00", "must be empty for NO_SEC"],
    ["x509ClientCertificate", "PEM", "must be empty for NO_SEC"],
    ["lwm2m server uri", "coaps://lwm2m.example.com:5784", "must begin with coap:// for NO_SEC"],
    ["bootstrapSecurityMode", "NO_SEC", "lwm2m server uri is missing"],
  ];
  for (const [column, cell, rule] of cells) {
    it(`bad input: ${column} "${cell.slice(0, 20)}" names the column`, async () => {
      const [row] = await read(`endpoint id;securityMode;${column}`, `dev;NO_SEC;${cell}`);
      assert(row?.outcome instanceof MooringError, "was taken");
      assert.include(row.outcome.message, rule);
      if (!rule.includes("is missing")) assert.isTrue(row.outcome.message.startsWith(column), row.outcome.message);
      if (column === "CREDENTIALS" && cell !== "") assert.notInclude(JSON.stringify(row.outcome.details), cell);
    });
  }

  it("columns that contradict each other", async () => {
    const rows = await read("endpoint id;securityMode;a;a.b", "dev;NO_SEC;1;2", "two;NO_SEC;;2");
    assert.include((rows[0]!.outcome as MooringError).message, 'a.b cannot be within "a"');
    assert.deepEqual(draftOf(rows[1]).fragments, { a: { b: "2" } });
    assert.isUndefined(({} as Record<string, unknown>)["b"]);
  });

  it("agent specification 3.1: of a file of devices to remove the endpoints count", async () => {
    const rows = await readRemovalCsv(encodeUtf8("note,endpoint id\nx,a\ny,\nz,a\nw,b"));
    assert.deepEqual(
      rows.map(({ line, outcome }) => [line, outcome instanceof MooringError ? outcome.message : outcome]),
      [
        [2, "a"],
        [3, "endpoint id is missing"],
        [4, "endpoint id stands in line 2 already"],
        [5, "b"],
      ],
    );
  });

  it("bad rows are told with line, endpoint and reason; good rows go on", async () => {
    const rows = await read(
      "endpoint id;securityMode;registrationLifetime;ID;lwm2m psk_id;x509ClientCertificate",
      "good-1;NO_SEC;;;;",
      ";NO_SEC;;;;",
      "bad-2;MAGIC;;;;",
      "bad-3;PSK;;;;",
      "bad-4;NO_SEC;soon;;;",
      "bad-5;NO_SEC;0;;;",
      "bad-6;NO_SEC;;other;;",
      "bad-7;NO_SEC;;;id;",
      "bad-8;NO_SEC;;;;PEM",
      "bad-9;NO_SEC",
      "bad-10;;;;;",
      "good-1;NO_SEC;;;;",
      "good-2;NO_SEC;;;;",
    );
    const lines = shown(rows);
    assert.deepEqual(
      lines.map(([line]) => line),
      Array.from({ length: 13 }, (_, i) => i + 2),
    );
    const expected = [
      "good",
      "endpoint id is missing",
      "securityMode must be one of",
      "lwm2m psk_id is missing: PSK needs it",
      "registrationLifetime must be a whole number",
      "registrationLifetime must be >= 1",
      'ID must equal "endpoint id"',
      "lwm2m psk_id must be empty for NO_SEC",
      "x509ClientCertificate must be empty for NO_SEC",
      "has 2 cells, the header 6",
      "securityMode is missing",
      "stands in line 2 already",
      "good",
    ];
    for (const [i, part] of expected.entries()) assert.include(String(lines[i]?.[2]), part);
  });

  it("an unclosed quote harms its own row and what it swallows, not the rows before", async () => {
    const rows = await read("endpoint id;securityMode", "a;NO_SEC", 'b;"NO_SEC', "c;NO_SEC");
    assert.deepEqual(
      rows.map(({ endpoint, outcome }) => [endpoint, outcome instanceof MooringError]),
      [
        ["a", false],
        ["", true],
      ],
    );
  });

  it("a quote in the middle of a cell harms its own row alone", async () => {
    const rows = await read("endpoint id;securityMode", "a;NO_SEC", 'b"x;NO_SEC', "c;NO_SEC");
    assert.deepEqual(
      rows.map(({ line, endpoint, outcome }) => [line, endpoint, outcome instanceof MooringError]),
      [
        [2, "a", false],
        [3, "", true],
        [4, "c", false],
      ],
    );
  });

  const files: readonly [name: string, bytes: Uint8Array, code: string, part: string][] = [
    ["empty", new Uint8Array(0), "VALIDATION", "file is empty"],
    ["no UTF-8", Uint8Array.of(0xff, 0xfe, 0x00), "VALIDATION", "UTF-8"],
    ["without endpoint id", encodeUtf8("type;securityMode\na;NO_SEC"), "VALIDATION", "endpoint id"],
    ["without securityMode", encodeUtf8("endpoint id\na"), "VALIDATION", "securityMode"],
    ["a column without name", encodeUtf8("endpoint id;;securityMode\na;b;NO_SEC"), "VALIDATION", "column 2"],
    ["of another spelling", encodeUtf8("Endpoint ID;securityMode"), "VALIDATION", 'did you mean "endpoint id"?'],
    [
      "with a secret under another spelling",
      encodeUtf8("endpoint id;securityMode;lwm2m PSK-key"),
      "VALIDATION",
      'names "lwm2m PSK-key": did you mean "lwm2m psk_key"?',
    ],
    [
      "with a name that only REST has",
      encodeUtf8("endpoint id;securityMode;lwm2mServerUri"),
      "VALIDATION",
      'did you mean "lwm2m server uri"?',
    ],
    ["a column twice", encodeUtf8("endpoint id;a;a;securityMode"), "VALIDATION", "twice"],
    ["of too many columns", encodeUtf8(`endpoint id;securityMode;${"a;".repeat(1000)}`), "VALIDATION", "1000 columns"],
    [
      "of too many rows",
      encodeUtf8(`endpoint id;securityMode\n${"a;b\n".repeat(120_000)}`),
      "TOO_LARGE",
      "100000 rows",
    ],
    ["too large", new Uint8Array(10 * 1024 * 1024 + 1), "TOO_LARGE", "larger"],
  ];
  for (const [name, bytes, code, part] of files) {
    it(`bad input: a file that is ${name}`, async () => {
      try {
        await readRegistrationCsv(bytes);
      } catch (error) {
        assert(isFailure(error));
        assert.equal(error.code, code);
        assert.include(error.message, part);
        return;
      }
      assert.fail("was taken");
    });
  }

  it("devices are served while a file of bad rows is read", async () => {
    let turns = 0;
    let more = true;
    const count = (): void => {
      turns++;
      if (more) setImmediate(count);
    };
    setImmediate(count);
    const rows = await read("endpoint id;securityMode", ...Array.from({ length: 5000 }, (_, i) => `dev-${i};NONE`));
    more = false;
    assert.equal(rows.length, 5000);
    // The file has two slices of bytes; the rest of the turns came between its rows.
    assert.isAbove(turns, 20);
  });

  it("ten thousand rows", async () => {
    const rows = await read("endpoint id;securityMode", ...Array.from({ length: 10_000 }, (_, i) => `dev-${i};NO_SEC`));
    assert.equal(rows.length, 10_000);
    assert.equal(rows.at(-1)?.line, 10_001);
  });
});
