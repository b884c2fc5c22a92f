import { Ajv } from "ajv";
import { assert } from "chai";
import { csvName, DEVICE_FIELDS } from "../../src/agent/device-fields.ts";
import { readRegistration } from "../../src/agent/registration-body.ts";
import { readRegistrationCsv, SECURITY_COLUMNS } from "../../src/agent/registration-csv.ts";
import { REGISTRATION_EXAMPLES } from "../../src/agent/registration-examples.ts";
import { registrationForm, SECURITY_TEXTS } from "../../src/agent/registration-form.ts";
import { SECURITY_SCHEMAS } from "../../src/agent/security.ts";
import { MooringError } from "../../src/base/errors.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test reads members of whatever came
type Any = any;

const form = registrationForm(file => `http://host/${file}`)["c8y_DeviceRegistration"] as Any;
const pageOf = (title: string): Any => form.pages.find((page: Any) => page.title === title);

describe("agent/registration-form (agent specification 3.1)", () => {
  it("steps Device, Security, Bootstrap, Advanced; bulk with its examples", () => {
    assert.deepEqual(
      form.pages.map(({ title }: Any) => title),
      ["Device", "Security", "Bootstrap", "Advanced"],
    );
    assert.isString(form.title);
    assert.isString(form.bulk.title);
    assert.deepEqual(
      form.bulk.exampleFileUrls.map(({ title, url }: Any) => [title, url]),
      [
        ["Mandatory fields", "http://host/mandatory-fields.csv"],
        ["NO_SEC", "http://host/no-sec.csv"],
        ["PSK", "http://host/psk.csv"],
        ["General", "http://host/general.csv"],
      ],
    );
  });

  it("3.3: every field stands on one page, with title, description and default", () => {
    for (const field of DEVICE_FIELDS) {
      const pages = form.pages.filter(({ properties }: Any) => field.rest in properties);
      assert.deepEqual(
        pages.map(({ title }: Any) => title),
        [field.step],
        field.rest,
      );
      const property = pages[0].properties[field.rest];
      assert.isNotEmpty(property.title, field.rest);
      assert.isNotEmpty(property.description, field.rest);
      assert.equal(property.default, field.default, field.rest);
      assert.include(["integer", "boolean", "string"], property.type, field.rest);
    }
    assert.deepEqual(pageOf("Device").required, ["endpointId"]);
    assert.equal(pageOf("Device").properties.type.default, "c8y_lwm2m");
  });

  it("words of early releases are not offered", () => {
    assert.deepEqual(pageOf("Device").properties.logLevel.enum, ["NONE", "LIFECYCLE", "VERBOSE"]);
    assert.deepEqual(pageOf("Advanced").properties.binaryDeliveryEncoding.enum, ["OPAQUE", "TLV", "JSON", "TEXT"]);
    const { securityMode } = pageOf("Security").properties.serverSecurity.properties;
    assert.deepEqual(securityMode.enum, ["NO_SEC", "PSK", "X509", "DISABLED", "PSK_GENERATED"]);
  });

  it("2: every member of the security is asked for, with the mode that needs it", () => {
    for (const [part, schema] of Object.entries(SECURITY_SCHEMAS)) {
      const { properties, allOf, title } = pageOf("Security").properties[part];
      assert.isNotEmpty(title);
      const asked = { ...properties, ...Object.assign({}, ...allOf.map((each: Any) => each.then.properties)) };
      const members = Object.keys((schema as Any).properties);
      assert.sameMembers(Object.keys(asked), members);
      for (const member of members) {
        assert.deepInclude(asked[member], SECURITY_TEXTS[member], member);
        assert.equal(asked[member].type, "string", member);
      }
    }
  });

  /** The pages as one schema: what a filled-in form has to hold. */
  const schema = {
    type: "object",
    properties: Object.assign({}, ...form.pages.map(({ properties }: Any) => properties)),
    required: form.pages.flatMap(({ required = [] }: Any) => required),
    allOf: form.pages.flatMap(({ allOf = [] }: Any) => allOf),
  };
  // The strict mode of ours forbids what the draft allows: members that are named a level further up.
  const check = new Ajv({ strict: false }).compile(schema);

  const psk = { securityMode: "PSK", publicKeyOrId: "i", secretKey: "00" };
  const bootstrapPsk = { bootstrapSecurityMode: "PSK", bootstrapId: "b", bootstrapKey: "00" };
  const filled: [what: string, body: object, good: boolean][] = [
    ["NO_SEC", { serverSecurity: { securityMode: "NO_SEC" } }, true],
    ["PSK", { serverSecurity: psk }, true],
    ["PSK without a key", { serverSecurity: { securityMode: "PSK", publicKeyOrId: "i" } }, false],
    ["no mode", { serverSecurity: {} }, false],
    ["no security", {}, false],
    [
      "bootstrap by PSK without an identity",
      { serverSecurity: psk, bootstrapSecurity: { bootstrapSecurityMode: "PSK" } },
      false,
    ],
    ["a generated key without bootstrap", { serverSecurity: { securityMode: "PSK_GENERATED" } }, false],
    [
      "a generated key",
      {
        serverSecurity: { securityMode: "PSK_GENERATED" },
        bootstrapSecurity: bootstrapPsk,
        lwm2mServerUri: "coaps://host:5784",
      },
      true,
    ],
    ["a lifetime of 0", { serverSecurity: psk, registrationLifetime: 0 }, false],
    ["an unknown word", { serverSecurity: psk, bindingMode: "S" }, false],
  ];
  for (const [what, more, good] of filled) {
    it(`form and registration agree: ${what}`, () => {
      const body = { endpointId: "dev", ...more };
      assert.equal(check(body), good, "form");
      if (good) assert.equal(readRegistration(body).endpoint, "dev");
      else assert.throws(() => readRegistration(body), MooringError);
    });
  }

  it("all defaults of the form are what registration takes", () => {
    const defaults = Object.entries<Any>(schema.properties).flatMap(([name, { default: usual }]) =>
      usual === undefined ? [] : [[name, usual]],
    );
    const body = { endpointId: "dev", serverSecurity: { securityMode: "NO_SEC" }, ...Object.fromEntries(defaults) };
    assert.equal(readRegistration(body).endpoint, "dev");
  });
});

describe("agent/registration-examples (agent specification 3.1)", () => {
  for (const { title, content } of REGISTRATION_EXAMPLES) {
    it(`${title}: is a file that registers devices`, async () => {
      const rows = await readRegistrationCsv(Buffer.from(content));
      assert.isNotEmpty(rows);
      for (const { outcome } of rows) assert.notInstanceOf(outcome, MooringError, JSON.stringify(outcome));
    });
  }

  it("General has every column", () => {
    const header = REGISTRATION_EXAMPLES.at(-1)!.content.split("\r\n")[0]!.split(";");
    assert.deepEqual(header, ["endpoint id", "type", ...Object.keys(SECURITY_COLUMNS), ...DEVICE_FIELDS.map(csvName)]);
  });

  it("the others have what they need", () => {
    assert.equal(REGISTRATION_EXAMPLES[0]!.content, "endpoint id;securityMode\r\ndevice-1;NO_SEC\r\n");
    assert.equal(REGISTRATION_EXAMPLES[1]!.content.split("\r\n")[0], "endpoint id;type;securityMode;lwm2m server uri");
  });
});
