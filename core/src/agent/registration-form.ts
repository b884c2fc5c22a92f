/**
 * The form that a device is registered with, as JSON Schema (agent specification 3.1): derived from what the registration takes,
 * so that both always agree.
 */
import type { JsonSchema } from "../base/schema.ts";
import { DEVICE_FIELDS, type DeviceField, type FormStep, storedValue } from "./device-fields.ts";
import { DEVICE_TYPE, REGISTRATION_SCHEMA } from "./registration-body.ts";
import { REGISTRATION_EXAMPLES } from "./registration-examples.ts";
import { SECURITY_FIELDS, SECURITY_SCHEMAS } from "./security.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

interface Texts {
  readonly title: string;
  readonly description: string;
}

/** For people, by member. */
export const SECURITY_TEXTS: Readonly<Record<string, Texts>> = {
  serverSecurity: { title: "Server connection", description: "How the device connects to the LwM2M server" },
  securityMode: {
    title: "Security mode",
    description: "PSK_GENERATED makes a key up and writes it to the device in bootstrap",
  },
  publicKeyOrId: { title: "PSK identity", description: "1 to 128 bytes; no other device may have it" },
  secretKey: { title: "PSK key", description: "Two hexadecimal digits a byte, 1 to 64 bytes" },
  x509ClientCertificate: { title: "Client certificate", description: "PEM; written to the device in bootstrap" },
  x509ClientPrivateKey: { title: "Client private key", description: "PEM; written to the device in bootstrap" },
  x509CertificateUsage: { title: "Certificate usage", description: "How the device checks the server's certificate" },
  serverPublicKey: {
    title: "Server certificate",
    description: "Name of a server certificate that is written to the device in bootstrap",
  },
  bootstrapSecurity: { title: "Bootstrap connection", description: "How the device connects to the bootstrap server" },
  bootstrapSecurityMode: { title: "Security mode", description: "Without one as the server connection" },
  bootstrapId: { title: "PSK identity", description: "1 to 128 bytes; no other device may have it" },
  bootstrapKey: { title: "PSK key", description: "Two hexadecimal digits a byte, 1 to 64 bytes" },
};

const propertiesOf = (schema: JsonSchema): Readonly<Record<string, JsonSchema>> =>
  schema["properties"] as Readonly<Record<string, JsonSchema>>;

/** Without the ways in which a program may say that there is nothing, and without other spellings. */
function forPeople({ type, enum: words, patternRule: _, ...rest }: JsonSchema): JsonSchema {
  const single = Array.isArray(type) ? type[0] : type;
  const offered = (words as readonly unknown[] | undefined)?.filter(word => word && word !== "X.509");
  return { type: single, ...rest, ...(offered && { enum: offered }) };
}

const withTexts = (member: string, schema: JsonSchema): readonly [string, JsonSchema] => [
  member,
  { ...forPeople(schema), ...SECURITY_TEXTS[member] },
];

/** Mode first; what a mode needs is asked for with it. */
function connectionSchema(part: "serverSecurity" | "bootstrapSecurity"): JsonSchema {
  const { mode, identity, key } = SECURITY_FIELDS[part === "serverSecurity" ? "server" : "bootstrap"];
  const [modeMember, ...pskMembers] = [mode, identity, key].map(field => field.slice(part.length + 1));
  const members = new Map(Object.entries(propertiesOf(SECURITY_SCHEMAS[part]!)).map(each => withTexts(...each)));
  const pick = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, members.get(name)]));
  const ofCertificates = [...members.keys()].filter(name => name !== modeMember && !pskMembers.includes(name));
  const when = (value: string, then: JsonSchema): JsonSchema => ({
    if: { properties: { [modeMember!]: { const: value } }, required: [modeMember] },
    then,
  });
  return {
    type: "object",
    ...SECURITY_TEXTS[part],
    properties: pick([modeMember!]),
    ...(part === "serverSecurity" && { required: [modeMember] }),
    allOf: [
      when("PSK", { properties: pick(pskMembers), required: pskMembers }),
      ...(ofCertificates.length > 0 ? [when("X509", { properties: pick(ofCertificates) })] : []),
    ],
  };
}

/** A generated key reaches the device by bootstrap alone. */
const GENERATED_NEEDS_BOOTSTRAP: JsonSchema = {
  if: { properties: { serverSecurity: { properties: { securityMode: { const: "PSK_GENERATED" } } } } },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
  then: { required: ["bootstrapSecurity"], properties: { bootstrapSecurity: { required: ["bootstrapSecurityMode"] } } },
};

function valueSchema(field: DeviceField): JsonSchema {
  const { value } = field;
  switch (value.kind) {
    case "integer":
      return { type: "integer", minimum: value.least, maximum: value.most };
    case "boolean":
      return { type: "boolean" };
    case "text":
      return { type: "string" };
    case "choice":
      // Words of early releases stand for others today.
      return { type: "string", enum: value.values.filter(word => storedValue(field, word) === word) };
  }
}

function fieldsOf(step: FormStep): Readonly<Record<string, JsonSchema>> {
  const fields = DEVICE_FIELDS.filter(field => field.step === step);
  const schemas = fields.map(field => {
    const { title, description, default: usual } = field;
    return [field.rest, { ...valueSchema(field), title, description, ...(usual !== undefined && { default: usual }) }];
  });
  return Object.fromEntries(schemas);
}

const page = (title: string, properties: Readonly<Record<string, JsonSchema>>, more: JsonSchema = {}): JsonSchema => ({
  $schema: DIALECT,
  type: "object",
  title,
  properties,
  ...more,
});

const { endpointId, type } = propertiesOf(REGISTRATION_SCHEMA);

const PAGES: readonly JsonSchema[] = [
  page(
    "Device",
    {
      endpointId: {
        ...forPeople(endpointId!),
        title: "Endpoint",
        description: "Endpoint client name of the device; no other device may have it",
        examples: ["urn:imei:490154203237518"],
      },
      type: {
        ...forPeople(type!),
        title: "Type",
        description: "Type of the managed object, free to choose",
        default: DEVICE_TYPE,
      },
      ...fieldsOf("Device"),
    },
    { required: ["endpointId"] },
  ),
  page(
    "Security",
    { serverSecurity: connectionSchema("serverSecurity"), bootstrapSecurity: connectionSchema("bootstrapSecurity") },
    { required: ["serverSecurity"], allOf: [GENERATED_NEEDS_BOOTSTRAP] },
  ),
  page("Bootstrap", fieldsOf("Bootstrap")),
  page("Advanced", fieldsOf("Advanced")),
];

/** @param exampleUrl absolute address of an example file */
export function registrationForm(exampleUrl: (file: string) => string): Readonly<Record<string, unknown>> {
  const exampleFileUrls = REGISTRATION_EXAMPLES.map(({ file, title, description }) => ({
    title,
    description,
    url: exampleUrl(file),
  }));
  return {
    c8y_DeviceRegistration: {
      title: "LWM2M",
      description: "Registers a device that talks OMA Lightweight M2M",
      pages: PAGES,
      bulk: { title: "LWM2M bulk registration", exampleFileUrls },
    },
  };
}
