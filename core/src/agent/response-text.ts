/**
 * Answers of devices as operations show them (agent specification 10.3, result text). The first line is the response code with its name,
 * after a colon what the device said about an error; where nothing was sent it is `0.00 Nothing sent`. What follows is one line of JSON:
 * - reads and observations: `{"/3/0/0":"ACME","/3/0/13":1700000000}`, every value under its path; opaque bytes as hexadecimal digits,
 *   object links as `3:0`, times as seconds, integers past 2^53 as text;
 * - discover: the attributes under each path; create: the new instance; coap: the payload; a canceled observation: `{"forgotten":[paths]}`.
 * An operation of several lines has `3 operations` and `{"operations":[ids]}`. What was no command is shown with carets under the word, and as
 * `c8y_Command.error`: `{"code":"VALIDATION","word":"/x","position":6,"length":2,"rule":"..."}`.
 */
import { decodeUtf8, toHex } from "../base/bytes.ts";
import { formatCode } from "../coap/codes.ts";
import type { ObjectLink } from "../lwm2m/codecs/link-format.ts";
import type { DeviceAnswer, RawAnswer } from "../lwm2m/operations/requests.ts";
import { formatPath } from "../lwm2m/path.ts";
import type { ResourceValue, ScalarValue } from "../lwm2m/resource-value.ts";
import { toJsonValue } from "../mapping/value-conversion.ts";

/** Names of response codes (RFC 7252 table 6, RFC 7959, RFC 8132). */
const NAMES: Readonly<Record<string, string>> = {
  "2.01": "Created",
  "2.02": "Deleted",
  "2.03": "Valid",
  "2.04": "Changed",
  "2.05": "Content",
  "4.00": "Bad Request",
  "4.01": "Unauthorized",
  "4.02": "Bad Option",
  "4.03": "Forbidden",
  "4.04": "Not Found",
  "4.05": "Method Not Allowed",
  "4.06": "Not Acceptable",
  "4.08": "Request Entity Incomplete",
  "4.09": "Conflict",
  "4.12": "Precondition Failed",
  "4.13": "Request Entity Too Large",
  "4.15": "Unsupported Content-Format",
  "4.22": "Unprocessable Entity",
  "4.29": "Too Many Requests",
  "5.00": "Internal Server Error",
  "5.01": "Not Implemented",
  "5.02": "Bad Gateway",
  "5.03": "Service Unavailable",
  "5.04": "Gateway Timeout",
};

/** What devices say, as every store keeps it, and no longer than so: C programs send the end marks of their texts. */
export function storable(text: string, longest: number): string {
  const clean = text.replace(/\0+$/, "").replaceAll("\0", "\ufffd").toWellFormed();
  return clean.length <= longest ? clean : `${clean.slice(0, longest)}...`;
}

/** `2.05 Content`; with what the device said about an error after a colon. */
export function statusText({ code, text }: Pick<DeviceAnswer, "code" | "text">): string {
  const number = formatCode(code);
  const status = NAMES[number] ? `${number} ${NAMES[number]}` : number;
  return text ? `${status}: ${text}` : status;
}

/** Hexadecimal digits, or `[12, 32]` as text, the form of early agents (agent specification 10.3). */
export type BinaryForm = "hex" | "legacy";

const shown = (value: ScalarValue, form: BinaryForm) =>
  form === "legacy" && value instanceof Uint8Array ? `[${[...value].join(", ")}]` : toJsonValue(value);

const byPath = (values: readonly ResourceValue[], form: BinaryForm) =>
  Object.fromEntries(values.map(({ path, value }) => [formatPath(path), shown(value, form)]));

/** `{"/3/0/0":"ACME"}`, in the order of the message. */
export const valuesText = (values: readonly ResourceValue[], form: BinaryForm): string =>
  JSON.stringify(byPath(values, form));

/** `{"/3/0/9":{"pmin":"10"}}` */
export const linksText = (links: readonly ObjectLink[]): string =>
  JSON.stringify(Object.fromEntries(links.map(({ path, attributes }) => [formatPath(path), attributes])));

/**
 * Of the `coap` command: `{"contentFormat":0,"payloadHex":"3233","text":"23","values":{"/3/0/9":23}}`; `text` where the payload is printable,
 * `values` where it could be read as LwM2M.
 */
export function rawText({ contentFormat, locationPath, payload, values }: RawAnswer, form: BinaryForm): string {
  const text = decodeUtf8(payload);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const isPrintable = text !== undefined && text !== "" && !/[\u0000-\u0008\u000e-\u001f]/.test(text);
  return JSON.stringify({
    ...(contentFormat !== undefined && { contentFormat }),
    ...(locationPath && { location: `/${locationPath.join("/")}` }),
    payloadHex: toHex(payload),
    ...(isPrintable && { text }),
    ...(values && { values: byPath(values, form) }),
  });
}
