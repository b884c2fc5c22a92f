/** Files to begin with for whoever registers many devices (agent specification 3.1): made from the table of columns. */
import { csvName, DEVICE_FIELDS } from "./device-fields.ts";
import { DEVICE_TYPE } from "./registration-body.ts";
import { ENDPOINT, SECURITY_COLUMNS } from "./registration-csv.ts";

/** As `POST deviceRegistration` takes it. */
interface ExampleBody {
  readonly [member: string]: unknown;
  readonly endpointId: string;
  readonly serverSecurity: Readonly<Record<string, string>>;
  readonly bootstrapSecurity?: Readonly<Record<string, string>>;
}

export interface RegistrationExample {
  readonly file: string;
  readonly title: string;
  readonly description: string;
  /** CSV, UTF-8. */
  readonly content: string;
}

const SEPARATOR = ";";
const FIELDS = new Map(DEVICE_FIELDS.map(field => [csvName(field), field]));
const ALL_COLUMNS: readonly string[] = [ENDPOINT, "type", ...Object.keys(SECURITY_COLUMNS), ...FIELDS.keys()];

function cellOf(body: ExampleBody, column: string): string {
  if (column === ENDPOINT) return body.endpointId;
  const [part, member] = SECURITY_COLUMNS[column] ?? [];
  const value = part && member ? body[part]?.[member] : body[FIELDS.get(column)?.rest ?? column];
  return value === undefined ? "" : String(value);
}

/** @param columns undefined: those that a body says something to */
function csvOf(bodies: readonly ExampleBody[], columns?: readonly string[]): string {
  const header = columns ?? ALL_COLUMNS.filter(column => bodies.some(body => cellOf(body, column) !== ""));
  const rows = bodies.map(body => header.map(column => cellOf(body, column)));
  return [header, ...rows].map(cells => `${cells.join(SEPARATOR)}\r\n`).join("");
}

const mandatory: ExampleBody = { endpointId: "device-1", serverSecurity: { securityMode: "NO_SEC" } };
const noSec = (endpointId: string): ExampleBody => ({
  ...mandatory,
  endpointId,
  type: DEVICE_TYPE,
  lwm2mServerUri: "coap://lwm2m.example.com:5783",
});
const psk: ExampleBody = {
  endpointId: "device-1",
  type: DEVICE_TYPE,
  serverSecurity: {
    securityMode: "PSK",
    publicKeyOrId: "device-1",
    secretKey: "000102030405060708090A0B0C0D0E0F",
  },
  bootstrapSecurity: {
    bootstrapSecurityMode: "PSK",
    bootstrapId: "device-1-bootstrap",
    bootstrapKey: "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF",
  },
  lwm2mServerUri: "coaps://lwm2m.example.com:5784",
};
/** Says of each field what counts without it. */
const general: ExampleBody = {
  ...Object.fromEntries(DEVICE_FIELDS.map(field => [field.rest, field.default])),
  ...noSec("device-1"),
};

export const REGISTRATION_EXAMPLES: readonly RegistrationExample[] = [
  {
    file: "mandatory-fields.csv",
    title: "Mandatory fields",
    description: "What each device must have: its endpoint and how it is secured",
    content: csvOf([mandatory]),
  },
  {
    file: "no-sec.csv",
    title: "NO_SEC",
    description: "Devices that talk plain CoAP and are told of the server in bootstrap",
    content: csvOf([noSec("device-1"), noSec("device-2")]),
  },
  {
    file: "psk.csv",
    title: "PSK",
    description: "A device with a key for bootstrap and one for the server; its keys are an example, make others",
    content: csvOf([psk]),
  },
  {
    file: "general.csv",
    title: "General",
    description: "All columns; those that are left empty have their defaults",
    content: csvOf([general], ALL_COLUMNS),
  },
];
