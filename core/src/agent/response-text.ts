/** Answers of devices as operations show them (agent specification 10.3, result text). */
import { formatCode } from "../coap/codes.ts";
import type { ObjectLink } from "../lwm2m/codecs/link-format.ts";
import type { DeviceAnswer } from "../lwm2m/operations/requests.ts";
import { formatPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
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

/** `{"/3/0/0":"ACME"}`, in the order of the message. */
export const valuesText = (values: readonly ResourceValue[]): string =>
  JSON.stringify(Object.fromEntries(values.map(({ path, value }) => [formatPath(path), toJsonValue(value)])));

/** `{"/3/0/9":{"pmin":"10"}}` */
export const linksText = (links: readonly ObjectLink[]): string =>
  JSON.stringify(Object.fromEntries(links.map(({ path, attributes }) => [formatPath(path), attributes])));
