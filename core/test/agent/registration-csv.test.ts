import { assert } from "chai";
import { managedObjectBody, readRegistration } from "../../src/agent/registration-body.ts";
import { type CsvRow, readRegistrationCsv } from "../../src/agent/registration-csv.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure, MooringError } from "../../src/base/errors.ts";

const read = (...lines: string[]): Promise<CsvRow[]> => readRegistrationCsv(encodeUtf8(lines.join("\n")));
const shown = (rows: readonly CsvRow[]) =>
  rows.map(({ line, endpoint, outcome }) => [
    line,
    endpoint,
    outcome instanceof MooringError ? outcome.message : "good",
  ]);
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
      "serverSecurity.securityMode",
      "PSK needs DTLS, which this version does not have",
      "registrationLifetime must be a whole number",
      "registrationLifetime must be >= 1",
      'ID must equal "endpoint id"',
      "serverSecurity.publicKeyOrId must be empty for NO_SEC",
      "x509ClientCertificate needs DTLS",
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
    ["empty", new Uint8Array(0), "VALIDATION", "header"],
    ["no UTF-8", Uint8Array.of(0xff, 0xfe, 0x00), "VALIDATION", "UTF-8"],
    ["without endpoint id", encodeUtf8("type;securityMode\na;NO_SEC"), "VALIDATION", "endpoint id"],
    ["without securityMode", encodeUtf8("endpoint id\na"), "VALIDATION", "securityMode"],
    ["a column without name", encodeUtf8("endpoint id;;securityMode\na;b;NO_SEC"), "VALIDATION", "column 2"],
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
    assert.deepEqual(managedObjectBody(draft, true), {
      name: "urn:my:device",
      type: "c8y_lwm2m",
      c8y_IsDevice: {},
      c8y_IsLwm2mDevice: {},
      com_cumulocity_model_Agent: {},
      c8y_SupportedOperations: ["c8y_Command"],
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

  it("agent specification 6.5: required interval at creation", () => {
    const interval = (body: object, manage = true) =>
      managedObjectBody(readRegistration({ ...valid, ...body }), manage)["c8y_RequiredAvailability"];
    assert.deepEqual(interval({}), { responseInterval: 7202 });
    assert.deepEqual(interval({ registrationLifetime: 61 }), { responseInterval: 4 });
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
    ["empty endpoint", { ...valid, endpointId: "" }, "endpointId"],
    ["endpoint that is no text", { ...valid, endpointId: 5 }, "endpointId"],
    ["endpoint with a control character", { ...valid, endpointId: "a\u0000" }, "endpointId"],
    ["no security", { endpointId: "a" }, "serverSecurity"],
    ["no mode", { endpointId: "a", serverSecurity: {} }, "serverSecurity.securityMode"],
    ["unknown mode", { endpointId: "a", serverSecurity: { securityMode: "X" } }, "serverSecurity.securityMode"],
    ["PSK", { endpointId: "a", serverSecurity: { securityMode: "PSK" } }, "serverSecurity.securityMode"],
    ["X.509", { endpointId: "a", serverSecurity: { securityMode: "X.509" } }, "serverSecurity.securityMode"],
    [
      "PSK for bootstrap",
      { ...valid, bootstrapSecurity: { bootstrapSecurityMode: "PSK" } },
      "bootstrapSecurity.bootstrapSecurityMode",
    ],
    [
      "a key without security",
      { endpointId: "a", serverSecurity: { securityMode: "NO_SEC", secretKey: "00" } },
      "serverSecurity.secretKey",
    ],
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

  it("PSK is refused with the reason", () => {
    assert.throws(
      () => readRegistration({ endpointId: "a", serverSecurity: { securityMode: "PSK" } }),
      "serverSecurity.securityMode PSK needs DTLS, which this version does not have",
    );
  });
});
